// Asks before something is done, and says what came of it.

import { h, toast } from "./dom.js";

/**
 * Opens a form. `fields`: `name`, `label`, and maybe `value`, `hint`, `options` to suggest, `json` for JSON text, `required`,
 * `check` for a box to tick, `secret`. `submit(values)` may throw a `Problem`, which is shown; returns what to toast.
 */
export function openForm({ title, text, fields = [], button, danger = false, submit }) {
  const inputs = new Map(fields.map((field) => [field.name, input(field)]));
  const complaint = h("p", { class: "complaint", role: "alert" });
  const go = h("button", { type: "submit", class: danger ? "danger" : "primary" }, button);
  const dialog = h(
    "dialog",
    { "aria-labelledby": "dialog-title", onclose: () => dialog.remove() },
    h(
      "form",
      {
        method: "dialog",
        onsubmit: async (event) => {
          event.preventDefault();
          go.disabled = true;
          complaint.textContent = "";
          try {
            const done = await submit(valuesOf(fields, inputs));
            dialog.close();
            if (done) toast(done);
          } catch (error) {
            complaint.textContent = error.message;
          } finally {
            go.disabled = false;
          }
        },
      },
      h("h2", { id: "dialog-title" }, title),
      text && h("p", {}, text),
      fields.map((field) => labelled(field, inputs.get(field.name))),
      complaint,
      h("div", { class: "buttons" }, h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), go),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
}

function input(field) {
  const common = { id: `field-${field.name}`, name: field.name, required: field.required, "aria-describedby": field.hint && `hint-${field.name}` };
  if (field.json) return h("textarea", { ...common, rows: 4, spellcheck: "false", value: field.value ?? "" });
  if (field.check) return h("input", { ...common, type: "checkbox", checked: field.value });
  const list = field.options?.length ? `list-${field.name}` : null;
  return h("input", { ...common, type: field.secret ? "password" : "text", autocomplete: "off", spellcheck: "false", list, value: field.value ?? "" });
}

function labelled(field, control) {
  const hint = field.hint && h("small", { id: `hint-${field.name}` }, field.hint);
  if (field.check) return h("p", { class: "field" }, h("label", {}, control, ` ${field.label}`), hint);
  const options = field.options?.length && h("datalist", { id: `list-${field.name}` }, field.options.map((value) => h("option", { value })));
  return h("p", { class: "field" }, h("label", { for: control.id }, field.label), control, options, hint);
}

function valuesOf(fields, inputs) {
  const values = {};
  for (const field of fields) {
    const control = inputs.get(field.name);
    values[field.name] = field.check ? control.checked : field.json ? jsonOf(field, control.value) : control.value;
  }
  return values;
}

/** The text itself: it goes out as it was typed. */
function jsonOf(field, text) {
  if (!text.trim()) return "";
  try {
    JSON.parse(text);
  } catch (error) {
    throw new Error(`${field.label}: this is not JSON (${error.message}). A text goes in quotes: "hello".`);
  }
  return text;
}
