// Canvases that are sharp on any screen, in the colors of style.css.

// Fit the canvas to its place on the page, clear it, and return what one draws with: lengths are in
// CSS pixels.
export function prepare(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const scale = devicePixelRatio;
  const size = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  const ctx = canvas.getContext("2d");
  ctx.setTransform(scale, 0, 0, scale, 0, 0);
  ctx.clearRect(0, 0, width, height);
  return { ctx, width, height, color: colors() };
}

const NAMES = ["paper", "ink", "muted", "rule", "real", "fake", "mark", "d", "grid"];
const HEAT = ["heat-0", "heat-half", "heat-1"];
const dark = matchMedia("(prefers-color-scheme: dark)");
let palette = null;

// The colors by name, and `heat`: 256 colors [r, g, b] for D(x) from 0 to 1.
export function colors() {
  palette ??= readColors();
  return palette;
}

// Call `redraw` when the colors have changed.
export function onColors(redraw) {
  dark.addEventListener("change", () => {
    palette = null;
    redraw();
  });
}

function readColors() {
  const style = getComputedStyle(document.documentElement);
  const value = (name) => style.getPropertyValue(`--${name}`).trim();
  const named = Object.fromEntries(NAMES.map((name) => [name, value(name)]));
  const [low, half, high] = HEAT.map((name) => rgb(value(name)));
  const heat = Array.from({ length: 256 }, (_, i) =>
    i < 128 ? mix(low, half, i / 127.5) : mix(half, high, i / 127.5 - 1),
  );
  return { ...named, heat };
}

const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
const mix = (a, b, t) => a.map((low, i) => low + t * (b[i] - low));

// `draw`, at most once for each frame of the screen, however often it is called.
export function onceAFrame(draw) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  };
}

// A function that maps [a, b] to [from, to].
export function scale([a, b], [from, to]) {
  return (x) => from + ((x - a) / (b - a)) * (to - from);
}

// A line through the points; null or NaN leaves a gap.
export function polyline(ctx, xs, ys) {
  ctx.beginPath();
  let drawing = false;
  for (let i = 0; i < xs.length; i++) {
    const shown = ys[i] !== null && Number.isFinite(ys[i]);
    if (shown && drawing) ctx.lineTo(xs[i], ys[i]);
    else if (shown) ctx.moveTo(xs[i], ys[i]);
    drawing = shown;
  }
  ctx.stroke();
}

// Set how lines are drawn from here on.
export function pen(ctx, color, width = 1, dash = []) {
  ctx.strokeStyle = color;
  ctx.lineWidth = width;
  ctx.setLineDash(dash);
}

export const FONT = '12px system-ui, "Noto Sans KR", "Noto Sans CJK KR", sans-serif';

// Write text at a point, with a rim of the paper's color so that it can be read on anything.
export function write(ctx, text, x, y, { color, paper, align = "left", base = "middle" }) {
  ctx.font = FONT;
  ctx.textAlign = align;
  ctx.textBaseline = base;
  if (paper) {
    pen(ctx, paper, 3);
    ctx.lineJoin = "round";
    ctx.strokeText(text, x, y);
  }
  ctx.fillStyle = color;
  ctx.fillText(text, x, y);
}

// A number as text: with three digits at most, or with two decimals.
// From 100,000 on, both are short: 1.54e6.
export const number = (value) =>
  large(value) ? short(value) : minus(Number(value.toPrecision(3)));
export const fixed = (value) =>
  large(value) ? short(value) : minus((Math.round(100 * value) / 100 || 0).toFixed(2)); // no -0

const large = (value) => Math.abs(value) >= 1e5;
const short = (value) => minus(Number(value.toPrecision(3)).toExponential()).replace("e+", "e");

const minus = (text) => String(text).replace("-", "\u2212");
