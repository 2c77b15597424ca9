// One instance: what it is, what it waits for, its timeline and its history.

import { actionButtons } from "./actions.js";
import * as api from "./api.js";
import { Chart } from "./chart.js";
import { Details } from "./details.js";
import { fill, h } from "./dom.js";
import { ago, clock, count, duration, millis, moment, plain, plural } from "./format.js";
import { History } from "./history.js";
import { badge, instanceHref } from "./instances.js";
import { hasEnded } from "./model.js";
import { Payload } from "./payload.js";

const OPEN_LISTED = 500; // the host lists no more open tasks than this

export class InstanceView {
  constructor(id, host) {
    this.id = id;
    this.host = host;
    this.title = id;
    this.events = [];
    this.waitActions = [];
    this.head = h("div", { class: "instance-head" });
    this.waiting = h("div", {});
    this.failure = h("div", {});
    this.payloads = { input: new Payload("Input", { scalars: true }), output: new Payload("Output"), custom_status: new Payload("Custom status") };
    this.details = new Details(id);
    this.details.close = () => this.choose(null, null);
    this.chart = new Chart((bar) => this.choose(bar, null));
    this.history = new History((number) => this.choose(null, number));
    this.parts = [
      this.head,
      this.failure,
      this.waiting,
      h(
        "div",
        { class: "payloads" },
        Object.entries(this.payloads).map(([name, block]) => h("section", {}, h("h2", {}, name === "custom_status" ? "Custom status" : name[0].toUpperCase() + name.slice(1)), block.element)),
      ),
      h("div", { class: "split" }, h("div", { class: "charts" }, h("h2", {}, "Timeline"), this.chart.element, h("h2", {}, "History"), this.history.element), this.details.element),
    ];
    this.element = h("section", { class: "instance", "aria-label": "Instance" }, this.parts);
  }

  async refresh(signal) {
    const answer = await this.follow(signal);
    if (answer === null) return;
    const { instance } = answer;
    if (this.updated !== instance.updated + instance.status) {
      this.updated = instance.updated + instance.status;
      await this.showPayloads(instance, signal);
    }
    this.show(answer);
  }

  /** Fetches what is new of the history; a long one comes in parts. */
  async follow(signal) {
    for (;;) {
      const query = { id: this.id, after: this.events.length, last: this.events.at(-1)?.Timestamp, updated: this.events.length ? this.seen : "" };
      let answer;
      try {
        answer = await api.askJson("instance", query, signal);
      } catch (error) {
        if (error.status !== 404) throw error;
        this.gone();
        return null;
      }
      if (this.lost) this.element.replaceChildren(...this.parts);
      this.lost = false;
      this.seen = answer.instance.updated;
      if (answer.first < this.events.length) this.forget();
      this.events.push(...answer.events);
      this.waitActions.push(...answer.wait_actions);
      if (this.events.length >= answer.total || !answer.events.length) return answer;
    }
  }

  /** It was rewound or began a new generation: the history starts over. */
  forget() {
    this.events = [];
    this.waitActions = [];
    this.choose(null, null);
  }

  gone() {
    this.lost = true;
    this.forget();
    this.element.replaceChildren(
      h("div", { class: "empty" }, h("h2", {}, "This instance is not there"), h("p", {}, `There is no instance with the id ${this.id}. It may have been purged, or this host uses another state file.`), h("a", { href: "#/instances" }, "All instances")),
    );
  }

  async showPayloads(instance, signal) {
    const payloads = await api.askJson("payloads", { id: this.id }, signal);
    for (const [name, block] of Object.entries(this.payloads)) {
      block.set(payloads[name].text, payloads[name].length, () => api.ask("payload", { id: this.id, name }));
    }
    const told = payloads.output.text && (instance.status === "Failed" || instance.status === "Terminated");
    fill(this.failure, told && h("p", { class: "reason", role: "note" }, instance.status === "Terminated" && h("b", {}, "Terminated: "), plain(payloads.output.text) || "no reason given"));
  }

