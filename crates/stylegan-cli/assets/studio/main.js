// The page: its rooms, the choice of the network, dark and light.

import { edit } from "./edit.js";
import { h, say } from "./elements.js";
import { latents } from "./latents.js";
import { best, command, first, networks, onLibrary, refresh, suits, used } from "./library.js";
import { knowNetworks, set, state, watch } from "./link.js";
import { mix } from "./mix.js";
import { paint } from "./paint.js";
import { runs } from "./runs.js";

const ROOMS = { latents, mix, edit, paint, runs };
/** How often the studio is asked what it has. */
const EVERY = 60_000;
const main = document.getElementById("main");
const tabs = [...document.querySelectorAll("nav [data-room]")];
const chooser = document.getElementById("network");
let [room, leave, empty] = ["", () => {}, false];

tabs.forEach((tab) => tab.addEventListener("click", () => go(tab.dataset.room)));
chooser.addEventListener("change", () => { say(""); set({ network: chooser.value }); });

const wordOf = (name) => tabs.find((tab) => tab.dataset.room === name).textContent;

/** Into a room, with a network that it can use. */
function go(to) {
  const now = networks().find(({ name }) => name === state.network);
  const other = now && !suits(to, now) ? best(to) : "";
  set(other ? { room: to, network: other } : { room: to });
  if (other) say(`${wordOf(to)} works with other networks than ${now.name}: ${other} is chosen.`);
}

function enter() {
  chooser.value = state.network;
  used(state.network);
  const nothingYet = state.room !== "runs" && !networks().length;
  if (state.room === room && nothingYet === empty) return;
  if (room && state.room !== room) {
    // What was said of the room that is left.
    say("");
    ask();
  }
  [room, empty] = [state.room, nothingYet];
  const held = main.contains(document.activeElement);
  leave();
  tabs.forEach((tab) => (tab.dataset.room === room ? tab.setAttribute("aria-current", "page") : tab.removeAttribute("aria-current")));
  document.title = `${wordOf(room)} – StyleGAN studio`;
  document.getElementById("facts").textContent = "";
  leave = nothingYet ? nothing() : ROOMS[room](main);
  // What had the focus has gone with its room.
  if (held && !main.contains(document.activeElement)) main.focus();
}

function nothing() {
  main.replaceChildren(h("div", { className: "empty" }, h("h2", {}, "No network yet"),
    h("p", {}, "A run saves its first checkpoint after a while, and is then shown here; Runs shows how it goes. Or start the studio with ",
      h("code", {}, command("studio --network FILE")), ".")));
  return () => {};
}

/** Offers what there is to choose. */
function offer() {
  const names = networks().map(({ name }) => name);
  chooser.replaceChildren(...names.map((name) => h("option", { value: name }, name)));
  chooser.disabled = !names.length;
  const asked = state.network;
  knowNetworks(names, first());
  if (asked && asked !== state.network) say(`The network ${asked} is not here; another one is shown.`);
  set({});
}

/** What is new is of no use to a studio that has ended; its connection says so. */
const ask = () => refresh().catch(() => {});

function theme(name) {
  document.documentElement.dataset.theme = name;
  const other = name === "light" ? "dark" : "light";
  const button = document.getElementById("theme");
  button.textContent = other === "light" ? "Light" : "Dark";
  button.onclick = () => { localStorage.setItem("theme", other); theme(other); };
  // What is drawn by hand takes its colours anew.
  set({});
}

async function start() {
  onLibrary(offer);
  try {
    await refresh();
  } catch (error) {
    return say(error.message, true);
  }
  watch(enter);
  theme(localStorage.getItem("theme") ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark"));
  setInterval(() => { if (!document.hidden) ask(); }, EVERY);
}

start();
