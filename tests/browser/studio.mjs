// Uses each room of a running studio as a person would, in headless Chromium.
//
//   node studio.mjs LINK CHROMIUM FOLDER
//
// LINK is the studio's own; FOLDER holds picture.png and map.png to upload, and takes the screenshots. The studio has the
// networks `tiny` (StyleGAN) and `painter` (SPADE, four classes), and perhaps the run `first`.

import assert from "node:assert/strict";
import { appendFile, cp, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [link, executablePath, folder] = process.argv.slice(2);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, acceptDownloads: true });
const page = await context.newPage();
page.setDefaultTimeout(60_000);
const broken = [];
page.on("pageerror", (error) => broken.push(error.message));
page.on("console", (message) => { if (message.type() === "error" && !/status of (40[04]|503)/.test(message.text())) broken.push(message.text()); });

/** The canvas's pixels, as a number that tells pictures apart. */
const seen = (selector) => page.locator(selector).evaluate((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.reduce((sum, value, i) => (sum * 31 + value * (i + 1)) % 4294967291, 7);
});

async function changes(selector, act, what) {
  const before = await seen(selector);
  await act();
  const until = Date.now() + 60_000;
  while ((await seen(selector)) === before) {
    assert.ok(Date.now() < until, `${what}: the picture stays the same; the page says “${await status()}”`);
    await page.waitForTimeout(30);
  }
}

const status = () => page.locator("#status").textContent();

async function room(name, network) {
  await page.getByRole("button", { name, exact: true }).first().click();
  if (network) await page.locator("#network").selectOption(network);
}

async function saved(name, ending) {
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name, exact: true }).click()]);
  assert.ok(file.suggestedFilename().endsWith(ending), file.suggestedFilename());
  return readFile(await file.path());
}

/** No finding of axe that is serious; dark and light. */
async function accessible(where) {
  for (const theme of ["dark", "light"]) {
    await page.evaluate((name) => { document.documentElement.dataset.theme = name; }, theme);
    // Colours fade into each other; on a busy machine for as long as that takes.
    await page.evaluate(async () => {
      await new Promise(requestAnimationFrame);
      const fading = document.getAnimations().filter((one) => Number.isFinite(one.effect.getComputedTiming().endTime));
      await Promise.allSettled(fading.map((one) => one.finished));
    });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    const words = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
    assert.deepEqual(words, [], `${where}, ${theme}`);
  }
  await page.evaluate(() => { document.documentElement.dataset.theme = "dark"; });
}

/** What the page says is on the screen, wherever that is scrolled to. */
async function speaks(where) {
  const [top, bottom, height] = await page.locator("#status").evaluate((line) => {
    const box = line.getBoundingClientRect();
    return [box.top, box.bottom, innerHeight];
  });
  assert.ok(top >= 0 && bottom <= height, `${where}: what the page says lies at ${top} to ${bottom} of ${height} pixels`);
}

/** Fits a phone, without scrolling sideways. */
async function onPhone(where) {
  await speaks(where);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.waitForTimeout(150);
  await speaks(`${where} on a phone`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= 390, `${where}: ${wide} pixels wide on a phone`);
  await page.setViewportSize({ width: 1280, height: 860 });
}

const shot = (name) => page.screenshot({ path: join(folder, `${name}.png`) });

async function step(name, act) {
  const began = Date.now();
  await act();
  console.log(`${name}: ${Date.now() - began} ms`);
}

