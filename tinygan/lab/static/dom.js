// Elements in one expression: make("button", {type: "button", onclick: play}, "play").
//
// A value of true sets an attribute without a value; false, null and undefined set none.
// Attributes that open with "on" are listeners. `draw` makes an element of SVG.

export const make = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);

export const draw = (tag, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

export const button = (text, onclick, attributes = {}) =>
  make("button", { type: "button", onclick, ...attributes }, text);

function fill(element, attributes = {}, children = []) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}
