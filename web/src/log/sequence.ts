import type { Event } from "../api/types";

/** Puts events in the order of their offsets, each once: what arrives early waits until the gap before it is filled. */
export class Sequence {
  private early = new Map<number, Event>();

  /** `last`: offset of the last event that was given out. */
  constructor(public last = 0) {}

  /** Takes events in any order; returns those that can be given out now, without gaps. */
  push(events: readonly Event[]): Event[] {
    for (const event of events) {
      if (event.offset > this.last) this.early.set(event.offset, event);
    }
    const ready: Event[] = [];
    for (let event = this.take(); event; event = this.take()) ready.push(event);
    return ready;
  }

  /** Events wait for one that has not come. */
  get hasGap(): boolean {
    return this.early.size > 0;
  }

  private take(): Event | undefined {
    const event = this.early.get(this.last + 1);
    if (event) {
      this.last += 1;
      this.early.delete(this.last);
    }
    return event;
  }
}
