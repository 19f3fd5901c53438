// Mix: a table of pictures, each with some styles of its column and all others of its row.

import { aboutNetwork, forget, onNetwork, wish } from "./connection.js";
import { LARGE, anySeed, calm, field, h, paint, say } from "./elements.js";
import { look, pictureLink, set, state, watch } from "./link.js";
import { lookControls } from "./look.js";
import { placeOf } from "./pad.js";
import { unfit } from "./rooms.js";

const MOST = 16;
const NAMES = { coarse: [0, 4], middle: [4, 8], fine: [8, Infinity] };

/** Builds the room; returns how to leave it. */
export function mix(main) {
  const lists = {};
  for (const [key, label, hint] of [
    ["rows", "Seeds of the rows", "Shape and everything that the columns do not give."],
    ["columns", "Seeds of the columns", "They give the style rows that are marked."],
  ]) {
    lists[key] = field({
      label, hint: `${hint} Lists like 0-3,8; at most ${MOST}.`, type: "text", value: state[key], inputMode: "numeric",
      beside: [h("button", { type: "button", onclick: () => set({ [key]: others(state[key]) }) }, "Others")],
      onchange: (input) => (seedsOf(input.value) ? set({ [key]: input.value }) : say(`“${input.value}” is no list of 1 to ${MOST} seeds: write 0-3,8.`, true)),
    });
  }
  const strip = h("div", { className: "strip", role: "group", "aria-label": "Style rows of the columns" });
  const presets = Object.keys(NAMES).map((name) =>
    h("button", { type: "button", onclick: () => set({ styles: name }) }, name[0].toUpperCase() + name.slice(1)));
  const styles = h("div", { className: "control" }, h("p", {}, "Style rows from the columns"), strip, h("div", { className: "row" }, presets),
    h("p", { className: "hint" }, "Drag over the rows. Coarse ones decide pose and shape, fine ones colours."));
  const settings = h("div", { className: "mix-controls" });
  const table = h("div", { className: "scroll" });
  const download = h("a", { className: "button main", download: "" }, "Download the table");
  const room = h("div", { className: "mix" },
    h("section", { className: "panel", "aria-label": "What is mixed" },
      h("div", { className: "mix-controls" }, lists.rows.element, lists.columns.element, styles)),
    h("section", { className: "panel", "aria-label": "The table" }, table, h("div", { className: "row" }, download,
      h("span", { className: "hint" }, "Click on a picture to see it large."))),
    h("section", { className: "panel", "aria-label": "Settings" }, settings));
  main.replaceChildren(room);
  let [controls, canvases, shape, painting, request] = [null, [], "", null, null];

  function settle() {
    const about = aboutNetwork(state.network);
    if (about && !about.styles) {
      main.replaceChildren(unfit(about, "Mix"));
      return;
    }
    if (!room.isConnected) main.replaceChildren(room);
    if (!about) {
      settings.replaceChildren(h("p", { className: "hint" }, "Loading the network…"));
      // A picture of it brings what there is to know.
      wish({ view: "picture", look: look(about), x: 0, y: 0 }, () => {}, () => {});
      return;
    }
    const fitting = lookControls(about, controls);
    if (fitting !== controls) settings.replaceChildren(...fitting.elements);
    controls = fitting;
    if (strip.childElementCount !== about.num_ws) strip.replaceChildren(...Array.from({ length: about.num_ws }, (_, row) => toggle(row)));
    update();
  }

  /** The switch of a style row; dragging from it gives those under the pointer the same position. */
  function toggle(row) {
    const button = h("button", { type: "button", "data-row": row }, String(row), h("small", {}, `${4 << (row >> 1)}px`));
    button.addEventListener("pointerdown", (event) => {
      painting = { on: button.getAttribute("aria-pressed") !== "true" };
      mark(row, painting.on);
      button.releasePointerCapture?.(event.pointerId);
      event.preventDefault();
      button.focus();
    });
    // Keys make clicks without a pointer.
    button.addEventListener("click", (event) => { if (event.detail === 0) mark(row, button.getAttribute("aria-pressed") !== "true"); });
    button.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by) strip.children[row + by]?.focus();
    });
    return button;
  }
  const drag = (event) => {
    const row = painting && document.elementFromPoint(event.clientX, event.clientY)?.closest?.("[data-row]")?.dataset.row;
    if (row !== undefined && row !== null) mark(Number(row), painting.on);
  };
  const drop = () => { painting = null; };
  addEventListener("pointermove", drag);
  addEventListener("pointerup", drop);
  addEventListener("pointercancel", drop);

  function mark(row, on) {
    const all = new Set(rowsOf(state.styles, aboutNetwork(state.network).num_ws));
    if (all.has(row) === on) return;
    if (on) all.add(row); else all.delete(row);
    set({ styles: [...all].sort((a, b) => a - b).join(",") || "none" });
  }

  function update() {
    const about = aboutNetwork(state.network);
    if (!about?.styles) return;
    const [rows, columns] = [seedsOf(state.rows) ?? [0], seedsOf(state.columns) ?? [1]];
    const chosen = rowsOf(state.styles, about.num_ws);
    lists.rows.set(state.rows);
    lists.columns.set(state.columns);
    controls?.update();
    [...strip.children].forEach((button, row) => button.setAttribute("aria-pressed", String(chosen.includes(row))));
    Object.keys(NAMES).forEach((name, i) => presets[i].setAttribute("aria-pressed", String(String(rowsOf(name, about.num_ws)) === String(chosen))));
    build(rows, columns, about);
    request = { view: "mix", look: look(about), rows, columns, styles: chosen };
    download.href = pictureLink(request);
    const began = performance.now();
    wish(request, ({ image, cell, cells }) => {
      paint(canvases[cell], image);
      calm();
      const seconds = ((performance.now() - began) / 1000).toFixed(1);
      document.getElementById("facts").textContent = `${cell + 1} of ${cells} pictures, ${seconds} s`;
    });
  }

  /** A table for so many pictures; one that fits stays, so that nothing flickers. */
  function build(rows, columns, about) {
    const wanted = `${rows}|${columns}|${about.name}`;
    if (wanted === shape) return;
    shape = wanted;
    canvases = [];
    const cell = (name, number) => {
      const canvas = h("canvas", { width: about.width, height: about.height });
      canvases.push(canvas);
      return h("button", { type: "button", "aria-label": name, onclick: () => enlarge(number, name, rows, columns) }, canvas);
    };
    const head = h("tr", {}, h("td", {}), columns.map((seed) => h("th", { scope: "col" }, `seed ${seed}`)));
    const parents = h("tr", { className: "parent" }, h("td", {}), h("td", {}), columns.map((seed, c) => h("td", {}, cell(`Column seed ${seed}`, c))));
    head.firstChild.colSpan = 2;
    const body = rows.map((seed, r) => {
      const at = (r + 1) * (columns.length + 1) - 1;
      return h("tr", {}, h("th", { scope: "row" }, `seed ${seed}`),
        h("td", { className: "parent" }, cell(`Row seed ${seed}`, at)),
        columns.map((column, c) => h("td", {}, cell(`Row seed ${seed} with styles of column seed ${column}`, at + 1 + c))));
    });
    table.replaceChildren(h("table", {}, h("thead", {}, head, parents), h("tbody", {}, body)));
    fit();
  }

  /** Gives the pictures the room that there is. */
  function fit() {
    const about = aboutNetwork(state.network);
    const columns = table.querySelectorAll("thead th").length;
    if (!about || !columns) return;
    const room = Math.floor((table.clientWidth - 70) / (columns + 1)) - 8;
    const side = Math.max(64, Math.min(room, 150));
    // Whole factors show small pictures best.
    const shown = about.width < side ? side - (side % about.width) : side;
    canvases.forEach((canvas) => { canvas.style.width = `${shown}px`; });
  }
  const resized = new ResizeObserver(fit);
  resized.observe(table);

  function enlarge(number, name, rows, columns) {
    const large = h("canvas", { role: "img", "aria-label": name });
    if (canvases[number].width >= LARGE) large.style.imageRendering = "auto";
    paint(large, canvases[number]);
    const place = number + 1;
    const [row, column] = [Math.floor(place / (columns.length + 1)) - 1, (place % (columns.length + 1)) - 1];
    const seed = row < 0 ? columns[column] : column < 0 ? rows[row] : null;
    const open = seed === null ? null : h("button", {
      type: "button", onclick: () => { dialog.close(); set({ room: "latents", ...placeOf(seed) }); },
    }, "Open in Latents");
    const dialog = h("dialog", { "aria-label": name, onclose: () => dialog.remove() }, large, h("p", {}, name),
      h("div", { className: "row" },
        h("a", { className: "button main", download: "", href: pictureLink(request, number) }, "Download PNG"), open,
        h("button", { type: "button", onclick: () => dialog.close() }, "Close")));
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    document.body.append(dialog);
    dialog.showModal();
  }

  let network = state.network;
  const stops = [
    onNetwork(settle),
    watch(() => {
      if (network !== state.network) {
        network = state.network;
        controls = null;
        settle();
      } else update();
    }),
  ];
  settle();
  return () => {
    stops.forEach((stop) => stop());
    resized.disconnect();
    removeEventListener("pointermove", drag);
    removeEventListener("pointerup", drop);
    removeEventListener("pointercancel", drop);
    forget("mix");
    forget("picture");
  };
}

/** A list of seeds, `0-3,8`; null for what is none, or too long. */
function seedsOf(text) {
  const seeds = [];
  for (const part of text.split(",")) {
    const found = /^\s*(\d{1,10})(?:\s*-\s*(\d{1,10}))?\s*$/.exec(part);
    if (!found) return null;
    const [first, last] = [Number(found[1]), Number(found[2] ?? found[1])];
    if (last < first || last >= 2 ** 32 || seeds.length + last - first >= MOST) return null;
    for (let seed = first; seed <= last; seed++) seeds.push(seed);
  }
  return seeds;
}

/** As many other seeds. */
const others = (text) => (seedsOf(text) ?? [0]).map(anySeed).join(",");

/** The style rows of a name or a list. */
function rowsOf(text, all) {
  if (text in NAMES) return Array.from({ length: all }, (_, row) => row).filter((row) => row >= NAMES[text][0] && row < NAMES[text][1]);
  return text.split(",").map(Number).filter((row) => Number.isInteger(row) && row >= 0 && row < all);
}
