import { useCallback, useEffect, useState } from "react";

import { ApiError } from "../api/client";
import { href } from "../router";
import { useSession } from "../session";
import { ago, moment, plural } from "../ui/format";
import { Dialog } from "../ui/Dialog";
import { useAction, useLoad, useNow, useTitle } from "../ui/hooks";
import { Announcement, ErrorNotice, Loading } from "../ui/parts";
import { contentOf, documentsOf, type LibraryDocument, removeDocument } from "./api";
import { DropZone } from "./DropZone";
import { size } from "./naming";
import { Search } from "./Search";

/** Milliseconds until the documents are looked at again, while some are being indexed. */
const REFRESH = 2_000;

/** One collection: searched, filled and emptied. */
export function CollectionScreen({ name, query }: { name: string; query: URLSearchParams }) {
  useTitle(`Library ${name}`);
  const { api } = useSession();
  const load = useCallback(
    () =>
      documentsOf(api, name).catch((error: unknown) => {
        // It is there with its first document.
        if (error instanceof ApiError && error.status === 404) return [];
        throw error;
      }),
    [api, name],
  );
  const { value: documents, error, reload } = useLoad(load);
  const indexing = (documents ?? []).filter(({ status }) => status === "indexing" || status === "deleting").length;
  useEffect(() => {
    if (indexing === 0) return undefined;
    const timer = setInterval(reload, REFRESH);
    return () => clearInterval(timer);
  }, [indexing, reload]);
  const isReady = (documents ?? []).some(({ passages }) => passages > 0);
  return (
    <>
      <p className="crumbs">
        <a href={href(["library"])}>← Library</a>
      </p>
      <h1>{name}</h1>
      {error && <ErrorNotice error={error} retry={reload} />}
      {documents === undefined && !error && <Loading what="the documents" />}
      {isReady && <Search key={name} collection={name} query={query} />}
      {documents && (
        <>
          <div className="title-row">
            <h2>{documents.length === 0 ? "No document yet" : plural(documents.length, "document")}</h2>
          </div>
          <Announcement>{indexing === 0 ? "" : `${plural(indexing, "document is", "documents are")} being indexed.`}</Announcement>
          <DropZone collection={name} documents={documents} onSent={reload} />
          {documents.length > 0 && <Documents documents={documents} onChanged={reload} />}
        </>
      )}
    </>
  );
}

function Documents({ documents, onChanged }: { documents: readonly LibraryDocument[]; onChanged: () => void }) {
  const [removed, setRemoved] = useState<LibraryDocument>();
  const now = useNow(true, 15_000);
  return (
    <>
      <ul className="rows card documents">
        {documents.map((document) => (
          <Row key={document.name} document={document} now={now} onRemove={() => setRemoved(document)} />
        ))}
      </ul>
      {removed && (
        <RemoveDialog
          document={removed}
          onClose={() => setRemoved(undefined)}
          onRemoved={() => {
            setRemoved(undefined);
            onChanged();
          }}
        />
      )}
    </>
  );
}

function Row({ document, now, onRemove }: { document: LibraryDocument; now: number; onRemove: () => void }) {
  const { api } = useSession();
  const { busy, error, run } = useAction();
  const { name, title, bytes, passages, updated, by, collection, error: problem } = document;
  const save = async (): Promise<void> => saveAs(await contentOf(api, collection, name), name);
  return (
    <li>
      <b>{name}</b>
      {title !== null && title !== name && <span className="muted">{title}</span>}
      <Standing document={document} />
      <span className="muted rows-end" title={`sent by ${by}, ${moment(updated)}`}>
        {plural(passages, "passage")}, {size(bytes)}, {ago(updated, now)}
      </span>
      <button type="button" className="button button-quiet" aria-disabled={busy} onClick={() => void run(save)}>
        Download<span className="visually-hidden"> {name}</span>
      </button>
      <button type="button" className="button button-quiet" onClick={onRemove}>
        Remove<span className="visually-hidden"> {name}</span>
      </button>
      {problem && (
        <p className="cell-error">
          {problem.message} {problem.action}
        </p>
      )}
      {error && <ErrorNotice error={error} />}
    </li>
  );
}

/** A word beside the colour; how far it is, while it is being indexed. */
function Standing({ document: { status, embedded, passages } }: { document: LibraryDocument }) {
  const kind = { ready: "completed", failed: "failed", indexing: "running", deleting: "canceling" }[status];
  return (
    <span className={`badge badge-${kind}`}>
      {status}
      {status === "indexing" && passages > 0 && ` ${embedded} of ${passages}`}
    </span>
  );
}

interface RemoveProps {
  document: LibraryDocument;
  onClose: () => void;
  onRemoved: () => void;
}

function RemoveDialog({ document: { collection, name }, onClose, onRemoved }: RemoveProps) {
  const { api } = useSession();
  const { busy, error, run } = useAction();
  const remove = async (): Promise<void> => {
    if (await run(() => removeDocument(api, collection, name))) onRemoved();
  };
  return (
    <Dialog title={`Remove ${name}?`} onClose={onClose}>
      <div className="form">
        <p>Agents no longer find it. What executions have found in it stays in their logs.</p>
        {error && <ErrorNotice error={error} />}
        <div className="form-actions">
          <button type="button" className="button button-danger" aria-disabled={busy} onClick={() => void remove()}>
            Remove it
          </button>
          <button type="button" className="button" autoFocus onClick={onClose}>
            Keep it
          </button>
        </div>
      </div>
    </Dialog>
  );
}

/** As a file: what others wrote is never shown as a page of ours. */
function saveAs(content: Blob, name: string): void {
  const address = URL.createObjectURL(new Blob([content], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
