/** What was used, as the API sums it up. */
import { type Api, query } from "../api/client";
import type { Amounts, Usage } from "../api/types";

export const DIMENSIONS = ["workflow", "agent", "model", "tool"] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export const STEP_DIMENSIONS = ["step", "agent", "model", "tool"] as const;
export type StepDimension = (typeof STEP_DIMENSIONS)[number];

/** Sums; money and seconds as decimal text. */
export interface Figures {
  executions: number;
  executions_failed: number;
  model_calls: number;
  tool_calls: number;
  /** Answers that were taken over, and not paid for. */
  reused: number;
  failures: number;
  tokens_in: number;
  tokens_out: number;
  cost_usd: string;
  /** Paid calls whose price is not known. */
  unpriced: number;
  seconds: string;
}

/** What the sums are of; empty where that does not apply. */
export type Item = Figures & Partial<Record<"day" | Dimension | "step", string>>;

export interface Sums {
  items: Item[];
  total: Figures;
}

export function usageOf(api: Api, from: string, to: string, by: Dimension): Promise<Sums> {
  return api.json(`/usage${query({ from, to, by: `day,${by}` })}`);
}

export function usageOfExecution(api: Api, id: string, by: StepDimension): Promise<Sums> {
  return api.json(`/executions/${encodeURIComponent(id)}/usage${query({ by })}`);
}

/** A budget of the tenant, and how it stands in its period. */
export interface TenantBudget {
  definition: Amounts & { name: string; scope?: string; of?: string; period?: string; at_cap?: string };
  period: string;
  ends: string | null;
  spent: Usage;
  reserved: Usage;
}

export async function budgetsOf(api: Api): Promise<TenantBudget[]> {
  return (await api.json<{ items: TenantBudget[] }>("/budgets")).items;
}
