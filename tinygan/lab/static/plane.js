// The plane: D(x) as colors, real points, fakes with the way D sends each, and G's bent grid.

import { number, pen, polyline, prepare, scale, write } from "./canvas.js";
import { contour } from "./contour.js";

// The layers by name, from back to front.
const LAYERS = { heat, bent, half, real, arrows, fake };
export const LEGEND = ["real", "fake", "arrows", "heat", "half", "bent"];

const ARROW = 44; // pixels of the longest arrow
const STEEP = 3; // length of a gradient whose arrow is 3/4 of that

// Draw the layers that are not in `hidden`. `arrays` are those of one run, by name.
export function draw(canvas, { run, arrays, hidden }) {
  const { ctx, width, height, color } = prepare(canvas);
  const view = place(run.bounds, width, height);
  ctx.save();
  ctx.beginPath();
  ctx.rect(view.left, view.top, view.right - view.left, view.bottom - view.top);
  ctx.clip();
  for (const [name, layer] of Object.entries(LAYERS)) {
    if (!hidden.has(name)) layer(ctx, arrays, view, color);
  }
  ctx.restore();
  frame(ctx, run.bounds, view, color);
}

// The functions from coordinates to pixels, with equal units on both axes, and back.
export function place([x0, x1, y0, y1], width, height) {
  const unit = Math.min(width / (x1 - x0), height / (y1 - y0));
  const left = (width - unit * (x1 - x0)) / 2;
  const top = (height - unit * (y1 - y0)) / 2;
  const right = width - left;
  const bottom = height - top;
  return {
    left,
    top,
    right,
    bottom,
    x: scale([x0, x1], [left, right]),
    y: scale([y0, y1], [bottom, top]),
    back: (px, py) => [scale([left, right], [x0, x1])(px), scale([bottom, top], [y0, y1])(py)],
  };
}

const small = document.createElement("canvas"); // D's values, one pixel each

function heat(ctx, { heat: { shape, data } }, view, color) {
  const [rows, columns] = shape;
  const image = new ImageData(columns, rows);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const value = data[row * columns + column];
      const [r, g, b] = color.heat[Math.round(255 * Math.min(1, Math.max(0, value || 0)))];
      image.data.set([r, g, b, 255], 4 * ((rows - 1 - row) * columns + column)); // row 0 is lowest
    }
  }
  [small.width, small.height] = [columns, rows];
  small.getContext("2d").putImageData(image, 0, 0);
  ctx.imageSmoothingEnabled = true;
  ctx.imageSmoothingQuality = "high";
  ctx.drawImage(small, view.left, view.top, view.right - view.left, view.bottom - view.top);
}

// The border where D(x) is 1/2.
function half(ctx, { heat: { shape, data } }, view, color) {
  const [rows, columns] = shape;
  const x = scale([-0.5, columns - 0.5], [view.left, view.right]);
  const y = scale([-0.5, rows - 0.5], [view.bottom, view.top]);
  pen(ctx, color.d, 1.5, [5, 4]);
  ctx.beginPath();
  for (const [[ax, ay], [bx, by]] of contour(data, rows, columns, 0.5)) {
    ctx.moveTo(x(ax), y(ay));
    ctx.lineTo(x(bx), y(by));
  }
  ctx.stroke();
}

// G of a grid of the noise's square: where the lines lie close together, G puts many points.
function bent(ctx, { bent: { shape, data } }, view, color) {
  const [rows, columns] = shape;
  const at = (row, column, axis) => data[2 * (row * columns + column) + axis];
  const line = (cells) =>
    polyline(
      ctx,
      cells.map(([row, column]) => view.x(at(row, column, 0))),
      cells.map(([row, column]) => view.y(at(row, column, 1))),
    );
  pen(ctx, color.grid, 1);
  for (let row = 0; row < rows; row++) line(range(columns).map((column) => [row, column]));
  for (let column = 0; column < columns; column++) line(range(rows).map((row) => [row, column]));
}

const range = (n) => [...Array(n).keys()];

// Real points, and below them fakes. All outlines come first, so that none covers a mark.
function real(ctx, { real: { data } }, view, color) {
  pen(ctx, color.paper, 2);
  ctx.fillStyle = color.real;
  ctx.beginPath();
  for (let i = 0; i < data.length; i += 2) {
    const [x, y] = [view.x(data[i]), view.y(data[i + 1])];
    ctx.moveTo(x + 3, y);
    ctx.arc(x, y, 3, 0, 2 * Math.PI);
  }
  ctx.stroke();
  ctx.fill();
}

function fake(ctx, { fake: { data } }, view, color) {
  pen(ctx, color.paper, 2);
  ctx.fillStyle = color.mark;
  ctx.beginPath();
  for (let i = 0; i < data.length; i += 2) {
    const [x, y] = [view.x(data[i]), view.y(data[i + 1])];
    ctx.moveTo(x, y - 4.2);
    ctx.lineTo(x + 4.2, y);
    ctx.lineTo(x, y + 4.2);
    ctx.lineTo(x - 4.2, y);
    ctx.closePath();
  }
  ctx.stroke();
  ctx.fill();
}

// An arrow from each fake down the gradient of G's loss. Long gradients are compressed.
function arrows(ctx, { fake: { data }, arrows: { data: way } }, view, color) {
  pen(ctx, color.mark, 1.25);
  ctx.beginPath();
  for (let i = 0; i < data.length; i += 2) {
    const norm = Math.hypot(way[i], way[i + 1]);
    const length = ARROW * Math.tanh(norm / STEEP);
    if (!(length > 1.5)) continue; // too short to be seen, or not a number
    const [dx, dy] = [(way[i] / norm) * length, (-way[i + 1] / norm) * length];
    const [x, y] = [view.x(data[i]) + dx, view.y(data[i + 1]) + dy];
    const head = Math.min(5, length / 2) / length;
    ctx.moveTo(x - dx, y - dy);
    ctx.lineTo(x, y);
    ctx.moveTo(x - head * (dx - 0.6 * dy), y - head * (dy + 0.6 * dx));
    ctx.lineTo(x, y);
    ctx.lineTo(x - head * (dx + 0.6 * dy), y - head * (dy - 0.6 * dx));
  }
  ctx.stroke();
}

// The frame, with whole numbers written along two of its sides.
function frame(ctx, [x0, x1, y0, y1], view, color) {
  pen(ctx, color.rule, 1);
  const [width, height] = [view.right - view.left, view.bottom - view.top];
  ctx.strokeRect(view.left + 0.5, view.top + 0.5, width - 1, height - 1);
  const text = { color: color.muted, paper: color.paper };
  for (const x of wholeNumbers(x0, x1)) {
    write(ctx, number(x), view.x(x), view.bottom - 10, { ...text, align: "center" });
  }
  for (const y of wholeNumbers(y0, y1)) write(ctx, number(y), view.left + 6, view.y(y), text);
}

function wholeNumbers(low, high) {
  const margin = 0.08 * (high - low);
  const first = Math.ceil(low + margin);
  return range(Math.floor(high - margin) - first + 1).map((i) => first + i);
}
