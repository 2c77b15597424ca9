// What the host waits for, over all instances.

import * as api from "./api.js";
import { fill, h } from "./dom.js";
import { ago, millis, moment, plural } from "./format.js";
import { instanceHref } from "./instances.js";

export class PendingView {
  constructor(query, host) {
    this.host = host;
    this.title = "Pending work";
    this.element = h("section", { "aria-label": "Pending work" });
  }

  async refresh(signal) {
    const pending = await api.askJson("pending", {}, signal);
    this.show(pending, millis(pending.now), this.host.counts);
  }

  show(pending, now, { tasks, waits, operations }) {
    const number = (...kinds) => kinds.reduce((sum, kind) => sum + (tasks[kind] ?? 0), 0);
    const of = (row) => [h("a", { href: instanceHref(row.instance_id) }, row.instance_id), h("small", {}, ` ${row.instance_name}`), row.status === "Suspended" && h("small", { class: "warning" }, " suspended")];
    const since = (row) => h("span", { title: moment(row.updated) }, ago(row.updated, now));
    const parts = [
      part("Activities and HTTP calls", number("activity", "http"), pending.calls, ["Called", "State", "By", "Last turn"], (row) => [
        row.kind === "http" ? "HTTP call" : row.name,
        [row.starts ? (row.starts > 1 ? `started ${row.starts} times` : "running") : "queued", row.retry_max && h("small", {}, ` attempt ${row.attempt} of ${row.retry_max}`)],
        of(row),
        since(row),
      ]),
      part("Timers", number("timer", "retry"), pending.timers, ["Due", "At", "For", "By"], (row) => [
        row.fire_at > this.clock(now) ? ago(row.fire_at, now) : "due",
        moment(row.fire_at),
        row.kind === "retry" ? `delay before attempt ${row.attempt + 1} of ${row.name}` : "timer",
        of(row),
      ]),
      part("External events waited for", waits, pending.waits, ["Event", "By", "Last turn"], (row) => [h("b", {}, row.name), of(row), since(row)]),
      part("Events that came and nothing waits for", pending.early.length, pending.early, ["Event", "For", "Last turn"], (row) => [h("b", {}, row.name), of(row), since(row)]),
      part("Sub-orchestrations", number("sub"), pending.subs, ["Orchestrator", "By", "Last turn"], (row) => [
        row.child_id ? h("a", { href: instanceHref(row.child_id) }, row.name) : row.name,
        of(row),
        since(row),
      ]),
      part("Answers of entities", number("entity"), pending.entity_calls, ["Entity", "By", "Last turn"], (row) => [row.name, of(row), since(row)]),
      part("Entity operations in the queue", operations, pending.operations, ["Entity", "Key", "Operations"], (row) => [row.entity_name, row.entity_key, String(row.waiting)]),
    ].filter(Boolean);
    fill(this.element, parts.length ? parts : h("div", { class: "empty" }, h("h2", {}, "Nothing is pending"), h("p", {}, "No activity runs, no timer ticks, and nobody waits for an event. Instances that do show here with what they wait for.")));
  }

  clock(now) {
    return new Date(now).toISOString();
  }
}

function part(title, number, rows, columns, cells) {
  if (!rows.length) return null;
  return h(
    "section",
    { key: title, class: "part", "aria-label": title },
    h("h2", {}, title, " ", h("small", {}, rows.length < number ? `the first ${rows.length} of ${plural(number, "")}` : String(number))),
    h(
      "div",
      { class: "scroll" },
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, rows.map((row) => h("tr", { key: `${row.instance_id ?? row.entity_name} ${row.id ?? row.name ?? row.entity_key}` }, cells(row).map((cell) => h("td", {}, cell))))),
      ),
    ),
  );
}
