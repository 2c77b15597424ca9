/** Server-sent events over fetch: the browser's EventSource cannot send an Authorization header. */

export interface Message {
  event: string;
  data: string;
}

/** The messages of a stream, as the HTML standard cuts them; comments, ids and retry hints are left out. */
export async function* messages(stream: ReadableStream<Uint8Array>): AsyncGenerator<Message> {
  let event = "message";
  let data: string[] = [];
  for await (const line of lines(stream)) {
    if (line === "") {
      if (data.length > 0) yield { event, data: data.join("\n") };
      event = "message";
      data = [];
      continue;
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (field === "event") event = value ?? event;
    if (field === "data") data.push(value ?? "");
  }
}

async function* lines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      // A trailing CR may be half of a CRLF: it waits for the next piece.
      const cut = rest.split(/\r\n|\n|\r(?!$)/);
      rest = cut.pop() ?? "";
      yield* cut;
    }
  } finally {
    await reader.cancel();
  }
}
