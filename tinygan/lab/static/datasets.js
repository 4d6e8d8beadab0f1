// The choice of the data, each with a small picture.

import { draw, make } from "./dom.js";
import { drawnSettings } from "./draw.js";
import { t } from "./language.js";
import { change } from "./player.js";
import { on, state } from "./state.js";

const SIZE = 32; // of a picture, in pixels

const dots = (points) => points.map(([x, y]) => draw("circle", { cx: x, cy: y, r: 2 }));
const curve = (d) => [draw("path", { d })];

const PICTURES = {
  ring: () =>
    dots([0, 1, 2, 3, 4, 5, 6, 7].map((i) => [
      16 + 11 * Math.cos((i * Math.PI) / 4),
      16 + 11 * Math.sin((i * Math.PI) / 4),
    ])),
  grid: () => dots([6, 16, 26].flatMap((x) => [6, 16, 26].map((y) => [x, y]))),
  moons: () => curve("M4 19a8 8 0 0 1 16 0M12 13a8 8 0 0 0 16 0"),
  spiral: () => curve("M16 16c1-3 5-1 5 2c0 5-9 6-11 0c-2-8 8-13 14-8c7 6 3 17-6 18"),
  drawn: () => curve("M5 27l3-8L22 5l5 5L13 24zM19 8l5 5"),
  line: () => curve("M3 26c7 0 5-16 9-16s3 11 6 11s2-15 5-15s2 20 6 20M3 27h26"),
  digits: () => curve("M9 8h14l-8 18"),
};

export function mount(element) {
  const write = () => {
    const field = state.form.find(({ name }) => name === "data");
    if (!field) return;
    const focused = document.activeElement?.name === "data";
    const legend = make("legend", { class: "unseen" }, t("set.data"));
    element.replaceChildren(legend, ...field.choices.map(choice));
    if (focused) element.querySelector(":checked").focus();
  };
  on("settings", write);
  on("language", write);
}

function choice(name) {
  const box = make("input", {
    ...{ type: "radio", name: "data", value: name, class: "unseen", id: `data-${name}` },
    onchange: () => change(name === "drawn" ? drawnSettings() : { data: name }),
  });
  box.checked = name === state.settings.data;
  const picture = draw("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, "aria-hidden": "true" });
  picture.append(...PICTURES[name]());
  return make("label", { title: t(`data.${name}`) }, box, picture, t(`data.${name}.short`));
}
