// Paint: a label map is drawn, a SPADE network makes a picture of it while one draws.

import { ask } from "./ask.js";
import { makeBoard } from "./board.js";
import { aboutNetwork, forget, onNetwork, wish } from "./connection.js";
import { LARGE, anySeed, calm, choice, field, h, paint as show, say, slider, trouble } from "./elements.js";
import { pictureLink, set, state, watch } from "./link.js";
import { showFacts } from "./look.js";
import { unfit } from "./rooms.js";
import { droppable, fileField, post, send } from "./upload.js";

/** How long after a stroke that did not reach the studio it is sent again. */
const PAUSE = 1000;

/** Builds the room; returns how to leave it. */
export function paint(main) {
  const canvas = h("canvas", { width: 16, height: 16, role: "img", "aria-label": "The painted picture" });
  const download = h("a", { className: "button main", download: "" }, "Download PNG");
  const mapFile = h("a", { className: "button", download: "" }, "Download the map");
  let [board, about, network, kept, busy, again, gone, parts] = [null, null, state.network, "", false, false, false, {}];
  // A map of the link that cannot be shown; it stays there until something is drawn.
  let missing = null;

  function build() {
    const { classes, seeds, pictures } = about.map;
    board = makeBoard({ width: about.width, height: about.height, colours: classes.map(({ colour }) => colour), changed: drawn });
    const palette = choice({
      label: "What is drawn", options: classes.map(({ name }, i) => [String(i), name]), value: String(state.brush),
      hint: "Arrow keys go through the classes.", onchange: (number) => set({ brush: Number(number) }),
    });
    palette.element.classList.add("palette");
    palette.element.querySelectorAll("label").forEach((label, i) => {
      const swatch = h("span", { className: "swatch" });
      swatch.style.background = `rgb(${classes[i].colour.join(" ")})`;
      label.append(swatch);
    });
    const brush = slider({
      label: "Size of the brush", min: 1, max: Math.max(2, Math.round(about.width / 2)), step: 1, value: state.brush_size || Math.max(1, Math.round(about.width / 12)),
      show: (pixels) => `${pixels} pixel${pixels === 1 ? "" : "s"}`, hint: "In pixels of the map.", oninput: (pixels) => set({ brush_size: pixels }),
    });
    const tool = choice({
      label: "Tool", options: [["brush", "brush"], ["fill", "fill"]], value: state.tool, hint: "Fill colours all that hangs together.",
      onchange: (name) => set({ tool: name }),
    });
    const undo = h("button", { type: "button", onclick: () => board.undo() }, "Undo");
    const redo = h("button", { type: "button", onclick: () => board.redo() }, "Redo");
    const clear = h("button", { type: "button", onclick: () => board.clear() }, "Clear");
    const load = fileField({ label: "Load a map", accept: "image/png", onfile: loadFile, hint: "A PNG file of class numbers, or of the classes' colours. It can be dropped on the map, too." });
    const style = [];
    if (seeds) {
      parts.seed = field({
        label: "Seed of the style", value: state.style_seed, min: 0, max: 2 ** 32 - 1, step: 1, hint: "The same map in another light.",
        beside: [h("button", { type: "button", onclick: () => set({ style_seed: anySeed(), style: "" }) }, "Another")],
        onchange: (input) => set({ style_seed: Math.min(2 ** 32 - 1, Math.max(0, Math.floor(input.valueAsNumber) || 0)), style: "" }),
      });
      style.push(parts.seed.element);
    }
    if (seeds && pictures) {
      style.push(fileField({ label: "Or the style of a picture", accept: "image/png,image/jpeg,image/webp", onfile: async (given) => {
        const answer = await send("/pictures", given);
        if (answer && !gone) set({ style: answer.id });
      }, hint: "The network's encoder reads its light and colours." }).element);
    }
    if (!seeds) style.push(h("p", { className: "hint" }, "This network paints each map in one way."));
    Object.assign(parts, { palette, tool, brush, undo, redo });
    const drawing = h("section", { className: "stage drop", "aria-label": "The map" }, h("h2", {}, "Map"), board.element, h("div", { className: "row" }, undo, redo, clear, mapFile));
    const result = h("section", { className: "stage", "aria-label": "The picture" }, h("h2", {}, "Picture"), canvas, h("div", { className: "row" }, download));
    result.classList.toggle("large", about.width >= LARGE);
    droppable(drawing, loadFile);
    main.replaceChildren(h("div", { className: "paint" },
      h("section", { className: "panel tools", "aria-label": "Tools" }, palette.element, tool.element, brush.element),
      drawing, result,
      h("section", { className: "panel wide", "aria-label": "Style and files" }, h("div", { className: "mix-controls" }, style, load.element))));
    first();
  }

  /** The map of the link, or two halves to begin with. */
  async function first() {
    if (state.map && (await fetchMap(state.map, false))) return;
    if (gone || !board) return;
    const classes = board.classes();
    if (about.map.classes.length > 1) classes.fill(1, classes.length / 2);
    board.drawn();
    changed();
  }

  /** Brings a map of the link on the board; false where there is none of that size. */
  async function fetchMap(id, undoable) {
    let classes;
    try {
      classes = new Uint8Array(await (await ask(`/maps/${encodeURIComponent(id)}`)).arrayBuffer());
    } catch (error) {
      say(error.message, true);
    }
    if (gone || !board) return true;
    if (classes?.length !== about.width * about.height) {
      missing = id;
      return false;
    }
    board.load(classes, undoable);
    kept = id;
    update();
    return true;
  }

  /** Something was drawn: the link is to lead to it. */
  function drawn() {
    if (missing !== null) say("");
    missing = null;
    changed();
  }

  async function loadFile(given) {
    const query = new URLSearchParams({ network: state.network, width: about.width, height: about.height });
    const answer = await send(`/map-files?${query}`, given);
    if (!answer || gone) return;
    if (await fetchMap(answer.id, true)) {
      set({ map: answer.id });
      say("The map is loaded.");
    }
  }

  /** Sends the map as it is now; one at a time, the latest wins. */
  async function changed() {
    buttons();
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      do {
        again = false;
        const from = board;
        try {
          const { id } = await post(`/maps?width=${about.width}&height=${about.height}`, from.classes().slice());
          if (gone || !board) break;
          calm();
          // Another board's change asks for another round.
          if (from === board) {
            kept = id;
            if (missing !== null && missing === state.map) update(); else set({ map: id });
          }
        } catch (error) {
          trouble(error.message);
          if (error.passing) {
            again = true;
            await new Promise((done) => setTimeout(done, PAUSE));
          }
        }
      } while (again && !gone && board);
    } finally {
      busy = false;
    }
  }

  function buttons() {
    if (!parts.undo) return;
    parts.undo.disabled = !board.canUndo();
    parts.redo.disabled = !board.canRedo();
  }

  function settle() {
    const known = aboutNetwork(state.network);
    if (!known) {
      main.replaceChildren(h("p", { className: "hint" }, "Loading the network…"));
      // The answer, whatever it is, brings what there is to know.
      wish({ view: "paint", network: state.network, map: "", style: { seed: 0 } }, () => {}, (sentence) => { if (!aboutNetwork(state.network)) trouble(sentence); });
      return;
    }
    if (!known.map) return main.replaceChildren(unfit(known, "Paint"));
    // A newer checkpoint of the same run has the same board.
    const shape = (network) => JSON.stringify([network.name, network.width, network.height, network.map]);
    if (board && about && shape(about) === shape(known)) {
      about = known;
      return update();
    }
    about = known;
    parts = {};
    build();
  }

  function update() {
    if (!board || !about?.map) return;
    const most = about.map.classes.length - 1;
    const brush = Math.max(0, Math.min(most, Math.floor(state.brush)));
    parts.palette.set(String(brush));
    board.brush(brush);
    parts.tool.set(state.tool);
    board.filling(state.tool === "fill");
    const size = state.brush_size || Math.max(1, Math.round(about.width / 12));
    parts.brush.set(size);
    board.size(size);
    parts.seed?.set(state.style_seed);
    buttons();
    const map = state.map === missing ? kept : state.map;
    if (!map) return;
    if (map !== kept && !busy) {
      fetchMap(map, true).then((found) => found || update());
      return;
    }
    const request = { view: "paint", network: state.network, map, style: state.style && about.map.pictures ? { picture: state.style } : { seed: state.style_seed } };
    download.href = pictureLink(request);
    mapFile.href = `/maps/${encodeURIComponent(map)}/file`;
    wish(request, (made) => {
      show(canvas, made.image);
      showFacts(about, made);
    });
  }

  const stops = [
    onNetwork(settle),
    watch(() => {
      if (network !== state.network) {
        [network, about, board, parts, kept, missing] = [state.network, null, null, {}, "", null];
        settle();
      } else update();
    }),
  ];
  settle();
  return () => {
    gone = true;
    stops.forEach((end) => end());
    forget("paint");
  };
}
