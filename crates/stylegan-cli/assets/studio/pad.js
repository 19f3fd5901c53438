// The pad: a map of seeds that is dragged under the middle, where the picture comes from.

import { forget, wish } from "./connection.js";
import { h, still } from "./elements.js";
import { set, state } from "./link.js";

const TILE = 78;
const MOST_THUMBNAILS = 36;
const KEPT = 800;
/** Thumbnails of larger networks would take seconds each, and be in the way of the picture. */
const LARGEST = 256;

/** Seed `x + 100 y`, round the 32 bits. */
export const seedAt = (x, y) => (((x + 100 * y) % 2 ** 32) + 2 ** 32) % 2 ** 32;

/** Where a seed lies. */
export const placeOf = (seed) => ({ x: seed % 100, y: Math.floor(seed / 100) });

/** The pad; `update(look, about)` draws it as the state is. */
export function makePad() {
  const canvas = h("canvas", {
    className: "pad", tabIndex: 0, role: "application",
    "aria-label": "Pad of seeds. Arrow keys move, with Shift to the next seed. Home goes to seed 0.",
  });
  const thumbnails = new Map();
  let [look, key, about, network, asked, timer, gliding] = [null, "", null, "", 0, 0, 0];

  function draw() {
    const ratio = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (!width) return;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    const to = canvas.getContext("2d");
    const colours = getComputedStyle(document.documentElement);
    const colour = (name) => colours.getPropertyValue(name);
    to.setTransform(ratio, 0, 0, ratio, 0, 0);
    to.clearRect(0, 0, width, height);
    to.imageSmoothingEnabled = false;
    for (const { x, y } of visible(width, height)) {
      const left = width / 2 + (x - state.x) * TILE - TILE / 2 + 2;
      const top = height / 2 + (y - state.y) * TILE - TILE / 2 + 2;
      const side = TILE - 4;
      const seed = seedAt(x, y);
      const weight = Math.max(0, 1 - Math.abs(x - state.x)) * Math.max(0, 1 - Math.abs(y - state.y));
      to.save();
      to.beginPath();
      to.roundRect(left, top, side, side, 7);
      to.clip();
      to.fillStyle = colour("--panel");
      to.fillRect(left, top, side, side);
      const image = thumbnails.get(seed)?.image;
      to.globalAlpha = 0.55 + 0.45 * weight;
      if (image) {
        const scale = side / Math.max(image.width, image.height);
        const [w, h] = [image.width * scale, image.height * scale];
        to.drawImage(image, left + (side - w) / 2, top + (side - h) / 2, w, h);
      }
      to.restore();
      label(to, String(seed), left + side / 2, image ? top + side - 8 : top + side / 2, colour, image);
      if (weight > 0) {
        to.globalAlpha = 0.25 + 0.75 * weight;
        to.strokeStyle = colour("--accent");
        to.lineWidth = 3;
        to.beginPath();
        to.roundRect(left, top, side, side, 7);
        to.stroke();
        to.globalAlpha = 1;
      }
    }
    to.lineWidth = 5;
    to.strokeStyle = "rgb(0 0 0 / .55)";
    ring(to, width / 2, height / 2);
    to.lineWidth = 2.5;
    to.strokeStyle = "#fff";
    ring(to, width / 2, height / 2);
  }

  function ask() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (!look || !about || Math.max(about.width, about.height) > LARGEST || !canvas.isConnected) return;
      const places = visible(canvas.clientWidth, canvas.clientHeight)
        .filter(({ x, y }) => thumbnails.get(seedAt(x, y))?.key !== key)
        .sort((a, b) => Math.hypot(a.x - state.x, a.y - state.y) - Math.hypot(b.x - state.x, b.y - state.y));
      const seeds = [...new Set(places.map(({ x, y }) => seedAt(x, y)))].slice(0, MOST_THUMBNAILS);
      if (!seeds.length) return;
      const [wanted, of, number] = [key, network, ++asked];
      wish({ view: "thumbnails", look, seeds, side: 80 }, (picture) => {
        if (of !== network) return;
        thumbnails.delete(seeds[picture.cell]);
        thumbnails.set(seeds[picture.cell], { key: wanted, image: picture.image });
        while (thumbnails.size > KEPT) thumbnails.delete(thumbnails.keys().next().value);
        draw();
        if (picture.cell + 1 === picture.cells && number === asked) ask();
      }, () => {});
    }, 60);
  }

  function move(x, y) {
    cancelAnimationFrame(gliding);
    set({ x, y });
  }

  function glide(x, y) {
    cancelAnimationFrame(gliding);
    if (still()) return move(x, y);
    const [fromX, fromY, began, span] = [state.x, state.y, performance.now(), 350];
    const step = (now) => {
      const t = Math.min(1, (now - began) / span);
      const eased = t * t * (3 - 2 * t);
      set(t === 1 ? { x, y } : { x: fromX + (x - fromX) * eased, y: fromY + (y - fromY) * eased });
      if (t < 1) gliding = requestAnimationFrame(step);
    };
    gliding = requestAnimationFrame(step);
  }

  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    drag = { x: event.clientX, y: event.clientY, fromX: state.x, fromY: state.y, far: false };
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    drag.far ||= Math.hypot(dx, dy) > 4;
    if (drag.far) move(drag.fromX - dx / TILE, drag.fromY - dy / TILE);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (drag && !drag.far) {
      const box = canvas.getBoundingClientRect();
      glide(Math.round(state.x + (event.clientX - box.left - box.width / 2) / TILE),
        Math.round(state.y + (event.clientY - box.top - box.height / 2) / TILE));
    }
    drag = null;
  });
  canvas.addEventListener("pointercancel", () => { drag = null; });
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "Home") glide(0, 0);
    else if (by && event.shiftKey) glide(Math.round(state.x) + by[0], Math.round(state.y) + by[1]);
    else if (by) move(tidy(state.x + by[0] * 0.05), tidy(state.y + by[1] * 0.05));
    else return;
    event.preventDefault();
  });
  const resized = new ResizeObserver(() => { draw(); ask(); });
  resized.observe(canvas);

  return {
    element: canvas,
    glide,
    update(newLook, newAbout) {
      [look, about, key] = [newLook, newAbout, `${JSON.stringify(newLook)}${newAbout?.hash}`];
      // Those of other settings stay until the new ones have come; another network's faces are none of this one's.
      const now = `${newLook.network} ${newAbout?.hash}`;
      if (network !== now) thumbnails.clear();
      network = now;
      draw();
      ask();
    },
    leave() {
      clearTimeout(timer);
      cancelAnimationFrame(gliding);
      resized.disconnect();
      forget("thumbnails");
    },
  };
}

/** Places whose tiles are to be seen. */
function visible(width, height) {
  const places = [];
  const [across, down] = [width / 2 / TILE + 0.5, height / 2 / TILE + 0.5];
  for (let y = Math.ceil(state.y - down); y <= state.y + down; y++) {
    for (let x = Math.ceil(state.x - across); x <= state.x + across; x++) places.push({ x, y });
  }
  return places;
}

/** A place without the dust that sums of fractions gather. */
const tidy = (value) => Math.round(value * 1e6) / 1e6;

function ring(to, x, y) {
  to.beginPath();
  to.arc(x, y, 9, 0, 2 * Math.PI);
  to.stroke();
}

function label(to, text, x, y, colour, onPicture) {
  to.font = `${onPicture ? 10 : 13}px system-ui, sans-serif`;
  to.textAlign = "center";
  to.textBaseline = "middle";
  if (onPicture) {
    const width = to.measureText(text).width + 8;
    to.fillStyle = "rgb(0 0 0 / .6)";
    to.beginPath();
    to.roundRect(x - width / 2, y - 7, width, 13, 4);
    to.fill();
  }
  to.fillStyle = onPicture ? "#fff" : colour("--muted");
  to.fillText(text, x, y);
}
