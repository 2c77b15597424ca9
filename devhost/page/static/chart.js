// The timeline of an instance: one row for each bar, on one axis.

import { fill, h, svg } from "./dom.js";
import { duration } from "./format.js";
import { KINDS, bars, scale, suspensions, ticks } from "./model.js";
import { Windowed } from "./windowed.js";

const ROW = 28;
const THIN = 0.35; // per cent of the axis: a bar is never thinner

const STATES = { done: "done", failed: "failed", open: "still open", cancelled: "cancelled", dropped: "no longer waited for" };

export class Chart {
  /** `choose(bar)` is told of the chosen bar, or null. */
  constructor(choose) {
    this.squeeze = null;
    this.only = "";
    this.all = [];
    this.shown = [];
    this.list = new Windowed({
      label: "Timeline",
      rowHeight: ROW,
      roles: { list: "listbox", row: "option" },
      row: (index) => this.row(this.shown[index]),
      choose: (index) => this.choose(this.shown[index] ?? null),
    });
    this.told = choose;
    this.chosen = null;
    this.axis = h("div", { class: "axis", "aria-hidden": "true" }, h("span"));
    this.tools = h("div", { class: "chart-tools" });
    this.element = h("div", { class: "chart" }, this.tools, this.axis, this.list.element);
    this.element.lives = true;
  }

  set(data) {
    const { instance, events, now } = data;
    this.data = data;
    this.all = bars(data);
    this.from = Math.min(...(events.length ? [Date.parse(events[0].Timestamp)] : [Date.parse(instance.created)]));
    this.to = Math.max(data.ended ? Date.parse(instance.updated) : now, this.from + 1);
    this.draw();
  }

  choose(bar) {
    this.chosen = bar;
    this.told(bar);
  }

  /** The chosen bar is another one after each look, and may have ended meanwhile. */
  keepChosen() {
    const { chosen } = this;
    this.list.chosen = chosen ? this.shown.findIndex((bar) => bar.from === chosen.from && bar.kind === chosen.kind && bar.id === chosen.id) : -1;
    const bar = this.shown[this.list.chosen];
    if (bar && bar.state !== chosen.state) this.choose(bar);
  }

  draw() {
    const { data, from, to } = this;
    const whole = {
      kind: "orchestrator",
      name: data.instance.name,
      start: from,
      end: data.ended ? to : null,
      state: { Completed: "done", Failed: "failed", Terminated: "failed" }[data.instance.status] ?? "open",
      from: 0,
      to: data.ended ? data.events.length - 1 : null,
    };
    const squeezable = scale(this.all, from, to, true).squeezed;
    const idle = squeezable.reduce((sum, [start, end]) => sum + end - start, 0);
    this.squeezing = this.squeeze ?? idle > (to - from) / 2;
    this.scale = scale(this.all, from, to, this.squeezing);
    this.shown = [whole, ...this.all].filter((bar) => !this.only || this.only === bar.kind || (this.only === "failed" && bar.state === "failed"));
    this.bands = suspensions(data.events, to);
    fill(this.tools, this.filters(), squeezable.length > 0 && this.switch());
    fill(this.axis, this.axis.firstChild, this.axisPicture());
    this.keepChosen();
    this.list.set(this.shown.length);
  }

  filters() {
    const kinds = new Map();
    for (const bar of this.all) kinds.set(bar.kind, (kinds.get(bar.kind) ?? 0) + 1);
    const failed = this.all.filter((bar) => bar.state === "failed").length;
    const choice = (value, text, number, kind) =>
      h(
        "button",
        { type: "button", key: value, class: "chip", "aria-pressed": String(this.only === value), onclick: () => this.filter(value) },
        kind && h("i", { class: `dot ${kind}` }),
        `${text} `,
        h("b", {}, number),
      );
    return h(
      "div",
      { class: "chips", role: "group", "aria-label": "Show in the timeline", key: "filters" },
      choice("", "All", this.all.length),
      failed > 0 && choice("failed", "Failed", failed, "failed"),
      [...kinds].map(([kind, number]) => choice(kind, KINDS[kind], number, kind)),
    );
  }

