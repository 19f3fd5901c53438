// Latents: one picture, wherever the pad of seeds is dragged.

import { aboutNetwork, forget, onNetwork, wish } from "./connection.js";
import { LARGE, anySeed, field, h, paint, say, slider, still, trouble } from "./elements.js";
import { filmMaker } from "./film.js";
import { look, pictureLink, set, state, stylesLink, watch } from "./link.js";
import { lookControls, showFacts } from "./look.js";
import { makePad, placeOf, seedAt } from "./pad.js";
import { unfit } from "./rooms.js";

/** Sides of a picture's pixels on the screen, at most. */
const LARGEST_PIXEL = 8;
/** Frames in a second of a film. */
const FPS = 20;

/** Builds the room; returns how to leave it. */
export function latents(main) {
  const canvas = h("canvas", { width: 16, height: 16, role: "img", "aria-label": "The picture" });
  const stage = h("div", { className: "stage" }, canvas);
  const download = h("a", { className: "button main", download: "" }, "Download PNG");
  const styles = h("a", { className: "button", download: "" }, "Download styles");
  const copy = h("button", { type: "button", onclick: copyLink }, "Copy link");
  const pad = makePad();
  let [frame, timer, controls] = [0, 0, null];

  const seed = field({
    label: "Seed", value: 0, min: 0, max: 2 ** 32 - 1, step: 1,
    hint: "Each seed is a picture; between seeds lie their mixtures. Drag the pad, or click on a picture of it.",
    beside: [h("button", { type: "button", onclick: () => jump(anySeed()) }, "Surprise me")],
    onchange: (input) => jump(Math.min(2 ** 32 - 1, Math.max(0, Math.floor(input.valueAsNumber) || 0))),
  });
  const play = h("button", { type: "button", "aria-pressed": "false", onclick: toggle }, "Animate");
  const pace = slider({
    label: "Speed", min: -4, max: 4, step: 0.1, value: state.speed, show: (value) => `${value.toFixed(1)} seeds a second`,
    hint: "How fast the animation walks from seed to seed.", oninput: (speed) => set({ speed }),
  });
  const length = field({
    label: "Seeds of a film", value: state.film, min: 2, max: 16, step: 1,
    onchange: (input) => {
      const film = Math.min(16, Math.max(2, Math.floor(input.valueAsNumber) || 4));
      input.value = film;
      set({ film });
    },
    hint: "It walks from the picture's seed to the next ones, at the speed above, and back to the first.",
  });
  const film = filmMaker(scene);
  const settings = h("div", { className: "panel" });
  const side = h("div", { className: "stage" },
    h("section", { className: "panel", "aria-label": "Where the picture comes from" }, pad.element, seed.element), settings,
    h("section", { className: "panel", "aria-label": "Animation" }, h("div", { className: "row" }, play), pace.element, length.element, film.element));
  side.style.justifyItems = "stretch";
  stage.append(h("div", { className: "row" }, download, styles, copy, h("button", { type: "button", onclick: () => set({ room: "edit", picture: "", latents: "", seed: seedAt(Math.round(state.x), Math.round(state.y)) }) }, "Edit it")));
  const room = h("div", { className: "latents" }, stage, side);
  main.replaceChildren(room);

  function jump(number) {
    const { x, y } = placeOf(number);
    set({ x, y });
  }

  function toggle() {
    halt();
    const on = play.getAttribute("aria-pressed") !== "true";
    play.setAttribute("aria-pressed", String(on));
    if (!on) return;
    if (still()) {
      // From seed to seed, without anything that glides.
      const step = () => { set({ x: Math.round(state.x) + Math.sign(state.speed || 1) }); timer = setTimeout(step, 2000); };
      step();
    } else {
      let before = performance.now();
      const step = (now) => {
        set({ x: state.x + (state.speed * Math.min(now - before, 200)) / 1000 });
        before = now;
        frame = requestAnimationFrame(step);
      };
      frame = requestAnimationFrame(step);
    }
  }

  /** What a film shows. */
  function scene() {
    const about = aboutNetwork(state.network);
    if (!about || about.map) return null;
    const [x, y, by] = [Math.round(state.x), Math.round(state.y), state.speed < 0 ? -1 : 1];
    const seeds = Array.from({ length: state.film }, (_, i) => seedAt(x + by * i, y));
    const steps = Math.max(5, Math.min(240, Math.round(FPS / Math.max(Math.abs(state.speed), 0.1))));
    return { view: "film", look: look(about), scene: { walk: { seeds } }, steps, fps: FPS };
  }

  function halt() {
    clearTimeout(timer);
    cancelAnimationFrame(frame);
  }

  async function copyLink() {
    // The address follows the state after a moment.
    await new Promise((done) => setTimeout(done, 350));
    try {
      await navigator.clipboard.writeText(location.href);
      say("The link is copied: it leads back to this picture on this computer.");
    } catch {
      say("The address above is the link to this picture.");
    }
  }

  function settle() {
    const about = aboutNetwork(state.network);
    if (!about) return settings.replaceChildren(h("p", { className: "hint" }, "Loading the network…"));
    if (about.map) return main.replaceChildren(unfit(about, "Latents"));
    if (!room.isConnected) main.replaceChildren(room);
    const fitting = lookControls(about, controls);
    if (fitting !== controls) settings.replaceChildren(...fitting.elements);
    controls = fitting;
    stage.classList.toggle("large", about.width >= LARGE);
    // Beyond that small pictures are nothing but squares.
    canvas.style.maxWidth = `${about.width * LARGEST_PIXEL}px`;
    update();
  }

  function update() {
    if (!state.network) return;
    const about = aboutNetwork(state.network);
    if (about?.map) return forget("picture");
    const picture = { view: "picture", look: look(about), x: state.x, y: state.y };
    wish(picture, (made) => {
      paint(canvas, made.image);
      canvas.setAttribute("aria-label", describe());
      showFacts(aboutNetwork(state.network), made);
    }, (sentence) => {
      // A network with classes says so when it is asked for the first time without one.
      if (about || !aboutNetwork(state.network)) trouble(sentence);
    });
    download.href = pictureLink(picture);
    styles.href = stylesLink(picture);
    styles.hidden = about?.styles === false;
    seed.set(seedAt(Math.round(state.x), Math.round(state.y)));
    pace.set(state.speed);
    length.set(state.film);
    controls?.update();
    pad.update(look(about), about);
  }

  function describe() {
    const whole = Number.isInteger(state.x) && Number.isInteger(state.y);
    const near = seedAt(Math.round(state.x), Math.round(state.y));
    return whole ? `Picture of seed ${near}` : `Picture near seed ${near}`;
  }

  let network = state.network;
  const stops = [
    onNetwork(settle),
    watch(() => {
      if (network !== state.network) {
        network = state.network;
        controls = null;
        settle();
      }
      update();
    }),
  ];
  settle();
  update();
  return () => {
    halt();
    stops.forEach((stop) => stop());
    film.leave();
    pad.leave();
    forget("picture");
  };
}
