// The page: its rooms, the choice of the network, dark and light.

import { edit } from "./edit.js";
import { h, say } from "./elements.js";
import { latents } from "./latents.js";
import { knowNetworks, set, state, watch } from "./link.js";
import { mix } from "./mix.js";
import { paint } from "./paint.js";
import { runs } from "./runs.js";

const ROOMS = { latents, mix, edit, paint, runs };
const main = document.getElementById("main");
const tabs = [...document.querySelectorAll("nav [data-room]")];
const chooser = document.getElementById("network");
let library = [];
let [room, leave] = ["", () => {}];

tabs.forEach((tab) => tab.addEventListener("click", () => set({ room: tab.dataset.room })));
chooser.addEventListener("change", () => set({ network: chooser.value }));

function enter() {
  chooser.value = state.network;
  if (state.room === room) return;
  room = state.room;
  leave();
  tabs.forEach((tab) => (tab.dataset.room === room ? tab.setAttribute("aria-current", "page") : tab.removeAttribute("aria-current")));
  document.title = `${tabs.find((tab) => tab.dataset.room === room).textContent} – StyleGAN studio`;
  document.getElementById("facts").textContent = "";
  const needsNetwork = room !== "runs" && !library.some(({ network }) => network);
  leave = needsNetwork ? nothing() : ROOMS[room](main, library);
}

function nothing() {
  main.replaceChildren(h("div", { className: "empty" }, h("h2", {}, "No network yet"),
    h("p", {}, "A run saves its first checkpoint after a while; Runs shows how it goes. Reload this page then, or start the studio with ",
      h("code", {}, "--network FILE"), ".")));
  return () => {};
}

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
  const answer = await fetch("/library");
  if (!answer.ok) return say(await answer.text(), true);
  library = await answer.json();
  const networks = library.filter(({ network }) => network);
  chooser.replaceChildren(...networks.map(({ name }) => h("option", { value: name }, name)));
  chooser.disabled = !networks.length;
  const age = (entry) => entry.seconds_since_last_tick ?? Infinity;
  const newest = networks.toSorted((a, b) => age(a) - age(b))[0];
  const asked = state.network;
  knowNetworks(networks.map(({ name }) => name), (networks.find(({ given }) => given) ?? newest)?.name ?? "");
  if (asked && asked !== state.network) say(`The network ${asked} is not here; another one is shown.`, true);
  watch(enter);
  theme(localStorage.getItem("theme") ?? (matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark"));
}

start();
