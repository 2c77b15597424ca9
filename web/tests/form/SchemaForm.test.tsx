// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";

import { fieldsOf, initialDrafts } from "../../src/form/fields";
import { SchemaForm } from "../../src/form/SchemaForm";

const fields =
  fieldsOf({
    type: "object",
    required: ["topic"],
    properties: {
      topic: { type: "string", description: "What it is about." },
      public: { type: "boolean" },
      level: { enum: ["low", "high"] },
    },
  }) ?? [];

afterEach(cleanup);

function show(errors = [{ pointer: "/topic", message: "Too short." }]) {
  const onChange = vi.fn();
  render(<SchemaForm fields={fields} drafts={initialDrafts(fields)} errors={errors} onChange={onChange} />);
  return onChange;
}

it("shows an error at its field, for eyes and ears", () => {
  show();
  const topic = screen.getByLabelText("topic");
  expect(topic.getAttribute("aria-invalid")).toBe("true");
  const described = topic.getAttribute("aria-describedby")?.split(" ") ?? [];
  const texts = described.map((id) => document.getElementById(id)?.textContent);
  expect(texts).toEqual(["What it is about.", "Too short."]);
  expect(screen.getByLabelText("public").getAttribute("aria-invalid")).toBe("false");
});

it("hands on what is typed, beside what was there", () => {
  const onChange = show([]);
  fireEvent.change(screen.getByLabelText("topic"), { target: { value: "Lanterns" } });
  expect(onChange).toHaveBeenLastCalledWith({ topic: "Lanterns", public: false, level: "" });
  fireEvent.click(screen.getByLabelText("public"));
  expect(onChange).toHaveBeenLastCalledWith({ topic: "", public: true, level: "" });
  fireEvent.change(screen.getByLabelText(/level/), { target: { value: '"high"' } });
  expect(onChange).toHaveBeenLastCalledWith({ topic: "", public: false, level: '"high"' });
});
