import { useCallback } from "react";

import { ApprovalCard } from "../approvals/ApprovalCard";
import { approvalOf } from "../approvals/fromLog";
import { usePending } from "../approvals/pending";
import { decided } from "../approvals/words";
import type { Json } from "../api/types";
import type { Asked, Choice, Decided } from "../log/view";
import { useSession } from "../session";
import { clock, moment } from "../ui/format";
import { useLoad } from "../ui/hooks";
import { agentStyle, Avatar } from "../ui/parts";
import { ForkButton } from "./Fork";
import { WhyChip } from "./callParts";

interface Props {
  execution: string;
  asked: Asked;
  /** An answer would still count. */
  open: boolean;
  /** Why it is this human's turn, in a chat. */
  choice: Choice | undefined;
}

/** A question at its place in the transcript. */
export function AskedCard(props: Props) {
  const { id, kind, decision, artifact, value } = props.asked;
  return (
    <div id={askedId(id)} tabIndex={-1}>
      {kind === "turn" && decision !== undefined ? (
        <HumanTurn {...props} decision={decision} />
      ) : decision !== undefined && (kind === "tool" || kind === "uncertain") ? (
        <DecidedLine decision={decision} />
      ) : artifact === null ? (
        <Card {...props} value={value} />
      ) : (
        <Loaded {...props} artifact={artifact} />
      )}
    </div>
  );
}

/** The element of a question, for those who want to scroll there. */
export function askedId(approval: string): string {
  return `asked-${approval}`;
}

/** What a human said in a chat, as a turn among the others. */
function HumanTurn({ asked, choice, decision }: Props & { decision: Decided }) {
  const { step, speaker = "A human" } = asked;
  const { by, late, comment } = decision;
  return (
    <article className="turn" style={agentStyle(speaker)} aria-label={`${speaker}, ${step}`}>
      <Avatar name={speaker} />
      <header>
        <span className="turn-agent">{speaker}</span>
        <span className="turn-step">{step.slice(step.lastIndexOf("/") + 1).replace(/\[(\d+)\]$/, " $1")}</span>
        {choice && <WhyChip choice={choice} />}
        {by !== undefined && <span className="chip">a human: {by}</span>}
        <span className="figures">{clock(decision.time)}</span>
        <ForkButton step={step} />
      </header>
      {decision.decision === "say" ? (
        <div className="prose">{comment}</div>
      ) : (
        <p className="muted">{late ? "Said nothing by the deadline." : "Passed."}</p>
      )}
    </article>
  );
}

/** About a tool's call, which says the rest itself. */
function DecidedLine({ decision: { decision, by, comment, time } }: { decision: Decided }) {
  return (
    <p className="tool-note">
      <b>{decided(decision)}</b> {by === undefined ? "because nobody had answered by the deadline" : `by ${by}`} at{" "}
      <span title={moment(time)}>{clock(time)}</span>
      {comment !== "" && (
        <>
          {": "}
          <q className="prose">{comment}</q>
        </>
      )}
    </p>
  );
}

function Loaded({ artifact, ...props }: Props & { artifact: string }) {
  const { api } = useSession();
  const { execution } = props;
  const load = useCallback(() => api.artifact(execution, artifact), [api, execution, artifact]);
  const { value, error } = useLoad(load);
  if (value === undefined) return <p className="muted">{error?.message ?? "Loading …"}</p>;
  return <Card {...props} value={value} />;
}

function Card({ execution, asked, open, value }: Omit<Props, "choice"> & { value: Json }) {
  const record = usePending().approvals?.find(({ id }) => id === asked.id);
  const approval = approvalOf(execution, asked, { value, open, record });
  // The button that had the focus goes.
  return <ApprovalCard approval={approval} within onDecided={() => document.getElementById(askedId(asked.id))?.focus()} />;
}
