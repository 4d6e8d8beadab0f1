// Curves over the rounds: losses, D(x) and D(G(z)), and the estimated JSD, with their values at the
// equilibrium.

import { fixed, number, onceAFrame, onColors } from "./canvas.js";
import { pen, polyline, prepare, scale, write } from "./canvas.js";
import { make } from "./dom.js";
import { t } from "./language.js";
import { on, state } from "./state.js";

const LOG2 = Math.log(2);
const MARGIN = { left: 38, right: 8, top: 8, bottom: 22 };
const SMOOTH = 40; // a smooth curve averages 1/40 of the points shown
const APART = 14; // pixels between two labels

const CHARTS = {
  losses: {
    curves: { d_loss: "d", g_loss: "fake" },
    lines: ({ d_loss, g_loss }) => [d_loss, g_loss],
    range: (values, { lines }) => spread(values, [0, 1.15 * (lines.d_loss ?? 0.5)]),
  },
  outputs: {
    curves: { d_real: "real", d_fake: "fake" },
    lines: ({ d }) => [d],
    range: (values, { squashed }) => spread(values, squashed ? [-1, 1] : [0, 1]),
  },
  jsd: {
    curves: { jsd: "d" },
    lines: () => [0, LOG2],
    range: () => [-0.1, 0.8],
  },
};
const NAMES = new Map([[2 * LOG2, "log 4"], [LOG2, "log 2"], [0.5, "1/2"], [0, "0"]]);

export function mount(element) {
  const figures = Object.keys(CHARTS).map((name) => {
    const canvas = make("canvas", { role: "img", id: `chart-${name}` });
    const values = make("p", { class: "values" });
    element.append(make("figure", {}, make("h3", { "data-t": `chart.${name}` }), values, canvas));
    return { name, canvas, values };
  });
  const key = make("p", { id: "key" });
  element.append(key);
  const redraw = onceAFrame(() => {
    for (const { name, canvas, values } of figures) {
      draw(canvas, CHARTS[name]);
      values.replaceChildren(...lastValues(CHARTS[name]));
    }
  });
  const describe = () => {
    key.hidden = state.runs.length < 2;
    key.textContent = t("chart.key");
    for (const { name, canvas } of figures) canvas.setAttribute("aria-label", inWords(name));
  };
  for (const event of ["playing", "settings", "language"]) on(event, describe);
  for (const event of ["picture", "language"]) on(event, redraw);
  onColors(redraw);
  new ResizeObserver(redraw).observe(element);
}

function draw(canvas, chart) {
  if (!state.runs.length) return;
  const { ctx, width, height, color } = prepare(canvas);
  const [run] = state.runs;
  const names = Object.keys(chart.curves);
  const shown = state.history.flatMap((history) => names.flatMap((name) => history[name]));
  const rounds = Math.max(100, ...state.runs.map((run) => run.round));
  const box = { left: MARGIN.left, right: width - MARGIN.right, top: MARGIN.top };
  box.bottom = height - MARGIN.bottom;
  const range = chart.range(shown.filter(Number.isFinite), run);
  const x = scale([0, rounds], [box.left, box.right]);
  const y = scale(range, [box.bottom, box.top]);
  axes(ctx, box, rounds, color);
  const known = chart.lines(run.lines).filter((value) => value !== null);
  levels(ctx, box, y, range, known, color);
  ctx.save();
  ctx.beginPath();
  ctx.rect(box.left, 0, width - box.left, box.bottom + 1);
  ctx.clip();
  state.history.forEach((history, i) => {
    const other = state.history.length > 1 && i === 0;
    for (const [name, colorName] of Object.entries(chart.curves)) {
      curve(ctx, history.round.map(x), history[name], y, color[colorName], other);
    }
  });
  ctx.restore();
}

