// A node of the overview: what it is, and shape, mean, spread and histogram of each of its tensors.

import { button, draw, make } from "./dom.js";
import { owner } from "./graph.js";
import { t } from "./language.js";
import { emit, on, state } from "./state.js";
import { number, tuple } from "./written.js";

const CALM = 1000; // milliseconds between two looks while the game is played

let engine, panel;
let shown = null;
let last = 0;
let asking = false;

export function mountNode(element, opened) {
  engine = opened;
  panel = make("section", { id: "node", hidden: true, onkeydown: closeByKey });
  element.append(panel);
  on("picture", () => shown && performance.now() - last > (state.playing ? CALM : 0) && refresh());
  on("language", () => shown && refresh());
}

export async function openNode(name) {
  shown = name;
  await refresh();
  panel.querySelector("button")?.focus({ preventScroll: true });
  panel.scrollIntoView({ block: "nearest" });
}

async function refresh() {
  if (asking) return;
  asking = true;
  last = performance.now();
  const name = shown;
  try {
    const { header } = await engine.ask({ op: "node", name });
    if (shown === name) write(name, header.entries);
  } catch (error) {
    emit("error", error);
  } finally {
    asking = false;
  }
}

function write(name, entries) {
  const focused = panel.contains(document.activeElement);
  panel.hidden = false;
  panel.setAttribute("aria-label", t(`node.${name}`));
  const heading = make("h2", { "data-shown": name }, t(`node.${name}`));
  const range = ranges(name, entries);
  const cards = entries.map((entry, i) => card(entry, range[i]));
  const closing = button(t("code.close"), close, { class: "close" });
  const now = `node.now${["G", "D"].includes(name) ? "" : ".minibatch"}`;
  panel.replaceChildren(
    make("div", { class: "node-head" }, heading, closing),
    make("p", {}, t(`node.${name}.text`), " ", t(now, { round: state.runs.at(-1).round })),
    make("div", { class: `entries ${owner(name)}` }, ...cards),
  );
  if (focused) closing.focus({ preventScroll: true });
}

// The range of each histogram: its own, or for logits that of both, so that one can compare them.
function ranges(name, entries) {
  const own = entries.map(({ histogram: { low, high } }) => [low, high]);
  if (name !== "logits") return own;
  const all = [Math.min(...own.map(([low]) => low)), Math.max(...own.map(([, high]) => high))];
  return own.map(() => all);
}

function card({ name, shape, mean, sd, values, histogram }, [low, high]) {
  const caption = make("figcaption", {}, make("b", {}, name), ` ${tuple(shape)}`);
  if (!shape.length) return make("figure", {}, caption, make("p", {}, values.map(number).join()));
  const title = t("node.histogram", { name, low: number(low), high: number(high) });
  return make(
    "figure",
    {},
    caption,
    draw(
      "svg",
      { viewBox: "0 0 200 50", preserveAspectRatio: "none", role: "img", "aria-label": title },
      ...bars(histogram, low, high),
      low < 0 && high > 0 ? zero(low, high) : "",
    ),
    make("p", { class: "span" }, make("span", {}, number(low)), make("span", {}, number(high))),
    make("p", {}, t("node.mean", { mean: number(mean), sd: number(sd) })),
    make("p", {}, t("node.first", { values: values.map(number).join("  ") })),
  );
}

function bars({ low, high, counts }, from, to) {
  const most = Math.max(...counts, 1);
  const unit = to > from ? 200 / (to - from) : 0;
  const width = unit ? (unit * (high - low)) / counts.length : 200 / counts.length;
  return counts.map((count, i) => {
    const height = (48 * count) / most;
    const x = unit * (low - from) + i * width;
    return draw("rect", { x, y: 50 - height, width: 0.9 * width, height });
  });
}

const zero = (low, high) =>
  draw("path", { class: "zero", d: `M${(-200 * low) / (high - low)} 0V50` });

function closeByKey(event) {
  if (event.key !== "Escape") return;
  event.stopPropagation();
  close();
}

function close() {
  const name = shown;
  shown = null;
  panel.hidden = true;
  panel.replaceChildren();
  document.querySelector(`[data-node="${name}"]`)?.focus();
}
