// From the events of a history to the bars of its timeline. Nothing here touches the page.

import { duration, millis, plain } from "./format.js";

export const EVENT_NAMES = {
  0: "ExecutionStarted",
  1: "ExecutionCompleted",
  3: "ExecutionTerminated",
  4: "TaskScheduled",
  5: "TaskCompleted",
  6: "TaskFailed",
  7: "SubOrchestrationInstanceCreated",
  8: "SubOrchestrationInstanceCompleted",
  9: "SubOrchestrationInstanceFailed",
  10: "TimerCreated",
  11: "TimerFired",
  12: "OrchestratorStarted",
  13: "OrchestratorCompleted",
  14: "EventSent",
  15: "EventRaised",
  16: "ContinueAsNew",
  19: "ExecutionSuspended",
  20: "ExecutionResumed",
};

export const KINDS = {
  orchestrator: "orchestrator",
  activity: "activity",
  http: "HTTP call",
  sub: "sub-orchestration",
  timer: "timer",
  retry: "delay before a retry",
  event: "external event",
  entity: "entity call",
  signal: "entity signal",
};

const ENDED = new Set(["Completed", "Failed", "Terminated", "Canceled"]);
export const hasEnded = (status) => ENDED.has(status);

/**
 * The bars in the order they began. Each: `kind`, `name`, `start` and `end` in milliseconds (`end` null when it is
 * open), `state` (done, failed, open, cancelled, dropped), and the numbers of the events it begins and ends with.
 */
export function bars({ events, waitActions, instance, open, allOpenKnown, now }) {
  const story = new Story(events, waitActions);
  events.forEach((event, number) => story.tell(event, number));
  story.beginWaits(events.length);
  const ended = hasEnded(instance.status);
  const openIds = new Set(open.map((task) => task.id));
  for (const bar of story.bars) {
    if (bar.state !== "open") continue;
    if (ended) bar.state = bar.kind === "timer" ? "cancelled" : "dropped";
    else if (bar.kind === "timer" && !openIds.has(bar.id) && (allOpenKnown || bar.due < now)) bar.state = "cancelled";
  }
  return story.bars.sort((a, b) => a.start - b.start || a.from - b.from);
}

class Story {
  constructor(events, waitActions) {
    this.events = events;
    this.waitActions = waitActions;
    this.begun = 0;
    this.bars = [];
    this.byId = new Map();
    this.byRequest = new Map();
    this.waiting = new Map();
  }

  tell(event, number) {
    switch (event.EventType) {
      case 12:
        this.beginWaits(number);
        break;
      case 4:
        this.byId.set(event.EventId, this.begin(event, number, ...called(event)));
        break;
      case 7:
        this.byId.set(event.EventId, this.begin(event, number, "sub", event.Name));
        break;
      case 10:
        this.byId.set(event.EventId, this.beginTimer(event, number));
        break;
      case 14:
        this.send(event, number);
        break;
      case 5:
      case 8:
        this.end(this.byId.get(event.TaskScheduledId), event, number, "done");
        break;
      case 6:
      case 9:
        this.end(this.byId.get(event.TaskScheduledId), event, number, "failed", event.Reason);
        break;
      case 11:
        this.end(this.byId.get(event.TimerId), event, number, "done");
        break;
      case 15:
        this.raise(event, number);
        break;
      default:
    }
  }

  begin(event, number, kind, name) {
    const bar = { kind, name: name ?? "", id: event.EventId, start: millis(event.Timestamp), end: null, state: "open", from: number, to: null };
    if (event.Input && kind !== "http" && event.EventType !== 14) bar.input = plain(event.Input).slice(0, 80);
    if (event.Retry) bar.note = `attempt ${event.Retry[2]} of ${event.Retry[1]}`;
    if (event.InstanceId && kind === "sub") bar.child = event.InstanceId;
    this.bars.push(bar);
    return bar;
  }

  beginTimer(event, number) {
    const bar = this.begin(event, number, event.RetryOf === undefined ? "timer" : "retry", "");
    bar.due = millis(event.FireAt);
    const wait = duration(Math.max(0, bar.due - bar.start));
    bar.name = bar.kind === "retry" ? `${this.byId.get(event.RetryOf)?.name ?? "retry"}: delay ${wait}` : `timer ${wait}`;
    return bar;
  }

