/** Evaluations, and trials of prompts: what came of them, case by case and in sum. */
import { type Api, query } from "../api/client";
import type { Execution, Json, Page, Usage } from "../api/types";

export interface Evaluated {
  kind: "evaluation" | "trial";
  agent?: string | null;
  workflow?: string | null;
  /** In place of the agent's own. */
  prompt?: string | null;
  dataset?: string | null;
  graders: Grader[];
  cases: number;
}

export interface Grader {
  name: string;
  rule?: string;
  schema?: Json;
  cel?: string;
  judge?: { agent: string };
}

export type Evaluation = Execution & { evaluation: Evaluated };

export interface Interval {
  low: number;
  high: number;
}

export interface GraderSummary {
  name: string;
  kind: string;
  graded: number;
  /** Cases of which it can say nothing. */
  unknown: number;
  passed: number;
  rate: number | null;
  rate_interval: Interval | null;
  mean: number | null;
  mean_interval: Interval | null;
}

export interface Summary {
  cases: number;
  answered: number;
  failed: number;
  waiting: number;
  usage: Usage;
  judging: Usage;
  seconds: number | null;
  graders: GraderSummary[];
  /** Of a trial: what the calls of the past had cost, and how they are graded. */
  recorded: Usage | null;
  recorded_graders: GraderSummary[];
  same: number | null;
}

export interface Grade {
  score?: number | null;
  passed?: boolean | null;
  reason?: string;
}

export interface Case {
  id: string;
  input?: Json;
  expected?: Json;
  status: "waiting" | "running" | "answered" | "failed";
  output?: Json;
  error?: string;
  /** Without `cost_usd` where that is not known. */
  usage: Partial<Usage>;
  judging: Partial<Usage>;
  seconds?: number;
  step: string;
  grades: Record<string, Grade>;
  recorded?: { execution: string; step: string; call: string; output?: Json; error?: string; usage: Partial<Usage> };
  recorded_grades: Record<string, Grade>;
}

export type Which = "all" | "failed" | "changed";

export type Result = Evaluation & { summary: Summary; cases: Page<Case> };

export interface Flip {
  id: string;
  left: Grade;
  right: Grade;
}

export interface GraderComparison {
  name: string;
  paired: number;
  left: number | null;
  right: number | null;
  /** Right less left. */
  difference: number | null;
  interval: Interval | null;
  gained: Flip[];
  lost: Flip[];
  /** Of as many flips one way or more by luck alone. */
  chance: number | null;
}

export interface Comparison {
  left: Evaluation & { summary: Summary };
  right: Evaluation & { summary: Summary };
  paired: number;
  only_left: number;
  only_right: number;
  graders: GraderComparison[];
  left_usage: Usage;
  right_usage: Usage;
  /** US dollars a case, right less left. */
  cost_difference: string | null;
}

const at = (id: string, below = ""): string => `/evaluations/${encodeURIComponent(id)}${below}`;

export function evaluationsOf(api: Api, kind: Evaluated["kind"], continuation?: string | null): Promise<Page<Evaluation>> {
  return api.json(`/evaluations${query({ kind, limit: 50, continuation })}`);
}

export function resultOf(api: Api, id: string, cases: Which, limit: number): Promise<Result> {
  return api.json(at(id, query({ cases, limit })));
}

export function comparisonOf(api: Api, left: string, right: string): Promise<Comparison> {
  return api.json(at(left, `/compare/${encodeURIComponent(right)}`));
}
