// What a line of the film made, in words: `fake (128, 2) value only`, `d_loss = 1.2380`, `D moved`.

import { make } from "./dom.js";
import { t } from "./language.js";
import { state } from "./state.js";

// The notes behind a line, in one element, or none.
export function written({ made, moved }) {
  const chips = [
    ...made.map(({ name, graph, ...rest }) =>
      make(
        "span",
        { class: `chip ${ownerOf(graph)}`, title: graphOf(graph, ".title") },
        make("b", {}, name.startsWith("return") ? "→" : name),
        value(rest),
        " ",
        make("i", {}, graphOf(graph)),
      ),
    ),
    ...moved.map((player) =>
      make("span", { class: `chip moved player-${player}` }, t("code.moved", { player })),
    ),
  ];
  return chips.length ? [make("span", { class: "made" }, ...chips)] : [];
}

// " = 1.2380" for a number, " (128, 2)" for anything else.
function value({ shape, value }) {
  if (value === null && shape.length === 0) return ` = ${t("code.not-finite")}`;
  return value === null ? ` ${tuple(shape)}` : ` = ${number(value)}`;
}

export const tuple = (shape) => `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;

export function number(value) {
  if (value == null) return "–";
  if (Number.isInteger(value)) return String(value);
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e5 ? value.toFixed(4) : value.toExponential(2);
}

function graphOf(graph, kind = "") {
  return t(`code.${graph.length ? "graph" : "value"}${kind}`, { players: listed(graph) });
}

// "G and D".
export const listed = (names) => new Intl.ListFormat(state.language).format(names);

const ownerOf = (graph) => (graph.length === 1 ? `player-${graph[0]}` : "");
