/** What happens between the turns, in one line each. */
import { useState } from "react";

import type { Json } from "../api/types";
import { parentPath } from "../log/paths";
import type { Call, ChatEnd, NoteEvent, Step } from "../log/view";
import { clock, duration, elapsed, plural, stopReason } from "../ui/format";
import { useNow } from "../ui/hooks";
import { Avatar } from "../ui/parts";
import { Payload } from "./Payload";
import { SignalDialog } from "./SignalDialog";
import { evidenceText, waitedWords, waitWords } from "./words";

export function Divider({ children }: { children: React.ReactNode }) {
  return (
    <div className="divider">
      <span>{children}</span>
    </div>
  );
}

function Evidence({ evidence }: { evidence: Json }) {
  const text = evidenceText(evidence);
  return text === "" ? null : <q className="evidence">{text}</q>;
}

export function ChatEnded({ step, end }: { step: string; end: ChatEnd }) {
  return (
    <Divider>
      <code>{step}</code> ended after {plural(end.turns, "turn")}: {stopReason(end.stopReason)}
      <Evidence evidence={end.evidence} />
    </Divider>
  );
}

/** Why a loop, a handoff or a join was over. */
export function StepEnded({ step: { path, round, end } }: { step: Step }) {
  if (end === undefined) return null;
  return (
    <Divider>
      <code>{path}</code> ended{round !== undefined && ` after ${plural(round, "round")}`}: {stopReason(end.stopReason)}
      <Evidence evidence={end.evidence} />
    </Divider>
  );
}

export function StepSkipped({ step: { path, reason } }: { step: Step }) {
  return (
    <Divider>
      <code>{path}</code> was skipped: {reason}
    </Divider>
  );
}

/** What a fork gives instead of running the step. */
export function StepGiven({ execution, step: { path, output, outputArtifact } }: { execution: string; step: Step }) {
  return (
    <div className="summed-up">
      <Divider>
        <code>{path}</code> was not run: this fork gives its output
      </Divider>
      <Payload execution={execution} value={output} artifact={outputArtifact} />
    </div>
  );
}

export function StepCanceled({ step: { path, reason } }: { step: Step }) {
  return (
    <Divider>
      <code>{path}</code> was canceled: {reason}
    </Divider>
  );
}

/** What a step waits for and until when; afterwards how long it was. */
export function Waited({ execution, step, over }: { execution: string; step: Step; over: boolean }) {
  const { path, wait, state, ended } = step;
  const waiting = state === "waiting" && !over;
  const now = useNow(waiting);
  const [sending, setSending] = useState(false);
  if (wait === undefined) return null;
  if (!waiting) {
    return (
      <Divider>
        <code>{path}</code> {waitedWords(wait)}
        {ended !== undefined && ` for ${duration(elapsed(wait.since, ended, now))}`}
      </Divider>
    );
  }
  return (
    <div className="wait">
      <span className="step-icon step-icon-waiting" aria-hidden="true">
        …
      </span>
      <p>
        <code>{path}</code> {waitWords(wait, now)}
      </p>
      {wait.for === "event" && wait.event !== undefined && (
        <button type="button" className="button" onClick={() => setSending(true)}>
          Send it
        </button>
      )}
      {sending && <SignalDialog execution={execution} name={wait.event ?? ""} onClose={() => setSending(false)} />}
    </div>
  );
}

/** `call`: the one that wrote what the event tells of. */
export function Note({ execution, event, call }: { execution: string; event: NoteEvent; call: Call | undefined }) {
  const { step, time } = event;
  switch (event.type) {
    case "handoff.passed":
      return (
        <Divider>
          <Avatar name={event.agent ?? "?"} small /> <b>{event.agent}</b> passed the conversation to{" "}
          <Avatar name={event.data.to} small /> <b>{event.data.to}</b>
          {event.data.reason !== "" && <q className="evidence">{event.data.reason}</q>}
        </Divider>
      );
    case "loop.round":
      return (
        <Divider>
          <code>{parentPath(step ?? "")}</code>, round {event.data.round}
        </Divider>
      );
    case "chat.judged":
      return (
        <Divider>
          <Avatar name={event.agent ?? "?"} small /> <b>{event.agent}</b> {event.data.settled ? "finds it settled" : "does not find it settled"}
          {event.data.reason !== "" && <q className="evidence">{event.data.reason}</q>}
        </Divider>
      );
    case "chat.summarised":
      return (
        <div className="summed-up">
          <Divider>
            <Avatar name={event.agent ?? "?"} small /> <b>{event.agent}</b> summed up turns {event.data.covers?.join(" to ")} for those
            who come later
          </Divider>
          {call && (
            <details>
              <summary>Summary</summary>
              <Payload execution={execution} value={call.value} artifact={call.artifact} />
            </details>
          )}
        </div>
      );
    case "signal.received":
      return (
        <div className="summed-up">
          <Divider>
            The event “{event.data.name}” came {by(event.data.by)} at {clock(time)}
          </Divider>
          {(event.value !== null || event.artifact !== null) && (
            <details>
              <summary>What came with it</summary>
              <Payload execution={execution} value={event.value} artifact={event.artifact} />
            </details>
          )}
        </div>
      );
    case "budget.reached":
      return (
        <Divider>
          $ {whose(event.data)} is used up: {event.data.what}
        </Divider>
      );
    case "budget.raised":
      return (
        <Divider>
          $ {whose(event.data)} was raised {by(event.data.by)} to{" "}
          {Object.entries(event.data.to)
            .map(([part, amount]) => `${String(amount)} ${part.replace("_", " ")}`)
            .join(", ")}
        </Divider>
      );
    case "execution.paused":
      return <Divider>‖ Paused {by(event.data.by)} at {clock(time)}</Divider>;
    case "execution.resumed":
      return <Divider>▸ Resumed {by(event.data.by)} at {clock(time)}</Divider>;
    case "execution.cancel_requested":
      return <Divider>■ Cancel was asked for {by(event.data.by)} at {clock(time)}</Divider>;
  }
}

function whose({ budget, path }: { budget?: string; path?: string }): string {
  if (budget) return `The budget ${budget}`;
  return path ? `The budget of ${path}` : "The execution’s budget";
}

function by(name: string | null | undefined): string {
  return name ? `by ${name}` : "";
}
