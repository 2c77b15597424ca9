// The raw history as a table of any length.

import { fill, h } from "./dom.js";
import { clock, count, duration, millis, plain } from "./format.js";
import { EVENT_NAMES } from "./model.js";
import { Windowed } from "./windowed.js";

const QUIET = new Set([12, 13]);
const FAILED = new Set([6, 9, 3]);

export class History {
  /** `choose(number)` is told of the chosen event, or -1. */
  constructor(choose) {
    this.events = [];
    this.shown = [];
    this.turns = false;
    this.list = new Windowed({
      label: "History",
      rowHeight: 27,
      roles: { list: "grid", row: "row" },
      row: (index) => this.row(this.shown[index]),
      choose: (index) => choose(index < 0 ? -1 : this.shown[index]),
    });
    this.tools = h("div", { class: "chart-tools" });
    this.list.element.prepend(
      h(
        "div",
        { class: "event-row head", role: "row" },
        ["#", "Time", "Since start", "Event", "Id", "What"].map((name) => h("span", { role: "columnheader" }, name)),
      ),
    );
    this.element = h("div", { class: "history" }, this.tools, this.list.element);
    this.element.lives = true;
  }

  set(events) {
    this.events = events;
    this.draw();
  }

  draw() {
    this.shown = [...this.events.keys()].filter((number) => this.turns || !QUIET.has(this.events[number].EventType));
    fill(
      this.tools,
      h(
        "label",
        { class: "check" },
        h("input", {
          type: "checkbox",
          onchange: (event) => {
            this.turns = event.target.checked;
            if (this.list.chosen >= 0) this.list.select(this.list.chosen); // it would stand elsewhere
            this.draw();
          },
        }),
        ` show when turns began and ended (${count(this.events.length - this.events.filter((event) => !QUIET.has(event.EventType)).length)})`,
      ),
    );
    this.list.set(this.shown.length);
  }

  row(number) {
    const event = this.events[number];
    const cell = (text, name = "") => h("span", { role: "gridcell", class: name }, text);
    const id = event.TaskScheduledId ?? event.TimerId ?? event.EventId;
    return h(
      "div",
      { class: `event-row${FAILED.has(event.EventType) ? " failed" : ""}` },
      cell(String(number), "number"),
      cell(clock(event.Timestamp), "number"),
      cell(`+${duration(millis(event.Timestamp) - millis(this.events[0].Timestamp))}`, "number"),
      cell(EVENT_NAMES[event.EventType] ?? `event ${event.EventType}`),
      cell(id >= 0 ? String(id) : "", "number"),
      cell(summary(event), "clip"),
    );
  }
}

function summary(event) {
  const rest = event.Reason ?? event.Result ?? (event.FireAt && `at ${clock(event.FireAt)}`) ?? event.Input ?? event.InstanceId;
  const parts = [event.EventType === 14 ? event.InstanceId : event.Name, rest && plain(rest)];
  return parts.filter(Boolean).join("  ").slice(0, 300);
}
