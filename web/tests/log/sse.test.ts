import { describe, expect, it } from "vitest";

import { type Message, messages } from "../../src/log/sse";

const TEXT = 'event: event\r\ndata: {"a":\r\ndata: "é👍"}\r\n\r\n: ping\n\ndata: x\n\nevent:end\ndata\n\n';
const MESSAGES = [
  { event: "event", data: '{"a":\n"é👍"}' },
  { event: "message", data: "x" },
  { event: "end", data: "" },
];

async function read(chunks: Uint8Array[]): Promise<Message[]> {
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  const read: Message[] = [];
  for await (const message of messages(stream)) read.push(message);
  return read;
}

describe("messages", () => {
  const bytes = new TextEncoder().encode(TEXT);

  it.each([1, 2, 3, 7, 1000])("are the same when the stream is cut every %i bytes", async (size) => {
    const cuts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => index * size);
    expect(await read(cuts.map((from) => bytes.slice(from, from + size)))).toEqual(MESSAGES);
  });

  it("leave out one that was cut off", async () => {
    expect(await read([bytes.slice(0, 30)])).toEqual([]);
  });
});
