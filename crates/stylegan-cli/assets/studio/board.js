// The board: a label map that is drawn with a brush, filled, undone.

import { h } from "./elements.js";

const MOST_UNDO = 50;

/** A board of so many pixels; `changed()` is told after each change, also within a stroke. */
export function makeBoard({ width, height, colours, changed }) {
  let classes = new Uint8Array(width * height);
  let [past, future] = [[], []];
  let [brush, size, filling] = [0, Math.max(1, Math.round(width / 12)), false];
  let [last, cursor] = [null, { x: Math.floor(width / 2), y: Math.floor(height / 2) }];
  const canvas = h("canvas", {
    width, height, tabIndex: 0, role: "application", className: "board",
    "aria-label": "The map. Arrow keys move the brush, space draws, F fills, Control Z undoes.",
  });
  const mark = h("div", { className: "mark", hidden: true });
  const element = h("div", { className: "board-frame" }, canvas, mark);
  const to = canvas.getContext("2d");
  const image = to.createImageData(width, height);
  // A pixel as one number, and the colour of each class as such: a large map is drawn within a frame.
  const pixels = new Uint32Array(image.data.buffer);
  const palette = new Uint32Array(Uint8Array.from(Array.from({ length: 256 }, (_, i) => [...(colours[i] ?? [128, 128, 128]), 255]).flat()).buffer);

  function draw() {
    for (let i = 0; i < pixels.length; i++) pixels[i] = palette[classes[i]];
    to.putImageData(image, 0, 0);
  }

  function remember() {
    past.push(classes.slice());
    if (past.length > MOST_UNDO) past.shift();
    future = [];
  }

  function disc(cx, cy) {
    const r = size / 2;
    for (let y = Math.max(0, Math.floor(cy - r)); y <= Math.min(height - 1, cy + r); y++) {
      for (let x = Math.max(0, Math.floor(cx - r)); x <= Math.min(width - 1, cx + r); x++) {
        if (Math.hypot(x + 0.5 - cx, y + 0.5 - cy) <= Math.max(r, 0.71)) classes[y * width + x] = brush;
      }
    }
  }

  function line(from, end) {
    const steps = Math.max(1, Math.ceil(Math.hypot(end.x - from.x, end.y - from.y) / Math.max(1, size / 4)));
    for (let i = 0; i <= steps; i++) disc(from.x + ((end.x - from.x) * i) / steps, from.y + ((end.y - from.y) * i) / steps);
  }

  /** All that hangs together with this pixel and is of its class. */
  function flood(x, y) {
    const old = classes[y * width + x];
    if (old === brush) return;
    const stack = [y * width + x];
    while (stack.length) {
      const at = stack.pop();
      if (classes[at] !== old) continue;
      classes[at] = brush;
      const column = at % width;
      if (column > 0) stack.push(at - 1);
      if (column < width - 1) stack.push(at + 1);
      if (at >= width) stack.push(at - width);
      if (at < classes.length - width) stack.push(at + width);
    }
  }

  function done() {
    draw();
    changed();
  }

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * width, y: ((event.clientY - box.top) / box.height) * height };
  };
  const pixel = ({ x, y }) => [Math.max(0, Math.min(width - 1, Math.floor(x))), Math.max(0, Math.min(height - 1, Math.floor(y)))];

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    remember();
    const here = place(event);
    if (filling) flood(...pixel(here));
    else {
      line(here, here);
      last = here;
    }
    done();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    const here = place(event);
    line(last, here);
    last = here;
    done();
  });
  const lift = () => { last = null; };
  canvas.addEventListener("pointerup", lift);
  canvas.addEventListener("pointercancel", lift);

  function showMark() {
    mark.hidden = document.activeElement !== canvas || !canvas.matches(":focus-visible");
    const side = (100 * size) / width;
    Object.assign(mark.style, { width: `${side}%`, left: `${(100 * cursor.x) / width - side / 2}%`, top: `${(100 * cursor.y) / height - (side * width) / height / 2}%` });
  }
  canvas.addEventListener("focus", showMark);
  canvas.addEventListener("blur", showMark);
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const step = event.shiftKey ? 1 : Math.max(1, Math.round(size / 2));
    if (event.ctrlKey || event.metaKey) {
      if (event.key.toLowerCase() === "z") (event.shiftKey ? redo : undo)();
      else if (event.key.toLowerCase() === "y") redo();
      else return;
    } else if (by) {
      cursor = { x: Math.max(0, Math.min(width - 1, cursor.x + by[0] * step)), y: Math.max(0, Math.min(height - 1, cursor.y + by[1] * step)) };
      showMark();
    } else if (event.key === " " || event.key === "Enter") {
      remember();
      disc(cursor.x, cursor.y);
      done();
    } else if (event.key.toLowerCase() === "f") {
      remember();
      flood(...pixel(cursor));
      done();
    } else return;
    event.preventDefault();
  });

  function go(from, back) {
    if (!from.length) return;
    back.push(classes);
    classes = from.pop();
    done();
  }
  const undo = () => go(past, future);
  const redo = () => go(future, past);

  return {
    element, undo, redo,
    canUndo: () => past.length > 0,
    canRedo: () => future.length > 0,
    classes: () => classes,
    brush(number) { brush = number; },
    size(pixels) { size = pixels; showMark(); },
    filling(on) { filling = on; canvas.classList.toggle("filling", on); },
    /** Another map in place of this one; it can be undone if `kept`. */
    load(other, kept) {
      if (kept) remember();
      classes = other;
      draw();
    },
    clear() { remember(); classes = new Uint8Array(width * height).fill(brush); done(); },
    drawn: draw,
  };
}
