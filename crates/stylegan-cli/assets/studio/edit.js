// Edit: a picture of a seed, or one that was dropped, moved along directions.

import { ask } from "./ask.js";
import { aboutNetwork, forget, onNetwork, stop, wish } from "./connection.js";
import { LARGE, anySeed, choice, field, h, paint, say, select, slider, trouble } from "./elements.js";
import { filmMaker } from "./film.js";
import { command } from "./library.js";
import { look, pictureLink, set, state, stylesLink, watch } from "./link.js";
import { lookControls, showFacts } from "./look.js";
import { unfit } from "./rooms.js";
import { directionSliders, groupsOf, pack, readMoves, rowsOf, told, unpack, writeMoves } from "./sliders.js";
import { droppable, fileField, send } from "./upload.js";

/** Sides of a picture's pixels on the screen, at most. */
const LARGEST_PIXEL = 8;
const KINDS = [["sefa", "SeFa: from the weights"], ["pca", "PCA: from many styles"]];

/** Builds the room; returns how to leave it. */
export function edit(main) {
  const canvas = h("canvas", { width: 16, height: 16, role: "img", "aria-label": "The edited picture" });
  const download = h("a", { className: "button main", download: "" }, "Download PNG");
  const styles = h("a", { className: "button", download: "" }, "Download styles");
  const before = h("button", { type: "button", "aria-pressed": "false", onclick: () => set({ unedited: 1 - state.unedited }) }, "Show unedited");
  const progress = h("progress", { max: 1, value: 0, "aria-label": "Search for the picture's styles" });
  const find = h("button", { type: "button", onclick: search }, "Find its styles");
  const cancel = h("button", { type: "button", onclick: halt }, "Cancel");
  const job = h("div", { className: "row" }, find, cancel, progress);
  const seed = field({
    label: "Seed", value: state.seed, min: 0, max: 2 ** 32 - 1, step: 1, hint: "The picture that is edited.",
    beside: [h("button", { type: "button", onclick: () => choose(anySeed()) }, "Surprise me")],
    onchange: (input) => choose(Math.min(2 ** 32 - 1, Math.max(0, Math.floor(input.valueAsNumber) || 0))),
  });
  const file = fileField({
    label: "Or a picture of yours", accept: "image/png,image/jpeg,image/webp,.safetensors", onfile: drop,
    hint: `Drop it on the picture, or choose it. It should look like those that the network was trained on, framed alike. A file of styles, as the button Download styles and ${command("invert")} write it, is taken as it is.`,
  });
  const steps = slider({
    label: "Steps of the search", min: 50, max: 1000, step: 50, value: state.steps, show: String,
    hint: "More steps come nearer to the picture and take longer.", oninput: (value) => set({ steps: value }),
  });
  const kinds = select({
    label: "Directions", options: KINDS, value: "sefa", hint: "How they are found, or the file they are in.",
    onchange: () => (KINDS.some(([kind]) => kind === kinds.input.value) ? showFinder() : showChosen()),
  });
  const groups = h("div", {});
  const seek = h("button", { type: "button", className: "main", onclick: showChosen }, "Find directions");
  const load = fileField({ label: "Directions of yours", accept: ".safetensors", onfile: addList, hint: `A file that ${command("directions")} wrote.` });
  const reset = h("button", { type: "button", onclick: () => set({ moves: "" }) }, "Undo all moves");
  const moved = h("p", { className: "hint" });
  const film = filmMaker(scene);
  const sliders = h("div", {});
  const settings = h("section", { className: "panel", "aria-label": "Settings" });
  const stage = h("section", { className: "stage drop", "aria-label": "The picture" }, canvas, h("div", { className: "row" }, download, styles, before), film.element);
  const side = h("div", { className: "stage side" },
    h("section", { className: "panel", "aria-label": "What is edited" }, seed.element, file.element, steps.element, job),
    h("section", { className: "panel", "aria-label": "Directions" }, h("div", { className: "row apart" }, moved, reset), sliders, kinds.element, groups, seek, load.element),
    settings);
  const room = h("div", { className: "latents" }, stage, side);
  main.replaceChildren(room);
  droppable(stage, drop);
  let [controls, layers, shown, bars, group, searching, network, gone] = [null, null, "", null, "all", false, state.network, false];
  // The lists that the studio has besides, the directions' names by list and group, and the name of those that came with the network.
  let [files, names, own] = [[], new Map(), null];

  const choose = (number) => { halt(); set({ seed: number, picture: "", latents: "" }); };

  async function drop(given) {
    const isStyles = given.name.endsWith(".safetensors");
    say("Sending the file…");
    const answer = await send(isStyles ? "/styles" : "/pictures", given);
    if (!answer || gone) return;
    halt();
    set(isStyles ? { picture: "", latents: answer.id } : { picture: answer.id, latents: "" });
    if (isStyles) say("These are the styles of the file: move them along directions.");
    else search();
  }

  async function addList(given) {
    const stem = [...given.name.replace(/\.safetensors$/, "")].slice(0, 56).join("") || "directions";
    const name = KINDS.some(([kind]) => kind === stem) ? `${stem} (2)` : stem;
    const answer = await send(`/directions?${new URLSearchParams({ name })}`, given);
    if (!answer || gone) return;
    await lists();
    kinds.set(answer.name);
    showFinder();
    shown = "";
    set({ directions: `${pack(answer.name)}~all` });
    showList();
  }

  /** The lists of directions that the studio has. */
  async function lists() {
    try {
      files = await (await ask("/directions")).json();
    } catch (error) {
      return trouble(error.message);
    }
    showKinds();
  }

  /** Offers all kinds of directions, and chooses those that are shown. */
  function showKinds() {
    const chosen = unpack(wantedList().split("~")[0]);
    const named = own && !files.includes(own) ? [[own, `Named: come with ${own}`]] : [];
    const all = [...named, ...KINDS, ...files.map((name) => [name, `File: ${name}`])];
    kinds.input.replaceChildren(...all.map(([key, words]) => h("option", { value: key }, words)));
    kinds.set(all.some(([key]) => key === chosen) ? chosen : own ?? "sefa");
    showFinder();
  }

  /** The list that the link names, or else the one that came with the network. */
  const wantedList = () => state.directions || (own ? `${pack(own)}~all` : "");

  /** Looks for the styles of the picture; what is found on the way is shown. */
  function search() {
    const about = aboutNetwork(state.network);
    if (!about?.styles || !state.picture) return;
    searching = true;
    forget("invert");
    showJob();
    wish({ view: "invert", look: look(about), picture: state.picture, steps: state.steps }, ({ image, cell, cells }) => {
      if (!searching) return;
      paint(canvas, image);
      progress.value = (cell + 1) / cells;
      say(`Searching for the picture's styles: ${Math.round((100 * (cell + 1)) / cells)} %`);
      if (cell + 1 === cells) finish("The styles are found: move them along directions.");
    }, (sentence) => { finish(""); say(sentence, true); });
  }

  function halt() {
    if (!searching) return;
    stop("invert");
    finish("The search is ended; what was found so far can be edited.");
  }

  function finish(sentence) {
    searching = false;
    forget("invert");
    // The same edit has another answer now.
    forget("edit");
    showJob();
    update();
    if (sentence) say(sentence);
  }

  function showJob() {
    job.hidden = !state.picture;
    steps.element.hidden = !state.picture;
    find.hidden = searching;
    cancel.hidden = progress.hidden = !searching;
  }

  /** Offers to find what is chosen and not shown yet. */
  function showFinder() {
    const held = document.activeElement === seek;
    seek.hidden = bars !== null && wantedList() === chosenList();
    if (held && seek.hidden) kinds.input.focus();
  }

  const chosenList = () => `${pack(kinds.input.value)}~${group}`;

  function showChosen() {
    shown = "";
    set({ directions: chosenList() });
  }

  /** Brings the sliders of the list that the link names. */
  async function showList() {
    const about = aboutNetwork(state.network);
    const wanted = `${state.network}|${wantedList()}|${about?.classes ? state.class : ""}`;
    if (!about?.styles || wanted === shown) return;
    [shown, bars] = [wanted, null];
    if (!wantedList()) return sliders.replaceChildren();
    const [by, of] = wantedList().split("~");
    const name = unpack(by);
    sliders.replaceChildren(h("p", { className: "hint" }, "Finding directions…"));
    const list = { look: look(about), of: { by: name, rows: rowsOf(of, about.num_ws), direction: 0, strength: 0 } };
    try {
      const found = await (await ask(`/directions?${new URLSearchParams({ list: JSON.stringify(list) })}`)).json();
      if (gone || shown !== wanted) return;
      names.set(`${name}~${of}`, found.map((direction) => direction.name));
      bars = directionSliders(found, name, of, () => readMoves(state.moves), (moves) => set({ moves: writeMoves(moves) }));
      sliders.replaceChildren(bars.element);
      showMoves();
      showFinder();
    } catch (error) {
      if (gone || shown !== wanted) return;
      sliders.replaceChildren();
      say(error.message, true);
    }
  }

  function settle() {
    const about = aboutNetwork(state.network);
    if (!about) {
      settings.replaceChildren(h("p", { className: "hint" }, "Loading the network…"));
      wish({ view: "picture", look: look(about), x: 0, y: 0 }, () => {}, (sentence) => { if (!aboutNetwork(state.network)) trouble(sentence); });
      return;
    }
    if (!about.styles) return main.replaceChildren(unfit(about, "Edit"));
    if (!room.isConnected) main.replaceChildren(room);
    own = about.directions ?? null;
    showKinds();
    const fitting = lookControls(about, controls);
    if (fitting !== controls) settings.replaceChildren(...fitting.elements);
    controls = fitting;
    stage.classList.toggle("large", about.width >= LARGE);
    canvas.style.maxWidth = `${about.width * LARGEST_PIXEL}px`;
    const all = groupsOf(about.num_ws);
    if (!all.includes(group)) group = "all";
    if (String(layers?.all) !== String(all)) {
      layers = choice({
        label: "Style rows", options: all.map((name) => [name, name]), value: group,
        hint: "Coarse ones decide pose and shape, fine ones colours.", onchange: chooseGroup,
      });
      layers.all = all;
      groups.replaceChildren(layers.element);
    }
    layers.set(group);
    update();
  }

  /** Other style rows: at once where the sliders are of the kind that is chosen. */
  function chooseGroup(name) {
    group = name;
    if (wantedList().split("~")[0] === pack(kinds.input.value)) showChosen(); else showFinder();
  }

  /** Says in words what the picture is moved along; returns the moves. */
  function showMoves() {
    const moves = readMoves(state.moves).filter(({ strength }) => strength !== 0);
    const words = ({ by, group, direction }) => {
      const name = names.get(`${by}~${group}`)?.[direction] ?? `${by} ${direction}`;
      return group === "all" ? name : `${name} (${group})`;
    };
    moved.textContent = moves.length ? `Moved along ${moves.length} direction${moves.length > 1 ? "s" : ""}: ${moves.map(words).join(", ")}` : "Not moved yet.";
    reset.disabled = !moves.length;
    return moves;
  }

  /** Forgets what belongs to the network that was left: its own directions, and moves along them. */
  function leaveNetwork() {
    halt();
    const left = own;
    [network, controls, bars, own] = [state.network, null, null, null];
    if (left === null || files.includes(left)) return;
    const moves = writeMoves(readMoves(state.moves).filter(({ by }) => by !== left));
    const directions = state.directions.startsWith(`${pack(left)}~`) ? "" : state.directions;
    if (moves !== state.moves || directions !== state.directions) set({ moves, directions });
  }

  const source = () => (state.latents ? { styles: state.latents } : state.picture ? { picture: state.picture } : { seed: state.seed });

  /** A film from the picture as it was to what it is moved to, and back. */
  function scene() {
    const about = aboutNetwork(state.network);
    const moves = about?.styles ? told(showMoves(), about.num_ws) : [];
    return moves.length ? { view: "film", look: look(about), scene: { edit: { source: source(), moves } }, steps: 24, fps: 20 } : null;
  }

  function update() {
    const about = aboutNetwork(state.network);
    if (!about?.styles) return;
    seed.set(state.seed);
    steps.set(state.steps);
    controls?.update();
    bars?.update();
    showJob();
    showList();
    showFinder();
    before.setAttribute("aria-pressed", String(state.unedited === 1));
    const moves = showMoves();
    film.allow(moves.length > 0 && !searching);
    const request = { view: "edit", look: look(about), source: source(), moves: told(moves, about.num_ws) };
    download.href = pictureLink(request);
    styles.href = stylesLink(request);
    if (searching) return;
    const plain = state.unedited === 1;
    wish(plain ? { ...request, moves: [] } : request, (made) => {
      if (searching) return;
      paint(canvas, made.image);
      canvas.setAttribute("aria-label", `${state.latents ? "Picture of your styles" : state.picture ? "Your picture" : `Picture of seed ${state.seed}`}, ${plain || !moves.length ? "unedited" : `moved along ${moves.length} directions`}`);
      showFacts(about, made);
    });
  }

  const stops = [
    onNetwork(settle),
    watch(() => {
      if (network !== state.network) {
        leaveNetwork();
        settle();
      } else update();
    }),
  ];
  lists();
  if (state.directions) group = state.directions.split("~")[1] ?? "all";
  showJob();
  settle();
  return () => {
    gone = true;
    if (searching) stop("invert");
    film.leave();
    stops.forEach((end) => end());
    ["edit", "invert", "picture"].forEach(forget);
  };
}