await step("Latents", async () => {
  await page.goto(link);
  assert.equal(new URL(page.url()).search, "", "the token stays in the address");
  await page.locator("#network").selectOption("tiny");
  const picture = "canvas[role=img]";
  await changes(picture, () => page.getByLabel("Seed", { exact: true }).fill("7").then(() => page.keyboard.press("Enter")), "seed");
  await page.locator(".pad").focus();
  await changes(picture, () => page.keyboard.press("Shift+ArrowRight"), "arrow key");
  // It glides there; on the way pictures are blends of seeds.
  await page.locator(`${picture}[aria-label="Picture of seed 8"]`).waitFor();
  const png = await saved("Download PNG", ".png");
  assert.equal(png.subarray(1, 4).toString(), "PNG");
  assert.ok(png.includes("stylegan:seed"));
  assert.ok((await saved("Download styles", ".safetensors")).includes("styles of a place"));
  // A film of two seeds, made while the page goes on.
  await page.getByLabel("Seeds of a film").fill("2");
  await page.getByLabel("Speed").fill("4");
  await page.getByRole("button", { name: "Make a film" }).click();
  await page.getByRole("link", { name: "Download film" }).waitFor();
  assert.equal((await saved("Download film", ".gif")).subarray(0, 6).toString(), "GIF89a");
  // How often something new is seen while one drags.
  await page.locator(".pad").scrollIntoViewIfNeeded();
  const box = await page.locator(".pad").boundingBox();
  await page.evaluate(() => {
    globalThis.drawn = 0;
    const draw = CanvasRenderingContext2D.prototype.drawImage;
    CanvasRenderingContext2D.prototype.drawImage = function (...all) {
      if (this.canvas.getAttribute("role") === "img") globalThis.drawn += 1;
      return draw.apply(this, all);
    };
  });
  await page.mouse.move(box.x + 20, box.y + 20);
  await page.mouse.down();
  const began = Date.now();
  for (let i = 0; i < 60; i++) await page.mouse.move(box.x + 20 + 3 * i, box.y + 20 + i);
  await page.mouse.up();
  const [frames, seconds] = [await page.evaluate(() => globalThis.drawn), (Date.now() - began) / 1000];
  console.log(`dragging: ${frames} pictures in ${seconds.toFixed(2)} s, ${(frames / seconds).toFixed(1)} a second`);
  assert.ok(frames >= 2, `${frames} pictures while dragging`);
  await accessible("Latents");
  await onPhone("Latents");
  await shot("latents");
});

await step("Mix", async () => {
  await room("Mix", "tiny");
  await page.locator(".mix td canvas").nth(10).waitFor();
  await changes(".mix tbody td:not(.parent) canvas >> nth=0", () => page.getByRole("button", { name: "Fine", exact: true }).click().then(() => page.getByRole("button", { name: "Coarse", exact: true }).click()).then(() => page.locator(".strip button").nth(5).focus()).then(() => page.keyboard.press("Space")), "style row");
  await accessible("Mix");
  await onPhone("Mix");
});

await step("Edit", async () => {
  await room("Edit", "tiny");
  const picture = "canvas[role=img]";
  await page.getByRole("button", { name: "Find directions" }).click();
  const slider = page.locator(".sliders input").first();
  await slider.waitFor();
  await changes(picture, async () => { await slider.focus(); for (let i = 0; i < 20; i++) await page.keyboard.press("ArrowRight"); }, "direction");
  await page.waitForTimeout(500);
  const address = page.url();
  assert.ok(address.includes("moves=sefa"), address);
  const edited = await seen(picture);
  await changes(picture, () => page.getByRole("button", { name: "Show unedited" }).click(), "unedited");
  await page.waitForTimeout(500);
  assert.ok(page.url().includes("unedited=1"), page.url());
  await page.getByRole("button", { name: "Show unedited" }).click();
  await page.getByRole("button", { name: "Make a film" }).click();
  assert.equal((await saved("Download film", ".gif")).subarray(0, 6).toString(), "GIF89a");
  const png = await saved("Download PNG", ".png");
  assert.ok(png.includes("stylegan:edit"));
  assert.ok((await saved("Download styles", ".safetensors")).includes("edited styles"));
  await accessible("Edit");
  await onPhone("Edit");
  await shot("edit");
  // The link leads back to it.
  await page.goto("about:blank");
  await page.goto(address);
  const until = Date.now() + 60_000;
  while ((await seen(picture).catch(() => 0)) !== edited) {
    assert.ok(Date.now() < until, "the link leads to another picture");
    await page.waitForTimeout(50);
  }
  // A picture of one's own: searched for, given up, and moved.
  await page.getByLabel("Or a picture of yours").setInputFiles(join(folder, "picture.png"));
  await page.getByRole("button", { name: "Cancel" }).waitFor();
  await page.waitForFunction(() => /Searching.*[1-9] %/.test(document.getElementById("status").textContent));
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Find its styles" }).waitFor();
  await changes(picture, async () => { await page.locator(".sliders input").first().focus(); for (let i = 0; i < 10; i++) await page.keyboard.press("ArrowLeft"); }, "moved picture");
  // Its styles, sent back, are the same picture without a move to be undone.
  const styles = await saved("Download styles", ".safetensors");
  const found = await seen(picture);
  await page.getByRole("button", { name: "Undo all moves" }).click();
  await page.getByLabel("Or a picture of yours").setInputFiles({ name: "styles.safetensors", mimeType: "application/octet-stream", buffer: styles });
  await page.waitForFunction(() => location.hash.includes("latents="));
  const late = Date.now() + 60_000;
  while ((await seen(picture).catch(() => 0)) !== found) {
    assert.ok(Date.now() < late, "the styles of a file make another picture");
    await page.waitForTimeout(50);
  }
  // A seed that is sent here takes their place.
  await room("Latents");
  await page.getByRole("button", { name: "Edit it" }).click();
  await page.locator(".sliders input").first().waitFor();
  // What had the focus has gone; the next Tab goes on in the room.
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  assert.ok(page.url().includes("room=edit") && !page.url().includes("latents="), page.url());
});

