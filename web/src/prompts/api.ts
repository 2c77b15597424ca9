/** Prompts: versions that never change, and labels that are moved between them. */
import { type Api, query } from "../api/client";
import type { DefinitionItem, Json, JsonSchema, Page, Stored } from "../api/types";
import { allPages } from "../ui/hooks";

export interface Prompt {
  name: string;
  description?: string;
  template: string;
  variables?: Record<string, JsonSchema>;
}

export interface Version {
  version: number;
  updated: string;
}

export interface Label {
  label: string;
  version: number | null;
  by: string;
  at: string;
  /** Only admins move it. */
  protected: boolean;
  etag: string;
}

export interface Move {
  label: string;
  from: number | null;
  to: number | null;
  by: string;
  at: string;
}

export interface Labels {
  items: Label[];
  moves: Move[];
}

export interface Use {
  kind: string;
  name: string;
  version: number | null;
  direct: boolean;
  /** How it says so: `greet:production`. */
  references: string[];
  through: string[];
}

export interface PromptDiff {
  from: Version & { description: string };
  to: Version & { description: string };
  same: boolean;
  lines: DiffLine[];
  variables: { name: string; kind: "added" | "removed" | "changed"; before: Json; after: Json }[];
}

export interface DiffLine {
  kind: "same" | "removed" | "added" | "changed";
  before?: number;
  after?: number;
  text: string;
  pieces?: { kind: "same" | "removed" | "added"; text: string }[];
}

export interface TryRequest {
  agent: string;
  version?: number;
  draft?: { template: string; variables?: Record<string, JsonSchema> };
  executions: string[] | { workflow: string; last: number };
}

export interface Trial {
  id: string;
  skipped: { execution: string; reason: string }[];
}

const path = (name: string, below = ""): string => `/prompts/${encodeURIComponent(name)}${below}`;

export function promptsOf(api: Api): Promise<DefinitionItem[]> {
  return allPages((continuation) => api.json<Page<DefinitionItem>>(`/prompts${query({ limit: 200, continuation })}`));
}

export function promptOf(api: Api, name: string, version: number | undefined): Promise<Stored<Prompt>> {
  return api.json(path(name, query({ version })));
}

export function versionsOf(api: Api, name: string): Promise<Version[]> {
  return allPages((continuation) => api.json<Page<Version>>(path(name, `/versions${query({ limit: 200, continuation })}`)));
}

export function labelsOf(api: Api, name: string): Promise<Labels> {
  return api.json(path(name, "/labels"));
}

/** Moves the label, if it still is where it was seen (`etag`). */
export function moveLabel(api: Api, name: string, label: string, version: number, etag: string | undefined): Promise<Label> {
  const headers = etag === undefined ? undefined : { "If-Match": etag };
  return api.json(path(name, `/labels/${encodeURIComponent(label)}`), { method: "PUT", body: { version }, ...(headers && { headers }) });
}

export async function removeLabel(api: Api, name: string, label: string, etag: string): Promise<void> {
  await api.send(path(name, `/labels/${encodeURIComponent(label)}`), { method: "DELETE", headers: { "If-Match": etag } });
}

export function diffOf(api: Api, name: string, from: string | undefined, to: string | undefined): Promise<PromptDiff> {
  return api.json(path(name, `/diff${query({ from, to })}`));
}

export function usesOf(api: Api, name: string): Promise<Use[]> {
  return allPages((continuation) => api.json<Page<Use>>(path(name, `/uses${query({ limit: 200, continuation })}`)));
}

export function tryPrompt(api: Api, name: string, request: TryRequest): Promise<Trial> {
  return api.json(path(name, "/try"), { method: "POST", body: request });
}
