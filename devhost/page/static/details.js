// All that is known of one bar of the timeline or one event of the history.

import * as api from "./api.js";
import { fill, h } from "./dom.js";
import { duration, moment } from "./format.js";
import { EVENT_NAMES, KINDS } from "./model.js";
import { Payload } from "./payload.js";

export class Details {
  constructor(id) {
    this.id = id;
    this.element = h("aside", { class: "details", "aria-label": "Details" });
    this.element.lives = true;
    this.clear();
  }

  clear() {
    this.element.hidden = true;
  }

  bar(bar, events) {
    const begun = events[bar.from];
    const ended = bar.to === null ? null : events[bar.to];
    this.show(
      bar.name || KINDS[bar.kind],
      [
        ["Kind", bar.note ? `${KINDS[bar.kind]}, ${bar.note}` : KINDS[bar.kind]],
        ["Scheduled", moment(begun.Timestamp)],
        bar.due && ["Due", moment(begun.FireAt)],
        ended && bar.kind !== "signal" && [bar.state === "failed" ? "Failed" : "Completed", `${moment(ended.Timestamp)}, after ${duration(bar.end - bar.start)}`],
        !ended && ["State", { open: "open", cancelled: "cancelled by the orchestrator", dropped: "the instance ended before it" }[bar.state] ?? bar.state],
        bar.child && ["Instance", h("a", { href: `#/instances/${encodeURIComponent(bar.child)}` }, bar.child)],
        ["Events", bar.to === null || bar.to === bar.from ? `${bar.from}` : `${bar.from} and ${bar.to}`],
      ],
      [
        bar.reason && h("p", { class: "reason" }, bar.reason),
        ended?.Details && h("pre", { class: "trace", tabindex: 0, role: "region", "aria-label": "Traceback" }, ended.Details),
        bar.kind !== "event" && begun.Input && this.payload("Input", bar.from, begun, "Input"),
        ended?.Result && this.payload("Result", bar.to, ended, "Result"),
        ["event", "entity"].includes(bar.kind) && ended?.Input && this.payload(bar.kind === "event" ? "Data" : "Answer", bar.to, ended, "Input"),
      ],
    );
  }

  event(number, events) {
    const event = events[number];
    const long = ["Input", "Result"].filter((name) => event[name]);
    const rest = Object.entries(event).filter(([name, value]) => !["EventType", "IsPlayed", "Cut", "Reason", "Details", ...long].includes(name) && value !== null && value !== -1);
    this.show(
      `${number}  ${EVENT_NAMES[event.EventType] ?? `event ${event.EventType}`}`,
      rest.map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
      [
        event.Reason && h("p", { class: "reason" }, event.Reason),
        event.Details && h("pre", { class: "trace", tabindex: 0, role: "region", "aria-label": "Traceback" }, event.Details),
        long.map((name) => this.payload(name, number, event, name)),
      ],
    );
  }

  payload(title, number, event, field) {
    const block = new Payload(title);
    const load = async () => JSON.parse(await api.ask("event", { id: this.id, n: number }))[field];
    block.set(event[field], event.Cut?.[field] ?? event[field].length, load);
    return [h("h4", {}, title), block.element];
  }

  show(title, facts, rest) {
    this.element.hidden = false;
    this.element.replaceChildren();
    fill(
      this.element,
      h("header", {}, h("h3", {}, title), h("button", { type: "button", class: "quiet", "aria-label": "Close the details", onclick: () => this.close() }, "✕")),
      h("dl", { class: "facts" }, facts.filter(Boolean).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
      rest,
    );
  }
}
