// The panels beside the picture: help, settings, museum. One of them is open at a time, or none.

const NAMES = ["help", "controls", "museum"];
const WIDE = matchMedia("(min-width: 1600px)");

const byId = (id) => document.getElementById(id);

export function openPanel(name) {
  for (const each of NAMES) {
    byId(each).hidden = each !== name;
    byId(`open-${each}`).setAttribute("aria-expanded", each === name);
  }
  byId("panels").hidden = name === null;
  document.body.classList.toggle("with-panel", name !== null);
}

// Close the open panel; the focus goes back to the button that opened it.
export function closePanels() {
  const open = NAMES.find((name) => !byId(name).hidden);
  openPanel(null);
  if (open && byId("panels").contains(document.activeElement)) byId(`open-${open}`).focus();
}

export function mountPanels() {
  for (const name of NAMES) {
    byId(name).tabIndex = -1; // it takes the focus when it opens, so that Tab goes on inside
    byId(`open-${name}`).addEventListener("click", () => {
      openPanel(byId(name).hidden ? name : null);
      byId(name).focus({ preventScroll: true });
    });
  }
  byId("close-panel").addEventListener("click", closePanels);
  openPanel(WIDE.matches ? "controls" : null);
}
