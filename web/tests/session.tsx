/** A signed-in session for tests of components, with an API that answers as told. */
import { vi } from "vitest";

import { Api } from "../src/api/client";
import type { Approval } from "../src/api/types";
import { PendingContext } from "../src/approvals/pending";
import { SessionContext } from "../src/session";

type Answers = Record<string, unknown>;

export interface Sent {
  method: string;
  path: string;
  body: unknown;
}

/** `answers` by "METHOD /path"; a Response is given as it is. `sent` is what was asked. */
export function apiOf(answers: Answers): { api: Api; sent: Sent[] } {
  const sent: Sent[] = [];
  const fetcher: typeof fetch = (input, options) => {
    const path = (input as string).replace(/^\/api/, "");
    const method = options?.method ?? "GET";
    const body: unknown = typeof options?.body === "string" ? JSON.parse(options.body) : undefined;
    sent.push({ method, path, body });
    const answer = answers[`${method} ${path}`];
    if (answer instanceof Response) return Promise.resolve(answer.clone());
    if (answer === undefined) return Promise.resolve(Response.json({ detail: `${method} ${path}?` }, { status: 404 }));
    return Promise.resolve(Response.json(answer));
  };
  return { api: new Api("secret", undefined, fetcher), sent };
}

interface Props {
  api: Api;
  roles?: string[];
  approvals?: readonly Approval[];
  reload?: () => void;
  children: React.ReactNode;
}

export function SignedIn({ api, roles = ["operator"], approvals = [], reload = vi.fn(), children }: Props) {
  const pending = { approvals, hasMore: false, showMore: vi.fn(), error: undefined, reload };
  return (
    <SessionContext value={{ api, me: { tenant: "t", principal: "ada", roles }, signOut: vi.fn() }}>
      <PendingContext value={pending}>{children}</PendingContext>
    </SessionContext>
  );
}
