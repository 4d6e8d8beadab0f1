// The museum of bugs: famous mistakes, each played beside the right program with the same seed.
//
// The list shows the titles. An exhibit shows its question, the doctor's diagnoses of both runs,
// and, once it is asked for, the answer with what was measured. Its diff stands in the code pane.

import { LOOP, openChange } from "./code.js";
import { button, make } from "./dom.js";
import { t } from "./language.js";
import { adoptSettings, pause, play, start } from "./player.js";
import { emit, on, state } from "./state.js";
import { table } from "./measured.js";

const FAST = 25; // rounds a picture, at least

let engine, panel, exhibits;
let before = ""; // the settings to go back to
let answered = false;
let here = null; // the name of the exhibit that is shown
let goal = null; // the round at which playing both runs ends
let usual = null; // the speed before it

export async function mount(element, _, opened) {
  engine = opened;
  panel = element;
  exhibits = (await engine.ask({ op: "exhibits" })).header.exhibits;
  on("exhibit", arrive);
  on("language", write);
  on("picture", () => {
    if (goal !== null && state.runs[0].round >= goal) pause();
    if (state.exhibit) writeDoctor();
  });
  on("playing", () => {
    if (!state.playing) rest();
    writePlay();
  });
  write();
}

async function visit(name) {
  pause();
  if (!state.exhibit) before = state.query;
  try {
    adoptSettings(await engine.ask({ op: "exhibit", name }));
  } catch (error) {
    emit("error", error);
  }
}

// Go back to the settings that held before the museum.
async function leave() {
  pause();
  await start(before);
}

// Show the exhibit that was opened, here or by the address, with its changed line in the code pane.
async function arrive() {
  const name = state.exhibit?.name ?? null;
  if (name === here) return;
  here = name;
  answered = false;
  write();
  panel.scrollTop = 0;
  const [first] = state.exhibit?.changes ?? [];
  if (first) await openChange(first.module);
  else if (state.source.module !== LOOP) await openChange(LOOP);
}

function write() {
  if (!exhibits) return;
  const focused = panel.contains(document.activeElement);
  panel.replaceChildren(...(state.exhibit ? exhibit(state.exhibit) : list()));
  if (state.exhibit) {
    writeDoctor();
    writePlay();
  }
  if (focused) panel.querySelector("h2").focus({ preventScroll: true });
}

const text = (words) => words[state.language] ?? words.en;
const heading = (words) => make("h2", { tabindex: -1 }, words);

function list() {
  const items = exhibits.map(({ name, title }, i) => {
    const entry = button("", () => visit(name), { class: "exhibit", "data-exhibit": name });
    entry.append(make("span", { class: "place" }, `${i + 1}`), text(title));
    return make("li", {}, entry);
  });
  const notes = exhibits.findIndex(({ name }) => name.startsWith("notes"));
  const split = notes < 0 ? items.length : notes;
  return [
    heading(t("museum.title")),
    make("p", {}, t("museum.intro")),
    make("p", {}, t("museum.proof")),
    make("ol", { class: "exhibits" }, ...items.slice(0, split)),
    ...(split < items.length
      ? [
          make("h3", {}, t("museum.notes")),
          make("p", {}, t("museum.notes.intro")),
          make("ol", { class: "exhibits", start: split + 1 }, ...items.slice(split)),
        ]
      : []),
  ];
}

function exhibit({ name, title, question, changes }) {
  const i = exhibits.findIndex((each) => each.name === name);
  const go = (to, sign, key, id) =>
    button(sign, () => visit(exhibits[to].name), {
      id,
      disabled: !exhibits[to],
      "aria-label": t(key),
      title: t(key),
    });
  return [
    make(
      "nav",
      { class: "visit", "aria-label": t("museum.title") },
      go(i - 1, "←", "museum.previous", "exhibit-previous"),
      make("span", {}, t("museum.place", { i: i + 1, n: exhibits.length })),
      go(i + 1, "→", "museum.next", "exhibit-next"),
      button(t("museum.leave"), leave, { id: "exhibit-leave" }),
    ),
    heading(text(title)),
    make("p", { class: "question" }, text(question)),
    make(
      "div",
      { class: "acts" },
      button("", playBoth, { id: "exhibit-play", class: "main" }),
      ...openers(changes),
    ),
    make("h3", {}, t("museum.doctor")),
    make("div", { id: "doctor" }),
    ...answer(state.exhibit),
  ];
}

// A button for each file that has a changed line.
function openers(changes) {
  const modules = [...new Set(changes.map(({ module }) => module))];
  return modules.map((module) => {
    const file = `${module.split(".").at(-1)}.py`;
    const name = modules.length > 1 ? t("museum.file", { file }) : t("museum.line");
    return button(name, () => showLine(module), { "data-module": module });
  });
}

// The answer, or the button that asks for it.
function answer({ answer, in_curves, changes, measured, rounds }) {
  const show = () => {
    answered = true;
    write();
    document.getElementById("exhibit-answer")?.focus();
  };
  if (!answered) return [button(t("museum.ask"), show, { id: "exhibit-ask" })];
  const betrayed = in_curves ? "museum.in_curves" : "museum.not_in_curves";
  return [
    make("h3", { id: "exhibit-answer", tabindex: -1 }, t("museum.answer")),
    make("p", { class: "answer" }, text(answer)),
    changes.length ? make("p", { class: "betrayed" }, t(betrayed)) : "",
    table(measured, rounds),
  ];
}

// Play both runs to the round at which the symptom was measured, or further on from there.
function playBoth() {
  if (state.playing) {
    pause();
    return;
  }
  const { rounds } = state.exhibit;
  goal = state.runs[0].round < rounds ? rounds : Infinity;
  usual = state.speed;
  state.speed = Math.max(usual, FAST);
  emit("view");
  play();
}

// Give the speed back after `playBoth`.
function rest() {
  if (goal === null) return;
  goal = null;
  state.speed = usual;
  emit("view");
}

function writePlay() {
  const element = document.getElementById("exhibit-play");
  if (!element) return;
  const { rounds } = state.exhibit;
  const before = state.runs[0].round < rounds;
  const key = state.playing ? "pause" : before ? "museum.play" : "museum.on";
  element.textContent = t(key, { rounds: rounds.toLocaleString(state.language) });
}

function showLine(module) {
  openChange(module);
  document.getElementById("code").scrollIntoView({ block: "nearest" });
  document.getElementById("code-lines").focus({ preventScroll: true });
}

// The doctor's diagnoses of each run, now.
function writeDoctor() {
  const element = document.getElementById("doctor");
  if (!element) return;
  const runs = state.runs.map(({ diagnoses, stopped }, i) => {
    return { title: t(i ? "museum.wrong" : "museum.right"), diagnoses, stopped };
  });
  const key = JSON.stringify(runs);
  if (element.dataset.key === key) return; // an opened finding stays open
  element.dataset.key = key;
  element.replaceChildren(
    ...runs.map(({ title, diagnoses, stopped }) =>
      make(
        "div",
        {},
        make("h4", {}, title),
        ...(stopped ? [make("p", { class: "finding" }, stopped)] : []),
        ...diagnoses.map(finding),
        diagnoses.length || stopped ? "" : make("p", { class: "healthy" }, t("museum.healthy")),
      ),
    ),
  );
}

function finding({ name, round, seen }) {
  return make(
    "details",
    { class: "finding" },
    make("summary", {}, t("museum.finding", { name: t(`diagnosis.${name}`), round })),
    make("p", {}, seen[state.language]),
  );
}
