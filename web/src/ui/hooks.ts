import { useCallback, useEffect, useState } from "react";

/** The time, renewed while `running`: what grows with time grows smoothly, whatever the events do. */
export function useNow(running: boolean, interval = 500): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!running) return undefined;
    const timer = setInterval(() => setNow(Date.now()), interval);
    return () => clearInterval(timer);
  }, [running, interval]);
  return now;
}

interface Loaded<Value> {
  value: Value | undefined;
  error: Error | undefined;
}

/** Loads once, and again when `load` changes. Give it a function from `useCallback`. */
export function useLoad<Value>(load: () => Promise<Value>): Loaded<Value> & { reload: () => void } {
  const [round, setRound] = useState(0);
  const [state, setState] = useState<Loaded<Value>>({ value: undefined, error: undefined });
  useEffect(() => {
    let current = true;
    load().then(
      (value) => current && setState({ value, error: undefined }),
      (error: unknown) => current && setState((old) => ({ ...old, error: asError(error) })),
    );
    return () => {
      current = false;
    };
  }, [load, round]);
  const reload = useCallback(() => setRound((old) => old + 1), []);
  return { ...state, reload };
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** The document's title while this screen is shown. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Meta-Agents`;
  }, [title]);
}

interface Action {
  busy: boolean;
  error: Error | undefined;
  /** Does it, one at a time; tells whether it succeeded. */
  run: (action: () => Promise<unknown>) => Promise<boolean>;
}

/** Something that a button does, and why it failed. */
export function useAction(): Action {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const run = async (action: () => Promise<unknown>): Promise<boolean> => {
    if (busy) return false;
    setBusy(true);
    setError(undefined);
    try {
      await action();
      return true;
    } catch (reason) {
      setError(asError(reason));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, run };
}

/** All pages of a list. */
export async function allPages<Item>(page: (continuation: string | null) => Promise<{ items: Item[]; continuation?: string | null }>): Promise<Item[]> {
  const found: Item[] = [];
  let continuation: string | null = null;
  do {
    const read = await page(continuation);
    found.push(...read.items);
    continuation = read.continuation ?? null;
  } while (continuation !== null);
  return found;
}
