// The page: open the engine, mount the parts, and listen to keys and buttons.

import { followAddress, readView, share } from "./address.js";
import { mount as mountCharts } from "./charts.js";
import { mount as mountCode } from "./code.js";
import { mount as mountControls } from "./controls.js";
import { mount as mountEditor } from "./editor.js";
import { openEngine } from "./engine.js";
import { mount as mountFilm } from "./film.js";
import { mount as mountHelp } from "./help.js";
import { setLanguage, t } from "./language.js";
import { mount as mountMuseum } from "./museum.js";
import { mount as mountOverview } from "./overview.js";
import { closePanels, mountPanels } from "./panels.js";
import { mount as mountPicture } from "./picture.js";
import { start, toggle, useEngine } from "./player.js";
import { emit, on, state } from "./state.js";

const SPEEDS = [1, 2, 5, 10, 25, 100]; // rounds a picture
const KEYS = {
  " ": "play",
  r: "round",
  l: "line",
  s: "open-controls",
  m: "open-museum",
  h: "open-help",
};

const TYPING = "input[type=number], select, textarea, [contenteditable]";
const PRESSED = "button, a, summary, [role=button], input[type=checkbox]"; // by the space key

const byId = (id) => document.getElementById(id);

function mountTransport() {
  const speed = byId("speed");
  byId("play").addEventListener("click", toggle);
  byId("restart").addEventListener("click", () => start(state.query));
  speed.addEventListener("change", () => {
    state.speed = Number(speed.value);
    emit("view");
  });
  const write = () => {
    byId("play").textContent = t(state.playing ? "pause" : "play");
    document.body.dataset.playing = state.playing;
    const speeds = [...new Set([...SPEEDS, state.speed])].sort((a, b) => a - b);
    speed.replaceChildren(
      ...speeds.map((n) => {
        const text = t(n === 1 ? "speed.round" : "speed.rounds", { n });
        return new Option(text, n, false, n === state.speed);
      }),
    );
  };
  for (const event of ["playing", "language", "view"]) on(event, write);
}

function mountHeader() {
  byId("copy-link").addEventListener("click", share);
  byId("language").addEventListener("click", () => {
    setLanguage(state.language === "en" ? "ko" : "en");
    emit("view");
  });
  on("language", () => {
    const other = state.language === "en" ? ["ko", "한국어"] : ["en", "English"];
    [byId("language").lang, byId("language").textContent] = other;
  });
}

function mountMessage() {
  on("error", (error) => {
    byId("message").textContent = error ? error.message : "";
    byId("message").classList.toggle("calm", Boolean(error?.calm));
  });
}

// A key presses the button that does the same, unless the focus is where the key has its own use.
function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") closePanels();
    if (event.target.closest(TYPING)) return;
    if (event.key === " " && event.target.closest(PRESSED)) return;
    const button = byId(KEYS[event.key]);
    if (!button || button.disabled) return;
    event.preventDefault();
    button.click();
  });
}

async function main() {
  const parts = [
    ["picture", mountPicture],
    ["charts", mountCharts],
    ["controls", mountControls],
    ["help", mountHelp],
    ["overview", mountOverview],
    ["code", mountFilm],
    ["code", mountCode],
    ["code", mountEditor],
    ["museum", mountMuseum],
  ];
  readView();
  mountTransport();
  mountHeader();
  mountMessage();
  mountPanels();
  listenToKeys();
  setLanguage(state.language);
  try {
    const engine = await openEngine((text) => emit("error", { message: text, calm: true }));
    window.lab = { state, engine }; // for tests and for the curious
    useEngine(engine);
    for (const [id, mount] of parts) mount(byId(id), state, engine);
    setLanguage(state.language);
    await followAddress();
  } catch (error) {
    emit("error", error);
  }
}

main();
