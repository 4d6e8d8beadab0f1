// The settings, as the engine's form lists them, but for the data, whose choice is in datasets.js.
// Each change is sent at once; live ones apply while the game runs, the others start it anew.

import { button, make } from "./dom.js";
import { t } from "./language.js";
import { change } from "./player.js";
import { on, state } from "./state.js";

const STEPS = 200; // positions of a slider
const SEEDS = 10000; // "another seed" draws one below this

export function mount(element) {
  const rebuild = () => {
    const focused = document.activeElement?.id;
    const groups = [...new Set(fields().map((field) => field.group))];
    element.replaceChildren(
      make("h2", {}, t("controls.open")),
      make("p", { class: "note" }, t("controls.note")),
      ...groups.map(group),
    );
    if (focused) document.getElementById(focused)?.focus();
  };
  on("settings", () => (sameFields(element) ? refresh(element) : rebuild()));
  on("language", rebuild);
}

const fields = () => state.form.filter(({ name }) => name !== "data");
const signature = () => fields().map(({ name }) => name).join();

// Whether the controls of these fields are there already.
function sameFields(element) {
  const same = element.dataset.fields === signature();
  element.dataset.fields = signature();
  return same;
}

function group(name) {
  return make(
    "fieldset",
    {},
    make("legend", {}, t(`group.${name}`)),
    ...fields().filter((field) => field.group === name).map(control),
  );
}

// A setting: its label, its control, and a line that explains it.
function control(field) {
  const { name, live } = field;
  const label = make("label", { for: `set-${name}` }, t(`set.${name}`));
  if (!live) label.append(" ", make("span", { class: "anew" }, t("controls.anew")));
  const note = make("p", { class: "note", id: `note-${name}` }, t(`note.${name}`));
  const parts = field.choices ? choice(field) : amount(field);
  return make("div", { class: "control" }, label, ...parts, note);
}

function choice({ name, choices, value }) {
  const select = make("select", {
    id: `set-${name}`,
    "aria-describedby": `note-${name}`,
    onchange: () => send(name, select.value),
  });
  const options = choices.map((each) => new Option(t(`${name}.${each}`), each));
  select.append(...options);
  select.value = value;
  return [select];
}

// A slider and a box for the exact number; the seed has a button instead of the slider.
function amount(field) {
  const { name, low, high, kind, value } = field;
  const box = make("input", {
    ...{ type: "number", id: `set-${name}`, "aria-describedby": `note-${name}` },
    ...{ min: low, max: high, step: kind === "integer" ? 1 : "any" },
    oninput: () => (box.dataset.typing = ""),
    onchange: () => {
      delete box.dataset.typing;
      send(name, box.value);
    },
  });
  box.value = value;
  if (name === "seed") {
    const draw = () => send(name, Math.floor(SEEDS * Math.random()));
    return [box, button(t("controls.seed"), draw, { id: "another-seed" })];
  }
  const slider = make("input", {
    ...{ type: "range", id: `slide-${name}`, min: 0, max: STEPS, "aria-label": t(`set.${name}`) },
    oninput: () => {
      box.value = atPosition(field, slider.value);
      send(name, box.value);
    },
  });
  slider.value = position(field, value);
  return [slider, box];
}

const send = (name, value) => change({ [name]: value });

// Show the values that hold now, except in a control that is being moved or typed in.
function refresh(element) {
  for (const field of fields()) {
    const box = element.querySelector(`#set-${field.name}`);
    const slider = element.querySelector(`#slide-${field.name}`);
    if (!("typing" in box.dataset)) box.value = field.value;
    if (slider && slider !== document.activeElement) slider.value = position(field, field.value);
  }
}

// The slider's position of a value; a range that starts at 0 has no logarithm and is even.
export function position({ low, high, log }, value) {
  const share = log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  return Math.round(STEPS * share);
}

// The value at a slider's position, with three digits at most.
export function atPosition({ low, high, log, kind }, at) {
  const share = at / STEPS;
  const value = log ? low * (high / low) ** share : low + share * (high - low);
  return kind === "integer" ? Math.round(value) : Number(value.toPrecision(log ? 2 : 3));
}
