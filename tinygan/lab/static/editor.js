// The editor: change the text of the shown file and run it. Only where the engine runs code that
// the page sends: `engine.edit`. Elsewhere one line says how to get it.

import { button, make } from "./dom.js";
import { t } from "./language.js";
import { adoptSettings, pause } from "./player.js";
import { emit, on, state } from "./state.js";

const INDENT = "    ";

let engine, parts;
let module = null; // whose text is edited; the code pane may show another one meanwhile
let wrong = null; // the line of an error, in the edited text
let exhibit = "";
let running = ""; // the text of the module that the engine runs

export function mount(element, _, opened) {
  engine = opened;
  parts = {
    hint: make("p", { id: "edit-hint" }),
    edit: button("", start, { id: "edit", "aria-expanded": "false", "aria-controls": "editor" }),
    file: make("code", {}),
    form: make("div", { id: "editor", hidden: true }),
    numbers: make("pre", { class: "numbers", "aria-hidden": "true" }),
    area: make("textarea", {
      id: "edit-text",
      spellcheck: "false",
      autocapitalize: "off",
      autocomplete: "off",
      wrap: "off",
      "aria-describedby": "edit-help edit-error",
      onkeydown: keys,
      oninput: number,
      onscroll: () => (parts.numbers.scrollTop = parts.area.scrollTop),
    }),
    run: button("", run, { id: "edit-run", class: "main" }),
    reset: button("", reset, { id: "edit-reset" }),
    close: button("", close, { id: "edit-close" }),
    error: make("p", { id: "edit-error", role: "alert" }),
    done: make("p", { id: "edit-done", role: "status" }),
    help: make("p", { id: "edit-help" }),
  };
  const bar = make("div", { class: "edit-bar" }, parts.file, parts.run, parts.reset, parts.close);
  const text = make("div", { class: "edit-text" }, parts.numbers, parts.area);
  parts.form.append(bar, parts.error, parts.done, text, parts.help);
  element.append(engine.edit ? parts.edit : parts.hint, parts.form);
  on("source", fit);
  on("language", label);
  on("exhibit", closeForAnother);
  on("error", mark);
  label();
}

function start() {
  pause();
  module = state.source.module;
  parts.file.textContent = state.source.file;
  parts.area.value = running = state.source.text;
  show(true);
  mark(null);
  number();
  putCursor(state.source.focus?.[0] ?? 1);
}

// The cursor goes to the beginning of a line, which comes into view.
function putCursor(line) {
  const before = parts.area.value.split("\n").slice(0, line - 1);
  const place = before.reduce((sum, { length }) => sum + length + 1, 0);
  parts.area.setSelectionRange(place, place);
  parts.area.focus({ preventScroll: true });
  parts.form.scrollIntoView({ block: "nearest" });
  reveal(line);
}

// The files of the game can be changed, the engine's others cannot. An engine that was started
// anew, because a loop had no end, runs the file's own text.
function fit() {
  const text = state.source?.module === module ? state.source.text : running;
  if (!parts.form.hidden && text !== running) {
    parts.done.textContent = t("edit.lost");
    running = text;
  }
  parts.edit.disabled = !state.source?.editable;
  parts.edit.title = parts.edit.disabled ? t("edit.fixed") : "";
}

// Another exhibit has another text.
function closeForAnother() {
  const name = state.exhibit?.name ?? "";
  if (name !== exhibit) close();
  exhibit = name;
}

function close() {
  if (parts.form.hidden) return;
  show(false);
  parts.edit.focus({ preventScroll: true });
}

function show(open) {
  parts.form.hidden = !open;
  parts.edit.setAttribute("aria-expanded", open);
  document.body.classList.toggle("editing", open);
}

const run = () => send(parts.area.value);
const reset = () => send(null);

// Let the engine run this text of the module, or the file's own if it is null.
async function send(text) {
  pause();
  mark(null);
  try {
    adoptSettings(await engine.ask({ op: "edit", module, text }));
  } catch (error) {
    emit("error", error);
    return;
  }
  const { header } = await engine.ask({ op: "source", module });
  parts.area.value = running = header.text;
  number();
  parts.done.textContent = t(text === null ? "edit.restored" : "edit.done");
}

function mark(error) {
  if (parts.form.hidden && error) return;
  const here = error && (!error.module || error.module === module);
  wrong = here ? (error.line ?? null) : null;
  const place = wrong ? t("edit.line", { line: wrong }) : "";
  parts.done.textContent = "";
  parts.error.textContent = error ? `${place} ${error.message}`.trim() : "";
  parts.area.setAttribute("aria-invalid", Boolean(error));
  number();
  if (wrong) reveal(wrong);
}

// Line numbers beside the text; that of an error is marked.
function number() {
  const count = parts.area.value.split("\n").length;
  const numbers = Array.from({ length: count }, (_, i) =>
    i + 1 === wrong ? make("mark", {}, `✗ ${i + 1}\n`) : `${i + 1}\n`,
  );
  parts.numbers.replaceChildren(...numbers);
  parts.numbers.scrollTop = parts.area.scrollTop;
}

function reveal(line) {
  const height = parts.area.scrollHeight / parts.area.value.split("\n").length;
  parts.area.scrollTop = (line - 1) * height - parts.area.clientHeight / 3;
}

// Tab indents and Shift+Tab takes back; after Escape, Tab leaves the text. Ctrl+Enter runs it.
let leaving = false;
function keys(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  } else if (event.key === "Escape") {
    event.stopPropagation();
    leaving = true;
    return;
  } else if (event.key === "Tab" && !leaving) {
    event.preventDefault();
    indent(event.shiftKey);
  }
  leaving = leaving && event.key === "Shift";
}

function indent(less) {
  const { area } = parts;
  const from = area.value.lastIndexOf("\n", area.selectionStart - 1) + 1;
  const whole = area.selectionStart !== area.selectionEnd || less;
  if (!whole) {
    document.execCommand("insertText", false, INDENT);
    return;
  }
  const lines = area.value.slice(from, area.selectionEnd).split("\n");
  const moved = lines.map((line) => (less ? line.replace(/^ {1,4}/, "") : line && INDENT + line));
  area.setSelectionRange(from, area.selectionEnd);
  document.execCommand("insertText", false, moved.join("\n")); // keeps undo
  area.setSelectionRange(from, from + moved.join("\n").length);
}

function label() {
  fit();
  parts.hint.textContent = t("edit.hint");
  parts.edit.textContent = t("edit");
  parts.run.textContent = t("edit.run");
  parts.reset.textContent = t("edit.reset");
  parts.close.textContent = t("code.close");
  parts.help.textContent = t("edit.help");
  parts.area.setAttribute("aria-label", t("edit.area"));
}
