import { useRef, useState } from "react";

import { useSession } from "../session";
import { asError } from "../ui/hooks";
import { type LibraryDocument, send } from "./api";
import { MOST_BYTES, nameFor, size } from "./naming";

interface Props {
  collection: string;
  documents: readonly LibraryDocument[];
  onSent: () => void;
}

interface Sending {
  name: string;
  state: "waiting" | "sending" | "sent" | "failed";
  why: string | undefined;
}

/** Files are dropped on it, or chosen, and sent one after the other. */
export function DropZone({ collection, documents, onSent }: Props) {
  const { api } = useSession();
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [sent, setSent] = useState<readonly Sending[]>([]);
  const busy = sent.some(({ state }) => state === "waiting" || state === "sending");

  const sendAll = async (files: readonly File[]): Promise<void> => {
    if (busy || files.length === 0) return;
    const list: Sending[] = files.map((file) => ({ name: nameFor(file.name), state: "waiting", why: undefined }));
    const set = (index: number, state: Sending["state"], why?: string): void => {
      const item = list[index];
      if (item) list[index] = { ...item, state, why };
      setSent([...list]);
    };
    for (const [index, file] of files.entries()) {
      if (file.size > MOST_BYTES) {
        set(index, "failed", `It has ${size(file.size)}: at most ${size(MOST_BYTES)} are taken. Send it in parts.`);
        continue;
      }
      set(index, "sending");
      try {
        await send(api, collection, nameFor(file.name), file);
        set(index, "sent");
        onSent();
      } catch (error) {
        set(index, "failed", asError(error).message);
      }
    }
  };

  return (
    <div
      className={`drop-zone${over ? " drop-over" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void sendAll([...event.dataTransfer.files]);
      }}
    >
      <p>
        Drop files here, or{" "}
        <button type="button" className="link" onClick={() => input.current?.click()}>
          choose some
        </button>
        <input
          ref={input}
          type="file"
          multiple
          hidden
          aria-label="Files"
          accept=".txt,.md,.markdown,.html,.htm,.pdf,text/*,application/pdf"
          onChange={(event) => {
            void sendAll([...(event.target.files ?? [])]);
            event.target.value = "";
          }}
        />
        .
      </p>
      <p className="hint">
        Text, Markdown, HTML or PDF, at most {size(MOST_BYTES)} each.
        {documents.length > 0 && " One with the name of another takes its place."}
      </p>
      <ul role="status" className="sendings">
        {sent.map(({ name, state, why }, index) => (
          <li key={index} className={state === "failed" ? "field-error" : "muted"}>
            {name}: {state === "sent" ? "sent ✓" : state === "sending" ? "sending …" : (why ?? state)}
          </li>
        ))}
      </ul>
    </div>
  );
}
