// A list of any length of which only the rows in view exist. Arrow keys move, Enter and clicks choose.

import { fill, h } from "./dom.js";

const SPARE = 6;

export class Windowed {
  /**
   * `row(index)` makes a row, an element of its own; `choose(index)` is told of a chosen one.
   * `roles` are the names of list and row for assistive technology.
   */
  constructor({ label, rowHeight, roles, row, choose }) {
    this.rowHeight = rowHeight;
    this.row = row;
    this.choose = choose;
    this.roles = roles;
    this.count = 0;
    this.current = 0;
    this.chosen = -1;
    this.rows = h("div", { class: "rows", role: "presentation" });
    this.element = h("div", {
      class: "window",
      role: roles.list,
      "aria-label": label,
      onscroll: () => this.later(),
      onkeydown: (event) => this.key(event),
    }, this.rows);
    this.element.lives = true;
    new ResizeObserver(() => this.later()).observe(this.element);
  }

  set(count) {
    this.count = count;
    this.current = Math.min(this.current, Math.max(0, count - 1));
    this.rows.style.height = `${count * this.rowHeight}px`;
    if (this.roles.list === "grid") this.element.setAttribute("aria-rowcount", count);
    this.draw();
  }

  later() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.floor(scrollTop / this.rowHeight) - SPARE);
    const last = Math.min(this.count, Math.ceil((scrollTop + clientHeight) / this.rowHeight) + SPARE);
    const shown = [];
    for (let index = first; index < last; index += 1) shown.push(this.place(index));
    // The row that Tab leads to always exists, wherever the list is scrolled to.
    if (this.count && (this.current < first || this.current >= last)) shown.push(this.place(this.current));
    fill(this.rows, shown);
  }

  place(index) {
    const row = this.row(index);
    row.key = index;
    row.dataset.index = index;
    row.style.top = `${index * this.rowHeight}px`;
    row.setAttribute("role", this.roles.row);
    row.setAttribute("aria-selected", index === this.chosen);
    row.tabIndex = index === this.current ? 0 : -1;
    if (this.roles.list === "grid") row.setAttribute("aria-rowindex", index + 1);
    else {
      row.setAttribute("aria-setsize", this.count);
      row.setAttribute("aria-posinset", index + 1);
    }
    row.handlers.onclick = row.onclick = (event) => event.target.closest("a") || this.select(index);
    return row;
  }

  select(index) {
    this.current = index;
    this.chosen = this.chosen === index ? -1 : index;
    this.draw();
    this.choose(this.chosen);
  }

  key(event) {
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.rowHeight) - 1);
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.count, End: this.count }[event.key];
    if (step) {
      this.focus(this.current + step);
    } else if ((event.key === "Enter" || event.key === " ") && !event.target.closest("a")) {
      this.select(this.current);
    } else {
      return;
    }
    event.preventDefault();
  }

  focus(index) {
    this.current = Math.min(Math.max(index, 0), this.count - 1);
    const top = this.current * this.rowHeight;
    const { scrollTop, clientHeight } = this.element;
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + this.rowHeight > scrollTop + clientHeight) this.element.scrollTop = top + this.rowHeight - clientHeight;
    this.draw();
    this.rows.querySelector(`[data-index="${this.current}"]`)?.focus({ preventScroll: true });
  }
}
