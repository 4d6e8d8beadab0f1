// The picture of each run with its layers to show or hide, its legend, and its numbers in words.

import { fixed, onceAFrame, onColors } from "./canvas.js";
import { mount as mountDatasets } from "./datasets.js";
import * as digits from "./digits.js";
import { make } from "./dom.js";
import { mountDrawing } from "./draw.js";
import { t } from "./language.js";
import * as line from "./line.js";
import * as plane from "./plane.js";
import { arraysOf, emit, on, state } from "./state.js";

const KINDS = { plane, line, digits };
const CALM = 4000; // milliseconds between summaries for screen readers

export function mount(element) {
  const figures = make("div", { class: "figures" });
  const numbers = make("div", { id: "numbers" });
  const layers = make("fieldset", { id: "layers" });
  const drawing = make("div", { id: "drawing" });
  const top = make("div", {}, figures, layers);
  const datasets = make("fieldset", { id: "datasets" });
  element.append(datasets, top, numbers, drawing);
  mountDatasets(datasets);
  mountDrawing(drawing, figures);

  const redraw = onceAFrame(() => drawAll(figures));
  const writeNumbers = () => {
    numbers.replaceChildren(...summary().map((text) => make("p", {}, text)));
  };
  const rebuild = () => {
    if (!state.runs.length) return;
    const intro = document.getElementById("intro");
    intro.dataset.t = `intro.${state.runs[0].kind}`;
    intro.textContent = t(intro.dataset.t);
    top.classList.toggle("one", state.runs.length === 1);
    buildFigures(figures);
    buildLayers(layers);
    writeNumbers();
    redraw();
  };
  on("picture", () => {
    if (figures.dataset.kind !== kinds()) rebuild();
    writeNumbers();
    publish();
    redraw();
  });
  on("film", redraw);
  on("view", rebuild);
  on("language", rebuild);
  onColors(redraw);
  new ResizeObserver(redraw).observe(figures);
  speakCalmly();
}

// What the figures and the legend depend on: the kind of each picture, and whether D's output is
// squashed to lie between 0 and 1.
const kinds = () => state.runs.map(({ kind, squashed }) => `${kind} ${squashed}`).join();

// One canvas for each run; two have titles.
function buildFigures(figures) {
  figures.dataset.kind = kinds();
  figures.replaceChildren(
    ...state.runs.map((run, i) => {
      const figure = make("figure", { class: `of-${run.kind}` });
      if (state.runs.length > 1) {
        figure.append(make("figcaption", {}, t(i ? "run.changed" : "run.right")));
      }
      figure.append(make("canvas", { role: "img", id: `canvas-${i}` }));
      return figure;
    }),
  );
}

// The legend; each of its boxes shows or hides a layer.
function buildLayers(layers) {
  const { LEGEND } = KINDS[state.runs[0].kind];
  const focused = layers.contains(document.activeElement) && document.activeElement.id;
  layers.hidden = !LEGEND.length;
  layers.replaceChildren(
    make("legend", { class: "unseen" }, t("layers")),
    ...LEGEND.map((name) => {
      const box = make("input", { type: "checkbox", id: `layer-${name}`, onchange: toggle });
      box.checked = !state.hidden.has(name);
      return make("label", {}, box, ...(name === "heat" ? heatLegend() : legend(name)));
    }),
  );
  if (focused) document.getElementById(focused)?.focus();
}

const swatch = (name) => make("span", { class: `swatch ${name}` });
const squashed = () => state.runs[0].squashed;

function legend(name) {
  return [swatch(name), t(name === "half" && squashed() ? "layer.half.logit" : `layer.${name}`)];
}

// The colors from 0 to 1 with three values under them.
function heatLegend() {
  const keys = ["layer.heat", "heat.fake", "heat.half", "heat.real"];
  const texts = keys.map((key) => make("span", {}, t(squashed() ? `${key}.logit` : key)));
  return [make("span", { class: "scale" }, texts[0], swatch("heat"), ...texts.slice(1))];
}

function toggle({ target }) {
  const name = target.id.replace("layer-", "");
  target.checked ? state.hidden.delete(name) : state.hidden.add(name);
  emit("view");
}

function drawAll(figures) {
  figures.querySelectorAll("canvas").forEach((canvas, i) => {
    const run = state.runs[i];
    KINDS[run.kind].draw(canvas, { run, arrays: arraysOf(i), hidden: state.hidden });
  });
}

// The numbers of a run in words.
function inWords(run, i) {
  const { d_real, d_fake } = state.history[i];
  const parts = [];
  if (run.of_modes) {
    const share = Math.round(100 * run.share);
    parts.push(t("numbers.modes", { modes: run.modes, of: run.of_modes, share }));
  }
  if (Number.isFinite(d_real.at(-1)) && Number.isFinite(d_fake.at(-1))) {
    const text = run.squashed ? "numbers.logits" : "numbers.d";
    parts.push(t(text, { real: fixed(d_real.at(-1)), fake: fixed(d_fake.at(-1)) }));
  }
  const outside = run.kind === "plane" ? countOutside(run.bounds, arraysOf(i).fake.data) : 0;
  if (outside) parts.push(t("numbers.outside", { n: outside }));
  return parts.join(" ");
}

// How many points lie outside the picture.
function countOutside([x0, x1, y0, y1], points) {
  let count = 0;
  for (let i = 0; i < points.length; i += 2) {
    const [x, y] = [points[i], points[i + 1]];
    if (!(x >= x0 && x <= x1 && y >= y0 && y <= y1)) count++;
  }
  return count;
}

// The round and the numbers of each run, as lines of text.
function summary() {
  const [first, second] = state.runs.map(inWords);
  const round = t("numbers.round", { round: state.runs[0].round.toLocaleString(state.language) });
  if (second === undefined) return [`${round} ${first}`];
  return [round, `${t("run.right")}: ${first}`, `${t("run.changed")}: ${second}`];
}

// What tests and style sheets read.
function publish() {
  const { round, modes, share } = state.runs.at(-1);
  Object.assign(document.body.dataset, { round, modes, share });
}

// The summary for screen readers: at once when the game pauses, else now and then.
function speakCalmly() {
  const speak = () => {
    if (!state.runs.length) return;
    const text = summary().join(" ");
    document.getElementById("live").textContent = text;
    for (const canvas of document.querySelectorAll("#picture canvas")) {
      canvas.setAttribute("aria-label", `${t(`canvas.${state.runs[0].kind}`)} ${text}`);
    }
  };
  const speakIfPaused = () => state.playing || speak();
  for (const event of ["playing", "picture", "language"]) on(event, speakIfPaused);
  setInterval(() => state.playing && speak(), CALM);
}
