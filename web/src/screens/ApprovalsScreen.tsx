import { useRef, useState } from "react";

import { ApprovalCard } from "../approvals/ApprovalCard";
import { usePending } from "../approvals/pending";
import { decided } from "../approvals/words";
import { plural } from "../ui/format";
import { useTitle } from "../ui/hooks";
import { Announcement, ErrorNotice, Loading } from "../ui/parts";
import { NoApprovals } from "./empty";

/** Every question that waits for an answer, the soonest deadline first. */
export function ApprovalsScreen() {
  useTitle("Approvals");
  const { approvals, hasMore, showMore, error, reload } = usePending();
  const [said, setSaid] = useState("");
  const heading = useRef<HTMLHeadingElement>(null);
  const told = approvals === undefined ? "" : `${plural(approvals.length, "question waits", "questions wait")}.`;
  // The card that had the focus will be gone.
  const onDecided = (decision: string): void => {
    setSaid(decided(decision));
    heading.current?.focus();
  };
  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        Approvals
      </h1>
      <Announcement>{`${said}${said && ". "}${told}`}</Announcement>
      {error && <ErrorNotice error={error} retry={reload} />}
      {approvals === undefined && !error && <Loading what="approvals" />}
      {approvals?.length === 0 && <NoApprovals />}
      <ul className="approvals">
        {[...(approvals ?? [])].sort(bySoonest).map((approval) => (
          <li key={approval.id}>
            <ApprovalCard approval={approval} onDecided={onDecided} />
          </li>
        ))}
      </ul>
      {hasMore && (
        <button type="button" className="button more" onClick={showMore}>
          Show more
        </button>
      )}
    </>
  );
}

/** Those without a deadline come last. */
function bySoonest(left: { deadline: string | null }, right: { deadline: string | null }): number {
  const time = (deadline: string | null): number => (deadline === null ? Infinity : Date.parse(deadline));
  return time(left.deadline) === time(right.deadline) ? 0 : time(left.deadline) - time(right.deadline);
}
