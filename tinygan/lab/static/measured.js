// What was measured of an exhibit and of the right program: a table over seeds.

import { make } from "./dom.js";
import { t } from "./language.js";
import { state } from "./state.js";

const ROWS = ["modes", "share", "d_loss", "g_loss", "d_real", "d_fake", "diagnoses"];

export function table({ right, wrong }, rounds) {
  const rows = ROWS.filter((name) => right[name] != null || wrong[name] != null);
  return make(
    "table",
    { class: "measured" },
    make("caption", {}, t("measured.caption", { rounds: rounds.toLocaleString(state.language) })),
    make(
      "thead",
      {},
      make(
        "tr",
        {},
        make("td"),
        ...["museum.right", "museum.wrong"].map((key) => make("th", { scope: "col" }, t(key))),
      ),
    ),
    make(
      "tbody",
      {},
      ...rows.map((name) =>
        make(
          "tr",
          {},
          make("th", { scope: "row" }, t(`measured.${name}`)),
          ...[right, wrong].map((run) => make("td", {}, cell(name, run[name]))),
        ),
      ),
    ),
  );
}

// "mode collapse (3)": in three of the runs.
const finding = (_, name, n) => t("measured.finding", { name: t(`diagnosis.${name}`), n });

function cell(name, value) {
  if (value == null) return "–";
  if (name === "share") return `${Math.round(100 * value)} %`;
  if (name === "diagnoses") return value.replace(/([A-Z][\w ]*) \((\d+)\)/gi, finding);
  if (name === "modes") return String(Math.round(10 * value) / 10);
  const text = Math.abs(value) < 1e4 ? value.toFixed(2) : value.toExponential(1);
  return text.replace("-", "\u2212");
}
