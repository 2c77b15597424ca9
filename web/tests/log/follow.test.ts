import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ApiError, Unreachable } from "../../src/api/client";
import type { Delta, Event } from "../../src/api/types";
import { type Channel, follow, type FollowState, type Sink } from "../../src/log/follow";
import { BEGIN, completed, delta, END, log, started } from "./events";

const TIMING = { gap: 100, silence: 5_000, firstRetry: 400, lastRetry: 1_600 };
const LOG = log([BEGIN, started("a"), completed("a", 1), started("b"), completed("b", 2), END]);

/** A host with one execution: its log as far as it has come, and a live channel that tests speak through. */
class FakeHost {
  log: Event[] = [];
  up = true;
  refusal: ApiError | undefined;
  /** Channels to refuse: by index, best first. */
  broken = new Set<number>();
  opened: number[] = [];
  reads: number[] = [];
  sink: Sink | undefined;
  signal: AbortSignal | undefined;
  close: () => void = () => undefined;

  page = (after: number): Promise<{ events: Event[]; next: number; ended: boolean }> => {
    this.reads.push(after);
    if (this.refusal) return Promise.reject(this.refusal);
    if (!this.up) return Promise.reject(new Unreachable("down"));
    // Small pages, so that reading on is tested throughout.
    const events = this.log.slice(after, after + 2);
    return Promise.resolve({ events, next: after + events.length, ended: false });
  };

  channel(index: number): Channel {
    return (sink, signal) => {
      if (!this.up || this.broken.has(index)) return Promise.reject(new Unreachable("no channel"));
      this.opened.push(index);
      Object.assign(this, { sink, signal });
      return Promise.resolve({ closed: new Promise<void>((resolve) => (this.close = resolve)) });
    };
  }
}

class Seen {
  events: Event[] = [];
  deltas: Delta[] = [];
  states: FollowState[] = [];
  refusals: ApiError[] = [];
}

let host: FakeHost;
let seen: Seen;
let stop: () => void;

function watch(): void {
  const source = { page: host.page, channels: [host.channel(0), host.channel(1)] };
  stop = follow(
    source,
    {
      events: (events) => seen.events.push(...events),
      delta: (piece) => seen.deltas.push(piece),
      state: (state) => seen.states.push(state),
      refused: (error) => seen.refusals.push(error),
    },
    TIMING,
  );
}

/** Lets promises settle and this much time pass. */
async function pass(milliseconds = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
}

