import { useCallback } from "react";

import { ApprovalCard, cardId } from "../approvals/ApprovalCard";
import { approvalOf } from "../approvals/fromLog";
import { usePending } from "../approvals/pending";
import type { Json } from "../api/types";
import type { Asked } from "../log/view";
import { useSession } from "../session";
import { useLoad } from "../ui/hooks";

interface Props {
  execution: string;
  asked: Asked;
  /** An answer would still count. */
  open: boolean;
}

/** A question at its place in the transcript. */
export function AskedCard({ execution, asked, open }: Props) {
  if (asked.artifact === null) return <Card execution={execution} asked={asked} open={open} value={asked.value} />;
  return <Loaded execution={execution} asked={asked} open={open} artifact={asked.artifact} />;
}

function Loaded({ artifact, ...props }: Props & { artifact: string }) {
  const { api } = useSession();
  const { execution } = props;
  const load = useCallback(() => api.artifact(execution, artifact), [api, execution, artifact]);
  const { value, error } = useLoad(load);
  if (value === undefined) return <p className="muted">{error?.message ?? "Loading …"}</p>;
  return <Card {...props} value={value} />;
}

function Card({ execution, asked, open, value }: Props & { value: Json }) {
  const record = usePending().approvals?.find(({ id }) => id === asked.id);
  const approval = approvalOf(execution, asked, { value, open, record });
  // The button that had the focus goes.
  return <ApprovalCard approval={approval} within onDecided={() => document.getElementById(cardId(asked.id))?.focus()} />;
}
