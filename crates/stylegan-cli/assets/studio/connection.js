// The one connection: wishes go out, the latest of each view alone; pictures come in.

import { ask } from "./ask.js";
import { calm, say, trouble } from "./elements.js";

const VIEWS = { 1: "picture", 2: "mix", 3: "thumbnails", 4: "edit", 5: "paint", 6: "invert", 7: "film" };
const HEADER = 16;

/** Views of a single picture, which is worth showing also when a newer one is wanted: something moves while one drags. */
const MOVING = ["picture", "edit", "paint"];
/** Views whose pictures are counted, not shown. */
const COUNTED = ["film"];

const wishes = new Map();
const networks = new Map();
const listeners = new Set();
let socket = null;
let seq = 0;
let wait = 500;
let scheduled = false;
let decoding = Promise.resolve();

/** What is known of a network that pictures were asked of. */
export const aboutNetwork = (name) => networks.get(name);

/** Calls `listener` when something new is known of a network; returns how to stop that. */
export function onNetwork(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Asks for pictures; `onpicture` gets each, `ontrouble` a sentence. A later wish of a view replaces it. */
export function wish(state, onpicture, ontrouble = trouble) {
  const text = JSON.stringify(state);
  const earlier = wishes.get(state.view);
  if (earlier?.text === text) {
    // What was asked for is on its way, or there.
    Object.assign(earlier, { onpicture, ontrouble });
    return;
  }
  wishes.set(state.view, { text, state, onpicture, ontrouble, seq: ++seq, sent: false });
  schedule();
}

function schedule() {
  if (scheduled) return;
  scheduled = true;
  // Once a frame is as often as anything can be seen; hidden pages draw no frames.
  if (document.hidden) setTimeout(send, 50); else requestAnimationFrame(send);
}

/** What is wanted of a network is wanted anew: it is another one under the same name. */
function again(name) {
  for (const [view, entry] of wishes) {
    const { network } = entry.state.look ?? entry.state;
    if (network === name && view !== "invert" && view !== "film") Object.assign(entry, { seq: ++seq, sent: false });
  }
  schedule();
}

/** No more of this view is wanted. */
export const forget = (view) => wishes.delete(view);

/** Ends the work on a view, also what the studio has begun. */
export function stop(view) {
  wishes.delete(view);
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ seq: ++seq, stop: view }));
}

function send() {
  scheduled = false;
  if (socket?.readyState !== WebSocket.OPEN) return;
  for (const entry of wishes.values()) {
    if (!entry.sent) {
      entry.sent = true;
      socket.send(JSON.stringify({ seq: entry.seq, state: entry.state }));
    }
  }
}

function connect() {
  socket = new WebSocket(`ws://${location.host}/socket`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    wait = 500;
    calm();
    for (const entry of wishes.values()) entry.sent = false;
    send();
  };
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") heed(JSON.parse(data));
    // One after the other: decoding must not bring them out of order.
    else decoding = decoding.then(() => show(data)).catch((error) => say(`A picture could not be shown: ${error.message}`, true));
  };
  socket.onclose = async () => {
    setTimeout(connect, wait);
    wait = Math.min(wait * 2, 10000);
    const closed = socket;
    const why = await ask("/door").then(() => "The connection to the studio broke off: trying again.", (error) => error.message);
    if (socket === closed || socket.readyState !== WebSocket.OPEN) trouble(why);
  };
}

function heed(message) {
  if (message.type === "network") {
    const earlier = networks.get(message.name);
    networks.set(message.name, message);
    if (earlier && earlier.hash !== message.hash) again(message.name);
    listeners.forEach((listener) => listener(message));
  } else if (message.type === "error") {
    const entry = wishes.get(VIEWS[message.view]);
    if (entry && entry.seq === message.seq) entry.ontrouble(message.message);
    else if (message.seq === null) say(message.message, true);
  }
}

async function show(data) {
  const head = new DataView(data, 0, HEADER);
  const view = VIEWS[head.getUint8(0)];
  const picture = {
    width: head.getUint16(2, true), height: head.getUint16(4, true), cell: head.getUint16(6, true),
    seq: head.getUint32(8, true), cells: head.getUint16(12, true), milliseconds: head.getUint16(14, true),
  };
  const entry = wishes.get(view);
  if (!entry || (entry.seq !== picture.seq && !MOVING.includes(view))) return;
  if (!COUNTED.includes(view)) {
    picture.image = head.getUint8(1) === 0
      ? pixels(new Uint8Array(data, HEADER), picture.width, picture.height)
      : await createImageBitmap(new Blob([new Uint8Array(data, HEADER)], { type: "image/jpeg" }));
  }
  entry.onpicture(picture);
}

function pixels(rgb, width, height) {
  const image = new ImageData(width, height);
  for (let from = 0, to = 0; from < rgb.length; from += 3, to += 4) {
    image.data[to] = rgb[from];
    image.data[to + 1] = rgb[from + 1];
    image.data[to + 2] = rgb[from + 2];
    image.data[to + 3] = 255;
  }
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

connect();
