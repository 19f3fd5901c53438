// The state of all rooms. It stands in the address, so that every state is a link.

const DEFAULTS = {
  room: "latents", network: "", psi: 1, cutoff: -1, class: 0, noise: "const", noise_seed: 0,
  // Seed 401, a whole face of the network that comes along, among others.
  x: 1, y: 4, rows: "0-3", columns: "10-15", styles: "coarse", run: "", grid: "",
  speed: 0.5, film: 4, seed: 0, picture: "", latents: "", steps: 200, directions: "", moves: "", unedited: 0,
  map: "", tool: "brush", brush: 0, brush_size: 0, style_seed: 0, style: "", reals: 0,
};
const ROOMS = ["latents", "mix", "edit", "paint", "runs"];
const NOISES = ["const", "random", "none"];
const TOOLS = ["brush", "fill"];
const MOST_SEED = 2 ** 32 - 1;

const listeners = new Set();
let timer = 0;
let [networks, preferred] = [null, ""];

/** The state, to read; `set` changes it. */
export const state = { ...DEFAULTS };

/** Changes some of the state and tells everyone. */
export function set(changes) {
  const room = state.room;
  Object.assign(state, changes);
  if (state.room !== room) {
    clearTimeout(timer);
    history.pushState(null, "", address());
  } else {
    // Browsers allow few changes of the address in a time, and a drag makes many.
    clearTimeout(timer);
    timer = setTimeout(() => history.replaceState(null, "", address()), 300);
  }
  listeners.forEach((listener) => listener(state));
}

/** Calls `listener` after every change; returns how to stop that. */
export function watch(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** What the studio is told of network and settings. */
export function look(about) {
  return {
    network: state.network,
    psi: about?.truncation === false ? 1 : state.psi,
    cutoff: state.cutoff < 0 || about?.truncation === false || state.cutoff >= about?.num_ws ? null : state.cutoff,
    class: about?.classes ? Math.min(state.class, about.classes - 1) : null,
    noise: state.noise,
    noise_seed: state.noise_seed,
  };
}

/** The address of a picture's file. */
export function pictureLink(picture, cell) {
  const query = new URLSearchParams({ state: JSON.stringify(picture) });
  if (cell !== undefined) query.set("cell", cell);
  return `/picture?${query}`;
}

/** The address of the styles of a picture, or the moved ones of an edit, as a file. */
export const stylesLink = (picture) => `/styles?${new URLSearchParams({ state: JSON.stringify(picture) })}`;

/** The address of a film that was made. */
export const filmLink = (film) => `/films?${new URLSearchParams({ state: JSON.stringify(film) })}`;

/** Says which networks there are, and which to take where the address names none of them. */
export function knowNetworks(names, first) {
  [networks, preferred] = [names, first];
  settle();
}

function settle() {
  if (networks && !networks.includes(state.network)) state.network = preferred;
}

function address() {
  const changed = Object.entries(state).filter(([key, value]) => key === "room" || key === "network" || value !== DEFAULTS[key]);
  return `#${new URLSearchParams(changed)}`;
}

function read() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const [key, value] of Object.entries(DEFAULTS)) {
    const text = given.get(key);
    const number = Number(text);
    state[key] = text === null ? value : typeof value === "string" ? text : Number.isFinite(number) ? number : value;
  }
  if (!ROOMS.includes(state.room)) state.room = DEFAULTS.room;
  if (!NOISES.includes(state.noise)) state.noise = DEFAULTS.noise;
  if (!TOOLS.includes(state.tool)) state.tool = DEFAULTS.tool;
  const within = (key, least, most, whole = Math.floor) => { state[key] = Math.max(least, Math.min(most, whole(state[key]))); };
  const asItIs = (value) => value;
  const limit = 5e7;
  within("x", -limit, limit, asItIs);
  within("y", -limit, limit, asItIs);
  within("psi", -1, 1.5, asItIs);
  within("speed", -4, 4, asItIs);
  within("cutoff", -1, Infinity);
  within("class", 0, Infinity);
  within("film", 2, 16);
  within("steps", 50, 1000);
  ["seed", "style_seed", "noise_seed"].forEach((key) => within(key, 0, MOST_SEED));
  ["unedited", "reals"].forEach((key) => within(key, 0, 1));
  settle();
}

const again = () => { read(); listeners.forEach((listener) => listener(state)); };
addEventListener("hashchange", again);
addEventListener("popstate", again);
read();
