import { useId } from "react";

import type { FieldError } from "../api/types";
import { type Drafts, draftOf, type Field, messagesFor } from "./fields";

interface Props {
  fields: readonly Field[];
  drafts: Drafts;
  errors: readonly FieldError[];
  onChange: (drafts: Drafts) => void;
}

/** The fields of an object, each with its description and what is wrong with it. */
export function SchemaForm({ fields, drafts, errors, onChange }: Props) {
  return fields.map((field) => (
    <FieldRow
      key={field.name}
      field={field}
      draft={drafts[field.name] ?? ""}
      messages={messagesFor(field, errors)}
      onChange={(draft) => onChange({ ...drafts, [field.name]: draft })}
    />
  ));
}

interface RowProps {
  field: Field;
  draft: string | boolean;
  messages: readonly string[];
  onChange: (draft: string | boolean) => void;
}

function FieldRow({ field, draft, messages, onChange }: RowProps) {
  const id = useId();
  const hint = [field.description, HINTS[field.kind]].filter(Boolean).join(" ");
  const describedBy = [hint !== "" && `${id}-hint`, messages.length > 0 && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className={`field${field.kind === "boolean" ? " field-inline" : ""}`}>
      <label htmlFor={id}>
        {field.label} {!field.required && field.kind !== "boolean" && <span className="muted">optional</span>}
      </label>
      <Control
        id={id}
        field={field}
        draft={draft}
        invalid={messages.length > 0}
        describedBy={describedBy}
        onChange={onChange}
      />
      {hint !== "" && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
      {messages.length > 0 && (
        <p id={`${id}-error`} className="field-error">
          {messages.join(" ")}
        </p>
      )}
    </div>
  );
}

const HINTS: Partial<Record<Field["kind"], string>> = { list: "One per line.", json: "As JSON." };

interface ControlProps {
  id: string;
  field: Field;
  draft: string | boolean;
  invalid: boolean;
  describedBy: string;
  onChange: (draft: string | boolean) => void;
}

function Control({ id, field, draft, invalid, describedBy, onChange }: ControlProps) {
  const shared = {
    id,
    name: field.name,
    "aria-invalid": invalid,
    "aria-required": field.required,
    "aria-describedby": describedBy,
  };
  if (typeof draft === "boolean") {
    return <input {...shared} type="checkbox" checked={draft} onChange={(event) => onChange(event.target.checked)} />;
  }
  const typed = {
    ...shared,
    value: draft,
    placeholder: exampleOf(field),
    onChange: (event: { target: { value: string } }) => onChange(event.target.value),
  };
  switch (field.kind) {
    case "choice":
      return <Choice {...typed} field={field} />;
    case "multiline":
      return <textarea {...typed} rows={6} />;
    case "list":
      return <textarea {...typed} rows={3} />;
    case "json":
      return <textarea {...typed} rows={5} className="code" spellCheck={false} />;
    case "number":
    case "integer":
      return <input {...typed} type="text" inputMode="decimal" autoComplete="off" />;
    default:
      return <input {...typed} type="text" autoComplete="off" />;
  }
}

function exampleOf(field: Field): string | undefined {
  const example = field.schema.examples?.[0];
  return example === undefined ? undefined : `e.g. ${String(draftOf(field, example))}`;
}

type ChoiceProps = React.ComponentProps<"select"> & { field: Field };

function Choice({ field, ...select }: ChoiceProps) {
  return (
    <select {...select}>
      <option value="">{field.required ? "Choose …" : "(none)"}</option>
      {(field.schema.enum ?? []).map((value) => (
        <option key={JSON.stringify(value)} value={JSON.stringify(value)}>
          {typeof value === "string" ? value : JSON.stringify(value)}
        </option>
      ))}
    </select>
  );
}
