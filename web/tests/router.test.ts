import { expect, it } from "vitest";

import { href, parseRoute } from "../src/router";

it("reads back what it writes", () => {
  const { path, query } = parseRoute(href(["start", "a b/ü"], { view: "events", status: undefined }));
  expect(path).toEqual(["start", "a b/ü"]);
  expect([...query]).toEqual([["view", "events"]]);
});

it.each(["", "#", "#/"])("takes %j for the first screen", (hash) => {
  expect(parseRoute(hash).path).toEqual([]);
});

it("bears addresses typed by hand", () => {
  expect(parseRoute("#/start/100%").path).toEqual(["start", "100%"]);
});
