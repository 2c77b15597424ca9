// Shows JSON texts: indented, coloured, and the long ones only as far as anyone reads.

import { fill, h, toast } from "./dom.js";
import { pieces, size, unwrap } from "./format.js";

const COLOURED = 20_000;
const SHOWN = 1_000_000;

/**
 * A block that shows a JSON text, or `empty` words. `set(text, length, load)`: `length` is that of the whole text where `text` was cut,
 * and `load` fetches it.
 */
export class Payload {
  constructor(name, { empty = "none", scalars = false } = {}) {
    this.name = name;
    this.empty = empty;
    this.scalars = scalars;
    this.element = h("div", { class: "payload" });
    this.element.lives = true;
    this.set(null, 0, null);
  }

  set(text, length, load) {
    if (text === this.text && length === this.length) return;
    Object.assign(this, { text, length, load, whole: null });
    this.show();
  }

  show() {
    if (this.text === null || this.text === undefined || this.text === "") {
      fill(this.element, h("p", { class: "none" }, this.empty));
      return;
    }
    const cut = this.whole === null && this.length > this.text.length;
    const { text, wrapped } = unwrap(this.whole ?? this.text, { cut, scalars: this.scalars });
    fill(
      this.element,
      h("pre", { class: "json", tabindex: 0, role: "region", "aria-label": this.name }, coloured(text.slice(0, SHOWN))),
      h(
        "p",
        { class: "under" },
        wrapped > 0 && h("span", { title: "The SDK sends JSON text inside a JSON string; this is what is inside." }, "JSON text in a string"),
        cut && h("button", { type: "button", class: "quiet", onclick: () => this.showAll() }, `Show all ${size(this.length)}`),
        text.length > SHOWN && h("span", {}, `the first ${size(SHOWN)} of ${size(text.length)}`),
        navigator.clipboard && h("button", { type: "button", class: "quiet", onclick: (event) => this.copy(event.target) }, "Copy"),
      ),
    );
  }

  async showAll() {
    try {
      this.whole = await this.load();
      this.show();
    } catch (error) {
      toast(error.message);
    }
  }

  async copy(button) {
    try {
      const cut = this.whole === null && this.length > this.text.length;
      await navigator.clipboard.writeText(cut ? await this.load() : (this.whole ?? this.text));
      button.textContent = "Copied";
    } catch (error) {
      toast(error.message);
    }
  }
}

export function coloured(text) {
  if (text.length > COLOURED) return [pieces(text).map(([, piece]) => piece).join("")];
  return pieces(text).map(([kind, piece]) => (kind ? h("span", { class: kind }, piece) : piece));
}
