// Which room a network is for.

import { h } from "./elements.js";
import { set } from "./link.js";

/** What a room shows of a network that it can do nothing with. */
export function unfit(about, room) {
  const words = about.map
    ? `${about.name} is a ${about.architecture} network: it paints label maps and has no seeds or styles for ${room}.`
    : room === "Paint"
      ? `${about.name} is a ${about.architecture}: it makes pictures of seeds. Painting needs a SPADE network; choose one above, or start the studio with --network.`
      : `${about.name} is a ${about.architecture}: it has no styles, which ${room} works on.`;
  const other = about.map ? "paint" : "latents";
  return h("div", { className: "empty" }, h("h2", {}, `Nothing to do in ${room}`), h("p", {}, words),
    h("p", {}, h("button", { type: "button", className: "main", onclick: () => set({ room: other }) }, about.map ? "Open it in Paint" : "Open it in Latents")));
}
