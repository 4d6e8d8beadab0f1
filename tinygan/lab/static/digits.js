// Digits: a sheet of 8 x 8 fakes beside 4 x 4 real images.

import { prepare, write } from "./canvas.js";
import { t } from "./language.js";

const TITLE = 26; // pixels above a sheet
const BETWEEN = 20; // pixels between the sheets
const RIM = 3; // pixels around a sheet

export const LEGEND = [];

export function draw(canvas, { arrays }) {
  const { ctx, width, height, color } = prepare(canvas);
  const size = Math.min((width - BETWEEN - 2 * RIM) / 1.5, height - TITLE - RIM);
  const left = (width - BETWEEN - 1.5 * size) / 2;
  sheet(ctx, arrays.fake, 8, left, size, color.fake, t("digits.fake"), color);
  sheet(ctx, arrays.real, 4, left + size + BETWEEN, size / 2, color.real, t("digits.real"), color);
}

function sheet(ctx, { shape: [, rows, columns], data }, across, left, size, rim, title, color) {
  write(ctx, title, left, TITLE / 2, { color: color.ink });
  const cell = size / across;
  for (let i = 0; i < across * across; i++) {
    const x = left + cell * (i % across);
    const y = TITLE + cell * Math.floor(i / across);
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(picture(data, i * rows * columns, rows, columns), x, y, cell - 1, cell - 1);
  }
  ctx.strokeStyle = rim;
  ctx.lineWidth = 2;
  ctx.setLineDash([]);
  ctx.strokeRect(left - 2, TITLE - 2, size + 3, size + 3);
}

const small = document.createElement("canvas"); // one image, before it is enlarged

function picture(data, offset, rows, columns) {
  const image = new ImageData(columns, rows);
  for (let i = 0; i < rows * columns; i++) {
    const gray = Math.round(255 * data[offset + i]);
    image.data.set([gray, gray, gray, 255], 4 * i);
  }
  [small.width, small.height] = [columns, rows];
  small.getContext("2d").putImageData(image, 0, 0);
  return small;
}
