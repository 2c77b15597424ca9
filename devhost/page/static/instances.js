// The list of instances: filtered, newest first, in pages.

import * as api from "./api.js";
import { fill, h } from "./dom.js";
import { ago, count, duration, millis, moment, plain, unwrap } from "./format.js";
import { hasEnded } from "./model.js";
import { startForm } from "./functions.js";

const STATUSES = ["Pending", "Running", "Suspended", "Completed", "Failed", "Terminated", "Canceled", "ContinuedAsNew"];

export const badge = (status) => h("span", { class: `badge ${status}` }, status);

export const instanceHref = (id) => `#/instances/${encodeURIComponent(id)}`;

export class InstancesView {
  constructor(query, host) {
    this.query = query;
    this.host = host;
    this.title = "Instances";
    this.chips = h("div", { class: "chips", role: "group", "aria-label": "Status" });
    this.body = h("div", {});
    this.element = h("section", { "aria-label": "Instances" }, this.chips, this.filters(), this.body);
  }

  async refresh(signal) {
    const { status, name, prefix, roots, before } = this.query;
    const page = await api.askJson("instances", { status, name, prefix, roots, before }, signal);
    this.show(page, this.host.counts);
  }

  filters() {
    const field = (name, label, hint) =>
      h(
        "label",
        {},
        `${label} `,
        h("input", { type: "search", value: this.query[name] ?? "", placeholder: hint, oninput: (event) => this.later({ [name]: event.target.value }) }),
      );
    return h(
      "form",
      { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
      field("name", "Orchestrator", "part of its name"),
      field("prefix", "Instance id", "begins with…"),
      h(
        "label",
        { class: "check" },
        h("input", { type: "checkbox", checked: Boolean(this.query.roots), onchange: (event) => this.go({ roots: event.target.checked ? "1" : "" }) }),
        " without sub-orchestrations",
      ),
      h("span", { class: "grow" }),
      h("button", { type: "button", class: "primary", onclick: () => startForm(this.host) }, "Start…"),
    );
  }

  later(change) {
    Object.assign(this.query, change);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.go({}), 250);
  }

  /** Another filter begins at the newest again; the view stays, so that who types goes on typing. */
  go(change) {
    Object.assign(this.query, { before: "" }, change);
    this.host.replaceQuery(this.query);
  }

  show(page, counts) {
    const now = millis(page.now);
    const total = Object.values(counts.statuses).reduce((sum, number) => sum + number, 0);
    const chip = (status, number) =>
      h(
        "button",
        { type: "button", key: status, class: "chip", "aria-pressed": String((this.query.status ?? "") === status), onclick: () => this.go({ status }) },
        status ? badge(status) : "All",
        " ",
        h("b", {}, count(number)),
      );
    const known = STATUSES.filter((status) => counts.statuses[status] || this.query.status === status);
    fill(this.chips, chip("", total), known.map((status) => chip(status, counts.statuses[status] ?? 0)));
    if (!page.instances.length) fill(this.body, total ? this.noMatch(page.older) : this.none(), this.pager(page.older));
    else fill(this.body, this.table(page.instances, now), this.pager(page.older));
  }

  table(instances, now) {
    return h(
      "div",
      { class: "scroll", key: "table" },
      h(
        "table",
        {},
        h("thead", {}, h("tr", {}, ["Status", "Orchestrator", "Instance id", "Started", "Took", "What it says"].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, instances.map((instance) => this.row(instance, now))),
      ),
    );
  }

  row(instance, now) {
    const ended = hasEnded(instance.status);
    const says = instance.reason ? gist(instance.reason) : instance.custom_status ? unwrap(instance.custom_status, { cut: true }).text : "";
    return h(
      "tr",
      { key: instance.seq },
      h("td", {}, badge(instance.status)),
      h("td", {}, instance.parent_id && h("span", { class: "child", title: `a sub-orchestration of ${instance.parent_id}` }, "↳ "), instance.name),
      h("td", { class: "id" }, h("a", { href: instanceHref(instance.id) }, instance.id)),
      h("td", { class: "number", title: moment(instance.created) }, ago(instance.created, now)),
      h("td", { class: "number" }, duration((ended ? millis(instance.updated) : now) - millis(instance.created)), ended ? "" : "…"),
      h("td", { class: `says${instance.status === "Failed" ? " failed" : ""}`, title: says }, says),
    );
  }

  pager(older) {
    const before = Number(this.query.before) || 0;
    if (!older && !before) return null;
    return h(
      "p",
      { class: "pager", key: "pager" },
      h("button", { type: "button", disabled: !before, onclick: () => this.go({ before: "" }) }, "« Newest"),
      h("button", { type: "button", disabled: !older, onclick: () => this.turn(older) }, "Older ›"),
    );
  }

  turn(older) {
    Object.assign(this.query, { before: String(older) });
    this.host.replaceQuery(this.query, true);
    scrollTo(0, 0);
  }

  noMatch(older) {
    const words = older ? "No instance among the newest is like this; there are older ones." : "No instance is like this.";
    return h("div", { class: "empty", key: "none" }, h("p", {}, words), h("button", { type: "button", onclick: () => (location.hash = "#/instances") }, "Show all"));
  }

  none() {
    const { functions } = this.host;
    const served = functions.filter((one) => !one.unserved);
    const web = served.find((one) => one.url && /start|orchestrat/i.test(one.url)) ?? served.find((one) => one.url);
    const orchestrator = served.find((one) => one.trigger === "orchestrationTrigger");
    const lines = [
      web && `curl -X ${web.methods[0] ?? "POST"} '${web.url.replaceAll(/\/\{[^{}]*\?\}/g, "")}'`,
      orchestrator && `curl -X POST '${location.origin}/runtime/webhooks/durabletask/orchestrators/${orchestrator.durable_name}'`,
    ].filter(Boolean);
    return h(
      "div",
      { class: "empty", key: "empty" },
      h("h2", {}, "No instances yet"),
      orchestrator
        ? [h("p", {}, "Start one here with “Start…”, through a function of the app, or through the durable API:"), h("pre", {}, lines.join("\n"))]
        : h("p", {}, "This app has no orchestrator: a function with an orchestration trigger."),
    );
  }
}

/** What a reason really says, without the functions it passed through; it is a JSON string, and may be cut. */
function gist(reason) {
  const text = plain(reason.endsWith('"') ? reason : `${reason.replace(/\\(u[\da-f]{0,3})?$/i, "")}"`);
  return text.split("\n")[0].replace(/^((Orchestrator|Activity) function '[^']*' failed: +)+/, "").trim();
}
