// Which room a network is for.

import { h } from "./elements.js";
import { best } from "./library.js";
import { set } from "./link.js";

/** What a room shows of a network that it can do nothing with: who it is for, and what to take here instead. */
export function unfit(about, room) {
  const words = about.map
    ? `${about.name} is a ${about.architecture} network: it paints label maps and has no seeds or styles for ${room}.`
    : room === "Paint"
      ? `${about.name} is a ${about.architecture}: it makes pictures of seeds. Painting needs a network of label maps, such as SPADE.`
      : `${about.name} is a ${about.architecture}: it has no styles, which ${room} works on.`;
  const other = about.map ? "paint" : "latents";
  const name = best(room.toLowerCase());
  const button = (words, className, changes) => h("button", { type: "button", className, onclick: () => set(changes) }, words);
  const stay = name ? [button(`Use ${name} here`, "main", { network: name })] : [];
  const go = button(about.map ? "Open it in Paint" : "Open it in Latents", stay.length ? "" : "main", { room: other });
  return h("div", { className: "empty" }, h("h2", {}, `Nothing to do in ${room}`), h("p", {}, words),
    h("p", { className: "row centre" }, stay, go));
}
