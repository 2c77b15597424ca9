/** What the log tells of steps. */
import { type Draft, enter, type EventOf } from "./draft";
import type { Step, Wait } from "./view";

type StepEvent = EventOf<
  "step.started" | "step.completed" | "step.failed" | "step.skipped" | "step.canceled" | "step.waiting"
>;

/** A step at its first sign of life. */
export function newStep(path: string, started: string): Step {
  return {
    path,
    kind: undefined,
    state: "running",
    started,
    ended: undefined,
    reason: undefined,
    error: undefined,
    wait: undefined,
    round: undefined,
    end: undefined,
    given: false,
    output: null,
    outputArtifact: null,
  };
}

export function applyStep(draft: Draft, event: StepEvent): void {
  const path = event.step ?? "";
  const known = draft.steps[path] ?? newStep(path, event.time);
  const over = { ...known, ended: event.time, reason: undefined, error: undefined };
  switch (event.type) {
    case "step.started":
      draft.steps[path] = { ...over, kind: event.data.kind, state: "running", ended: undefined };
      return;
    case "step.completed":
      complete(draft, over, event);
      return;
    case "step.failed":
      draft.steps[path] = { ...over, state: "failed", error: event.data.error };
      enter(draft, path, { kind: "step-failed", step: path, error: event.data.error });
      return;
    case "step.skipped":
      draft.steps[path] = { ...over, state: "skipped", reason: event.data.reason };
      enter(draft, path, { kind: "step-skipped", step: path });
      return;
    case "step.canceled":
      draft.steps[path] = { ...over, state: "canceled", reason: event.data.reason };
      // When all of it is canceled, that is told once.
      if (draft.request?.type !== "cancel_requested") enter(draft, path, { kind: "step-canceled", step: path });
      return;
    case "step.waiting":
      wait(draft, known, event);
      return;
  }
}

/** With what it gave; of one that was not run that is what the fork gives. */
function complete(draft: Draft, step: Step, event: EventOf<"step.completed">): void {
  const given = draft.given[step.path];
  const { value, artifact } = given ?? event;
  draft.steps[step.path] = { ...step, state: "completed", output: value, outputArtifact: artifact, given: given !== undefined };
  if (given !== undefined) enter(draft, step.path, { kind: "step-given", step: step.path });
  noteEnd(draft, step.path, event);
}

/** What a fork was given stands at the beginning of its log. */
export function give(draft: Draft, { id, step, value, artifact }: EventOf<"step.evaluated">): void {
  if (step !== null && id === `fork:${step}`) draft.given[step] = { value, artifact };
}

/** The event is of the round; which one it is, the loop knows. */
export function startRound(draft: Draft, event: EventOf<"loop.round">): void {
  const round = event.step ?? "";
  const path = round.replace(/\/round\[\d+\]$/, "");
  draft.steps[path] = { ...(draft.steps[path] ?? newStep(path, event.time)), round: event.data.round };
  enter(draft, round, { kind: "note", event });
}

/** Why it stopped; that of a chat is an event of its own, and that all was done is no news. */
function noteEnd(draft: Draft, path: string, { data }: EventOf<"step.completed">): void {
  const step = draft.steps[path];
  if (step === undefined || data.stop_reason === undefined || data.stop_reason === "finished") return;
  if (path in draft.chats) return;
  draft.steps[path] = { ...step, end: { stopReason: data.stop_reason, evidence: data.evidence ?? null } };
  enter(draft, path, { kind: "step-ended", step: path });
}

function wait(draft: Draft, step: Step, { time, data }: EventOf<"step.waiting">): void {
  const isTold = step.wait !== undefined && isEntry(step.wait.for);
  const { until, event } = data;
  const waits = { for: data.for, until: until ?? undefined, event: event ?? undefined, since: time };
  draft.steps[step.path] = waiting(step, waits);
  if (!isTold && isEntry(data.for)) enter(draft, step.path, { kind: "wait", step: step.path });
}

/** It asks a human, and waits. */
export function waitForHuman(draft: Draft, path: string, since: string, until: string | undefined): void {
  const step = draft.steps[path] ?? newStep(path, since);
  draft.steps[path] = waiting(step, { for: "approval", until, event: undefined, since });
}

/** One that has failed is not over while a human is asked what to do about it. */
function waiting(step: Step, wait: Wait): Step {
  return { ...step, state: "waiting", ended: undefined, wait };
}

/** A question, and a pause, are told by themselves. */
function isEntry(what: string): boolean {
  return what !== "approval" && what !== "resume";
}

/** It waits no longer. */
export function goOn(draft: Draft, path: string | null): void {
  const step = draft.steps[path ?? ""];
  if (step?.state === "waiting") draft.steps[step.path] = { ...step, state: "running" };
}

/** Those that waited for the execution to be resumed do no longer. */
export function resumeAll(draft: Draft): void {
  for (const step of Object.values(draft.steps)) if (step.wait?.for === "resume") goOn(draft, step.path);
}

/** A tool call that a human would not have made. */
export function notMade(draft: Draft, path: string, time: string): void {
  const step = draft.steps[path];
  if (step !== undefined) draft.steps[path] = { ...step, state: "skipped", ended: time };
}
