import { useEffect, useLayoutEffect, useRef, useState } from "react";

/** Pixels from the end that still count as being there. */
const NEAR = 160;

function isNearEnd(): boolean {
  const { scrollHeight } = document.documentElement;
  return window.innerHeight + window.scrollY >= scrollHeight - NEAR;
}

/** What somebody types in must not move away. */
function isTyping(): boolean {
  return document.activeElement?.matches("textarea, input") ?? false;
}

/** Keeps the window at its end while `content` grows, until the reader scrolls away. Tells whether it is at the end. */
export function useStickToEnd(enabled: boolean, content: unknown): boolean {
  const sticking = useRef(true);
  const [atEnd, setAtEnd] = useState(true);
  useEffect(() => {
    const look = (): void => {
      sticking.current = isNearEnd();
      setAtEnd(sticking.current);
    };
    addEventListener("scroll", look, { passive: true });
    return () => removeEventListener("scroll", look);
  }, []);
  useLayoutEffect(() => {
    if (enabled && sticking.current && !isTyping()) scrollToEnd();
  }, [enabled, content]);
  useEffect(() => {
    if (!enabled) return undefined;
    // What is there already may turn out to be longer: a part of a long list that is drawn, a payload that has come.
    const observer = new ResizeObserver(() => {
      if (sticking.current && !isTyping()) scrollToEnd();
    });
    observer.observe(document.body);
    return () => observer.disconnect();
  }, [enabled]);
  return atEnd;
}

export function scrollToEnd(): void {
  window.scrollTo({ top: document.documentElement.scrollHeight });
}
