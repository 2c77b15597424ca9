import type {
  Agent,
  Amounts,
  Approval,
  ConnectionInfo,
  DefinitionItem,
  Diff,
  EventPage,
  Execution,
  FieldError,
  ForkRequest,
  Json,
  Me,
  Page,
  Plan,
  Status,
  Stored,
  Workflow,
} from "./types";

/** The API said no: its problem, ready to be shown. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly action: string,
    readonly errors: FieldError[] = [],
  ) {
    super(message);
  }
}

/** Nobody answered: the host is down, or there is no network. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super("The server cannot be reached.", { cause });
  }
}

export interface Options {
  method?: "GET" | "POST" | "PUT" | "DELETE";
  /** JSON, unless it is a file. */
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal | undefined;
}

/** The HTTP API with one access token. `onUnauthenticated` is told of every 401 before the error is thrown. */
export class Api {
  constructor(
    private readonly token: string,
    private readonly onUnauthenticated: () => void = () => undefined,
    private readonly fetcher: typeof fetch = (...request) => fetch(...request),
  ) {}

  me(): Promise<Me> {
    return this.json("/me");
  }

  workflows(continuation?: string | null): Promise<Page<DefinitionItem>> {
    return this.json(`/workflows${query({ limit: 100, continuation })}`);
  }

  workflow(name: string): Promise<Stored<Workflow>> {
    return this.json(`/workflows/${encodeURIComponent(name)}`);
  }

  /** The latest version, or the one that the reference (`writer@2`) names. */
  agent(reference: string): Promise<Stored<Agent>> {
    const [name = "", version] = reference.split("@");
    return this.json(`/agents/${encodeURIComponent(name)}${query({ version })}`);
  }

  executions(wanted: { status?: Status | undefined; workflow?: string }, continuation?: string | null): Promise<Page<Execution>> {
    return this.json(`/executions${query({ ...wanted, limit: 50, continuation })}`);
  }

  execution(id: string, signal?: AbortSignal): Promise<Execution> {
    return this.json(at(id), { signal });
  }

  /** `key` makes sending the same start twice harmless. */
  start(workflow: string, input: Json, key: string): Promise<Execution> {
    return this.json("/executions", {
      method: "POST",
      body: { workflow, input },
      headers: { "Idempotency-Key": key },
    });
  }

  /** What is under way ends by itself, and nothing new begins. */
  pause(id: string): Promise<Execution> {
    return this.json(at(id, "/pause"), { method: "POST" });
  }

  resume(id: string): Promise<Execution> {
    return this.json(at(id, "/resume"), { method: "POST" });
  }

  /** Raises a budget of the execution (of its step at `path`; empty: of all of it), which then goes on. */
  raise(id: string, path: string, to: Amounts): Promise<Execution> {
    return this.json(at(id, "/budget"), { method: "POST", body: { path, ...to } });
  }

  cancel(id: string): Promise<Execution> {
    return this.json(at(id, "/cancel"), { method: "POST" });
  }

  retry(id: string): Promise<Execution> {
    return this.json(at(id, "/retry"), { method: "POST" });
  }

  /** A new execution that takes over what this one had done, but for what the request changes. */
  fork(id: string, request: ForkRequest): Promise<Execution> {
    return this.json(at(id, "/fork"), { method: "POST", body: request });
  }

  /** Sends an event to a running execution, for the step that waits for one of this name. */
  signal(id: string, name: string, payload: Json): Promise<unknown> {
    return this.send(at(id, `/events/${encodeURIComponent(name)}`), { method: "POST", body: payload });
  }

  /** What the execution has pinned. It comes with all of the execution, and is refused where that is too large. */
  async plan(id: string): Promise<Plan> {
    return (await this.json<{ plan: Plan }>(at(id, "/bundle"))).plan;
  }

  /** `changed`: without the steps that are the same. */
  diff(left: string, right: string, changed: boolean): Promise<Diff> {
    return this.json(at(left, `/diff/${encodeURIComponent(right)}${query({ changed: String(changed) })}`));
  }

  pendingApprovals(continuation?: string | null): Promise<Page<Approval>> {
    return this.json(`/approvals${query({ state: "pending", limit: 100, continuation })}`);
  }

  decide(approval: string, decision: string, comment: string): Promise<Approval> {
    return this.json(`/approvals/${encodeURIComponent(approval)}`, { method: "POST", body: { decision, comment } });
  }

  events(id: string, after: number, signal: AbortSignal): Promise<EventPage> {
    return this.json(at(id, `/events${query({ after })}`), { signal });
  }

  /** The same log as a stream of server-sent events. */
  async eventStream(id: string, after: number, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    const headers = { Accept: "text/event-stream" };
    const response = await this.send(at(id, `/events${query({ after })}`), { headers, signal });
    if (response.body === null) throw new Unreachable("an event stream without a body");
    return response.body;
  }

  artifact(id: string, reference: string): Promise<Json> {
    return this.json(at(id, `/artifacts/${encodeURIComponent(reference)}`));
  }

  negotiate(id: string, watcher: string, signal: AbortSignal): Promise<ConnectionInfo> {
    return this.json("/negotiate", {
      method: "POST",
      body: { execution: id },
      headers: { "x-watcher": watcher },
      signal,
    });
  }

  /** For screens that are loaded when they are needed, and bring what they ask with them. */
  async json<Answer>(path: string, options: Options = {}): Promise<Answer> {
    const response = await this.send(path, options);
    try {
      return (await response.json()) as Answer;
    } catch (error) {
      throw new Unreachable(error);
    }
  }

  async send(path: string, { method = "GET", body, headers, signal }: Options): Promise<Response> {
    let response: Response;
    try {
      response = await this.fetcher(`/api${path}`, {
        method,
        headers: {
          Authorization: `Bearer ${this.token}`,
          ...(body === undefined || body instanceof Blob ? {} : { "Content-Type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: body instanceof Blob ? body : JSON.stringify(body) }),
        ...(signal ? { signal } : {}),
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Unreachable(error);
    }
    if (response.ok) return response;
    if (response.status === 401) this.onUnauthenticated();
    throw await problemOf(response);
  }
}

/** The path of an execution, or of what is below it. */
function at(id: string, below = ""): string {
  return `/executions/${encodeURIComponent(id)}${below}`;
}

export function query(values: Record<string, string | number | null | undefined>): string {
  const present = Object.entries(values).filter(([, value]) => value !== undefined && value !== null);
  return present.length === 0 ? "" : `?${new URLSearchParams(present.map(([key, value]) => [key, String(value)]))}`;
}

/** The problem+json of a refused request, or one that says what little is known. */
async function problemOf(response: Response): Promise<ApiError> {
  const body = (await response.json().catch(() => null)) as Record<string, unknown> | null;
  const text = (key: string): string | undefined => (typeof body?.[key] === "string" ? body[key] : undefined);
  return new ApiError(
    response.status,
    text("code") ?? "unknown",
    text("detail") ?? text("title") ?? `The server answered with status ${response.status}.`,
    text("action") ?? "Try again; if it stays so, look at the host's log.",
    Array.isArray(body?.errors) ? (body.errors as FieldError[]) : [],
  );
}
