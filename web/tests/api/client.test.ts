import { describe, expect, it, vi } from "vitest";

import { Api, ApiError, Unreachable } from "../../src/api/client";

function answering(response: Response) {
  const fetcher = vi.fn<typeof fetch>(() => Promise.resolve(response.clone()));
  const onUnauthenticated = vi.fn();
  return { api: new Api("secret", onUnauthenticated, fetcher), fetcher, onUnauthenticated };
}

describe("Api", () => {
  it("sends the token, and a start's idempotency key", async () => {
    const { api, fetcher } = answering(Response.json({ id: "1" }));
    await api.start("w", { a: 1 }, "key");
    expect(fetcher).toHaveBeenCalledWith("/api/executions", {
      method: "POST",
      headers: { Authorization: "Bearer secret", "Content-Type": "application/json", "Idempotency-Key": "key" },
      body: '{"workflow":"w","input":{"a":1}}',
    });
  });

  it("raises the server's problem", async () => {
    const body = { code: "invalid_input", detail: "No.", action: "Do.", errors: [{ pointer: "/a", message: "m" }] };
    const { api } = answering(Response.json(body, { status: 422 }));
    await expect(api.me()).rejects.toMatchObject({ status: 422, code: "invalid_input", message: "No.", action: "Do." });
  });

  it("makes a problem of an answer that is none", async () => {
    const { api } = answering(new Response("<h1>Bad gateway</h1>", { status: 502 }));
    const error = await api.me().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 502, code: "unknown", errors: [] });
  });

  it("tells when the token is not accepted", async () => {
    const { api, onUnauthenticated } = answering(Response.json({}, { status: 401 }));
    await expect(api.me()).rejects.toThrow(ApiError);
    expect(onUnauthenticated).toHaveBeenCalledOnce();
  });

  it("tells a host that is down, or answers something else, from one that refuses", async () => {
    const down = new Api("secret", undefined, () => Promise.reject(new TypeError("failed to fetch")));
    await expect(down.me()).rejects.toThrow(Unreachable);
    await expect(answering(new Response("<html>")).api.me()).rejects.toThrow(Unreachable);
  });

  it("leaves out query parameters that are not given", async () => {
    const { api, fetcher } = answering(Response.json({ items: [], continuation: null }));
    await api.executions({ status: undefined }, "a b");
    expect(fetcher.mock.calls[0]?.[0]).toBe("/api/executions?limit=50&continuation=a+b");
  });

  it("encodes ids and names in paths", async () => {
    const { api, fetcher } = answering(Response.json({}));
    await api.execution("a/b?c");
    await api.signal("a/b", "paid in full", null);
    await api.diff("a/b", "c#d", true);
    await api.decide("q/1", "approve", "");
    await api.agent("writer@3");
    expect(fetcher.mock.calls.map(([path]) => path)).toEqual([
      "/api/executions/a%2Fb%3Fc",
      "/api/executions/a%2Fb/events/paid%20in%20full",
      "/api/executions/a%2Fb/diff/c%23d?changed=true",
      "/api/approvals/q%2F1",
      "/api/agents/writer?version=3",
    ]);
  });
});