// The name and the last mean of each curve of the last run, in its color.
function lastValues({ curves }) {
  if (!state.runs.at(-1)?.round) return [];
  const shown = Object.entries(curves).map(([name, color]) => {
    const mean = movingAverage(state.history.at(-1)[name]).at(-1) ?? null;
    if (mean === null) return null;
    return make("span", { class: color }, `${t(`curve.${name}`)} ${fixed(mean)}`);
  });
  return shown.some(Boolean) ? shown.filter(Boolean) : [t("chart.none")];
}

// A curve, pale, and its moving average.
function curve(ctx, xs, values, y, stroke, dashed) {
  const means = movingAverage(values);
  if (!dashed) {
    ctx.globalAlpha = 0.3;
    pen(ctx, stroke, 1);
    polyline(ctx, xs, values.map((v) => (v === null ? null : y(v))));
  }
  ctx.globalAlpha = dashed ? 0.75 : 1;
  pen(ctx, stroke, dashed ? 1.5 : 2, dashed ? [2, 3] : []);
  polyline(ctx, xs, means.map((v) => (v === null ? null : y(v))));
  ctx.globalAlpha = 1;
}

// The mean of each value and those before it; null where the value is null.
function movingAverage(values) {
  const n = Math.ceil(values.length / SMOOTH);
  let [sum, count] = [0, 0];
  return values.map((value, i) => {
    if (value !== null) (sum += value), count++;
    if (i >= n && values[i - n] !== null) (sum -= values[i - n]), count--;
    return value === null ? null : sum / count;
  });
}

function axes(ctx, { left, right, top, bottom }, rounds, color) {
  const text = { color: color.muted };
  pen(ctx, color.rule, 1);
  polyline(ctx, [left, right], [bottom, bottom]);
  polyline(ctx, [left, left], [top, bottom]);
  write(ctx, "0", left, bottom + 12, text);
  const last = t("chart.rounds", { n: rounds.toLocaleString(state.language) });
  write(ctx, last, right, bottom + 12, { ...text, align: "right" });
}

// The values at the equilibrium, dashed and named, and round numbers where there is room.
function levels(ctx, { left, right }, y, range, known, color) {
  const text = { color: color.muted, align: "right" };
  for (const value of ticks(range, 2)) {
    if (known.some((other) => Math.abs(y(other) - y(value)) < APART)) continue;
    pen(ctx, color.rule, 1);
    polyline(ctx, [left, right], [y(value), y(value)]);
    write(ctx, number(value), left - 6, y(value), text);
  }
  known.forEach((value, i) => {
    pen(ctx, color.muted, 1, [6, 4]);
    polyline(ctx, [left, right], [y(value), y(value)]);
    if (known.slice(0, i).some((other) => Math.abs(y(other) - y(value)) < APART)) return;
    write(ctx, name(value), left - 6, y(value), { ...text, color: color.ink });
  });
}

const name = (value) =>
  [...NAMES].find(([known]) => Math.abs(known - value) < 1e-6)?.[1] ?? number(value);

// Round numbers in a range, about n.
function ticks([low, high], n) {
  const rough = (high - low) / n;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

// A range around the values without the outermost, and at least `least`.
function spread(values, least) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  const [low, high] = [Math.min(least[0], at(0.01)), Math.max(least[1], at(0.99))];
  const room = 0.06 * (high - low);
  return [low < least[0] ? low - room : low, high > least[1] ? high + room : high];
}

function inWords(name) {
  const values = state.history.map((history, i) => {
    const parts = Object.keys(CHARTS[name].curves).map((curve) => {
      const value = history[curve].at(-1);
      const text = Number.isFinite(value) ? fixed(value) : t("chart.undefined");
      return `${t(`curve.${curve}`)} ${text}`;
    });
    const run = state.history.length > 1 ? `${t(i ? "run.changed" : "run.right")}: ` : "";
    return run + parts.join(", ");
  });
  return `${t(`chart.${name}`)}. ${values.join("; ")}`;
}
