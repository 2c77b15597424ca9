// @vitest-environment happy-dom
import { beforeEach, expect, it } from "vitest";

import { savedToken, takeTokenFromAddress } from "../../src/api/session";

beforeEach(() => {
  sessionStorage.clear();
  location.hash = "";
});

it("takes the token of a link and removes it from the address", () => {
  location.hash = "#token=a%2Bb-c";
  expect(takeTokenFromAddress()).toBe(true);
  expect(savedToken()).toBe("a+b-c");
  expect(location.hash).toBe("");
});

it("leaves other addresses alone", () => {
  location.hash = "#/executions/1?token=x";
  expect(takeTokenFromAddress()).toBe(false);
  expect(savedToken()).toBeNull();
  expect(location.hash).toBe("#/executions/1?token=x");
});
