/** What happens in an execution, in words a person understands. */
import type { Json } from "../api/types";
import type { Wait } from "../log/view";
import { when } from "../ui/format";

/** `waits for the event “paid”, until 18:04 (in 2 h)`. */
export function waitWords(wait: Wait, now: number): string {
  const until = wait.until === undefined ? "" : ` until ${when(wait.until, now)}`;
  switch (wait.for) {
    case "time":
      return `waits${until}`;
    case "event":
      return `waits for the event “${wait.event ?? ""}”${until && `,${until}`}`;
    case "approval":
      return `waits for a human${until && `,${until}`}`;
    case "resume":
      return "waits to be resumed";
    case "semaphore":
      return "waits for its turn";
    default:
      return `waits for ${wait.for}${until && `,${until}`}`;
  }
}

/** The same once it is over. */
export function waitedWords(wait: Wait): string {
  return wait.for === "event" ? `waited for the event “${wait.event ?? ""}”` : "waited";
}

/** What shows why something stopped: usually a sentence. */
export function evidenceText(evidence: Json): string {
  return typeof evidence === "string" ? evidence : evidence === null ? "" : JSON.stringify(evidence);
}