await step("Paint", async () => {
  // Its room takes a network that it can use, and goes back to the other with its room.
  await room("Paint");
  await page.locator(".board").waitFor();
  assert.equal(await page.locator("#network").inputValue(), "painter");
  await room("Mix");
  assert.equal(await page.locator("#network").inputValue(), "tiny");
  await room("Paint", "painter");
  const picture = "[aria-label='The picture'] canvas";
  await page.getByLabel("lake").waitFor();
  await page.waitForFunction(() => document.getElementById("facts").textContent.includes("ms"));
  const board = await page.locator(".board").boundingBox();
  await page.getByLabel("lake").check();
  await changes(picture, async () => {
    await page.mouse.move(board.x + 30, board.y + 30);
    await page.mouse.down();
    for (let i = 0; i < 12; i++) await page.mouse.move(board.x + 30 + 8 * i, board.y + 30 + 5 * i);
    await page.mouse.up();
  }, "stroke");
  await page.waitForTimeout(500);
  const drawn = await seen(".board");
  // A stroke that does not reach the studio is sent again.
  const lost = (route) => route.fulfill({ status: 503, body: "Other files are just being sent: try again in a moment." });
  await page.route("**/maps?*", lost, { times: 1 });
  await page.locator(".board").focus();
  await changes(picture, () => page.keyboard.press("Space"), "a stroke that was lost");
  await changes(".board", () => page.getByRole("button", { name: "Undo", exact: true }).click(), "undo");
  assert.equal(await seen(".board"), drawn, "undo");
  await changes(".board", () => page.getByRole("button", { name: "Undo", exact: true }).click(), "undo");
  await page.getByRole("button", { name: "Redo", exact: true }).click();
  assert.equal(await seen(".board"), drawn, "redo");
  await page.locator(".board").focus();
  await changes(".board", async () => { await page.keyboard.press("ArrowUp"); await page.keyboard.press("Space"); }, "keys");
  await changes(picture, () => page.getByLabel("Seed of the style").fill("5").then(() => page.keyboard.press("Enter")), "style");
  await changes(".board", () => page.getByLabel("Load a map").setInputFiles(join(folder, "map.png")), "loaded map");
  await page.waitForTimeout(500);
  assert.ok((await saved("Download PNG", ".png")).includes("stylegan:map"));
  assert.equal((await saved("Download the map", ".png")).subarray(1, 4).toString(), "PNG");
  await accessible("Paint");
  await onPhone("Paint");
  await shot("paint");
  // A link to a map that is not kept says so, and stays until something is drawn.
  const address = new URL(page.url());
  const [hash, of] = [address.hash, (map) => new URLSearchParams({ ...Object.fromEntries(new URLSearchParams(address.hash.slice(1))), map })];
  await page.goto("about:blank");
  await page.goto(`${address.origin}/#${of("deadbeef")}`);
  await page.waitForFunction(() => document.getElementById("facts").textContent.includes("ms"));
  await page.waitForTimeout(700);
  assert.ok((await status()).includes("no longer keeps this map"), await status());
  assert.ok(page.url().includes("map=deadbeef"), page.url());
  await page.locator(".board").focus();
  await page.keyboard.press("Space");
  await page.waitForFunction(() => location.hash.includes("map=") && !location.hash.includes("deadbeef"));
  await page.goto("about:blank");
  await page.goto(`${address.origin}/${hash}`);
  await page.locator(".board").waitFor();
  // What is no map is refused in words, and nothing is lost.
  await page.getByLabel("Load a map").setInputFiles({ name: "no.png", mimeType: "image/png", buffer: Buffer.from("no map") });
  await page.waitForFunction(() => document.getElementById("status").classList.contains("bad"));
});

