import { createContext, useCallback, useContext, useEffect, useMemo, useState } from "react";

import type { Approval } from "../api/types";
import { useSession } from "../session";
import { asError } from "../ui/hooks";

/** Milliseconds until the questions are asked for again. */
const REFRESH = 10_000;

export interface Pending {
  /** Undefined until the first answer. */
  approvals: readonly Approval[] | undefined;
  hasMore: boolean;
  showMore: () => void;
  /** Why the last read failed; what was read before is still given. */
  error: Error | undefined;
  reload: () => void;
}

export const PendingContext = createContext<Pending | undefined>(undefined);

/** The questions that wait for an answer, whichever screen is shown. */
export function usePending(): Pending {
  const pending = useContext(PendingContext);
  if (pending === undefined) throw new Error("Questions are read only for those signed in.");
  return pending;
}

/** Reads them again and again, but not while nobody looks. */
export function PendingProvider({ children }: { children: React.ReactNode }) {
  const { api } = useSession();
  const [pages, setPages] = useState(1);
  const [round, setRound] = useState(0);
  const [state, setState] = useState<Pick<Pending, "approvals" | "hasMore" | "error">>({
    approvals: undefined,
    hasMore: false,
    error: undefined,
  });
  useEffect(() => {
    let current = true;
    let timer: ReturnType<typeof setTimeout>;
    const read = async (): Promise<void> => {
      const approvals: Approval[] = [];
      let continuation: string | null = null;
      for (let page = 0; page < pages; page += 1) {
        const answer = await api.pendingApprovals(continuation);
        approvals.push(...answer.items);
        continuation = answer.continuation;
        if (continuation === null) break;
      }
      if (current) setState({ approvals, hasMore: continuation !== null, error: undefined });
    };
    const refresh = async (): Promise<void> => {
      if (!document.hidden) {
        await read().catch((error: unknown) => {
          if (current) setState((old) => ({ ...old, error: asError(error) }));
        });
      }
      if (current) timer = setTimeout(() => void refresh(), REFRESH);
    };
    void refresh();
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [api, pages, round]);
  const reload = useCallback(() => setRound((old) => old + 1), []);
  const showMore = useCallback(() => setPages((old) => old + 1), []);
  const pending = useMemo(() => ({ ...state, showMore, reload }), [state, showMore, reload]);
  return <PendingContext value={pending}>{children}</PendingContext>;
}
