import { expect, it } from "vitest";

import { mark, nameFor, size } from "../../src/library/naming";

it.each([
  ["refunds.md", "refunds.md"],
  ["Über uns (neu).pdf", "Uber-uns-neu-.pdf"],
  ["../../etc/passwd", "etc-passwd"],
  [".env", "env"],
  ["日本", "document"],
  ["a".repeat(200), "a".repeat(128)],
])("%s is called %s", (file, name) => {
  expect(nameFor(file)).toBe(name);
  expect(name).toMatch(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);
});

it.each([
  [950, "950 B"],
  [12_400, "12 kB"],
  [3_440_000, "3.4 MB"],
])("%d bytes are %s", (bytes, text) => expect(size(bytes)).toBe(text));

it("a mark is the document and the number of its passage", () => expect(mark("refunds.md", 3)).toBe("[refunds.md#3]"));