await step("Runs", async () => {
  await room("Runs");
  await page.locator(".charts svg").first().waitFor();
  // What trains now is found when the room is entered again.
  await cp(join(folder, "..", "runs", "first"), join(folder, "..", "runs", "second"), { recursive: true });
  await appendFile(join(folder, "..", "runs", "second", "log.txt"), "kimg 0.200      the discriminator has given all samples the same score for 10 ticks\n");
  await room("Latents");
  await room("Runs");
  await page.locator("select:not(#network) option", { hasText: "second" }).waitFor({ state: "attached" });
  await page.getByLabel("Run", { exact: true }).selectOption("second");
  await page.getByText("At 0.2 kimg: the discriminator has given all samples the same score").waitFor();
  await accessible("Runs");
  await onPhone("Runs");
});

await step("Networks that come along", async () => {
  // The size of the pictures of the documentation.
  await page.setViewportSize({ width: 1120, height: 700 });
  const { origin } = new URL(page.url());
  await page.goto("about:blank");
  await page.goto(`${origin}/#room=edit&network=avatars-64`);
  const picture = "canvas[role=img]";
  // Their directions are there at once, by name.
  await page.locator(".sliders input").nth(2).waitFor();
  await page.getByLabel("Seed", { exact: true }).fill("3");
  await page.keyboard.press("Enter");
  await page.waitForTimeout(500);
  const blond = page.locator(".sliders").getByLabel("blond-hair");
  await changes(picture, async () => { await blond.focus(); for (let i = 0; i < 25; i++) await page.keyboard.press("ArrowRight"); }, "blond-hair");
  await page.getByText("Moved along 1 direction: blond-hair", { exact: true }).waitFor();
  await page.waitForTimeout(500);
  await blond.scrollIntoViewIfNeeded();
  await shot("come-along-edit");
  // Moves along them are of no use to another network.
  await page.locator("#network").selectOption("tiny");
  await page.getByText("Not moved yet.").waitFor();
  await room("Paint", "earth-64-spade");
  await page.getByLabel("water", { exact: true }).waitFor();
  await page.waitForFunction(() => document.getElementById("facts").textContent.includes("ms"));
  const board = await page.locator(".board").boundingBox();
  for (const [name, from, to] of [["barren", [0.1, 0.2], [0.6, 0.2]], ["savanna", [0.15, 0.4], [0.75, 0.4]], ["evergreen broadleaf forest", [0.25, 0.6], [0.9, 0.62]], ["snow and ice", [0.8, 0.1], [0.95, 0.2]]]) {
    await page.getByLabel(name, { exact: true }).check();
    await page.getByLabel("Size of the brush").fill("14");
    await changes("[aria-label='The picture'] canvas", async () => {
      await page.mouse.move(board.x + from[0] * board.width, board.y + from[1] * board.height);
      await page.mouse.down();
      for (let i = 1; i <= 8; i++) await page.mouse.move(board.x + (from[0] + ((to[0] - from[0]) * i) / 8) * board.width, board.y + (from[1] + ((to[1] - from[1]) * i) / 8) * board.height);
      await page.mouse.up();
    }, name);
  }
  await page.waitForTimeout(500);
  await shot("come-along-paint");
});

await step("Rooms say what a network is not for", async () => {
  await room("Edit", "painter");
  await page.getByText("Nothing to do in Edit").waitFor();
  await page.getByRole("button", { name: /^Use .+ here$/ }).waitFor();
  await page.getByRole("button", { name: "Open it in Paint" }).click();
  await page.locator(".board").waitFor();
});

assert.deepEqual(broken, [], "errors in the page");
await browser.close();
