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
  const closing = button(t("code.close"), close, { class: "close" });
  panel.replaceChildren(
    make("div", { class: "node-head" }, make("h2", { "data-shown": name }, t(`node.${name}`)), closing),
    make("p", {}, t(`node.${name}.text`), " ", t("node.now", { round: state.runs.at(-1).round })),
    make("div", { class: `entries ${owner(name)}` }, ...entries.map(card)),
  );
  if (focused) closing.focus({ preventScroll: true });
}

function card({ name, shape, mean, sd, values, histogram }) {
  const { low, high, counts } = histogram;
  const title = t("node.histogram", { name, low: number(low), high: number(high) });
  const most = Math.max(...counts, 1);
  return make(
    "figure",
    {},
    make("figcaption", {}, make("b", {}, name), ` ${tuple(shape)}`),
    draw(
      "svg",
      { viewBox: "0 0 200 50", role: "img", "aria-label": title },
      ...counts.map((count, i) => {
        const height = (48 * count) / most;
        return draw("rect", { x: i * 10 + 0.5, y: 50 - height, width: 9, height });
      }),
    ),
    make("p", { class: "span" }, make("span", {}, number(low)), make("span", {}, number(high))),
    make("p", {}, t("node.mean", { mean: number(mean), sd: number(sd) })),
    make("p", {}, t("node.first", { values: values.map(number).join("  ") })),
  );
}

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