  filter(value) {
    this.only = this.only === value ? "" : value;
    this.choose(null);
    this.list.element.scrollTop = 0;
    this.draw();
  }

  switch() {
    return h(
      "button",
      {
        type: "button",
        key: "squeeze",
        class: "chip",
        "aria-pressed": String(this.squeezing),
        title: "Draw the times in which nothing ran narrow",
        onclick: () => {
          this.squeeze = !this.squeezing;
          this.draw();
        },
      },
      "Squeeze idle time",
    );
  }

  axisPicture() {
    const { from, to } = this;
    const { at, squeezed } = this.scale;
    const gaps = squeezed.map(([start, end]) => [(at(start) + at(end)) / 2, duration(end - start), "gap-text"]);
    // On a squeezed axis round distances say nothing: how long each squeezed stretch was does.
    const marks = squeezed.length ? [[0, "0", ""]] : ticks(from, to).map((time) => [at(time), time === from ? "0" : `+${duration(time - from)}`, ""]);
    const pixel = 1 / Math.max(this.axis.clientWidth - this.axis.firstChild.offsetWidth, 200);
    let free = -1;
    const texts = [...marks, ...gaps].filter(([place, , name]) => {
      const fits = place >= free && place <= 1 - (name ? 28 : 60) * pixel;
      if (fits) free = place + 72 * pixel;
      return fits;
    });
    return svg(
      "svg",
      { class: "lane" },
      squeezed.map(([start, end]) => this.band(start, end, "gap")),
      texts.map(([place, text, name]) => [
        !name && svg("line", { x1: `${place * 100}%`, x2: `${place * 100}%`, y1: 18, y2: 24 }),
        svg("text", { x: `${place * 100}%`, y: 15, class: name }, text),
      ]),
    );
  }

  band(start, end, name) {
    const left = this.scale.at(start);
    return svg("rect", { class: name, x: `${left * 100}%`, width: `${Math.max(this.scale.at(end) - left, 0) * 100}%`, y: 0, height: ROW });
  }

  row(bar) {
    const ends = bar.end ?? (bar.state === "cancelled" ? Math.min(bar.due ?? this.to, this.to) : this.to);
    const took = duration(ends - bar.start);
    const words = bar.state === "open" ? this.openWords(bar, took) : bar.state === "done" || bar.state === "failed" ? took : STATES[bar.state];
    return h(
      "div",
      {
        class: `bar-row ${bar.state}`,
        "aria-label": `${KINDS[bar.kind]} ${bar.name}${bar.note ? `, ${bar.note}` : ""}, ${STATES[bar.state]}, began at ${duration(bar.start - this.from)}, ${took}`,
      },
      h(
        "span",
        { class: "bar-name", title: bar.name },
        h("i", { class: `dot ${bar.kind}` }),
        h("span", { class: "clip" }, bar.name || KINDS[bar.kind]),
        bar.note && h("small", {}, bar.note),
        bar.input && h("small", { class: "given" }, bar.input),
      ),
      this.picture(bar, ends, words),
    );
  }

  openWords(bar, took) {
    if (bar.due) return bar.due > this.data.now ? `due in ${duration(bar.due - this.data.now)}` : "due";
    return bar.kind === "event" ? `waiting for ${took}` : `${took} so far`;
  }

  picture(bar, ends, words) {
    const left = this.scale.at(bar.start) * 100;
    const width = Math.max((this.scale.at(ends) * 100) - left, THIN);
    const after = left + width;
    const x = Math.min(left, 100 - THIN);
    const side = after < 82 ? "after" : width > 25 ? "inside" : "before";
    const at = side === "before" ? left : after;
    return svg(
      "svg",
      { class: "lane", "aria-hidden": "true" },
      this.scale.squeezed.map(([start, end]) => this.band(start, end, "gap")),
      this.bands.map(([start, end]) => this.band(start, end, "suspended")),
      svg("rect", { class: `bar ${bar.kind} ${bar.state}`, x: `${x}%`, width: `${Math.min(width, 100 - x)}%`, y: 6, height: ROW - 12, rx: 3 }),
      svg("text", { x: `${at}%`, dx: side === "after" ? 5 : -6, y: ROW / 2 + 4, class: side }, words),
    );
  }
}
