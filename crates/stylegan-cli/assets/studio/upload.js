// Files that the user gives: chosen, or dropped.

import { h, say } from "./elements.js";

/** Sends bytes to the studio; the answer, or null after the user was told why not. */
export async function send(path, body) {
  try {
    const answer = await fetch(path, { method: "POST", body, headers: { "Content-Type": "application/octet-stream" } });
    if (!answer.ok) {
      say((await answer.text()).trim(), true);
      return null;
    }
    return await answer.json();
  } catch {
    say("The studio does not answer. If it was ended in the terminal, start it again.", true);
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
