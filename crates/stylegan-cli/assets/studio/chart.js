// Curves over thousands of pictures, with the spread of what each point is the mean of.

import { h } from "./elements.js";

const SVG = "http://www.w3.org/2000/svg";
const [HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [200, 46, 10, 8, 22];
const MOST_POINTS = 400;

/** A figure of curves, so many pixels wide, each `{ name, points: [{ x, y, low, high }], dots }`, all in one unit. */
export function chart(title, about, width, curves) {
  const drawn = curves.map((curve) => ({ ...curve, points: thinned(curve.points.filter(({ y }) => Number.isFinite(y))) }));
  const points = drawn.flatMap((curve) => curve.points);
  if (!points.length) return null;
  const xs = points.map(({ x }) => x);
  const means = points.map(({ y }) => y);
  // The spread may be far larger than what moves: it is cut off at twice the room that the curves take.
  const room = Math.max(Math.max(...means) - Math.min(...means), 1e-9);
  const keep = (y) => Math.min(Math.max(...means) + room, Math.max(Math.min(...means) - room, y));
  const ys = points.flatMap(({ y, low, high }) => [y, keep(low ?? y), keep(high ?? y)]);
  const x = scale(Math.min(...xs), Math.max(...xs), LEFT, width - RIGHT);
  const y = scale(Math.min(...ys), Math.max(...ys), HEIGHT - BOTTOM, TOP);
  const svg = s("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": spoken(title, drawn) });
  for (const value of ticks(y.from, y.to, 4)) {
    svg.append(s("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
      s("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, number(value)));
  }
  const marks = ticks(x.from, x.to, 5);
  marks.forEach((value, i) => {
    const last = i === marks.length - 1;
    const anchor = last && x(value) > width - 40 ? "end" : "middle";
    svg.append(s("text", { x: x(value), y: HEIGHT - 6, "text-anchor": anchor }, last ? `${number(value)} kimg` : number(value)));
  });
  drawn.forEach((curve, i) => {
    const colour = `var(--series-${i % 4})`;
    if (curve.points.some(({ low }) => low !== undefined) && !curve.dots) {
      const upper = curve.points.map((p) => `${x(p.x)},${y(keep(p.high ?? p.y))}`);
      const lower = curve.points.map((p) => `${x(p.x)},${y(keep(p.low ?? p.y))}`).reverse();
      svg.append(s("polygon", { points: [...upper, ...lower].join(" "), style: "", fill: colour, opacity: 0.16 }));
    }
    if (curve.points.length > 1) {
      svg.append(s("polyline", { points: curve.points.map((p) => `${x(p.x)},${y(p.y)}`).join(" "), fill: "none", stroke: colour, "stroke-width": 1.8 }));
    }
    if (curve.dots || curve.points.length === 1) {
      for (const p of curve.points) {
        if (p.low !== undefined) svg.append(s("line", { x1: x(p.x), x2: x(p.x), y1: y(keep(p.low)), y2: y(keep(p.high)), stroke: colour, "stroke-width": 2 }));
        svg.append(s("circle", { cx: x(p.x), cy: y(p.y), r: 3.5, fill: colour }));
      }
    }
  });
  const rule = s("line", { class: "grid", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" });
  svg.append(rule);
  const keys = drawn.map((curve, i) => {
    const key = h("span", { className: "key" });
    key.style.setProperty("--colour", `var(--series-${i % 4})`);
    return key;
  });
  const word = (at) => drawn.forEach((curve, i) => {
    const point = at === undefined ? curve.points.at(-1) : nearest(curve.points, at);
    keys[i].textContent = point ? `${curve.name} ${number(point.y)}${at === undefined ? "" : ` at ${number(point.x)} kimg`}` : curve.name;
  });
  word();
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const at = x.back(((event.clientX - box.left) / box.width) * width);
    rule.setAttribute("x1", x(at));
    rule.setAttribute("x2", x(at));
    rule.setAttribute("visibility", "visible");
    word(at);
  });
  svg.addEventListener("pointerleave", () => { rule.setAttribute("visibility", "hidden"); word(); });
  return h("figure", {}, h("h3", {}, title), svg, h("figcaption", {}, keys, h("span", {}, about)));
}

function s(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== "") element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function scale(from, to, start, end) {
  const span = to - from || Math.abs(to) || 1;
  const [low, high] = to === from ? [from - span / 2, to + span / 2] : [from, to];
  const f = (value) => Math.round((start + ((value - low) / (high - low)) * (end - start)) * 10) / 10;
  return Object.assign(f, { from: low, to: high, back: (pixel) => Math.min(high, Math.max(low, low + ((pixel - start) / (end - start)) * (high - low))) });
}

function ticks(from, to, about) {
  const rough = (to - from) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const found = [];
  for (let value = Math.ceil(from / step) * step; value <= to + step * 1e-6; value += step) found.push(Math.abs(value) < step * 1e-6 ? 0 : value);
  return found;
}

/** A number in about three digits. */
export const number = (value) => (value === null || value === undefined || !Number.isFinite(value) ? "–"
  : Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3) ? value.toExponential(1) : String(Number(value.toPrecision(3))));

function thinned(points) {
  const step = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, i) => i % step === 0 || i === points.length - 1);
}

const nearest = (points, x) => points.reduce((best, point) => (!best || Math.abs(point.x - x) < Math.abs(best.x - x) ? point : best), null);

const spoken = (title, curves) => `${title}. ${curves.filter(({ points }) => points.length)
  .map(({ name, points }) => `${name}: from ${number(points[0].y)} to ${number(points.at(-1).y)}`).join("; ")}`;
