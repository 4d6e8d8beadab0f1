// The line: Figure 1 of Goodfellow et al. 2014. Above, the densities of the data and of G, with D
// and the best D against this G, D*; below, G as arrows from z to x = G(z).

import { number, pen, polyline, prepare, scale, write } from "./canvas.js";
import { t } from "./language.js";

// The layers by name, from back to front.
const LAYERS = {
  p_data: (...where) => density("p_data", "real", ...where),
  p_g: (...where) => density("p_g", "fake", ...where),
  d_star: (...where) => probability("d_star", [5, 4], ...where),
  d: (...where) => probability("d", [], ...where),
  map,
};
export const LEGEND = Object.keys(LAYERS);

const SIDE = 46; // pixels beside the axes
const HEADROOM = 1.7; // the axis ends at this multiple of the data's highest density

// Draw the layers that are not in `hidden`. `arrays` are those of one run, by name.
export function draw(canvas, { arrays, hidden }) {
  const { ctx, width, height, color } = prepare(canvas);
  const view = place(arrays, width, height);
  axes(ctx, view, color);
  for (const [name, layer] of Object.entries(LAYERS)) {
    if (hidden.has(name)) continue;
    ctx.save();
    layer(ctx, arrays, view, color);
    ctx.restore();
  }
}

function place({ x: { data: xs }, p_data, map: { data: pairs } }, width, height) {
  const [left, right] = [SIDE, width - SIDE];
  const [top, low] = [30, height - 34];
  const base = top + 0.68 * (low - top);
  const ends = [xs[0], xs[xs.length - 1]];
  const highest = HEADROOM * Math.max(...p_data.data);
  return {
    ...{ left, right, top, base, low, ends, highest },
    noise: [pairs[0], pairs[pairs.length - 2]],
    x: scale(ends, [left, right]),
    z: scale([pairs[0], pairs[pairs.length - 2]], [left, right]),
    density: scale([0, highest], [base, top]),
    d: scale([0, 1], [base, top]),
  };
}

function axes(ctx, { left, right, top, base, low, ends, noise, ...view }, color) {
  const text = { color: color.muted };
  pen(ctx, color.rule, 1);
  for (const y of [base, low]) polyline(ctx, [left, right], [y, y]);
  for (const x of [left, right]) polyline(ctx, [x, x], [top, base]);
  pen(ctx, color.rule, 1, [2, 3]);
  polyline(ctx, [left, right], [view.d(0.5), view.d(0.5)]);
  for (const [value, name] of [[0, "0"], [0.5, "1/2"], [1, "1"]]) {
    write(ctx, name, right + 6, view.d(value), text);
  }
  for (const value of [0, 0.5 * view.highest]) {
    write(ctx, number(value), left - 6, view.density(value), { ...text, align: "right" });
  }
  write(ctx, t("line.density"), left, top - 16, text);
  write(ctx, t("line.d"), right, top - 16, { ...text, align: "right" });
  for (const end of whole(ends)) mark(ctx, number(end), view.x(end), base, text);
  for (const end of whole(noise)) mark(ctx, number(end), view.z(end), low, text);
  write(ctx, "x", right + 6, base + 12, text);
  write(ctx, "z", right + 6, low + 12, text);
}

// The whole numbers of a range.
function whole([low, high]) {
  const first = Math.ceil(low);
  return Array.from({ length: Math.floor(high) - first + 1 }, (_, i) => first + i);
}

function mark(ctx, text, x, y, style) {
  polyline(ctx, [x, x], [y, y + 4]);
  write(ctx, text, x, y + 12, { ...style, align: "center" });
}

function density(name, colorName, ctx, arrays, view, color) {
  const xs = [...arrays.x.data].map(view.x);
  const ys = [...arrays[name].data].map((p) => view.density(Math.min(p, view.highest)));
  ctx.beginPath();
  ctx.moveTo(view.left, view.base);
  xs.forEach((x, i) => ctx.lineTo(x, ys[i]));
  ctx.lineTo(view.right, view.base);
  ctx.globalAlpha = 0.16;
  ctx.fillStyle = color[colorName];
  ctx.fill();
  ctx.globalAlpha = 1;
  pen(ctx, color[colorName], 2);
  polyline(ctx, xs, ys);
}

function probability(name, dash, ctx, arrays, view, color) {
  pen(ctx, color.d, dash.length ? 1.75 : 2.5, dash);
  polyline(ctx, [...arrays.x.data].map(view.x), [...arrays[name].data].map(view.d));
}

// Arrows from z, which is spread evenly, to G(z): where their heads are dense, p_g is high.
function map(ctx, { map: { data } }, view, color) {
  pen(ctx, color.mark, 1.1);
  ctx.globalAlpha = 0.85;
  ctx.beginPath();
  for (let i = 0; i < data.length; i += 2) {
    const [z, x] = [view.z(data[i]), view.x(data[i + 1])];
    if (!(x >= view.left && x <= view.right)) continue;
    const [from, to] = [view.low - 2, view.base + 20];
    const angle = Math.atan2(to - from, x - z);
    ctx.moveTo(z, from);
    ctx.lineTo(x, to);
    for (const turn of [2.7, -2.7]) {
      ctx.moveTo(x, to);
      ctx.lineTo(x + 6 * Math.cos(angle + turn), to + 6 * Math.sin(angle + turn));
    }
  }
  ctx.stroke();
}
