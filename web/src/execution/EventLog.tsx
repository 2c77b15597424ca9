import { memo, useState } from "react";

import type { Event } from "../api/types";
import { clock, plural } from "../ui/format";
import { Lazy } from "../ui/Lazy";
import { CopyButton } from "../ui/parts";

/** The log as it is: every event, whole. */
export function EventLog({ events }: { events: readonly Event[] }) {
  const [filter, setFilter] = useState("");
  const shown = events.filter((event) => matches(event, filter.trim().toLowerCase()));
  return (
    <section aria-label="Events" className="events card">
      <div className="events-tools">
        <input
          type="search"
          aria-label="Filter by type, step or agent"
          placeholder="Filter by type, step or agent"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
        <span className="muted">{plural(shown.length, "event")}</span>
        <CopyButton text={() => JSON.stringify(shown, null, 2)} label="Copy JSON" />
      </div>
      <Lazy items={shown} estimate={30} as="ol">
        {(event) => <Line key={event.offset} event={event} />}
      </Lazy>
    </section>
  );
}

const Line = memo(function Line({ event }: { event: Event }) {
  const [open, setOpen] = useState(false);
  return (
    <li>
      <details onToggle={(toggled) => setOpen(toggled.currentTarget.open)}>
        <summary>
          <span className="event-offset">{event.offset}</span>
          <time dateTime={event.time}>{clock(event.time)}</time>
          <span className={`event-type event-${event.type.split(".")[1] ?? ""}`}>{event.type}</span>
          <span className="event-step">{event.step}</span>
          <span className="event-agent">{event.agent}</span>
        </summary>
        {open && (
          <pre className="json">
            <code>{JSON.stringify(event, null, 2)}</code>
          </pre>
        )}
      </details>
    </li>
  );
});

function matches({ type, step, agent }: Event, text: string): boolean {
  return `${type} ${step ?? ""} ${agent ?? ""}`.toLowerCase().includes(text);
}
