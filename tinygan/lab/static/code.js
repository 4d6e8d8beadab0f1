// The code pane: a file of the engine as it runs, its changed lines, and the way to definitions.
//
// During a film, the lines that have run show what they made.

import { compare } from "./diff.js";
import { button, make } from "./dom.js";
import { playerOf } from "./graph.js";
import { t } from "./language.js";
import { emit, on, state } from "./state.js";
import { lines } from "./tokens.js";
import { written } from "./written.js";

export const LOOP = "tinygan.gan.algorithm";

const past = []; // places to go back to: {module, top}
const rows = new Map(); // the elements of the lines, by number
let engine, back, file, list;

export async function mount(element, _, opened) {
  engine = opened;
  back = button("", goBack, { id: "code-back", disabled: true });
  file = make("h2", { id: "code-file" });
  list = make("ol", { id: "code-lines", tabindex: 0, "aria-labelledby": "code-file" });
  element.append(make("div", { class: "code-head" }, back, file), list);
  const keep = () => scrollTo(list.querySelector("[aria-current]"));
  new ResizeObserver(keep).observe(list); // lines wrap at other places now
  on("film", followFilm);
  on("settings", reload);
  on("error", markWrong);
  on("language", label);
  label();
  await load(LOOP);
  scrollToLoop();
}

// Show a module, and a line of it in the middle of the pane.
async function open(module, line) {
  await go(module);
  point(rows.get(line));
  list.focus({ preventScroll: true });
}

// Show the first line of a module that differs from the file.
export async function openChange(module) {
  await (module === state.source.module ? load(module) : go(module));
  pointAtChange();
}

async function go(module) {
  past.push({ module: state.source.module, top: list.scrollTop });
  await load(module);
}

async function goBack() {
  const place = past.pop();
  await load(place.module);
  list.scrollTop = place.top;
  list.focus({ preventScroll: true });
}

// Show the same module again if its text or its links are others now.
async function reload() {
  const shown = state.source;
  if (!shown) return;
  const top = list.scrollTop;
  const { header } = await engine.ask({ op: "source", module: shown.module });
  if (JSON.stringify(header) === JSON.stringify(shown)) return;
  show(header);
  if (!pointAtChange()) list.scrollTop = top;
}

async function load(module) {
  show((await engine.ask({ op: "source", module })).header);
}

function show(source) {
  state.source = source;
  file.textContent = source.file;
  back.disabled = past.length === 0;
  rows.clear();
  const tokens = lines(source.text);
  const elements = compare(source.original, source.text).map((row) => {
    const parts = row.line ? tokens[row.line - 1] : lines(row.text)[0];
    const links = source.links.filter(([line]) => line === row.line);
    const element = lineOf(row, colored(parts, links));
    if (row.line) rows.set(row.line, element);
    return element;
  });
  list.replaceChildren(...elements);
  markFilm();
  emit("source");
}

// One line: number, sign of a difference, code. The sign tells what the color tells.
function lineOf({ sign, text, line }, content) {
  const kind = { "-": " removed", "+": " added" }[sign] ?? "";
  const element = make(
    "li",
    { class: `line${kind}`, "data-line": line },
    make("span", { class: "number", "aria-hidden": "true" }, line ?? ""),
    make("span", { class: "sign", "aria-hidden": "true" }, sign.replace("-", "−")),
    make("span", { class: "text" }, make("code", {}, ...changed(sign, content))),
  );
  element.style.setProperty("--indent", text.search(/\S|$/));
  return element;
}

// The content of a changed line as <del> or <ins>, but for its indent, with a word for those who
// do not see the sign.
function changed(sign, content) {
  if (sign === " ") return content;
  const [tag, key] = sign === "-" ? ["del", "code.removed"] : ["ins", "code.added"];
  const indent = typeof content[0] === "string" && !content[0].trim() ? content.shift() : "";
  const word = make("span", { class: "unseen" }, `${t(key)} `);
  return [indent, word, make(tag, {}, ...content)];
}

// Tokens as colored text; those of a link, [line, start, end, "module:line"], are in a button.
function colored(tokens, links) {
  const content = [];
  let [column, link, target] = [0, null, null];
  for (const { kind, text } of tokens) {
    const here = links.find(([, start, end]) => start <= column && column < end);
    if (here && here !== link) {
      target = linkTo(here[3]);
      content.push(target);
    }
    link = here;
    const span = kind ? make("span", { class: `token-${kind}` }, text) : text;
    link ? target.append(span) : content.push(span);
    column += text.length;
  }
  return content;
}

function linkTo(place) {
  const [module, line] = place.split(":");
  const title = t("code.open", { module, line });
  return button("", () => open(module, Number(line)), { class: "name", title });
}

// Mark a line that something else points at, and bring it into view.
function point(element) {
  list.querySelector(".pointed")?.classList.remove("pointed");
  element?.classList.add("pointed");
  scrollTo(element);
}

function pointAtChange() {
  const element = list.querySelector(".removed, .added");
  if (element) point(element);
  return element;
}

function scrollTo(element, behavior = "auto") {
  if (!element) return;
  const [top, height] = [element.offsetTop - list.scrollTop, list.clientHeight];
  if (top > 0.1 * height && top < 0.55 * height) {
    list.scrollTo({ top: list.scrollTop, behavior: "instant" }); // ends a smooth one on its way
  } else {
    list.scrollTo({ top: element.offsetTop - 0.3 * height, behavior });
  }
}

// Scroll so that the end of the loop is at the lower edge, or its first line at the upper one.
function scrollToLoop() {
  const [first, last] = state.source.focus ?? [];
  if (!first) return;
  const end = rows.get(last).offsetTop + rows.get(last).offsetHeight;
  list.scrollTop = Math.max(rows.get(first).offsetTop, end - list.clientHeight);
}

async function followFilm() {
  const event = state.film?.events[state.film.index];
  if (event && event.module !== state.source.module) await go(event.module);
  markFilm();
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (event) scrollTo(rows.get(event.line), calm ? "auto" : "smooth");
}

// Write behind each line of the film what it made. The line that has just run is the current one.
function markFilm() {
  for (const element of rows.values()) {
    element.classList.remove("player-D", "player-G");
    element.removeAttribute("aria-current");
    element.querySelector(".made")?.remove();
  }
  const { events, index } = state.film ?? { events: [], index: -1 };
  const here = (event) => event.module === state.source.module && rows.get(event.line);
  for (const event of latest(events.slice(0, index + 1))) {
    if (here(event)) here(event).querySelector(".text").append(...written(event));
  }
  const now = events[index];
  document.body.dataset.line = now?.line ?? "";
  const player = now && playerOf(events, index);
  if (!now || !here(now)) return;
  here(now).setAttribute("aria-current", "step");
  if (player) here(now).classList.add(`player-${player}`);
}

// Mark the line that an error names.
function markWrong(error) {
  for (const each of rows.values()) each.classList.remove("wrong");
  if (!error?.line || error.module !== state.source?.module) return;
  rows.get(error.line)?.classList.add("wrong");
  scrollTo(rows.get(error.line));
}

// The last event of each line. A call forgets the lines of the call before of the same function.
function latest(events) {
  const last = new Map();
  for (const event of events) {
    for (const [line, { function: name, call }] of last) {
      if (name === event.function && call !== event.call) last.delete(line);
    }
    last.set(event.line, event);
  }
  return last.values();
}

function label() {
  back.textContent = t("code.back");
  if (state.source) show(state.source);
}
