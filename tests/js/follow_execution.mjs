// Follows one execution with the stock SignalR client, as any application may: pushes while they come, the log for the
// rest. Prints one JSON line per thing that happens; `event` lines are the log, each once and in order.
import { HubConnectionBuilder, LogLevel } from "@microsoft/signalr";

const [base, token, tenant, execution] = process.argv.slice(2);
const SILENCE = 2_000;
const PAUSE = 100;
const say = (what, details = {}) => console.log(JSON.stringify({ what, ...details }));
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function call(path, options = {}) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", ...options.headers };
  const response = await fetch(`${base}${path}`, { ...options, headers });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.json();
}

let last = 0;
let ended = false;
const early = new Map();

/** Events may come twice, out of order or with gaps; they leave here once and in order. */
function take(events) {
  for (const event of events) if (event.offset > last) early.set(event.offset, event);
  for (let event = early.get(last + 1); event; event = early.get(last + 1)) {
    early.delete(event.offset);
    last = event.offset;
    ended ||= ["execution.completed", "execution.failed", "execution.canceled"].includes(event.type);
    say("event", { event });
  }
}

async function catchUp() {
  for (;;) {
    const page = await call(`/api/executions/${execution}/events?after=${last}`);
    take(page.events);
    if (page.events.length === 0) return;
  }
}

let connection = 0;

async function connect() {
  const headers = { "x-watcher": `${tenant}.${crypto.randomUUID()}` };
  const info = await call("/api/negotiate", { method: "POST", headers, body: JSON.stringify({ execution }) });
  const hub = new HubConnectionBuilder()
    .withUrl(info.url, { accessTokenFactory: () => info.accessToken })
    .configureLogging(LogLevel.None)
    .build();
  connection += 1;
  hub.on("events", (events) => {
    say("pushed", { connection, offsets: events.map((event) => event.offset) });
    take(events);
  });
  hub.on("delta", (delta) => say("delta", { connection, delta }));
  const closed = new Promise((resolve) => hub.onclose(resolve));
  await hub.start();
  say("connected", { connection });
  return { hub, closed };
}

while (!ended) {
  try {
    const { hub, closed } = await connect();
    let open = true;
    void closed.then(() => (open = false));
    // Also after a silence: the last push may have been lost, and a gap is filled by nobody else.
    while (open && !ended) {
      await catchUp();
      if (!ended) await Promise.race([closed, pause(early.size > 0 ? PAUSE : SILENCE)]);
    }
    await hub.stop();
  } catch (error) {
    say("lost", { error: String(error) });
    await pause(PAUSE);
  }
}
say("ended");
