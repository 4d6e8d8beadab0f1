// Play, pause, and change the settings: each of these asks the engine and adopts its reply.

import { adopt, emit, state } from "./state.js";

let engine = null;
let tell;
const loaded = new Promise((resolve) => (tell = resolve)); // whoever asks before waits for it
let waiting = null; // the values to change to when the engine has answered the last change
let changing = false;
let looping = false; // the loop of `play` still waits for the engine after a pause

export function useEngine(opened) {
  engine = opened;
  tell();
}

export function toggle() {
  state.playing ? pause() : play();
}

export function pause() {
  if (!state.playing) return;
  state.playing = false;
  emit("playing");
}

// Ask for rounds, draw, ask again: no more than one request waits for the engine, which computes
// while the browser shows the last picture.
export async function play() {
  if (state.playing) return;
  state.playing = true;
  state.film = null;
  emit("film");
  emit("playing");
  if (looping) return;
  looping = true;
  let shown = null;
  while (state.playing) {
    const { reply } = await ask({ op: "play", rounds: state.speed });
    await shown;
    if (reply) adopt(reply);
    if (!reply || reportStopped()) pause();
    shown = new Promise(requestAnimationFrame);
  }
  looping = false;
}

// Start anew with the settings of `query`. Returns the error if the engine refused them.
export async function start(query) {
  const { reply, error } = await ask({ op: "start", query });
  if (reply) adoptSettings(reply);
  return error;
}

// Go on with other settings: a query's values by name. Only the last of many quick changes is sent.
export async function change(values) {
  waiting = { ...waiting, ...values };
  if (changing) return;
  changing = true;
  while (waiting) {
    const now = Object.fromEntries(new URLSearchParams(state.query)); // with the last reply
    const query = new URLSearchParams({ ...now, ...waiting }).toString();
    waiting = null;
    const { reply } = await ask({ op: "change", query });
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

// {reply} of the engine, or {error}, which is shown.
async function ask(message) {
  try {
    if (!engine) await loaded;
    return { reply: await engine.ask(message) };
  } catch (error) {
    emit("error", error);
    return { error };
  }
}

// Show why a run has stopped, if one has. Returns whether none can go on.
export function reportStopped() {
  const stopped = state.runs.filter((run) => run.stopped);
  if (stopped.length) {
    const { stopped: message, at } = stopped[0];
    emit("error", { message, module: at[0], line: at[1] });
  }
  return stopped.length === state.runs.length;
}
