// Makes elements and renews them in place. Text goes in as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element. `on…` functions become handlers, `key` tells siblings apart, null and false are left out. */
export function h(tag, properties, ...children) {
  return build(document.createElement(tag), properties, children);
}

export function svg(tag, properties, ...children) {
  return build(document.createElementNS(SVG, tag), properties, children);
}

function build(element, properties, children) {
  element.handlers = {};
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "key") element.key = value;
    else if (name.startsWith("on")) element.handlers[name] = element[name] = value;
    else if (name === "value") element.value = value;
    else if (name === "style") Object.assign(element.style, value); // as an attribute the page's policy forbids it
    else element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat(3)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child);
  }
  return element;
}

/** Makes the children of `parent` look like `fresh`, keeping what is there already: focus, scrolling and selection stay. */
export function fill(parent, ...fresh) {
  const wanted = fresh.flat(3).filter((child) => child !== null && child !== undefined && child !== false);
  const keyed = new Map();
  for (const child of parent.childNodes) if (child.key !== undefined) keyed.set(child.key, child);
  let place = parent.firstChild;
  for (const item of wanted) {
    const node = item instanceof Node ? item : document.createTextNode(item);
    const old = node.key === undefined ? place : keyed.get(node.key);
    if (old && (old === node || alike(old, node))) {
      if (old === place) place = place.nextSibling;
      else parent.insertBefore(old, place);
      if (old !== node) renew(old, node);
    } else {
      parent.insertBefore(node, place);
    }
  }
  while (place) {
    const next = place.nextSibling;
    place.remove();
    place = next;
  }
}

function alike(old, fresh) {
  return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && old.key === fresh.key && !old.lives;
}

function renew(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) === value) continue;
    if (name === "style") old.style.cssText = value;
    else old.setAttribute(name, value);
  }
  for (const name of Object.keys(old.handlers ?? {})) if (!(name in fresh.handlers)) old[name] = null;
  Object.assign(old, fresh.handlers);
  old.handlers = fresh.handlers;
  if (old instanceof HTMLInputElement && old !== document.activeElement) old.value = fresh.value;
  fill(old, ...fresh.childNodes);
}

/** Shows a sentence for a moment, and says it to who listens. */
export function toast(text) {
  const element = h("p", { class: "toast" }, text);
  document.getElementById("toasts").append(element);
  setTimeout(() => element.remove(), 6000);
}
