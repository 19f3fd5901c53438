// The controls that all pictures share: truncation, class, noise.

import { anySeed, calm, choice, field, h, select, slider } from "./elements.js";
import { set, state } from "./link.js";

/** Says below the page what a picture is and how long it took. */
export function showFacts(about, { width, height, milliseconds }) {
  calm();
  const reduced = about && about.precision !== "f32" ? `, ${about.precision}` : "";
  document.getElementById("facts").textContent = `${width} × ${height} pixels, ${milliseconds} ms${reduced}`;
}

/** Controls that fit a network, those that there are if they do; `update` brings them to the state. */
export function lookControls(about, earlier) {
  const key = JSON.stringify([about.truncation, about.num_ws, about.classes, about.class_names]);
  if (earlier?.key === key) return earlier;
  const controls = [];
  if (about.truncation) {
    controls.push([slider({
      label: "Truncation ψ", min: -1, max: 1.5, step: 0.01, value: state.psi, show: (psi) => psi.toFixed(2),
      hint: "Below 1: cleaner, with less variety. 0 is the average picture, below 0 the opposite.",
      oninput: (psi) => set({ psi }),
    }), "psi"]);
    const most = about.num_ws;
    const cutoff = slider({
      label: "Truncated style rows", min: 0, max: most, step: 1, value: most,
      show: (rows) => (rows >= most ? "all" : rows === 0 ? "none" : `first ${rows} of ${most}`),
      hint: "Fewer rows: ψ shapes the outline and leaves colours and details alone.",
      oninput: (rows) => set({ cutoff: rows >= most ? -1 : rows }),
    });
    controls.push([{ element: cutoff.element, set: (rows) => cutoff.set(rows < 0 ? most : Math.min(rows, most)) }, "cutoff"]);
  }
  if (about.classes > 0) {
    const names = Array.from({ length: about.classes }, (_, i) => [String(i), about.class_names[i] ?? `class ${i}`]);
    const classes = select({
      label: "Class", options: names, value: String(state.class), hint: "What the network was trained to tell apart.",
      onchange: (name) => set({ class: Number(name) }),
    });
    controls.push([{ element: classes.element, set: (number) => classes.set(String(Math.min(number, about.classes - 1))) }, "class"]);
  }
  controls.push([choice({
    label: "Noise", options: [["const", "stored"], ["random", "fresh"], ["none", "none"]], value: state.noise,
    hint: "The fine detail that no style decides: hair, grain.", onchange: (noise) => set({ noise }),
  }), "noise"]);
  const seed = field({
    label: "Seed of fresh noise", value: state.noise_seed, min: 0, max: 2 ** 32 - 1, step: 1, hint: "Another seed, other details.",
    beside: [h("button", { type: "button", onclick: () => set({ noise_seed: anySeed() }) }, "Another")],
    onchange: (input) => set({ noise_seed: Math.min(2 ** 32 - 1, Math.max(0, Math.floor(input.valueAsNumber) || 0)) }),
  });
  controls.push([seed, "noise_seed"]);
  return {
    key,
    elements: controls.map(([control]) => control.element),
    update() {
      controls.forEach(([control, key]) => control.set(state[key]));
      seed.element.hidden = state.noise !== "random";
    },
  };
}
