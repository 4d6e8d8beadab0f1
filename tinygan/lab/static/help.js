// A short help: how to read the picture.

import { make } from "./dom.js";
import { t } from "./language.js";
import { on } from "./state.js";

const QUESTIONS = ["colors", "arrows", "d", "g", "modes", "half", "curves", "line", "keys"];

export function mount(element) {
  const write = () =>
    element.replaceChildren(
      make("h2", {}, t("help.open")),
      ...QUESTIONS.flatMap((name) => [
        make("h3", {}, t(`help.${name}`)),
        make("p", {}, t(`help.${name}.text`)),
      ]),
    );
  on("language", write);
}
