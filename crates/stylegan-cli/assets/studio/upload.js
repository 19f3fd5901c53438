// Files that the user gives: chosen, or dropped.

import { ask } from "./ask.js";
import { h, say } from "./elements.js";

/** Sends bytes to the studio; its answer. */
export async function post(path, body) {
  return (await ask(path, { method: "POST", body, headers: { "Content-Type": "application/octet-stream" } })).json();
}

/** Sends a file to the studio; the answer, or null after the user was told why not. */
export async function send(path, file) {
  try {
    return await post(path, file);
  } catch (error) {
    say(error.message, true);
    return null;
  }
}

let count = 0;

/** A field for a file; `onfile` gets it. */
export function fileField({ label, hint, accept, onfile }) {
  const id = `file-${count++}`;
  const input = h("input", { type: "file", id, accept, "aria-describedby": `${id}-hint` });
  input.addEventListener("change", async () => {
    const file = input.files[0];
    input.value = "";
    if (file) await onfile(file);
  });
  return { element: h("div", { className: "control" }, h("label", { for: id }, label), input,
    h("p", { className: "hint", id: `${id}-hint` }, hint)), input };
}

// A file that is dropped beside the places for it would be opened in place of the page.
for (const name of ["dragover", "drop"]) {
  addEventListener(name, (event) => {
    if (event.defaultPrevented || event.target.type === "file" || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  });
}

/** Lets files be dropped on an element. */
export function droppable(element, onfile) {
  element.addEventListener("dragover", (event) => {
    event.preventDefault();
    element.classList.add("over");
  });
  element.addEventListener("dragleave", () => element.classList.remove("over"));
  element.addEventListener("drop", (event) => {
    event.preventDefault();
    element.classList.remove("over");
    const file = event.dataTransfer.files[0];
    if (file) onfile(file);
  });
}
