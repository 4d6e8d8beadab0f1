// The address says everything: settings, exhibit, language, speed and hidden layers stand behind #.

import { setLanguage, t } from "./language.js";
import { start } from "./player.js";
import { emit, on, state } from "./state.js";

const SPEED = 5;
const HIDDEN = "bent"; // the layers that are not drawn until one asks for them

// The address splits into what the engine reads (settings) and what only the page does (view).
function split() {
  const query = new URLSearchParams(location.hash.slice(1));
  const view = {};
  for (const name of ["language", "speed", "hide"]) {
    view[name] = query.get(name);
    query.delete(name);
  }
  return { query: query.toString(), view };
}

// Take language, speed and layers from the address.
export function readView() {
  const { view } = split();
  const rounds = Number(view.speed);
  state.speed = Number.isInteger(rounds) && rounds >= 1 && rounds <= 1000 ? rounds : SPEED;
  state.hidden = new Set((view.hide ?? HIDDEN).split(",").filter(Boolean));
  state.language = view.language ?? (navigator.language.startsWith("ko") ? "ko" : "en");
}

function hash() {
  const query = new URLSearchParams(state.query);
  if (state.language !== "en") query.set("language", state.language);
  if (state.speed !== SPEED) query.set("speed", state.speed);
  const hidden = [...state.hidden].sort().join();
  if (hidden !== HIDDEN) query.set("hide", hidden);
  return query.toString().replaceAll("%2C", ",");
}

function write() {
  history.replaceState(null, "", `#${hash()}`);
}

// Start with the settings in the address; if they are not valid, say so and take the defaults.
async function startFromAddress() {
  const refused = await start(split().query);
  if (!refused) return;
  await start("");
  emit("error", { message: t("link.bad", { why: refused.message }) });
}

// Start from the address, write each change to it, and follow it when it is changed by hand.
export async function followAddress() {
  on("settings", write);
  on("view", write);
  addEventListener("hashchange", () => {
    if (location.hash.slice(1) === hash()) return;
    readView();
    setLanguage(state.language);
    startFromAddress();
  });
  await startFromAddress();
}

// Copy the address.
export async function share() {
  try {
    await navigator.clipboard.writeText(location.href);
    emit("error", { message: t("link.copied"), calm: true });
  } catch {
    emit("error", { message: t("link.by-hand"), calm: true });
  }
}
