// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it, vi } from "vitest";

import { DropZone } from "../../src/library/DropZone";
import { MOST_BYTES } from "../../src/library/naming";
import { apiOf, SignedIn } from "../session";

afterEach(cleanup);

it("sends what is dropped, each by its own, and says of each what came of it", async () => {
  const refused = Response.json({ code: "invalid_request", detail: "It is empty." }, { status: 422 });
  const { api, sent } = apiOf({ "PUT /library/c/documents/a.md": {}, "PUT /library/c/documents/b.md": refused });
  const onSent = vi.fn();
  render(
    <SignedIn api={api}>
      <DropZone collection="c" documents={[]} onSent={onSent} />
    </SignedIn>,
  );
  const huge = new File([new Uint8Array(MOST_BYTES + 1)], "huge.pdf");
  const files = [new File(["A"], "a.md", { type: "text/markdown" }), new File([""], "b.md"), huge];
  fireEvent.drop(screen.getByText(/Drop files here/), { dataTransfer: { files } });
  await waitFor(() => expect(screen.getByRole("status").textContent).toContain("huge.pdf: It has"));
  expect(screen.getByRole("status").textContent).toContain("a.md: sent ✓");
  expect(screen.getByRole("status").textContent).toContain("b.md: It is empty.");
  expect(sent.map(({ path }) => path)).toEqual(["/library/c/documents/a.md", "/library/c/documents/b.md"]);
  expect(onSent).toHaveBeenCalledOnce();
});
