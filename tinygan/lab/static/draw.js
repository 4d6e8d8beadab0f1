// Data of the reader's own: points drawn on the plane with a mouse, a finger or a pen. Without one,
// a button adds a random cluster.

import { colors } from "./canvas.js";
import { button } from "./dom.js";
import { t } from "./language.js";
import { place } from "./plane.js";
import { change, pause, play } from "./player.js";
import { on, state } from "./state.js";

const MOST = 400; // points
const SPREAD = 6; // bytes: a stroke's points lie about this far from it
const APART = 5; // pixels that the pointer moves before the next point

let points = []; // [[x, y], ...] as bytes: coordinate = -2 + 4 byte / 255

export function encode(pairs) {
  const text = btoa(String.fromCharCode(...pairs.flat()));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function decode(text) {
  const letters = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = [...letters].map((letter) => letter.charCodeAt(0));
  return Array.from({ length: bytes.length / 2 }, (_, i) => [bytes[2 * i], bytes[2 * i + 1]]);
}

const byte = (value) => Math.min(255, Math.max(0, Math.round(value)));
const near = ([x, y]) => [x, y].map((c) => byte(c + SPREAD * (Math.random() + Math.random() - 1)));

// 40 points around a random place.
export function cluster() {
  const center = [0, 1].map(() => 40 + 175 * Math.random());
  return Array.from({ length: 40 }, () => near(near(center)));
}

// Play with drawn data: the points of the settings, or a random cluster if there are none.
export function drawnSettings() {
  return { data: "drawn", points: state.settings.points || encode(cluster()) };
}

export function mountDrawing(element, figures) {
  const write = () => {
    const { data, points: text } = state.settings;
    const drawn = data === "drawn" && state.exhibit === null;
    points = decode(text ?? "");
    figures.classList.toggle("drawn", drawn);
    element.hidden = !drawn;
    element.replaceChildren(
      t("draw.how"),
      button(t("draw.cluster"), () => send([...points, ...cluster()]), { id: "add-cluster" }),
      button(t("draw.clear"), () => send(cluster()), { id: "draw-anew" }),
    );
  };
  on("settings", write);
  on("language", write);
  followPointer(figures);
}

function send(pairs) {
  points = pairs.slice(-MOST); // the oldest make room
  return change({ data: "drawn", points: encode(points) });
}

// While the pointer is down, points fall where it moves; the game goes on with them afterward.
function followPointer(figures) {
  let stroke = null;
  let last = null;
  let playing = false;
  figures.addEventListener("pointerdown", (event) => {
    if (state.settings.data !== "drawn" || state.exhibit) return;
    const canvas = event.target.closest("canvas");
    if (!canvas) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    [stroke, last, playing] = [[], null, state.playing];
    pause();
    add(event);
  });
  figures.addEventListener("pointermove", (event) => stroke && add(event));
  for (const end of ["pointerup", "pointercancel"]) {
    figures.addEventListener(end, async () => {
      if (!stroke) return;
      const drawn = stroke;
      stroke = null;
      await send([...points, ...drawn]);
      if (playing) play();
    });
  }

  function add({ target: canvas, offsetX, offsetY }) {
    if (last && Math.hypot(offsetX - last[0], offsetY - last[1]) < APART) return;
    last = [offsetX, offsetY];
    const view = place(state.runs[0].bounds, canvas.clientWidth, canvas.clientHeight);
    const center = view.back(offsetX, offsetY).map((c) => ((c + 2) / 4) * 255);
    const [x, y] = near(center);
    stroke.push([x, y]);
    dot(canvas, view.x(-2 + (4 * x) / 255), view.y(-2 + (4 * y) / 255));
  }
}

function dot(canvas, x, y) {
  const ctx = canvas.getContext("2d");
  ctx.fillStyle = colors().real;
  ctx.beginPath();
  ctx.arc(x, y, 3, 0, 2 * Math.PI);
  ctx.fill();
}
