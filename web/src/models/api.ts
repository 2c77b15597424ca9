/** The models of the deployment, and the tools of the tenant. */
import { type Api, query } from "../api/client";
import type { DefinitionItem, FieldError, Json, JsonSchema, Page, Problem, Stored } from "../api/types";
import { allPages } from "../ui/hooks";

export interface ModelEntry {
  description?: string;
  provider?: string;
  model?: string;
  base_url?: string;
  fallback?: string[];
  cascade?: { first: string; then: string; accept?: string; accept_schema?: Json };
  cache?: string;
  timeout?: string;
  tool_calls?: string;
  max_concurrency?: number;
  requests_per_minute?: number;
  tokens_per_minute?: number;
}

export interface Model {
  alias: string;
  source: "settings" | "file" | "stored";
  model: ModelEntry;
  context_window: number | null;
  /** US dollars for a million tokens. */
  price: { input: string; output: string; source: string } | null;
  updated: string | null;
  by: string | null;
  /** What no longer fits. */
  mistakes?: FieldError[];
}

export interface Tool {
  name: string;
  description?: string;
  input?: JsonSchema;
  http?: { method?: string; url: string };
  function?: string;
  mcp?: { server: string; tool: string };
  library?: { collection: string };
  workflow?: string;
  agent?: string;
  approval?: { when?: string; roles?: string[] };
  delivery?: string;
  examples?: { arguments: Json; result?: Json }[];
}

export interface Called {
  version: number;
  seconds: number;
  result: Json;
  error: Problem | null;
}

export async function modelsOf(api: Api): Promise<Model[]> {
  return (await api.json<{ items: Model[] }>("/models")).items;
}

export function toolsOf(api: Api): Promise<DefinitionItem[]> {
  return allPages((continuation) => api.json<Page<DefinitionItem>>(`/tools${query({ limit: 200, continuation })}`));
}

export function toolOf(api: Api, name: string): Promise<Stored<Tool>> {
  return api.json(`/tools/${encodeURIComponent(name)}`);
}

/** For real; `key` is passed on, for tools that do nothing twice for the same one. */
export function callTool(api: Api, name: string, version: number, given: Json, key: string): Promise<Called> {
  return api.json(`/tools/${encodeURIComponent(name)}/call`, {
    method: "POST",
    body: { arguments: given, version },
    headers: { "Idempotency-Key": key },
  });
}
