// The entities of one name, with their states.

import * as api from "./api.js";
import { fill, h } from "./dom.js";
import { ago, millis, moment, plural } from "./format.js";
import { signalForm } from "./functions.js";
import { Payload } from "./payload.js";

export class EntitiesView {
  constructor(query, host) {
    this.query = query;
    this.host = host;
    this.title = "Entities";
    this.states = new Map();
    this.chips = h("div", { class: "chips", role: "group", "aria-label": "Entity name" });
    this.search = h("input", { type: "search", value: query.prefix ?? "", placeholder: "begins with…", oninput: () => this.later() });
    this.body = h("div", { class: "cards" });
    this.element = h(
      "section",
      { "aria-label": "Entities" },
      this.chips,
      h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() }, h("label", {}, "Key ", this.search)),
      this.body,
    );
  }

  async refresh(signal) {
    const { name = "", prefix, after } = this.query;
    const page = await api.askJson("entities", { name, prefix, after }, signal);
    if (!name && page.names.length) {
      this.query.name = page.names[0];
      await this.refresh(signal);
      return;
    }
    this.show(page, millis(page.now));
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.go({ prefix: this.search.value }), 250);
  }

  go(change) {
    Object.assign(this.query, { after: "" }, change);
    this.host.replaceQuery(this.query);
  }

  show({ names, entities, more }, now) {
    const { name } = this.query;
    const chip = (one) => h("button", { type: "button", key: one, class: "chip", "aria-pressed": String(one === name), onclick: () => this.go({ name: one }) }, one);
    fill(this.chips, names.map(chip));
    fill(this.body, entities.length ? [entities.map((entity) => this.card(name, entity, now)), this.pager(entities, more)] : this.none(names));
  }

  card(name, entity, now) {
    const { key } = entity;
    return h(
      "article",
      { key, class: "card", "aria-label": `${name} ${key}` },
      h(
        "header",
        {},
        h("h3", {}, key || h("em", {}, "the empty key")),
        h("small", { title: moment(entity.updated) }, `last operation ${ago(entity.updated, now)}`),
        entity.waiting > 0 && h("small", { class: "warning" }, `${plural(entity.waiting, "operation")} in the queue`),
        h("button", { type: "button", "aria-label": `Signal ${name} ${key}`, onclick: () => signalForm(name, key) }, "Signal…"),
      ),
      this.state(name, entity),
    );
  }

  /** The block of an entity's state is kept, so that “show all” survives the next look. */
  state(name, { key, state, length }) {
    const id = JSON.stringify([name, key]);
    const block = this.states.get(id) ?? new Payload(`State of ${key}`, { empty: "no state" });
    this.states.set(id, block);
    block.set(state, length, () => api.readEntity(name, key));
    block.element.key = "state";
    return block.element;
  }

  pager(entities, more) {
    if (!more && !this.query.after) return null;
    return h(
      "p",
      { class: "pager", key: "pager" },
      h("button", { type: "button", disabled: !this.query.after, onclick: () => this.go({}) }, "« First"),
      h("button", { type: "button", disabled: !more, onclick: () => this.go({ after: entities.at(-1).key }) }, "More ›"),
    );
  }

  none(names) {
    if (names.length) return h("p", { class: "empty" }, "No entity has such a key.");
    const entity = this.host.functions.find((one) => one.trigger === "entityTrigger" && !one.unserved);
    return h(
      "div",
      { class: "empty" },
      h("h2", {}, "No entities yet"),
      entity
        ? [
            h("p", {}, "An entity comes to be when it sets a state. Signal one here, from an orchestrator or client, or:"),
            h("pre", {}, `curl -X POST '${location.origin}/runtime/webhooks/durabletask/entities/${entity.durable_name}/KEY?op=OPERATION'`),
            h("button", { type: "button", class: "primary", onclick: () => signalForm(entity.durable_name.toLowerCase(), null) }, `Signal ${entity.durable_name}…`),
          ]
        : h("p", {}, "This app has none: a function with an entity trigger."),
    );
  }
}
