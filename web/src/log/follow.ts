/**
 * Follows one execution until it ends, whatever happens to the host and the connection meanwhile.
 *
 * The log is the truth: a live channel only tells sooner. Every connection is followed by reading the log from the last
 * event we have; so does a gap, and a silence that lasts (a channel may lose its last message and tell nobody).
 */
import { ApiError } from "../api/client";
import type { Delta, Event, EventPage } from "../api/types";
import { Sequence } from "./sequence";

export type FollowState = "connecting" | "live" | "reconnecting" | "ended";

/** Where a live channel delivers: events in any order, repeated or with gaps; pieces of answers. */
export interface Sink {
  events(events: readonly Event[]): void;
  delta(delta: Delta): void;
  /** Offset of the last event without gaps before it. */
  last(): number;
}

/** An open live channel. `closed` settles when it is over, for good or bad. */
export interface Connection {
  closed: Promise<void>;
}

/** Opens a live channel; aborting `signal` closes it. Rejects when it cannot be opened. */
export type Channel = (sink: Sink, signal: AbortSignal) => Promise<Connection>;

export interface Source {
  /** A page of the log after an offset; an empty one is the end of the log for now. */
  page(after: number, signal: AbortSignal): Promise<EventPage>;
  /** The live channels, best first. */
  channels: readonly Channel[];
}

/** Is told every event once and in order, and every piece as it comes. */
export interface Watcher {
  events(events: readonly Event[]): void;
  delta(delta: Delta): void;
  state(state: FollowState): void;
  /** The API refuses for good: there is nothing to follow. */
  refused(error: ApiError): void;
}

/** Milliseconds. */
export interface Timing {
  gap: number;
  silence: number;
  firstRetry: number;
  lastRetry: number;
}

export const TIMING: Timing = { gap: 250, silence: 10_000, firstRetry: 500, lastRetry: 3_000 };

/** A connection, and whether it is still open. */
interface Link {
  readonly open: boolean;
}

/** Starts following; the function returned stops it. */
export function follow(source: Source, watcher: Watcher, timing: Timing = TIMING): () => void {
  const follower = new Follower(source, watcher, timing);
  void follower.run();
  return () => follower.stop();
}

class Follower {
  private readonly sequence = new Sequence();
  private attempt = new AbortController();
  private stopped = false;
  private ended = false;
  private wake: () => void = () => undefined;

  constructor(
    private readonly source: Source,
    private readonly watcher: Watcher,
    private readonly timing: Timing,
  ) {}

  async run(): Promise<void> {
    this.watcher.state("connecting");
    for (let failures = 0; this.going(); failures += 1) {
      try {
        await this.catchUp();
        if (this.going()) {
          const link = await this.connect();
          await this.catchUp();
          failures = 0;
          if (this.going()) this.watcher.state("live");
          await this.watch(link);
        }
      } catch (error) {
        // Whatever else went wrong, from a killed host to a broken frame, a new connection is the cure.
        if (isFinal(error) && !this.stopped) {
          this.stop();
          this.watcher.refused(error);
        }
      }
      this.attempt.abort();
      this.attempt = new AbortController();
      if (this.going()) {
        this.watcher.state("reconnecting");
        await this.rest(this.delay(failures));
      }
    }
    if (this.ended && !this.stopped) this.watcher.state("ended");
  }

  stop(): void {
    this.stopped = true;
    this.attempt.abort();
    this.wake();
  }

  private going(): boolean {
    return !this.stopped && !this.ended;
  }

  /** Opens the best channel that can be had. */
  private async connect(): Promise<Link> {
    const sink: Sink = {
      events: (events) => this.take(events),
      delta: (delta) => this.going() && this.watcher.delta(delta),
      last: () => this.sequence.last,
    };
    let failure: unknown;
    for (const open of this.source.channels) {
      try {
        return this.linkTo(await open(sink, this.attempt.signal));
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }

  private linkTo(connection: Connection): Link {
    const link = { open: true };
    const close = (): void => {
      link.open = false;
      this.wake();
    };
    connection.closed.then(close, close);
    return link;
  }

  /** Until the channel closes or the execution ends; reads the log whenever the channel seems to have lost something. */
  private async watch(link: Link): Promise<void> {
    while (link.open && this.going()) {
      const elapsed = await this.rest(this.sequence.hasGap ? this.timing.gap : this.timing.silence);
      if (elapsed) await this.catchUp();
    }
  }

  /** Reads the log from the last event we have to its end. */
  private async catchUp(): Promise<void> {
    while (this.going()) {
      const page = await this.source.page(this.sequence.last, this.attempt.signal);
      if (page.events.length === 0) {
        this.ended ||= page.ended;
        return;
      }
      this.take(page.events);
    }
  }

  private take(events: readonly Event[]): void {
    if (!this.going()) return;
    const hadGap = this.sequence.hasGap;
    const ready = this.sequence.push(events);
    if (ready.length > 0) this.watcher.events(ready);
    this.ended = ready.some(isTerminal);
    if (this.ended || this.sequence.hasGap !== hadGap) this.wake();
  }

  /** Waits; tells whether the time elapsed, rather than something waking us. */
  private rest(milliseconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(true), milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve(false);
      };
    });
  }

  private delay(failures: number): number {
    const backoff = Math.min(this.timing.firstRetry * 2 ** failures, this.timing.lastRetry);
    // Spread out, so that all the pages open in the world do not come back at the same instant.
    return backoff * (0.75 + Math.random() / 4);
  }
}

export function isTerminal(event: Event): boolean {
  return (
    event.type === "execution.completed" || event.type === "execution.failed" || event.type === "execution.canceled"
  );
}

function isFinal(error: unknown): error is ApiError {
  return error instanceof ApiError && [400, 401, 403, 404, 410].includes(error.status);
}
