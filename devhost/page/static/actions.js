// What can be done to an instance: through the durable HTTP API, asked for first where it cannot be undone.

import * as api from "./api.js";
import { h } from "./dom.js";
import { openForm } from "./dialogs.js";
import { hasEnded } from "./model.js";

const REASON = { name: "reason", label: "Reason", hint: "Goes into the history. May be empty." };

/** The buttons that make sense for an instance of this status. `waits`: names of external events it waits for. */
export function actionButtons(instance, waits, refresh) {
  const { id, status } = instance;
  const ended = hasEnded(status);
  const button = (text, open, danger) => h("button", { type: "button", key: text, class: danger ? "danger" : "", onclick: open }, text);
  const done = (promise, words) => promise.then(() => (refresh(), words));
  const withReason = (title, text, operation, words, danger) => () =>
    openForm({ title, text, danger, fields: [REASON], button: title.split(" ")[0], submit: ({ reason }) => done(api.operate(id, operation, reason), words) });
  return [
    !ended && button("Raise event…", () => raise(id, waits, done)),
    !ended && status !== "Suspended" && button("Suspend…", withReason("Suspend this instance?", "It takes no more turns until it is resumed. Running activities go on.", "suspend", "Suspended.")),
    status === "Suspended" && button("Resume…", withReason("Resume this instance?", null, "resume", "Resumed.")),
    status === "Failed" && button("Rewind…", withReason("Rewind this instance?", "It runs again from the turn that failed: what failed is called again, what succeeded is not.", "rewind", "Rewound.")),
    button("Restart…", () => again(id, ended, refresh)),
    !ended && button("Terminate…", withReason("Terminate this instance?", "It ends now and cannot go on. Its sub-orchestrations do go on.", "terminate", "Terminated.", true), true),
    ended &&
      button(
        "Purge…",
        () =>
          openForm({
            title: "Purge this instance?",
            text: "Its history, input and output are deleted. This cannot be undone.",
            button: "Purge",
            danger: true,
            submit: () => api.purge(id).then(() => ((location.hash = "#/instances"), "Purged.")),
          }),
        true,
      ),
  ];
}

function raise(id, waits, done) {
  openForm({
    title: "Raise an external event",
    text: waits.length ? `It waits for ${waits.join(", ")}.` : "It waits for no event now: this one is kept until it does.",
    fields: [
      { name: "name", label: "Name", value: waits[0], options: waits, required: true, hint: "Names are case-sensitive." },
      { name: "data", label: "Data", json: true, hint: "JSON. The orchestrator gets this value." },
    ],
    button: "Raise",
    submit: ({ name, data }) => done(api.raiseEvent(id, name, data), `Raised ${name}.`),
  });
}

function again(id, ended, refresh) {
  openForm({
    title: "Restart with the same input",
    text: ended ? null : "This one goes on: a new instance starts beside it.",
    fields: ended ? [{ name: "same", label: "under the same id, in place of this one", check: true }] : [],
    button: "Restart",
    submit: async ({ same = false }) => {
      const started = await api.restart(id, !same);
      location.hash = `#/instances/${encodeURIComponent(started)}`;
      refresh();
      return `Started ${started}.`;
    },
  });
}
