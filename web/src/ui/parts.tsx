/** Small parts that several screens show. */
import { useEffect, useState } from "react";

import { ApiError, Unreachable } from "../api/client";
import type { FieldError, Problem, Status } from "../api/types";

export function StatusBadge({ status }: { status: Status }) {
  return <span className={`badge badge-${status}`}>{status}</span>;
}

/** A colour that stays with a name: the hue of its hash, spread around the wheel. */
export function hueOf(name: string): number {
  let hash = 0;
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  // The golden angle keeps names whose hashes are near each other apart.
  return Math.round((hash * 137.508) % 360);
}

export function initialsOf(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const letters = words.length > 1 ? words.slice(0, 2).map((word) => word[0]) : Array.from(words[0] ?? "?").slice(0, 2);
  return letters.join("").toUpperCase();
}

export function agentStyle(name: string): React.CSSProperties {
  return { "--hue": hueOf(name) } as React.CSSProperties;
}

export function Avatar({ name, small = false }: { name: string; small?: boolean }) {
  return (
    <span className={`avatar${small ? " avatar-small" : ""}`} style={agentStyle(name)} aria-hidden="true">
      {initialsOf(name)}
    </span>
  );
}

/** `text` may be made when it is asked for, where making it is much work. */
export function CopyButton({ text, label = "Copy" }: { text: string | (() => string); label?: string }) {
  const [outcome, setOutcome] = useState<string>();
  useEffect(() => {
    if (outcome === undefined) return undefined;
    const timer = setTimeout(() => setOutcome(undefined), 1600);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(typeof text === "string" ? text : text());
      setOutcome("Copied");
    } catch {
      // Browsers keep the clipboard from pages that are not served securely, and people may refuse it.
      setOutcome("The browser does not allow it");
    }
  };
  return (
    <button type="button" className="button button-quiet" onClick={copy}>
      <span aria-live="polite">{outcome ?? label}</span>
    </button>
  );
}

interface NoticeProps {
  title: string;
  action?: string | undefined;
  code?: string | undefined;
  details?: readonly FieldError[] | undefined;
  children?: React.ReactNode;
}

/** A failure as what happened, why, and what to do. */
export function Notice({ title, action, code, details = [], children }: NoticeProps) {
  return (
    <div className="notice" role="alert">
      <p className="notice-title">
        {title} {code !== undefined && <code className="notice-code">{code}</code>}
      </p>
      {details.length > 0 && (
        <ul>
          {details.map(({ pointer, message }) => (
            <li key={pointer + message}>
              {pointer !== "" && <code>{pointer}</code>} {message}
            </li>
          ))}
        </ul>
      )}
      {action !== undefined && action !== "" && <p className="notice-action">{action}</p>}
      {children}
    </div>
  );
}

const FAULTS: Readonly<Record<string, string>> = {
  author: "the definition",
  model: "the model",
  tool: "a tool",
  platform: "the platform",
  caller: "the request",
};

export function ProblemNotice({ problem, what }: { problem: Problem; what?: string }) {
  const title = what === undefined ? problem.message : `${what} failed: ${problem.message}`;
  return (
    <Notice title={title} action={problem.action} code={problem.code} details={problem.details}>
      <p className="muted">Cause: {FAULTS[problem.fault] ?? problem.fault}.</p>
    </Notice>
  );
}

export function ErrorNotice({ error, retry }: { error: Error; retry?: () => void }) {
  const again = retry && (
    <button type="button" className="button" onClick={retry}>
      Try again
    </button>
  );
  if (error instanceof ApiError) {
    return (
      <Notice title={error.message} action={error.action} code={error.code} details={error.errors}>
        {again}
      </Notice>
    );
  }
  const action = error instanceof Unreachable ? "Is the host running? `make start` starts it." : undefined;
  return (
    <Notice title={error.message} action={action}>
      {again}
    </Notice>
  );
}

/** Text for screen readers alone, spoken when it changes. */
export function Announcement({ children }: { children: React.ReactNode }) {
  return (
    <div role="status" className="visually-hidden">
      {children}
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <p className="loading" role="status">
      Loading {what} …
    </p>
  );
}
