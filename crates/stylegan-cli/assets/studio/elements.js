// Small makers of elements: every control has a label, its value, and a hint that says what it does.

let count = 0;

/** Sides from which on pictures are shown smooth: of smaller ones each pixel is worth seeing. */
export const LARGE = 64;

/** An element with properties (`on…` are listeners, `aria-…` and `data-…` attributes) and children. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "for" || name === "role") element.setAttribute(name, value);
    else if (value !== undefined) element[name] = value;
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** A slider; `show` words its value, `set` moves it without telling anyone. */
export function slider({ label, hint, min, max, step, value, show = String, oninput }) {
  const id = `control-${count++}`;
  const output = h("output", { for: id }, show(value));
  const input = h("input", { type: "range", id, min, max, step, value, "aria-describedby": `${id}-hint` });
  const tell = () => {
    output.textContent = show(input.valueAsNumber);
    input.setAttribute("aria-valuetext", output.textContent);
  };
  input.addEventListener("input", () => { tell(); oninput(input.valueAsNumber); });
  tell();
  const element = h("div", { className: "control" },
    h("div", { className: "head" }, h("label", { for: id }, label), output), input,
    h("p", { className: "hint", id: `${id}-hint` }, hint));
  return { element, input, set(value) { input.value = value; tell(); } };
}

/** A field for a number or a text, with further things beside it; `set` leaves it alone while it is typed in. */
export function field({ label, hint, type = "number", value, beside = [], onchange, ...rest }) {
  const id = `control-${count++}`;
  const input = h("input", { type, id, value, autocomplete: "off", "aria-describedby": `${id}-hint`, ...rest });
  input.addEventListener("change", () => onchange(input));
  const element = h("div", { className: "control" }, h("label", { for: id }, label),
    h("div", { className: "row" }, input, beside), h("p", { className: "hint", id: `${id}-hint` }, hint));
  return { element, input, set(value) { if (document.activeElement !== input) input.value = value; } };
}

/** A choice of one among few, by radio buttons. */
export function choice({ label, hint, options, value, onchange }) {
  const name = `choice-${count++}`;
  const inputs = options.map(([key]) =>
    h("input", { type: "radio", name, value: key, checked: key === value, onchange: () => onchange(key) }));
  const labels = options.map(([, words], i) => h("label", {}, inputs[i], words));
  const element = h("fieldset", {}, h("legend", {}, label), h("div", { className: "choices" }, labels),
    h("p", { className: "hint" }, hint));
  return { element, set(value) { inputs.forEach((input) => { input.checked = input.value === value; }); } };
}

/** A choice of one among many. */
export function select({ label, hint, options, value, onchange }) {
  const id = `control-${count++}`;
  const input = h("select", { id, "aria-describedby": `${id}-hint`, onchange: () => onchange(input.value) },
    options.map(([key, words]) => h("option", { value: key }, words)));
  input.value = value;
  const element = h("div", { className: "control" }, h("label", { for: id }, label), input,
    h("p", { className: "hint", id: `${id}-hint` }, hint));
  return { element, input, set(value) { input.value = value; } };
}

const status = document.getElementById("status");

/** Says something to the user, in the line that screen readers read out. */
export function say(sentence, bad = false) {
  if (status.textContent !== sentence) status.textContent = sentence;
  status.classList.toggle("bad", bad);
  status.classList.remove("passing");
}

/** Says that pictures do not come; the next one takes it back. */
export function trouble(sentence) {
  say(sentence, true);
  status.classList.add("passing");
}

/** Takes back that pictures do not come: one has. */
export function calm() {
  if (status.classList.contains("passing")) say("");
}

/** Whether the user wants little to move. */
export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Any seed that fits into 32 bits and reads well. */
export const anySeed = () => Math.floor(Math.random() * 100000);

/** Shows a picture in a canvas, pixel by pixel. */
export function paint(canvas, image) {
  if (canvas.width !== image.width || canvas.height !== image.height) {
    canvas.width = image.width;
    canvas.height = image.height;
  }
  canvas.getContext("2d").drawImage(image, 0, 0);
}
