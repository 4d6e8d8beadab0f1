// The words of the page in the chosen language.

import { emit, state } from "./state.js";
import en from "./en.js";
import enCode from "./en_code.js";
import ko from "./ko.js";
import koCode from "./ko_code.js";

export const LANGUAGES = { en: { ...en, ...enCode }, ko: { ...ko, ...koCode } };

// The text of a key; {names} in it are replaced by values. A key without a text is shown itself.
export function t(key, values = {}) {
  const text = LANGUAGES[state.language][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// Set the language and rewrite all texts that stand in the page.
export function setLanguage(language) {
  state.language = language in LANGUAGES ? language : "en";
  document.documentElement.lang = state.language;
  document.title = t("title");
  translate(document);
  emit("language");
}

// Fill in the elements that name their text: data-t="key", data-t-label="key" (aria-label).
export function translate(root) {
  for (const element of root.querySelectorAll("[data-t]")) {
    element.textContent = t(element.dataset.t);
  }
  for (const element of root.querySelectorAll("[data-t-label]")) {
    element.setAttribute("aria-label", t(element.dataset.tLabel));
  }
}
