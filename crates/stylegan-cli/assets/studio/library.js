// The networks and runs that the studio has, asked for anew from time to time: runs begin and save their first network.

import { ask } from "./ask.js";

/** What the networks of a room are of. */
const USES = { latents: ["styles", "latents"], mix: ["styles"], edit: ["styles"], paint: ["maps"] };

const listeners = new Set();
let [entries, program] = [[], "stylegan"];
/** Networks in the order in which they were used last. */
let recent = [];

/** Asks the studio; listeners are told when something is new. */
export async function refresh() {
  const found = await (await ask("/library")).json();
  const key = (all) => JSON.stringify(all.map(({ name, network, run, of }) => [name, network, run, of]));
  const news = key(found.entries) !== key(entries);
  ({ entries, program } = found);
  if (news) listeners.forEach((listener) => listener());
}

/** Calls `listener` when there is something new; returns how to stop that. */
export function onLibrary(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What there is to choose as a network. */
export const networks = () => entries.filter(({ network }) => network);

/** The runs. */
export const allRuns = () => entries.filter(({ run }) => run);

/** Which of some to begin with: the one that was named, else that which said something last, else the first. */
export function foremost(all) {
  const age = ({ seconds_since_last_tick: seconds }) => seconds ?? Infinity;
  return all.find(({ given }) => given) ?? all.reduce((best, one) => (best && age(best) <= age(one) ? best : one), null);
}

/** The network to begin with. */
export const first = () => foremost(networks())?.name ?? "";

/** A network is looked at. */
export function used(name) {
  if (recent[0] !== name) recent = [name, ...recent.filter((other) => other !== name)];
}

/** Whether a room has something to do with a network, as far as that is known before it is opened. */
export const suits = (room, { of }) => of === null || (USES[room]?.includes(of) ?? true);

/** The network that a room is best entered with: the one that it has, another that was used, or the first that it can use. */
export function best(room) {
  const known = networks().filter((entry) => entry.of !== null && suits(room, entry)).map(({ name }) => name);
  return recent.find((name) => known.includes(name)) ?? known[0] ?? "";
}

/** A command as the reader types it. */
export const command = (verb) => `${program} ${verb}`;
