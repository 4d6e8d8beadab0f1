// The picture of each run with its layers to show or hide, its legend, and its numbers in words.

import { number, onColors } from "./canvas.js";
import * as digits from "./digits.js";
import { make } from "./dom.js";
import { mountDrawing } from "./draw.js";
import { t } from "./language.js";
import * as line from "./line.js";
import * as plane from "./plane.js";
import { arraysOf, emit, on, state } from "./state.js";

const KINDS = { plane, line, digits };
const CALM = 4000; // milliseconds between summaries for screen readers

let waiting = false;

export function mount(element) {
  const figures = make("div", { class: "figures" });
  const numbers = make("p", { id: "numbers" });
  const layers = make("fieldset", { id: "layers" });
  const drawing = make("div", { id: "drawing" });
  element.append(figures, numbers, layers, drawing);
  mountDrawing(drawing, figures);

  const redraw = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      drawAll(figures);
    });
  };
  const rebuild = () => {
    if (!state.runs.length) return;
    document.getElementById("intro").textContent = t(`intro.${state.runs[0].kind}`);
    buildFigures(figures);
    buildLayers(layers);
    numbers.textContent = summary();
    redraw();
  };
  on("picture", () => {
    if (figures.dataset.kind !== kinds()) rebuild();
    numbers.textContent = summary();
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

const kinds = () => state.runs.map((run) => run.kind).join();

// One canvas for each run; two have titles.
function buildFigures(figures) {
  figures.dataset.kind = kinds();
  figures.replaceChildren(
    ...state.runs.map((run, i) => {
      const figure = make("figure", { class: run.kind });
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
  const { kind, lines } = state.runs[0];
  layers.hidden = !KINDS[kind].LAYER_NAMES.length;
  layers.replaceChildren(
    make("legend", { class: "unseen" }, t("layers")),
    ...KINDS[kind].LAYER_NAMES.toReversed().map((name) => {
      const box = make("input", { type: "checkbox", id: `layer-${name}`, onchange: toggle });
      box.checked = !state.hidden.has(name);
      const text = name === "heat" && lines.d === null ? "layer.heat.logit" : `layer.${name}`;
      return make("label", {}, box, make("span", { class: `swatch ${name}` }), t(text));
    }),
  );
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
    const text = run.lines.d === null ? "numbers.logits" : "numbers.d";
    parts.push(t(text, { real: number(d_real.at(-1), 2), fake: number(d_fake.at(-1), 2) }));
  }
  return parts.join(" ");
}

function summary() {
  const [first, second] = state.runs.map(inWords);
  const round = t("numbers.round", { round: state.runs[0].round.toLocaleString(state.language) });
  if (second === undefined) return `${round} ${first}`;
  return `${round} ${t("run.right")}: ${first} ${t("run.changed")}: ${second}`;
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
    const text = summary();
    document.getElementById("live").textContent = text;
    for (const canvas of document.querySelectorAll("#picture canvas")) {
      canvas.setAttribute("aria-label", `${t(`canvas.${state.runs[0].kind}`)} ${text}`);
    }
  };
  on("playing", () => state.playing || speak());
  on("settings", speak);
  on("language", speak);
  setInterval(() => state.playing && speak(), CALM);
}
