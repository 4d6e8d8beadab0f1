// What a line of the film made, in words: `fake (128, 2) value only`, `d_loss = 1.2380`, `D moved`.

import { make } from "./dom.js";
import { t } from "./language.js";

// The notes behind a line, in one element, or none.
export function written({ made, moved }) {
  const notes = [
    ...made.map((each) =>
      make(
        "span",
        { class: `note ${owner(each.graph)}` },
        make("b", {}, each.name),
        value(each),
        " ",
        make("i", {}, graphOf(each.graph)),
      ),
    ),
    ...moved.map((player) =>
      make("span", { class: `note moved player-${player}` }, t("code.moved", { player })),
    ),
  ];
  return notes.length ? [make("span", { class: "made" }, ...notes)] : [];
}

// " = 1.2380" for a number, " (128, 2)" for anything else.
function value({ shape, value }) {
  return value === null ? ` ${tuple(shape)}` : ` = ${number(value)}`;
}

export const tuple = (shape) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;

export function number(value) {
  if (typeof value !== "number") return String(value);
  const size = Math.abs(value);
  return size === 0 || (size >= 1e-3 && size < 1e5) ? value.toFixed(4) : value.toExponential(2);
}

export function graphOf(graph) {
  return graph.length ? t("code.graph", { players: graph.join(", ") }) : t("code.value");
}

const owner = (graph) => (graph.length === 1 ? `player-${graph[0]}` : "");
