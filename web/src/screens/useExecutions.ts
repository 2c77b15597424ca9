import { useEffect, useState } from "react";

import type { Api } from "../api/client";
import { type Execution, isEnded, type Status } from "../api/types";
import { useSession } from "../session";
import { asError } from "../ui/hooks";

/** Milliseconds until the list is read again. */
const REFRESH = { running: 2_000, quiet: 10_000 };

interface Executions {
  executions: Execution[] | undefined;
  hasMore: boolean;
  showMore: () => void;
  /** Why the last read failed; what was read before is still given. */
  error: Error | undefined;
}

/** The newest executions, page by page, read again and again for as long as they are shown. */
export function useExecutions(status: Status | undefined): Executions {
  const { api } = useSession();
  const [pages, setPages] = useState(1);
  const [state, setState] = useState<Omit<Executions, "showMore">>({
    executions: undefined,
    hasMore: false,
    error: undefined,
  });
  useEffect(() => {
    let current = true;
    let timer: ReturnType<typeof setTimeout>;
    const refresh = async (): Promise<void> => {
      let wait = REFRESH.running;
      try {
        const read = await readPages(api, status, pages);
        if (read.executions.every((execution) => isEnded(execution.status))) wait = REFRESH.quiet;
        if (current) setState({ ...read, error: undefined });
      } catch (error) {
        if (current) setState((old) => ({ ...old, error: asError(error) }));
      }
      if (current) timer = setTimeout(() => void refresh(), wait);
    };
    void refresh();
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [api, status, pages]);
  return { ...state, showMore: () => setPages(pages + 1) };
}

async function readPages(api: Api, status: Status | undefined, pages: number) {
  const executions: Execution[] = [];
  let continuation: string | null = null;
  for (let page = 0; page < pages; page += 1) {
    const read = await api.executions({ status }, continuation);
    executions.push(...read.items);
    continuation = read.continuation;
    if (continuation === null) break;
  }
  return { executions, hasMore: continuation !== null };
}
