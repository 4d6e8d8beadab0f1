// A line of the film in words: whose step it is, what the line made, and what its move changed.

import { make } from "./dom.js";
import { playerOf } from "./graph.js";
import { t } from "./language.js";
import { state } from "./state.js";
import { listed, number } from "./written.js";

// Whose step it is.
export function stage({ events, index }) {
  const player = playerOf(events, index);
  const calls = [...new Set(events.filter((e) => e.function === "d_step").map((e) => e.call))];
  const i = calls.filter((call) => call <= events[index].call).length;
  const one = player === "D" && calls.length > 1 ? ".one" : "";
  const key = player ? `film.${player}${one}` : "film.play";
  const mark = player ? `stage player-${player}` : "stage";
  return make("strong", { class: mark }, t(key, { i, k: calls.length }));
}

// What the line did, in a sentence or two.
export function said({ events, index, arrays, before }) {
  const { call, made, moved } = events[index];
  const next = events[index + 1];
  if (next?.call > call && !made.length) return t("film.calls", { name: next.function });
  const player = playerOf(events, index);
  const others = moved.filter((each) => each !== player);
  const sentences = moved.length
    ? [
        t("film.moved", { players: listed(moved) }),
        player && others.length ? t("film.foreign", { players: listed(others) }) : "",
        ...changes(index, arrays, before),
      ]
    : made.filter(({ name }) => /^[a-z]/.test(name)).map(sentence);
  return [...new Set(sentences)].join(" ");
}

function sentence({ name, graph, value }) {
  const named = name.replace(/^return.*/, t("film.returned"));
  const values = { name: named, value: number(value), players: listed(graph) };
  if (graph.length) return t("film.graph", values);
  return t(value === null ? "film.value" : "film.number", values);
}

// How D's output and the fakes differ from those before the line.
function changes(index, arrays, before) {
  const run = state.runs.length - 1;
  const change = (name) => {
    let [i, earlier] = [index, undefined];
    while (i-- > 0 && !earlier) earlier = arrays[`event/${i}/${name}`];
    return distance(earlier ?? before.arrays[`${run}/${name}`], arrays[`event/${index}/${name}`]);
  };
  return [
    changeOf("film.D", change("heat") ?? change("d")),
    changeOf("film.G", change("fake") ?? change("p_g")),
  ];
}

function changeOf(key, change) {
  if (change === null) return "";
  return change > 0 ? t(`${key}.moved`, { change: change.toPrecision(2) }) : t(`${key}.same`);
}

// The mean distance of two arrays of points, or the mean difference of two arrays of numbers; null
// if it is not known.
function distance(a, b) {
  if (!a || !b) return null;
  const size = a.shape.length === 2 && a.shape[1] === 2 ? 2 : 1;
  let sum = 0;
  for (let i = 0; i < a.data.length; i += size) {
    let square = 0;
    for (let j = i; j < i + size; j++) square += (a.data[j] - b.data[j]) ** 2;
    sum += Math.sqrt(square);
  }
  return Number.isFinite(sum) ? (sum * size) / a.data.length : null;
}
