import { useId, useState } from "react";

import type { Amounts, Reached } from "../api/types";
import { useSession } from "../session";
import { asError } from "../ui/hooks";
import { ErrorNotice } from "../ui/parts";
import { type BudgetPart, partsOf, raisedTo, suggestionFor } from "./budget";

interface Props {
  execution: string;
  reached: Reached;
}

/** A budget that keeps the execution from going on: how it stands, and how much more it may be. */
export function BudgetCard({ execution, reached }: Props) {
  const id = useId();
  const { path = "", budget, period } = reached;
  const of = budget !== undefined ? `The budget ${budget}` : path === "" ? "The execution’s budget" : `The budget of ${path}`;
  return (
    <section className="budget card" aria-labelledby={id}>
      <h2 id={id}>
        <span className="approval-icon" aria-hidden="true">
          $
        </span>{" "}
        {of} is used up{period !== undefined && ` for ${period}`}:{" "}
        {reached.what}
      </h2>
      <Standing parts={partsOf(reached)} />
      {budget === undefined ? <Raise execution={execution} path={path} reached={reached} /> : <OfTenant budget={budget} />}
    </section>
  );
}

/** What is spent and reserved of each cap, as a bar and in numbers. */
export function Standing({ parts }: { parts: readonly BudgetPart[] }) {
  return (
    <ul className="budget-parts">
      {parts.map(({ key, label, cap, spent, reserved, show }) => (
        <li key={key}>
          <span className="budget-bar" aria-hidden="true">
            <i style={{ width: `${Math.min(100, (100 * spent) / cap)}%` }} />
            <i className="budget-reserved" style={{ width: `${Math.min(100, (100 * reserved) / cap)}%` }} />
          </span>
          <span>
            <b>{show(spent)}</b> of {[show(cap), label].filter(Boolean).join(" ")} spent{reserved > 0 && `, ${show(reserved)} reserved by calls under way`}
          </span>
        </li>
      ))}
    </ul>
  );
}

function OfTenant({ budget }: { budget: string }) {
  return (
    <p className="muted">
      It is the tenant’s. Raised by an admin (<code>meta-agents budget set {budget} …</code>), or with a new period, this goes on by itself.
    </p>
  );
}

function Raise({ execution, path, reached }: { execution: string; path: string; reached: Reached }) {
  const { api, me } = useSession();
  const parts = partsOf(reached);
  const [texts, setTexts] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const id = useId();
  if (!me.roles.some((role) => role === "operator" || role === "admin")) {
    return <p className="muted">An operator may raise it; you are {me.roles.join(", ") || "none"}.</p>;
  }
  const textOf = (part: BudgetPart): string => texts[part.key] ?? suggestionFor(part);
  const { to, mistakes } = raisedTo(parts, textOf);
  const raise = async (amounts: Amounts): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setError(undefined);
    try {
      await api.raise(execution, path, amounts);
    } catch (reason) {
      setError(asError(reason));
    }
    setBusy(false);
  };
  return (
    <form
      className="budget-raise"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (to !== undefined) void raise(to);
      }}
    >
      {parts.map((part) => (
        <div key={part.key} className="field">
          <label htmlFor={`${id}-${part.key}`}>{part.field}</label>
          <input
            id={`${id}-${part.key}`}
            inputMode="decimal"
            value={textOf(part)}
            aria-invalid={mistakes[part.key] !== undefined}
            aria-describedby={`${id}-${part.key}-error`}
            onChange={(event) => setTexts({ ...texts, [part.key]: event.target.value })}
          />
          <p id={`${id}-${part.key}-error`} className="field-error">
            {mistakes[part.key]}
          </p>
        </div>
      ))}
      <button type="submit" className="button button-primary" aria-disabled={busy || to === undefined}>
        {busy ? "Raising …" : "Raise and go on"}
      </button>
      {error && <ErrorNotice error={error} />}
    </form>
  );
}
