/** What a fork may begin from and change, and the request for it. */
import { type Api, ApiError } from "../api/client";
import type { Agent, ForkRequest, Json } from "../api/types";
import { readJson } from "../form/json";
import type { Call, ExecutionView, Recorded } from "../log/view";

/** What was typed into the dialog; undefined is left as it is. */
export interface Edits {
  input?: string | undefined;
  output?: string | undefined;
  agent?: { reference: string; definition: Agent; instructions: string } | undefined;
}

/** The agents who took part, those of the step first; of one with several versions, one. */
export function agentsIn(view: ExecutionView, step: string): string[] {
  const calls = Object.values(view.calls).filter(({ tool, agent }) => tool === undefined && agent !== "");
  const near = calls.filter((call) => call.step === step || call.step.startsWith(`${step}/`));
  const found = new Map<string, string>();
  for (const { agent } of [...near, ...calls]) if (!found.has(nameOf(agent))) found.set(nameOf(agent), agent);
  return [...found.values()];
}

/** `writer@3` is a version of `writer`. */
function nameOf(reference: string): string {
  return reference.split("@")[0] ?? reference;
}

/** The agent as the execution has pinned it; as it is stored now, where the execution is too large to be asked. */
export async function definitionOf(
  api: Api,
  execution: string,
  reference: string,
): Promise<{ definition: Agent; whence: string }> {
  const plan = await api.plan(execution).catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 413) return undefined;
    throw error;
  });
  const pinned = plan?.agents[reference];
  if (plan && pinned) {
    return { definition: pinned, whence: `As this execution has it, version ${plan.agent_versions[reference] ?? "?"}.` };
  }
  const { definition, version } = await api.agent(reference);
  return { definition, whence: `As it is stored now, version ${version}: this execution is too large to be asked.` };
}

/** What the step gave, as far as the log has it whole. */
export function outputOf(view: ExecutionView, step: string): Recorded | undefined {
  const known = view.steps[step];
  if (known && (known.output !== null || known.outputArtifact !== null)) {
    return { value: known.output, artifact: known.outputArtifact };
  }
  const isOfStep = (call: Call): boolean => call.step === step && call.role === undefined && call.state === "completed";
  const call = Object.values(view.calls).findLast(isOfStep);
  return call && { value: call.value, artifact: call.artifact };
}

/** Text is edited as text, everything else as JSON. */
export function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

export type Made = { request: ForkRequest; errors: null } | { request: null; errors: { input?: string; output?: string } };

/** The request, or what keeps it from being one. `asText`: the output is text, and what was typed is it. */
export function requestOf(step: string, edits: Edits, asText: boolean): Made {
  const request: ForkRequest = { before: step };
  const errors: { input?: string; output?: string } = {};
  if (edits.input !== undefined) {
    const { value, error } = readJson(edits.input);
    if (error === undefined) request.input = value;
    else errors.input = error;
  }
  if (edits.output !== undefined) {
    const { value, error } = asText ? { value: edits.output, error: undefined } : readJson(edits.output);
    if (error === undefined) request.outputs = { [step]: value };
    else errors.output = error;
  }
  if (edits.agent !== undefined) {
    const { reference, definition, instructions } = edits.agent;
    request.agents = { [nameOf(reference)]: { ...definition, instructions } };
  }
  return Object.keys(errors).length > 0 ? { request: null, errors } : { request, errors: null };
}
