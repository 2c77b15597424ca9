import { useCallback, useEffect, useReducer, useState } from "react";

import type { ApiError } from "../api/client";
import type { Delta, Event, Execution } from "../api/types";
import { serverSentEvents, signalR } from "../log/channels";
import { follow, type FollowState } from "../log/follow";
import { applyDelta, applyEvents } from "../log/reducer";
import { EMPTY_VIEW, type ExecutionView } from "../log/view";
import { useSession } from "../session";
import { useLoad } from "../ui/hooks";

interface Followed {
  view: ExecutionView;
  state: FollowState;
  /** The stored record: what the log does not tell, such as which execution this one retries. */
  record: Execution | undefined;
  refused: ApiError | undefined;
}

type Told = { events: readonly Event[] } | { delta: Delta };

function reduce(view: ExecutionView, told: readonly Told[]): ExecutionView {
  const take = (before: ExecutionView, each: Told): ExecutionView =>
    "events" in each ? applyEvents(before, each.events) : applyDelta(before, each.delta);
  return told.reduce(take, view);
}

/** Milliseconds in which what comes is gathered, to be drawn at once. */
const GATHER = 40;

/** An execution, live for as long as it is shown. */
export function useExecution(id: string): Followed {
  const { api, me } = useSession();
  const [view, dispatch] = useReducer(reduce, EMPTY_VIEW);
  const [state, setState] = useState<FollowState>("connecting");
  const [refused, setRefused] = useState<ApiError>();
  const { value: record, reload } = useLoad(useCallback(() => api.execution(id), [api, id]));
  useEffect(() => {
    let gathered: Told[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const draw = (): void => {
      dispatch(gathered);
      gathered = [];
      timer = undefined;
    };
    const take = (told: Told): void => {
      gathered.push(told);
      timer ??= setTimeout(draw, GATHER);
    };
    const source = {
      page: (after: number, signal: AbortSignal) => api.events(id, after, signal),
      channels: [signalR(api, id, me.tenant), serverSentEvents(api, id)],
    };
    const stop = follow(source, {
      events: (events) => take({ events }),
      delta: (delta) => take({ delta }),
      refused: setRefused,
      state: (next) => {
        setState(next);
        // It may have been out of reach until now, or be of before the end.
        if (next === "live" || next === "ended") reload();
      },
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [api, id, me.tenant, reload]);
  return { view, state, record, refused };
}
