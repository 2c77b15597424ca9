// The functions of the app: what reaches each, and a button that does.

import * as api from "./api.js";
import { openForm } from "./dialogs.js";
import { fill, h } from "./dom.js";
import { ago, millis, moment } from "./format.js";

const TRIGGERS = {
  httpTrigger: "HTTP",
  orchestrationTrigger: "orchestrator",
  activityTrigger: "activity",
  entityTrigger: "entity",
  timerTrigger: "timer",
  queueTrigger: "queue",
  blobTrigger: "blob",
  signalRTrigger: "SignalR",
};
const ORDER = Object.keys(TRIGGERS);
const place = (one) => (ORDER.indexOf(one.trigger) + ORDER.length) % ORDER.length;

export class FunctionsView {
  constructor(query, host) {
    this.host = host;
    this.title = "Functions";
    this.element = h("section", { "aria-label": "Functions" });
  }

  async refresh(signal) {
    const { functions, now } = await api.askJson("functions", {}, signal);
    this.host.functions = functions;
    fill(this.element, functions.length ? this.table(functions, millis(now)) : h("p", { class: "empty" }, "This app has no functions."));
  }

  table(functions, now) {
    const sorted = functions.toSorted((a, b) => place(a) - place(b) || a.name.localeCompare(b.name));
    return h(
      "div",
      { class: "scroll" },
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, ["Function", "Trigger", "Reached by", ""].map((name) => h("th", { scope: "col" }, name || h("span", { class: "hidden" }, "Action"))))),
        h("tbody", {}, sorted.map((one) => this.row(one, now))),
      ),
    );
  }

  row(one, now) {
    return h(
      "tr",
      { key: one.name, class: one.unserved ? "unserved" : "" },
      h("td", {}, h("b", {}, one.name), one.durable_name !== one.name && h("small", {}, ` as ${one.durable_name}`)),
      h("td", {}, h("span", { class: `kind ${one.trigger}` }, TRIGGERS[one.trigger] ?? one.trigger)),
      h("td", { class: "reach" }, one.unserved ? h("span", { class: "warning" }, `Not served: ${one.unserved}.`) : reach(one, now)),
      h("td", { class: "act" }, !one.unserved && this.button(one)),
    );
  }

  button(one) {
    const make = (text, open) => h("button", { type: "button", "aria-label": `${text.replace("…", "")} ${one.name}`, onclick: open }, text);
    switch (one.trigger) {
      case "httpTrigger":
      case "activityTrigger":
        return null;
      case "orchestrationTrigger":
        return make("Start…", () => startForm(this.host, one.durable_name));
      case "entityTrigger":
        return make("Signal…", () => signalForm(one.durable_name.toLowerCase(), null));
      default:
        return make("Fire…", () => fireForm(one));
    }
  }
}

function reach(one, now) {
  const { binding } = one;
  if (one.url) {
    const opens = (!one.methods.length || one.methods.includes("GET")) && !one.url.includes("{");
    return [
      h("code", { class: "methods" }, one.methods.join(" ") || "ANY"),
      " ",
      opens ? h("a", { href: one.url, target: "_blank", rel: "noopener noreferrer" }, one.url) : h("code", {}, one.url),
    ];
  }
  if (one.next) return [h("code", {}, binding.schedule), h("span", { title: moment(one.next) }, `, next ${ago(one.next, now)}`)];
  if (binding.queueName) return ["queue ", h("code", {}, binding.queueName)];
  if (binding.path) return ["blob ", h("code", {}, binding.path)];
  if (one.trigger === "activityTrigger") return "orchestrators";
  return one.trigger === "entityTrigger" ? "orchestrators and clients" : "clients";
}

/** Starts an orchestration and goes to it. */
export function startForm(host, name) {
  const names = host.functions.filter((one) => one.trigger === "orchestrationTrigger" && !one.unserved).map((one) => one.durable_name);
  openForm({
    title: name ? `Start ${name}` : "Start an orchestration",
    fields: [
      ...(name ? [] : [{ name: "name", label: "Orchestrator", options: names, value: names.length === 1 ? names[0] : "", required: true }]),
      { name: "input", label: "Input", json: true, hint: "JSON, or nothing." },
      { name: "id", label: "Instance id", hint: "Made up when empty." },
    ],
    button: "Start",
    submit: async (values) => {
      const id = await api.start(name ?? values.name, values.id, values.input);
      location.hash = `#/instances/${encodeURIComponent(id)}`;
      return `Started ${id}.`;
    },
  });
}

/** Signals an entity; with `key` null it is asked for. */
export function signalForm(name, key) {
  openForm({
    title: key === null ? `Signal an entity ${name}` : `Signal ${name} ${key}`,
    fields: [
      ...(key === null ? [{ name: "key", label: "Key", hint: "Which of them; keys are case-sensitive. One that is not there yet comes to be." }] : []),
      { name: "operation", label: "Operation", required: true },
      { name: "input", label: "Input", json: true, hint: "JSON, or nothing." },
    ],
    button: "Signal",
    submit: async (values) => {
      await api.signal(name, key ?? values.key, values.operation, values.input);
      return `Sent ${values.operation}. A signal has no answer: look at the state.`;
    },
  });
}

function fireForm(one) {
  const timer = one.trigger === "timerTrigger";
  openForm({
    title: `Fire ${one.name} now`,
    text: timer ? "It runs once, besides its schedule." : "It runs once, as if this had come.",
    fields: timer ? [] : [{ name: "input", label: "Input", hint: "The text it gets." }],
    button: "Fire",
    submit: async ({ input = "" }) => {
      await api.fire(one.name, input);
      return `Fired ${one.name}. What it did is in the host's output.`;
    },
  });
}
