// Runs: how a run's pictures and numbers have changed, and change while it trains.

import { ask } from "./ask.js";
import { chart, number } from "./chart.js";
import { calm, h, select, trouble } from "./elements.js";
import { allRuns, command, foremost, onLibrary } from "./library.js";
import { set, state, watch } from "./link.js";

const EVERY = 4000;
/** A run that has said nothing for as long is at rest. */
const AT_REST = 15 * 60;
/** The least width of a chart and what lies between two, as the style sheet has them at 16 pixels a rem. */
const [NARROWEST, GAP] = [336, 16];

/** Whose losses there are. */
const TRAINED = { G: "generator", D: "discriminator", E: "encoder", C: "classifier", S: "segmenter" };

const CHARTS = [
  ["Losses", "mean of each tick", Object.entries(TRAINED).map(([key, name]) => [`Loss/${key}/loss`, name])],
  ["Signs of the scores", "near ±1 nothing is learnt, near 0 it guesses", [["Loss/signs/real", "real"], ["Loss/signs/fake", "fake"], ["Loss/signs/held_back", "held back"]]],
  ["Scores", "bands: one standard deviation", [["Loss/scores/real", "real"], ["Loss/scores/fake", "fake"]], true],
  ["R1", "squared gradient at real pictures", [["Loss/r1_penalty", "penalty"]]],
  ["Path length", "of StyleGAN2", [["Loss/pl_length", "length"]]],
  ["Variety", "distance of samples from each other, far below real ones' where the generator has collapsed", [["Variety/real", "real"], ["Variety/fake", "generated"]]],
  ["Augmentation p", "how often pictures are changed", [["Progress/augment", "p"]]],
  ["Resolution", "pixels", [["Progress/resolution", "side"]]],
  ["Seconds per kimg", "of training alone", [["Timing/sec_per_kimg", "s"]]],
];

/** Builds the room; returns how to leave it. */
export function runs(main) {
  let [leave, some] = [() => {}, null];
  const settle = () => {
    const now = allRuns().length > 0;
    if (now === some) return;
    some = now;
    leave();
    leave = some ? runsRoom(main) : noRun(main);
  };
  const stop = onLibrary(settle);
  settle();
  return () => {
    stop();
    leave();
  };
}

function noRun(main) {
  main.replaceChildren(h("div", { className: "empty" }, h("h2", {}, "No run here"),
    h("p", {}, "Runs that train below ", h("code", {}, "runs/"), " show here, live. ", h("code", {}, command("train")), " starts one.")));
  return () => {};
}

