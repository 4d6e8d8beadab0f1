// The overview: z -> G -> fakes -> D -> logits -> losses -> gradients, as a graph of the round.
//
// Edges light up with the line that runs: forward as the data flow, backward as the gradient does.

import { draw, make } from "./dom.js";
import { EDGES, NARROW, NODES, WAYS, WIDE } from "./graph.js";
import { gradientOf, nodeOf, owner, playerOf, route } from "./graph.js";
import { t } from "./language.js";
import { mountNode, openNode } from "./node.js";
import { on, state } from "./state.js";
import { number, tuple } from "./written.js";

const PULSE = 900; // milliseconds

const narrow = matchMedia("(max-width: 720px)");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const edges = new Map();
const nodes = new Map();
let holder;
let turn = { player: "G", since: 0 };

export function mount(element, _, engine) {
  holder = make("div", { id: "graph" });
  element.append(holder);
  mountNode(element, engine);
  narrow.addEventListener("change", build);
  on("language", build);
  on("film", light);
  on("picture", write);
  on("picture", pulse);
  on("playing", light);
  build();
}

function build() {
  const layout = narrow.matches ? NARROW : WIDE;
  const [width, height] = layout.size;
  for (const name of EDGES) edges.set(name, edge(name, layout));
  for (const name of NODES) nodes.set(name, node(name, layout));
  const graph = draw(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": t("overview.graph") },
    ...edges.values(),
    ...stepLabels(layout),
    ...nodes.values(),
  );
  holder.replaceChildren(graph);
  light();
}

function node(name, { at, box: [width, height] }) {
  const [x, y] = at[name];
  const open = () => openNode(name);
  const round = "GD".includes(name) ? 4 : 22; // networks have corners
  return draw(
    "g",
    {
      class: `node ${owner(name)}`,
      "data-node": name,
      role: "button",
      tabindex: 0,
      transform: `translate(${x} ${y})`,
      onclick: open,
      onkeydown: (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        event.stopPropagation();
        open();
      },
    },
    draw("rect", { x: -width / 2, y: -height / 2, width, height, rx: round }),
    draw("text", { class: "node-name", y: -3 }, t(`node.${name}`)),
    draw("text", { class: "node-value", y: 14 }),
  );
}

// A line with its head: two paths, so that the head keeps the color of the line.
function edge(name, { at, box, turns }) {
  const [from, to] = name.split("-");
  const corners = [at[from], ...(turns[name] ?? []), at[to]];
  const start = border(corners[0], corners[1], box);
  const end = border(corners.at(-1), corners.at(-2), box, 5);
  const points = [start, ...corners.slice(1, -1), end];
  const [[px, py], [qx, qy]] = points.slice(-2);
  const angle = (Math.atan2(qy - py, qx - px) * 180) / Math.PI;
  return draw(
    "g",
    { class: `edge ${owner(name)}${turns[name] ? " step" : ""}`, "data-edge": name },
    draw("path", { class: "edge-line", d: `M${points.join("L")}` }),
    draw("path", {
      class: "edge-head",
      d: "M5 0L-5 4.5L-5 -4.5Z",
      transform: `translate(${qx} ${qy}) rotate(${angle})`,
    }),
  );
}

// The point where the line from the center of a box to another point leaves the box.
function border([x, y], [toX, toY], [width, height], gap = 0) {
  const [dx, dy] = [toX - x, toY - y];
  const length = Math.hypot(dx, dy);
  const scale = Math.min(width / 2 / Math.abs(dx), height / 2 / Math.abs(dy)) + gap / length;
  return [x + dx * scale, y + dy * scale];
}

// The names of the two edges by which the weights change.
function stepLabels({ labels }) {
  return Object.entries(labels).map(([name, [x, y]]) =>
    draw("text", { class: `step-label ${owner(name)}`, x, y }, t(`overview.${name}`)),
  );
}

// Light what the line of the film used; keep pale what the step has used before.
function light() {
  const { events, index } = state.film ?? { events: [], index: -1 };
  const now = events[index];
  const player = now ? playerOf(events, index) : null;
  const first = events.findLastIndex((_, i) => i < index && playerOf(events, i) !== player) + 1;
  const done = now ? events.slice(first, index).flatMap((event) => route(event, player)) : [];
  const lit = now ? route(now, player) : [];
  paint({ lit, back: now ? gradientOf(now, player) : [], done }, player);
  const made = now ? now.made.map(({ name }) => nodeOf(name, player)) : [];
  for (const [name, element] of nodes) {
    element.classList.toggle("lit", made.includes(name));
    element.classList.toggle("moved", Boolean(now?.moved.includes(name)));
  }
  write();
}

function paint({ lit = [], back = [], done = [] }, player) {
  holder.dataset.player = player ?? "";
  for (const [name, element] of edges) {
    element.classList.toggle("lit", lit.includes(name));
    element.classList.toggle("back", back.includes(name) && !lit.includes(name));
    element.classList.toggle("done", done.includes(name));
  }
}

// While the game is played, show the ways of D's step and of G's in turn. An animation of the edges
// would take half of the frames.
function pulse() {
  if (!state.playing || still.matches || performance.now() - turn.since < PULSE) return;
  turn = { player: turn.player === "D" ? "G" : "D", since: performance.now() };
  paint({ done: WAYS[turn.player] }, turn.player);
}

// Under each node's name what is known of it: a shape in the film, the losses after a round.
function write() {
  const run = state.runs.at(-1);
  const values = run ? { d_loss: number(run.d_loss), g_loss: number(run.g_loss) } : {};
  const { events, index } = state.film ?? { events: [], index: -1 };
  events.slice(0, index + 1).forEach(({ made }, i) => {
    for (const { name, shape, value } of made) {
      const node = nodeOf(name, playerOf(events, i));
      if (node) values[node] = value === null ? tuple(shape) : number(value);
    }
  });
  for (const player of events[index]?.moved ?? []) values[player] = t("code.moved", { player });
  for (const [name, element] of nodes) {
    const value = values[name] ?? t(`node.${name}.what`);
    element.querySelector(".node-value").textContent = value;
    element.setAttribute("aria-label", t("overview.node", { name: t(`node.${name}`), value }));
  }
}