  show(answer) {
    const now = millis(answer.now);
    const { instance } = answer;
    const ended = hasEnded(instance.status);
    this.showHead(answer, ended, now);
    fill(this.waiting, ended ? null : waitingFor(answer, now));
    const data = { events: this.events, waitActions: this.waitActions, instance, open: answer.open, allOpenKnown: answer.open.length < OPEN_LISTED, now, ended };
    const state = `${this.events.length} ${instance.updated} ${instance.status}`;
    if (!ended || state !== this.drawn) this.chart.set(data);
    if (state !== this.drawn) this.history.set(this.events);
    this.drawn = state;
  }

  showHead({ instance, total, waits }, ended, now) {
    const fact = (name, ...value) => h("div", { key: name }, h("dt", {}, name), h("dd", {}, value));
    const took = (ended ? millis(instance.updated) : now) - millis(instance.created);
    fill(
      this.head,
      h("p", { class: "crumbs" }, h("a", { href: "#/instances" }, "Instances"), " / ", instance.name),
      h(
        "div",
        { class: "title" },
        h("h1", {}, instance.id),
        badge(instance.status),
        h("div", { class: "buttons" }, actionButtons(instance, waits.map((wait) => wait.name), () => this.host.refreshNow())),
      ),
      h(
        "dl",
        { class: "facts" },
        fact("Orchestrator", instance.name, instance.version && ` version ${instance.version}`),
        fact("Started", h("span", { title: moment(instance.created) }, `${ago(instance.created, now)} (${clock(instance.created)})`)),
        fact(ended ? "Took" : "Running for", duration(took)),
        fact("Last change", h("span", { title: moment(instance.updated) }, ago(instance.updated, now))),
        fact("History", plural(total, "event")),
        instance.parent_id && fact("Parent", h("a", { href: instanceHref(instance.parent_id) }, instance.parent_id), instance.parent_status ? [" ", badge(instance.parent_status)] : " (purged)"),
      ),
    );
  }

  choose(bar, number) {
    if (bar === null) {
      this.chart.chosen = null;
      clear(this.chart.list);
    }
    if (number === null) clear(this.history.list);
    if (bar !== null && this.events.length) this.details.bar(bar, this.events);
    else if (number !== null && number >= 0) this.details.event(number, this.events);
    else this.details.clear();
  }
}

function clear(list) {
  if (list.chosen < 0) return;
  list.chosen = -1;
  list.draw();
}

/** In a sentence each: what it waits for, and what came that nobody waits for. */
function waitingFor({ instance, open, waits, early }, now) {
  const says = [];
  const called = new Map();
  for (const task of open) {
    if (task.kind === "timer" || task.kind === "retry") continue;
    const what = { activity: "activity", http: "HTTP call", sub: "sub-orchestration", entity: "entity" }[task.kind];
    const state = task.kind === "activity" && !task.starts ? " (queued)" : task.starts > 1 ? ` (started ${task.starts} times)` : "";
    const text = `${what} ${task.kind === "http" ? "" : task.name}${state}`;
    called.set(text, (called.get(text) ?? 0) + 1);
  }
  for (const [text, number] of called) says.push([number > 1 ? `${count(number)} × ` : "", text]);
  for (const wait of waits) says.push(["external event ", h("b", {}, wait.name)]);
  const timers = open.filter((task) => task.fire_at).sort((a, b) => (a.fire_at < b.fire_at ? -1 : 1));
  if (timers.length) says.push([timers.length > 1 ? `${count(timers.length)} timers, the first due ` : "timer due ", h("b", { title: moment(timers[0].fire_at) }, ago(timers[0].fire_at, now))]);
  return [
    instance.status === "Suspended" && h("p", { class: "note warning", key: "suspended" }, "Suspended: it takes no turns until it is resumed."),
    instance.returned ? h("p", { class: "note", key: "returned" }, "The orchestrator has returned; as on Azure the instance runs until its open tasks end.") : null,
    says.length > 0 && h("p", { class: "note", key: "waits" }, h("span", {}, "Waits for "), says.map((say, at) => [at ? ", " : "", say])),
    early.map((event) =>
      h("p", { class: "note warning", key: `early ${event.name}` }, `${event.waiting > 1 ? `${event.waiting} external events ` : "An external event "}`, h("b", {}, event.name), " came, and nothing waits for it. The names of events are case-sensitive."),
    ),
  ];
}
