// One round and one line: a round as a film of its lines, forward and back, by hand or slowly.
//
// The engine plays the round at once and tells what each line did. `state.film.index` is the line
// shown last. The pictures of the round count as played when the film first reaches its end.

import { button, make } from "./dom.js";
import { t } from "./language.js";
import { pause, reportStopped } from "./player.js";
import { adopt, emit, on, state } from "./state.js";
import { said, stage } from "./sentences.js";

const [SHORT, LONG] = [500, 1600]; // milliseconds a line in slow motion

let engine, parts;
let left = null; // the film that was shown last
let last = Promise.resolve(); // what was pressed last, done
let slow = null; // the timer of slow motion

export function mount(element, _, opened) {
  engine = opened;
  parts = {
    back: button("", oneLineBack, { id: "line-back" }),
    slow: button("", toggleSlow, { id: "slow", "aria-pressed": "false" }),
    place: make("input", { type: "range", id: "film-place", min: 0, oninput: seek }),
    count: make("output", { id: "film-count", for: "film-place" }),
    text: make("p", { id: "film-text", "aria-live": "polite" }),
  };
  element.append(
    make("div", { class: "film-bar" }, parts.back, parts.place, parts.slow, parts.count),
    parts.text,
  );
  for (const [id, act] of [["round", oneRound], ["line", oneLine]]) {
    document.getElementById(id).addEventListener("click", () => {
      stopSlow();
      inTurn(act);
    });
  }
  on("settings", () => {
    left = null;
    stopSlow();
  });
  on("playing", () => state.playing && stopSlow());
  on("film", follow);
  on("language", write);
  write();
}

// Act when what was pressed before is done.
function inTurn(act) {
  last = last.then(act, act);
  return last;
}

// Go to the end of the round that is shown, or play another.
async function oneRound() {
  pause();
  const { film } = state;
  if (film && film.index < film.events.length - 1) {
    show(film.events.length - 1);
    return;
  }
  leave();
  const reply = await ask({ op: "play", rounds: 1 });
  if (!reply) return;
  adopt(reply);
  reportStopped();
}

async function oneLine() {
  pause();
  const { film } = state;
  if (film && film.index < film.events.length - 1) show(film.index + 1);
  else await begin();
}

function oneLineBack() {
  stopSlow();
  show(state.film.index - 1);
}

// Let the engine play a round and show its first line.
async function begin() {
  leave();
  const reply = await ask({ op: "film" });
  if (!reply) return;
  const { events } = reply.header;
  if (!events.length) {
    adopt(reply); // a run that has stopped plays no line
    stopSlow();
    reportStopped();
    return;
  }
  const before = { runs: state.runs, arrays: state.arrays };
  state.film = { events, arrays: reply.arrays, index: 0, before, reply, adopted: false };
  show(0);
}

function show(index) {
  const { film } = state;
  if (!film || index < 0 || index >= film.events.length) return;
  film.index = index;
  const last = index === film.events.length - 1;
  const { header, arrays } = film.reply;
  if (last && !film.adopted) {
    film.adopted = true;
    adopt(film.reply);
    reportStopped();
  } else {
    Object.assign(state, last ? { runs: header.runs, arrays } : film.before);
    emit("picture");
  }
  emit("film");
}

// A film that is left before its end counts as played, too, unless the game starts anew.
function follow() {
  if (left && !state.film && !left.adopted) {
    left.adopted = true;
    adopt(left.reply);
  }
  left = state.film;
  write();
}

function leave() {
  if (!state.film) return;
  state.film = null;
  emit("film");
}

function seek() {
  stopSlow();
  show(Number(parts.place.value));
}

function toggleSlow() {
  if (slow) stopSlow();
  else step();
  parts.slow.setAttribute("aria-pressed", slow !== null);
}

// Show a line and the next after a while: a short one after a line that made and moved nothing.
async function step() {
  slow = setTimeout(() => {}); // slow motion is on while the engine is asked
  await inTurn(oneLine);
  if (!slow) return;
  if (!state.film) {
    stopSlow();
    return;
  }
  const { made, moved } = state.film.events[state.film.index];
  slow = setTimeout(step, made.length || moved.length ? LONG : SHORT);
}

function stopSlow() {
  clearTimeout(slow);
  slow = null;
  parts.slow.setAttribute("aria-pressed", "false");
}

// The engine's reply, or null after an error, which is shown.
async function ask(message) {
  try {
    return await engine.ask(message);
  } catch (error) {
    stopSlow();
    emit("error", error);
    return null;
  }
}

function write() {
  const { film } = state;
  const [n, index] = film ? [film.events.length, film.index] : [0, 0];
  parts.back.textContent = t("film.back");
  parts.slow.textContent = t("film.slow");
  parts.back.disabled = !film || index === 0;
  parts.place.disabled = !film;
  parts.place.max = Math.max(n - 1, 1);
  parts.place.value = index;
  parts.place.setAttribute("aria-label", t("film.place"));
  const count = film ? t("film.count", { i: index + 1, n }) : "";
  parts.place.setAttribute("aria-valuetext", count);
  parts.count.textContent = count;
  parts.text.replaceChildren(...(film ? [stage(film), " ", said(film)] : [t("film.hint")]));
  document.body.classList.toggle("filming", Boolean(film));
}
