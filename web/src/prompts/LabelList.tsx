import { useId, useState } from "react";

import { href } from "../router";
import { useSession } from "../session";
import { ago, moment } from "../ui/format";
import { Dialog } from "../ui/Dialog";
import { useAction, useNow } from "../ui/hooks";
import { ErrorNotice } from "../ui/parts";
import { type Label, moveLabel, removeLabel, type Version } from "./api";

interface Props {
  name: string;
  labels: readonly Label[];
  versions: readonly Version[];
  onMoved: () => void;
}

/** Where the labels are. What agents use is changed by moving one, so it is asked about first. */
export function LabelList({ name, labels, versions, onMoved }: Props) {
  const { me } = useSession();
  const [moved, setMoved] = useState<string>();
  const now = useNow(true, 60_000);
  const isAdmin = me.roles.includes("admin");
  const mayMove = isAdmin || me.roles.includes("author");
  const placed = labels.filter(({ version }) => version !== null);
  const close = (): void => setMoved(undefined);
  return (
    <section className="card prompt-labels" aria-labelledby="labels-title">
      <h2 id="labels-title">Labels</h2>
      {placed.length === 0 && (
        <p className="muted">
          None. With one, agents say <code>{name}:production</code>, and what they use is moved here.
        </p>
      )}
      <ul>
        {placed.map((label) => (
          <li key={label.label}>
            <span className="chip chip-label">{label.label}</span>
            <span>
              on <b>{label.version}</b>
            </span>
            <span className="muted" title={moment(label.at)}>
              {label.by}, {ago(label.at, now)}
            </span>
            {(!label.protected || isAdmin) && mayMove ? (
              <button type="button" className="button button-quiet" onClick={() => setMoved(label.label)}>
                Move<span className="visually-hidden"> {label.label}</span>
              </button>
            ) : (
              <span className="label-why">{label.protected ? "Protected: only an admin moves it." : "An author moves it."}</span>
            )}
          </li>
        ))}
      </ul>
      {mayMove && (
        <button type="button" className="button" onClick={() => setMoved("")}>
          Put a label
        </button>
      )}
      {moved !== undefined && (
        <MoveDialog
          name={name}
          label={placed.find(({ label }) => label === moved)}
          versions={versions}
          onClose={close}
          onMoved={() => {
            close();
            onMoved();
          }}
        />
      )}
    </section>
  );
}

interface DialogProps {
  name: string;
  /** Undefined: a new one. */
  label: Label | undefined;
  versions: readonly Version[];
  onClose: () => void;
  onMoved: () => void;
}

function MoveDialog({ name, label, versions, onClose, onMoved }: DialogProps) {
  const id = useId();
  const { api } = useSession();
  const { busy, error, run } = useAction();
  const [text, setText] = useState("");
  const [to, setTo] = useState(versions.find(({ version }) => version !== label?.version)?.version ?? 1);
  const called = label?.label ?? text.trim();
  const move = async (): Promise<void> => {
    if (await run(() => moveLabel(api, name, called, to, label?.etag))) onMoved();
  };
  const remove = async (): Promise<void> => {
    if (label && (await run(() => removeLabel(api, name, label.label, label.etag)))) onMoved();
  };
  return (
    <Dialog title={label ? `Move ${label.label}` : "Put a label"} onClose={onClose}>
      <form
        className="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          if (called !== "") void move();
        }}
      >
        {label === undefined && (
          <div className="field">
            <label htmlFor={`${id}-label`}>Label</label>
            <input id={`${id}-label`} value={text} placeholder="production" onChange={(event) => setText(event.target.value)} />
            <p className="hint">Lower-case letters, digits and hyphens.</p>
          </div>
        )}
        <div className="field">
          <label htmlFor={`${id}-to`}>Version</label>
          <select id={`${id}-to`} value={to} onChange={(event) => setTo(Number(event.target.value))}>
            {versions.map(({ version, updated }) => (
              <option key={version} value={version}>
                {version} ({moment(updated)}){version === label?.version ? ", where it is" : ""}
              </option>
            ))}
          </select>
        </div>
        <p>
          Executions that are started from now on use version {to} where agents say <code>{`${name}:${called || "…"}`}</code>. Those that have
          begun keep what they have.
          {label?.version != null && label.version !== to && (
            <>
              {" "}
              <a href={href(["prompts", name], { view: "changes", from: String(label.version), to: String(to) })} onClick={onClose}>
                What changes for them?
              </a>
            </>
          )}
        </p>
        {error && <ErrorNotice error={error} />}
        <div className="form-actions">
          <button type="submit" className="button button-primary" aria-disabled={busy || called === ""}>
            {label ? `Move it to ${to}` : `Put it on ${to}`}
          </button>
          {label && (
            <button type="button" className="button" aria-disabled={busy} onClick={() => void remove()}>
              Take it away
            </button>
          )}
          <button type="button" className="button" onClick={onClose}>
            Leave it
          </button>
        </div>
      </form>
    </Dialog>
  );
}
