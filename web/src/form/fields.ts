/** What of a JSON Schema becomes a form, and how what was typed becomes JSON again. The server checks the rest. */
import type { FieldError, Json, JsonSchema } from "../api/types";
import { readJson } from "./json";

export type Kind = "text" | "multiline" | "number" | "integer" | "boolean" | "choice" | "list" | "json";

export interface Field {
  name: string;
  label: string;
  description: string | undefined;
  required: boolean;
  kind: Kind;
  schema: JsonSchema;
}

/** What was typed, by field name. */
export type Drafts = Record<string, string | boolean>;

/** Texts longer than this deserve more than one line. */
const LONG_TEXT = 200;

/** The form's fields, or null where only a JSON editor can serve: the schema is not that of a plain object. */
export function fieldsOf(schema: JsonSchema | undefined): Field[] | null {
  if (schema?.properties === undefined || typeOf(schema) !== "object") return null;
  return Object.entries(schema.properties).map(([name, property]) => ({
    name,
    label: property.title ?? name.replaceAll(/[_-]+/g, " "),
    description: property.description,
    required: schema.required?.includes(name) ?? false,
    kind: kindOf(property),
    schema: property,
  }));
}

function typeOf(schema: JsonSchema): string | undefined {
  const types = [schema.type ?? []].flat().filter((type) => type !== "null");
  return types.length === 1 ? types[0] : undefined;
}

function kindOf(schema: JsonSchema): Kind {
  if (schema.enum !== undefined) return "choice";
  switch (typeOf(schema)) {
    case "string":
      return schema.format === "textarea" || (schema.maxLength ?? 0) > LONG_TEXT ? "multiline" : "text";
    case "number":
      return "number";
    case "integer":
      return "integer";
    case "boolean":
      return "boolean";
    case "array":
      return ["string", "number", "integer"].includes(typeOf(schema.items ?? {}) ?? "") ? "list" : "json";
    default:
      return "json";
  }
}

/** The form before anything is typed: the schema's defaults. */
export function initialDrafts(fields: readonly Field[]): Drafts {
  return Object.fromEntries(fields.map((field) => [field.name, draftOf(field, field.schema.default)]));
}

/** A JSON value as it is typed in its field. */
export function draftOf({ kind }: Field, value: Json | undefined): string | boolean {
  if (kind === "boolean") return value === true;
  if (value === undefined || value === null) return "";
  if (kind === "choice" || kind === "json") return JSON.stringify(value, null, kind === "json" ? 2 : undefined);
  if (kind === "list" && Array.isArray(value)) return value.map(String).join("\n");
  return typeof value === "string" ? value : JSON.stringify(value);
}

export type Parsed = { input: Record<string, Json>; errors: null } | { input: null; errors: FieldError[] };

/** The object that was typed, or what keeps it from being one. Empty optional fields are left out. */
export function parseDrafts(fields: readonly Field[], drafts: Drafts): Parsed {
  const input: Record<string, Json> = {};
  const errors: FieldError[] = [];
  for (const field of fields) {
    try {
      const value = parse(field, drafts[field.name] ?? "");
      if (value !== undefined) input[field.name] = value;
      else if (field.required) throw new Invalid("This is needed.");
    } catch (error) {
      if (!(error instanceof Invalid)) throw error;
      errors.push({ pointer: pointerTo(field.name), message: error.message });
    }
  }
  return errors.length > 0 ? { input: null, errors } : { input, errors: null };
}

class Invalid extends Error {}

function parse(field: Field, draft: string | boolean): Json | undefined {
  if (typeof draft === "boolean") return draft;
  if (draft.trim() === "") return undefined;
  switch (field.kind) {
    case "text":
    case "multiline":
      return draft;
    case "number":
    case "integer":
      return parseNumber(draft, field.kind);
    case "list":
      return parseList(field, draft);
    default:
      return parseJson(draft);
  }
}

function parseList(field: Field, draft: string): Json[] {
  const lines = draft.split("\n").map((line) => line.trim());
  const type = typeOf(field.schema.items ?? {});
  return lines.filter(Boolean).map((line) => (type === "string" ? line : parseNumber(line, type)));
}

function parseNumber(text: string, kind: string | undefined): number {
  const value = Number(text);
  if (!Number.isFinite(value)) throw new Invalid(`“${text}” is not a number.`);
  if (kind === "integer" && !Number.isInteger(value)) throw new Invalid(`“${text}” is not a whole number.`);
  return value;
}

function parseJson(text: string): Json {
  const { value, error } = readJson(text);
  if (error !== undefined) throw new Invalid(error);
  return value;
}

/** The whole input, typed as JSON. */
export function parseInput(text: string): { input: Json; errors: FieldError[] } {
  const { value, error } = readJson(text.trim() === "" ? "{}" : text);
  return { input: value, errors: error === undefined ? [] : [{ pointer: "", message: error }] };
}

export function pointerTo(name: string): string {
  return `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** The server's errors about the input, with pointers into the input itself rather than into the request. */
export function inputErrors(errors: readonly FieldError[]): FieldError[] {
  return errors.map((error) => ({ ...error, pointer: error.pointer.replace(/^\/input(?=\/|$)/, "") }));
}

/** The messages for one field, those about parts of it included. */
export function messagesFor(field: Field, errors: readonly FieldError[]): string[] {
  const own = pointerTo(field.name);
  return errors.filter(({ pointer }) => pointer === own || pointer.startsWith(`${own}/`)).map(({ message }) => message);
}

/** The messages that belong to no field of the form. */
export function otherErrors(fields: readonly Field[], errors: readonly FieldError[]): FieldError[] {
  return errors.filter((error) => fields.every((field) => !messagesFor(field, [error]).length));
}