beforeEach(() => {
  vi.useFakeTimers();
  host = new FakeHost();
  seen = new Seen();
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

describe("a finished execution", () => {
  it("is read page by page, without any live channel", async () => {
    host.log = LOG;
    watch();
    await pass();
    expect(seen.events).toEqual(LOG);
    expect(seen.states).toEqual(["connecting", "ended"]);
    expect(host.opened).toEqual([]);
  });
});

describe("a running execution", () => {
  it("is read up to now, then followed live to its end", async () => {
    host.log = LOG.slice(0, 3);
    watch();
    await pass();
    expect(seen.events).toEqual(LOG.slice(0, 3));
    expect(seen.states).toEqual(["connecting", "live"]);
    host.sink?.delta(delta("b", 0, "x"));
    host.sink?.events(LOG.slice(3));
    await pass();
    expect(seen.events).toEqual(LOG);
    expect(seen.deltas).toEqual([delta("b", 0, "x")]);
    expect(seen.states.at(-1)).toBe("ended");
    expect(host.signal?.aborted).toBe(true);
  });

  it("misses nothing that happened while the channel was being opened", async () => {
    host.log = LOG.slice(0, 2);
    const read = host.page;
    host.page = (after) => {
      // The log grows between the first reading and the channel's opening.
      if (host.opened.length > 0) host.log = LOG.slice(0, 4);
      return read(after);
    };
    watch();
    await pass();
    expect(seen.events).toEqual(LOG.slice(0, 4));
  });

  it("orders what comes out of order and drops what comes twice, without reading the log again", async () => {
    host.log = LOG.slice(0, 1);
    watch();
    await pass();
    const reads = host.reads.length;
    host.sink?.events([LOG[2], LOG[0]] as Event[]);
    host.sink?.events([LOG[1], LOG[2], LOG[1]] as Event[]);
    await pass(TIMING.gap * 3);
    expect(seen.events).toEqual(LOG.slice(0, 3));
    expect(host.reads).toHaveLength(reads);
  });

  it("fills a gap that stays from the log", async () => {
    host.log = LOG.slice(0, 1);
    watch();
    await pass();
    host.log = LOG.slice(0, 4);
    host.sink?.events([LOG[3]] as Event[]);
    await pass(TIMING.gap - 1);
    expect(seen.events).toHaveLength(1);
    await pass(1);
    expect(seen.events).toEqual(LOG.slice(0, 4));
    expect(seen.states.at(-1)).toBe("live");
  });

  it("ends although the channel lost the last event", async () => {
    host.log = LOG.slice(0, 5);
    watch();
    await pass();
    host.log = LOG;
    await pass(TIMING.silence);
    expect(seen.events).toEqual(LOG);
    expect(seen.states.at(-1)).toBe("ended");
  });
});

describe("channels", () => {
  it("are tried in order, and the better one again at the next connection", async () => {
    host.log = LOG.slice(0, 1);
    host.broken.add(0);
    watch();
    await pass();
    expect(host.opened).toEqual([1]);
    expect(seen.states).toEqual(["connecting", "live"]);
    host.broken.clear();
    host.close();
    await pass(TIMING.firstRetry);
    expect(host.opened).toEqual([1, 0]);
  });
});

describe("a host that goes away", () => {
  it("is found again: a new connection, and what was missed, once", async () => {
    host.log = LOG.slice(0, 2);
    watch();
    await pass();
    host.up = false;
    host.close();
    await pass();
    expect(seen.states.at(-1)).toBe("reconnecting");
    expect(host.signal?.aborted).toBe(true);
    await pass(60_000);
    expect(seen.states.at(-1)).toBe("reconnecting");
    Object.assign(host, { up: true, log: LOG.slice(0, 5) });
    await pass(TIMING.lastRetry);
    expect(seen.states.at(-1)).toBe("live");
    expect(host.opened).toEqual([0, 0]);
    host.sink?.events(LOG.slice(3));
    await pass();
    expect(seen.events).toEqual(LOG);
    expect(seen.states.at(-1)).toBe("ended");
  });

  it("is asked ever more rarely, and for ever", async () => {
    host.up = false;
    watch();
    await pass();
    expect(host.reads).toHaveLength(1);
    await pass(TIMING.firstRetry);
    expect(host.reads).toHaveLength(2);
    await pass(TIMING.firstRetry / 2);
    expect(host.reads).toHaveLength(2);
    const before = host.reads.length;
    await pass(1_000 * TIMING.lastRetry);
    const asked = host.reads.length - before;
    expect(asked).toBeGreaterThanOrEqual(1_000);
    expect(asked).toBeLessThanOrEqual(1_350);
  });

  it("is also noticed when only a reading of the log fails", async () => {
    host.log = LOG.slice(0, 2);
    watch();
    await pass();
    host.up = false;
    await pass(TIMING.silence);
    expect(seen.states.at(-1)).toBe("reconnecting");
  });
});

describe("an end by other means", () => {
  it("tells of an execution that is not there, and does not ask again", async () => {
    host.refusal = new ApiError(404, "not_found", "There is no such execution.", "");
    watch();
    await pass(60_000);
    expect(seen.refusals).toEqual([host.refusal]);
    expect(host.reads).toHaveLength(1);
  });

  it("goes on after a refusal that passes", async () => {
    host.refusal = new ApiError(503, "platform_failed", "Not now.", "");
    watch();
    await pass();
    host.refusal = undefined;
    host.log = LOG;
    await pass(TIMING.firstRetry);
    expect(seen.events).toEqual(LOG);
    expect(seen.refusals).toEqual([]);
  });

  it("stops when nobody looks any more", async () => {
    host.log = LOG.slice(0, 1);
    watch();
    await pass();
    stop();
    const told = structuredClone(seen.states);
    host.sink?.events(LOG.slice(1));
    await pass(60_000);
    expect(host.signal?.aborted).toBe(true);
    expect(seen.events).toHaveLength(1);
    expect(seen.states).toEqual(told);
  });
});
