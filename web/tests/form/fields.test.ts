import { describe, expect, it } from "vitest";

import type { JsonSchema } from "../../src/api/types";
import {
  draftOf,
  fieldsOf,
  initialDrafts,
  inputErrors,
  messagesFor,
  otherErrors,
  parseDrafts,
  parseInput,
} from "../../src/form/fields";

const SCHEMA: JsonSchema = {
  type: "object",
  required: ["topic", "count"],
  properties: {
    topic: { type: "string", title: "Topic" },
    report: { type: ["string", "null"], format: "textarea" },
    essay: { type: "string", maxLength: 5000 },
    count: { type: "integer", default: 3 },
    ratio: { type: "number" },
    public: { type: "boolean" },
    level: { enum: ["low", 2, null] },
    tags: { type: "array", items: { type: "string" } },
    years: { type: "array", items: { type: "integer" } },
    extra: { type: "object" },
    "a/b~c": { type: "string" },
  },
};
const fields = fieldsOf(SCHEMA) ?? [];
const drafts = { ...initialDrafts(fields), topic: "Lanterns" };

function parse(typed: Record<string, string | boolean>) {
  return parseDrafts(fields, { ...drafts, ...typed });
}

describe("fieldsOf", () => {
  it("makes a field of each property", () => {
    const kinds = fields.map(({ kind }) => kind);
    expect(kinds).toEqual([
      "text", "multiline", "multiline", "integer", "number", "boolean", "choice", "list", "list", "json", "text",
    ]);
    expect(fields[0]).toMatchObject({ label: "Topic", required: true });
  });

  it("leaves to the JSON editor what is not a plain object", () => {
    expect(fieldsOf({ type: "string" })).toBeNull();
    expect(fieldsOf({ type: "object" })).toBeNull();
    expect(fieldsOf(undefined)).toBeNull();
    expect(fieldsOf({ type: "object", properties: {} })).toEqual([]);
  });
});

describe("parseDrafts", () => {
  it("leaves out what was left empty, and takes defaults", () => {
    expect(parse({})).toEqual({ input: { topic: "Lanterns", count: 3, public: false }, errors: null });
  });

  it("gives each kind its JSON", () => {
    const typed = { ratio: "0.5", public: true, level: "2", tags: " a \n\nb", years: "1999\n2000", extra: '{"x": [1]}' };
    expect(parse(typed).input).toMatchObject({
      ratio: 0.5,
      public: true,
      level: 2,
      tags: ["a", "b"],
      years: [1999, 2000],
      extra: { x: [1] },
    });
  });

  it("keeps the text of texts as it is", () => {
    expect(parse({ topic: "  12 " }).input?.topic).toBe("  12 ");
  });

  it.each([
    ["topic", " ", "needed"],
    ["count", "", "needed"],
    ["count", "1.5", "not a whole number"],
    ["ratio", "much", "not a number"],
    ["years", "1999\nlast", "not a number"],
    ["extra", "{", "not JSON"],
  ])("tells what is wrong with %s typed as %j", (name, text, message) => {
    const { errors } = parse({ [name]: text });
    expect(errors).toEqual([{ pointer: `/${name}`, message: expect.stringContaining(message) as string }]);
  });
});

it("types a value as its field would be typed", () => {
  const typed = fields.map((field) => draftOf(field, field.kind === "list" ? ["a", "b"] : "low"));
  expect(typed.slice(6, 9)).toEqual(['"low"', "a\nb", "a\nb"]);
});

it("parses the whole input", () => {
  expect(parseInput("")).toEqual({ input: {}, errors: [] });
  expect(parseInput("[1]").input).toEqual([1]);
  expect(parseInput("{").errors).toHaveLength(1);
});

describe("the server's errors", () => {
  const errors = inputErrors([
    { pointer: "/input/topic", message: "too short" },
    { pointer: "/input/tags/0", message: "not a tag" },
    { pointer: "/input/a~1b~0c", message: "odd" },
    { pointer: "/input", message: "unknown key" },
    { pointer: "/workflow", message: "gone" },
  ]);

  it("are shown at their fields", () => {
    const shown = Object.fromEntries(fields.map((field) => [field.name, messagesFor(field, errors)]));
    expect(shown).toMatchObject({ topic: ["too short"], tags: ["not a tag"], "a/b~c": ["odd"], count: [] });
  });

  it("are shown above the form when they belong to no field", () => {
    expect(otherErrors(fields, errors)).toEqual([
      { pointer: "", message: "unknown key" },
      { pointer: "/workflow", message: "gone" },
    ]);
  });
});
