/** Logs for tests, without what does not matter to them. */
import type { Delta, Event, Json } from "../../src/api/types";

interface Facts {
  step?: string;
  agent?: string;
  data?: unknown;
  value?: Json;
}

/** Events with offsets from `first`, a second apart. */
export function log(lines: [Event["type"], Facts?][], first = 1): Event[] {
  return lines.map(([type, facts = {}], index) => {
    const offset = first + index;
    const time = new Date(Date.UTC(2026, 0, 1, 0, 0, offset)).toISOString();
    const { step = null, agent = null, data = {}, value = null } = facts;
    return { offset, id: String(offset), type, time, step, agent, data, value, artifact: null } as Event;
  });
}

const USAGE = { model_calls: 1, tokens_in: 10, tokens_out: 5, cost_usd: "0.001" };

export function started(call: string, facts: Record<string, unknown> = {}): [Event["type"], Facts] {
  return ["call.started", { step: call, agent: `${call}-agent`, data: { call, attempt: 1, model: "m", ...facts } }];
}

export function completed(call: string, value: Json, facts: Record<string, unknown> = {}): [Event["type"], Facts] {
  const data = { call, attempt: 1, model: "m", usage: USAGE, seconds: 1, finish_reason: "stop", ...facts };
  return ["call.completed", { step: call, agent: `${call}-agent`, data, value }];
}

export const BEGIN: [Event["type"], Facts] = ["execution.started", { data: { workflow: "w", version: 2 }, value: {} }];

export const END: [Event["type"], Facts] = [
  "execution.completed",
  { data: { stop_reason: "finished", usage: USAGE, turns: 1 }, value: "the end" },
];

export function delta(call: string, position: number, text: string, attempt = 1): Delta {
  return { step: call, agent: `${call}-agent`, call, attempt, position, text };
}
