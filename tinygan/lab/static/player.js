// Play, pause, and change the settings: each of these asks the engine and adopts its reply.

import { adopt, emit, state } from "./state.js";

let engine = null;
let waiting = null; // the query to change to when the engine has answered the last change
let changing = false;

export function useEngine(opened) {
  engine = opened;
}

export function toggle() {
  state.playing ? pause() : play();
}

export function pause() {
  if (!state.playing) return;
  state.playing = false;
  emit("playing");
}

// Ask for rounds, draw, ask again: no more than one request waits for the engine.
export async function play() {
  if (state.playing) return;
  state.playing = true;
  state.film = null;
  emit("film");
  emit("playing");
  while (state.playing) {
    const reply = await ask({ op: "play", rounds: state.speed });
    if (!reply) break;
    adopt(reply);
    if (reportStopped()) break;
    await new Promise(requestAnimationFrame);
  }
  pause();
}

// Start anew with the settings of `query`. Returns whether the engine took them.
export async function start(query) {
  const reply = await ask({ op: "start", query });
  if (reply) adoptSettings(reply, true);
  return reply !== null;
}

// Go on with other settings: a query's values by name. Only the last of many quick changes is sent.
export async function change(values) {
  waiting = { ...(waiting ?? Object.fromEntries(new URLSearchParams(state.query))), ...values };
  if (changing) return;
  changing = true;
  while (waiting) {
    const query = new URLSearchParams(waiting).toString();
    waiting = null;
    const reply = await ask({ op: "change", query });
    if (reply) adoptSettings(reply, reply.header.restarted !== false);
    else emit("settings"); // the controls show again what holds
  }
  changing = false;
}

// Adopt the reply to start, change or exhibit: settings and pictures.
export function adoptSettings(reply, anew = true) {
  const { query, settings, form, exhibit } = reply.header;
  Object.assign(state, { query, settings, form, film: null, exhibit: exhibit ?? null });
  emit("error", null);
  adopt(reply, anew);
  emit("settings");
  emit("film");
  emit("exhibit");
}

// The engine's reply, or null after an error, which is shown.
async function ask(message) {
  try {
    return await engine.ask(message);
  } catch (error) {
    emit("error", error);
    return null;
  }
}

function reportStopped() {
  const stopped = state.runs.filter((run) => run.stopped);
  if (stopped.length) emit("error", { message: stopped[0].stopped });
  return stopped.length === state.runs.length;
}
