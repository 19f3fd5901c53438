// Directions as sliders, and the moves of an edit as the link keeps them.

import { h, slider } from "./elements.js";

const GROUPS = { all: [0, Infinity], coarse: [0, 4], middle: [4, 8], fine: [8, Infinity] };
const FURTHEST = 6;

/** A name as links keep it, between their marks. */
export const pack = (name) => encodeURIComponent(name).replaceAll("~", "%7E");

/** The name that a link keeps; none where the link is broken. */
export function unpack(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}

/** The layer groups that a network of so many style rows has. */
export const groupsOf = (all) => Object.keys(GROUPS).filter((name) => GROUPS[name][0] < all);

/** The style rows of a group; none for all. */
export function rowsOf(group, all) {
  if (group === "all" || !(group in GROUPS)) return [];
  const [from, to] = GROUPS[group];
  return Array.from({ length: all }, (_, row) => row).filter((row) => row >= from && row < to);
}

/** Moves out of a link: `list~group~number~strength`, joined by `;`. */
export function readMoves(text) {
  const moves = [];
  for (const part of text.split(";").filter(Boolean).slice(0, 64)) {
    const [by, group, direction, strength] = part.split("~");
    const far = Math.max(-FURTHEST, Math.min(FURTHEST, Number(strength)));
    const move = { by: unpack(by), group, direction: Number(direction), strength: far };
    const whole = Number.isInteger(move.direction) && move.direction >= 0 && Number.isFinite(far);
    if (move.by && group in GROUPS && whole) moves.push(move);
  }
  return moves;
}

/** Moves as a link keeps them; those that do not move are left out. */
export const writeMoves = (moves) => moves.filter(({ strength }) => strength !== 0)
  .map(({ by, group, direction, strength }) => `${pack(by)}~${group}~${direction}~${strength}`).join(";");

/** What the studio is told of moves. */
export const told = (moves, all) => moves.map(({ by, group, direction, strength }) => ({ by, rows: rowsOf(group, all), direction, strength }));

const same = (a, b) => a.by === b.by && a.group === b.group && a.direction === b.direction;

/** A slider for each direction of a list; `change(moves)` gets all moves when one is drawn. */
export function directionSliders(list, by, group, read, change) {
  const controls = list.map(({ name, does }, direction) => {
    const place = { by, group, direction };
    const strength = () => read().find((move) => same(move, place))?.strength ?? 0;
    const control = slider({
      label: name, hint: does, min: -FURTHEST, max: FURTHEST, step: 0.1, value: strength(),
      show: (value) => `${value > 0 ? "+" : ""}${value.toFixed(1)} σ`,
      oninput: (value) => change([...read().filter((move) => !same(move, place)), { ...place, strength: value }]),
    });
    return { control, strength };
  });
  return {
    element: h("div", { className: "sliders" }, controls.map(({ control }) => control.element),
      h("details", { className: "hint" }, h("summary", {}, "How they were found"), h("dl", {}, list.map(({ name, how }) => [h("dt", {}, name), h("dd", {}, how)])))),
    update: () => controls.forEach(({ control, strength }) => control.set(strength())),
  };
}
