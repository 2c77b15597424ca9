/** The two live channels: SignalR through the stock client, and server-sent events where SignalR is not to be had. */
import { HttpTransportType, type HubConnection, HubConnectionBuilder, LogLevel } from "@microsoft/signalr";

import type { Api } from "../api/client";
import type { Delta, Event } from "../api/types";
import { uuid4 } from "../ui/uuid";
import type { Channel, Sink } from "./follow";
import { messages } from "./sse";

/**
 * A SignalR connection made from scratch, its group membership included: a service that was restarted has forgotten
 * who watched what, so reconnecting the old connection would leave us in silence.
 */
export function signalR(api: Api, execution: string, tenant: string): Channel {
  return async (sink, signal) => {
    const info = await api.negotiate(execution, `${tenant}.${uuid4()}`, signal);
    const connection = new HubConnectionBuilder()
      .withUrl(info.url, { accessTokenFactory: () => info.accessToken, transport: HttpTransportType.WebSockets })
      // We report the state of the connection ourselves, on the page.
      .configureLogging(LogLevel.None)
      .build();
    connection.on("events", (events: Event[]) => sink.events(events));
    connection.on("delta", (delta: Delta) => sink.delta(delta));
    const closed = new Promise<void>((resolve) => connection.onclose(() => resolve()));
    await start(connection, signal);
    return { closed };
  };
}

async function start(connection: HubConnection, signal: AbortSignal): Promise<void> {
  const stop = (): void => void connection.stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    await connection.start();
  } finally {
    if (signal.aborted) stop();
  }
}

/** The API's own event stream, from after the last event we have. */
export function serverSentEvents(api: Api, execution: string): Channel {
  return async (sink, signal) => {
    const stream = await api.eventStream(execution, sink.last(), signal);
    return { closed: deliver(stream, sink) };
  };
}

async function deliver(stream: ReadableStream<Uint8Array>, sink: Sink): Promise<void> {
  for await (const { event, data } of messages(stream)) {
    if (event === "event") sink.events([JSON.parse(data) as Event]);
    if (event === "delta") sink.delta(JSON.parse(data) as Delta);
  }
}