  /** A call is answered by an event named as its request; a signal by nothing. */
  send(event, number) {
    const request = message(event);
    const bar = this.begin(event, number, request.signal ? "signal" : "entity", `${event.InstanceId} ${request.op}`);
    if (bar.kind === "signal") this.end(bar, event, number, "done");
    else this.byRequest.set(request.id, bar);
  }

  /** Waits count from the turn that recorded them, after the events of that turn. */
  beginWaits(before) {
    while (this.begun < this.waitActions.length && this.waitActions[this.begun].turn < before) {
      const { name, turn } = this.waitActions[this.begun];
      this.begun += 1;
      const bar = this.begin(this.events[turn], turn, "event", name);
      if (!this.waiting.has(name)) this.waiting.set(name, []);
      this.waiting.get(name).push(bar);
    }
  }

  raise(event, number) {
    const call = this.byRequest.get(event.Name);
    if (call) {
      const { exceptionType, result } = message(event);
      this.end(call, event, number, exceptionType ? "failed" : "done", exceptionType && plain(result));
      return;
    }
    // Of several waits for one name the newest gets the event.
    const wait = this.waiting.get(event.Name)?.pop() ?? this.begin(event, number, "event", event.Name);
    this.end(wait, event, number, "done");
  }

  end(bar, event, number, state, reason) {
    if (!bar || bar.state !== "open") return;
    bar.end = millis(event.Timestamp);
    bar.to = number;
    bar.state = state;
    if (reason) bar.reason = reason;
  }
}

function called(event) {
  if (event.Name !== "BuiltIn::HttpActivity") return ["activity", event.Name];
  const request = message(event);
  return ["http", `${request.method} ${request.uri}`];
}

/** The message in an event's input; nothing of it can be read when it was cut for its length. */
function message(event) {
  try {
    return JSON.parse(event.Input);
  } catch {
    return {};
  }
}

/** The times when the instance was suspended, `[from, to]`. */
export function suspensions(events, end) {
  const out = [];
  for (const event of events) {
    if (event.EventType === 19) out.push([millis(event.Timestamp), end]);
    if (event.EventType === 20 && out.length) out[out.length - 1][1] = millis(event.Timestamp);
  }
  return out;
}

/** Where on the axis a time is, 0 to 1; with `squeeze` the times in which nothing worked take little room. */
export function scale(all, from, to, squeeze) {
  const length = Math.max(to - from, 1);
  const gaps = squeeze ? idle(all, from, to) : [];
  const worked = length - gaps.reduce((sum, [start, end]) => sum + end - start, 0);
  const room = Math.max(worked, 1) * Math.min(0.12, 0.5 / Math.max(gaps.length, 1));
  const squeezed = gaps.filter(([start, end]) => end - start > 2 * room);
  const saved = squeezed.reduce((sum, [start, end]) => sum + (end - start) - room, 0);
  const at = (time) => {
    let left = time - from;
    for (const [start, end] of squeezed) {
      if (time <= start) break;
      const inside = Math.min(time, end) - start;
      left -= inside - (inside / (end - start)) * room;
    }
    return left / Math.max(length - saved, 1);
  };
  return { at, squeezed };
}

const WAITING = new Set(["timer", "retry", "event", "orchestrator"]);

/** The stretches in which no call was under way. */
function idle(all, from, to) {
  const busy = all.filter((bar) => !WAITING.has(bar.kind)).map((bar) => [bar.start, bar.end ?? (bar.state === "open" ? to : bar.start)]);
  const gaps = [];
  let free = from;
  for (const [start, end] of busy.sort((a, b) => a[0] - b[0])) {
    if (start > free) gaps.push([free, start]);
    free = Math.max(free, end);
  }
  if (to > free) gaps.push([free, to]);
  return gaps.filter(([start, end]) => end - start > (to - from) / 200);
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** Times of an axis, about six of them at round distances from `from`. */
export function ticks(from, to) {
  const wanted = Math.max((to - from) / 6, 1);
  const unit = wanted < 1000 ? 1 : wanted < 60_000 ? 1000 : wanted < 3_600_000 ? 60_000 : wanted < 86_400_000 ? 3_600_000 : 86_400_000;
  const choices = unit === 1 || unit === 86_400_000 ? STEPS : unit === 3_600_000 ? [1, 2, 3, 6, 12, 24] : [1, 2, 5, 10, 15, 30, 60];
  const step = unit * (choices.find((choice) => choice * unit >= wanted) ?? Math.ceil(wanted / unit));
  const out = [];
  for (let time = from; time <= to; time += step) out.push(time);
  return out;
}
