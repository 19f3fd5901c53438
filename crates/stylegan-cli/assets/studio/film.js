// Films: made in the studio, frame by frame, and downloaded as GIF.

import { forget, stop, wish } from "./connection.js";
import { h, say } from "./elements.js";
import { filmLink } from "./link.js";

/** A button that makes a film, how far it is, and its link. `request()` is the state of the film, or null for none. */
export function filmMaker(request) {
  const make = h("button", { type: "button", onclick: begin }, "Make a film");
  const cancel = h("button", { type: "button", onclick: halt }, "Cancel the film");
  const progress = h("progress", { max: 1, value: 0, "aria-label": "The film" });
  const link = h("a", { className: "button", download: "" }, "Download film");
  let making = false;
  show("");

  function begin() {
    const state = request();
    if (!state) return;
    making = true;
    // The same film may be wanted again.
    forget("film");
    show("");
    say("Making the film…");
    wish(state, ({ cell, cells }) => {
      if (!making) return;
      progress.value = (cell + 1) / cells;
      say(`Making the film: ${Math.round((100 * (cell + 1)) / cells)} %`);
      if (cell + 1 < cells) return;
      end();
      show(filmLink(state));
      say("The film is made. It goes round and round.");
    }, (sentence) => { end(); say(sentence, true); });
  }

  function end() {
    making = false;
    forget("film");
    show("");
  }

  function halt() {
    if (!making) return;
    stop("film");
    end();
    say("The film is given up.");
  }

  function show(address) {
    make.hidden = making;
    cancel.hidden = progress.hidden = !making;
    progress.value = 0;
    link.hidden = !address;
    if (address) link.href = address;
  }

  return {
    element: h("div", { className: "row" }, make, cancel, progress, link),
    /** Whether there is one to make. */
    allow(possible) { make.disabled = !possible; },
    leave() { if (making) stop("film"); forget("film"); },
  };
}