function runsRoom(main) {
  let all = allRuns();
  const given = foremost(all);
  let name = "";
  let [timer, left, ticks, next, grids, following, reports, width] = [0, false, [], 0, [], true, [], 0];

  const pick = select({
    label: "Run", options: [], value: "", hint: "All runs below runs/, and the one the studio was started with.",
    onchange: (run) => set({ run, grid: "", reals: 0 }),
  });
  const facts = h("dl", { className: "facts" });
  const warnings = h("ul", { className: "warnings", "aria-label": "What the watch over the run's health says" });
  const image = h("img", { alt: "" });
  const slider = h("input", { type: "range", id: "grid", min: 0, max: 0, step: 1, value: 0, "aria-label": "When" });
  slider.addEventListener("input", () => set({ grid: grids[slider.valueAsNumber]?.name ?? "" }));
  const when = h("output", { for: "grid" });
  const reals = h("button", { type: "button", "aria-pressed": "false", onclick: () => set({ reals: 1 - state.reals }) }, "Real pictures");
  const save = h("a", { className: "button", download: "" }, "Download PNG");
  const open = h("button", { type: "button", onclick: () => set({ room: "latents", network: name }) }, "Open its network");
  const charts = h("div", { className: "charts" });
  const report = h("div", { className: "scroll" });
  const log = h("pre", { tabIndex: 0, "aria-label": "The log's last lines" });
  main.replaceChildren(h("div", { className: "runs" },
    h("section", { className: "panel wide", "aria-label": "The run" }, pick.element, facts, warnings),
    h("section", { className: "panel", "aria-label": "Samples" },
      h("div", { className: "control" }, h("div", { className: "head" }, h("label", { for: "grid" }, "Samples, the same latents each time"), when), slider),
      image, h("div", { className: "row" }, reals, save, open)),
    h("section", { className: "panel", "aria-label": "Metrics" }, h("h2", {}, "Metrics"), report),
    h("section", { className: "panel wide", "aria-label": "Log" }, h("h2", {}, "Log"), log),
    h("section", { className: "panel wide", "aria-label": "Curves" }, h("h2", {}, "Curves"), charts)));

  const read = async (path) => (await ask(`/runs/${encodeURIComponent(name)}${path}`)).json();

  async function refresh() {
    clearTimeout(timer);
    const asked = name;
    try {
      const details = await read("");
      let grown = false;
      for (let more = true; more;) {
        const stats = await read(`/stats?from=${next}`);
        if (asked !== name || left) return;
        if (stats.from < next) ticks = [];
        ticks.push(...stats.ticks);
        grown ||= stats.ticks.length > 0;
        [next, more] = [stats.next, stats.more];
      }
      if (asked !== name || left) return;
      calm();
      reports = details.reports;
      showDetails(details);
      if (grown || !charts.childElementCount) showCharts();
    } catch (error) {
      if (!left && asked === name) trouble(error.message);
    }
    if (!left) timer = setTimeout(refresh, EVERY);
  }

  function showDetails(details) {
    // Lines of measurements and sample grids have no pace.
    const last = (key) => ticks.findLast((tick) => tick[key])?.[key].mean;
    const [kimg, pace] = [last("Progress/kimg"), last("Timing/sec_per_kimg")];
    const age = details.seconds_since_last_tick;
    const live = age !== null && age < AT_REST && (details.total_kimg === null || kimg === undefined || kimg < details.total_kimg);
    const done = kimg !== undefined && details.total_kimg !== null && kimg >= details.total_kimg;
    const left = live && pace && details.total_kimg ? (details.total_kimg - kimg) * pace : null;
    const pairs = [
      ["State", done ? "done" : live ? "training" : "at rest"], ["Shown", `${number(kimg)} of ${number(details.total_kimg)} kimg`],
      ["Pace", `${number(pace)} s a kimg`], ["Last tick", age === null ? "none yet" : `${span(age)} ago`],
    ];
    if (left) pairs.push(["To the end", span(left)]);
    facts.replaceChildren(...pairs.map(([key, value]) => h("div", {}, h("dt", {}, key), h("dd", {}, value))));
    warnings.replaceChildren(...details.warnings.map(({ kimg, sentence }) => h("li", {}, `At ${number(kimg)} kimg: ${sentence}.`)));
    warnings.hidden = !details.warnings.length;
    const more = details.grids.length !== grids.length;
    grids = details.grids;
    reals.hidden = !details.reals;
    if (more || !image.src) showGrid();
    log.textContent = details.log.join("\n");
    showReports(details.reports);
  }

  function showGrid() {
    const chosen = grids.findIndex((grid) => grid.name === state.grid);
    following = chosen < 0;
    const at = following ? grids.length - 1 : chosen;
    slider.max = Math.max(0, grids.length - 1);
    slider.value = at;
    const grid = grids[at];
    const real = state.reals === 1 && !reals.hidden;
    reals.setAttribute("aria-pressed", String(real));
    const file = real ? "reals.png" : grid?.name;
    image.hidden = !file;
    if (!file) { when.textContent = "none yet"; return; }
    const words = grid?.kimg < 0 ? "before training" : `${grid?.kimg} kimg`;
    when.textContent = real ? "the set" : words + (following ? ", the latest" : "");
    slider.setAttribute("aria-valuetext", when.textContent);
    const address = `/runs/${encodeURIComponent(name)}/pictures/${encodeURIComponent(file)}`;
    if (!image.src.endsWith(address)) image.src = address;
    image.alt = real ? "Real pictures of the set" : `Sample grid, ${words}`;
    save.href = real ? address : `${address}/file`;
    save.download = `${name}-${file}`;
  }

  function showCharts() {
    // Drawn as wide as they are shown, so that their words have the size of others.
    const across = Math.max(1, Math.floor((charts.clientWidth + GAP) / (NARROWEST + GAP)));
    width = Math.floor((charts.clientWidth + GAP) / across) - GAP;
    const measured = new Set(ticks.flatMap((tick) => Object.keys(tick).filter((key) => key.startsWith("Metrics/"))));
    const keys = new Set(ticks.flatMap(Object.keys));
    const figures = [...CHARTS, ...termsOf(keys)].map(([title, about, curves, spread]) =>
      chart(title, about, width, curves.filter(([key]) => keys.has(key)).map(([key, name]) => ({ name, points: points(key, spread) }))));
    for (const metric of new Set([...reports.map(({ name }) => name), ...[...measured].map((key) => key.slice("Metrics/".length))])) {
      const reported = reports.filter((result) => result.name === metric && result.subject !== "real set")
        .map(({ kimg, value, low, high }) => ({ x: kimg, y: value, low: low ?? undefined, high: high ?? undefined }));
      const inLine = reported.length ? [] : points(`Metrics/${metric}`);
      if (reported.length + inLine.length > 1) figures.unshift(chart(metric, "bars: 95 % intervals", width, [{ name: metric, points: [...reported, ...inLine], dots: true }]));
    }
    const found = figures.filter(Boolean);
    charts.replaceChildren(...(found.length ? found : [h("p", { className: "hint" }, "No tick yet: curves begin with the first.")]));
  }

  const points = (key, spread) => ticks.filter((tick) => tick[key] && tick["Progress/kimg"]).map((tick) => {
    const { mean, std } = tick[key];
    return { x: tick["Progress/kimg"].mean, y: mean, ...(spread ? { low: mean - std, high: mean + std } : {}) };
  });

  function showReports(reports) {
    if (!reports.length) {
      report.replaceChildren(h("p", { className: "hint" }, "Nothing was measured yet: ", h("code", {}, command("eval")), " does, and [eval] in a configuration while it trains."));
      return;
    }
    // The newest first; of each, the metrics as its report has them.
    const newest = reports.toSorted((a, b) => b.kimg - a.kimg);
    report.replaceChildren(h("table", { className: "report" },
      h("thead", {}, h("tr", {}, ["kimg", "metric", "value", "95 % interval", "better"].map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", {}, newest.map((result) => h("tr", {}, [number(result.kimg), result.name, number(result.value),
        result.low === null ? "–" : `${number(result.low)} to ${number(result.high)}`, result.better ?? ""].map((cell) => h("td", {}, cell)))))));
  }

  /** Offers the runs that there are now, and shows the one that is chosen. */
  function choose() {
    all = allRuns();
    const wanted = all.some((run) => run.name === state.run) ? state.run : given.name;
    pick.input.replaceChildren(...all.map(({ name }) => h("option", { value: name }, name)));
    pick.set(wanted);
    open.hidden = !all.find((run) => run.name === wanted)?.network;
    if (wanted === name) return showGrid();
    [name, ticks, next, grids] = [wanted, [], 0, []];
    image.removeAttribute("src");
    charts.replaceChildren();
    document.getElementById("facts").textContent = "";
    refresh();
  }

  const resized = new ResizeObserver(() => { if (charts.querySelector("svg")) showCharts(); });
  resized.observe(charts);
  const stops = [watch(choose), onLibrary(choose)];
  choose();
  return () => {
    left = true;
    clearTimeout(timer);
    resized.disconnect();
    stops.forEach((stop) => stop());
  };
}

/** Charts of what else the run's ticks hold: the terms of losses, accuracies, and how far off each network is. */
function termsOf(keys) {
  const terms = (letter) => [...keys].filter((key) => key.startsWith(`Loss/${letter}/`) && !key.endsWith("/loss"))
    .map((key) => [key, key.slice(`Loss/${letter}/`.length)]);
  const charts = Object.entries(TRAINED).map(([letter, name]) => [`Terms of the ${name}'s loss`, "mean of each tick, weighted", terms(letter)])
    // The one term of the discriminator is its penalty, which has a chart.
    .filter(([, , curves]) => curves.length > 0 && !curves.every(([key]) => key.endsWith("/reg")));
  const right = [...keys].filter((key) => key.startsWith("Accuracy/"));
  if (right.length) charts.push(["Accuracy", "share that is right", right.map((key) => [key, key.slice("Accuracy/".length)])]);
  return charts;
}

/** A time in words. */
function span(seconds) {
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const [size, unit] = units.find(([size]) => seconds >= size) ?? units.at(-1);
  return `${Math.round(seconds / size)} ${unit}`;
}
