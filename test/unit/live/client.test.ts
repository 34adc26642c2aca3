import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { SseClient } from "../../../lib/live/client.ts";
import { missedByWindow } from "../../../lib/live/frames.ts";

/** An answer whose reader takes what is there when it is told to, and nothing else. */
class Reader extends Writable {
  text = "";
  #next: (() => void) | undefined;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    this.#next = done;
  }

  override _final(done: () => void): void {
    this.#next = done;
  }

  take(): void {
    while (this.#next !== undefined) {
      const next = this.#next;
      this.#next = undefined;
      next();
    }
  }
}

function clientOf(reader: Reader) {
  const told = { sent: 0, missed: 0, cut: 0 };
  const events = {
    sent: (count: number) => (told.sent += count),
    missed: (count: number) => (told.missed += count),
    cut: () => (told.cut += 1),
  };
  return { told, client: new SseClient(reader as unknown as ServerResponse, events, 0) };
}

const frame = "data: x\n\n";

test("one that takes everything gets everything, and a beat where it was quiet for 15 seconds", () => {
  const reader = new Reader();
  const { client, told } = clientOf(reader);
  client.send(frame, 0, 1);
  reader.take();
  client.look(14_999, "1.1-b");
  expect(reader.text).toBe(frame);
  client.look(15_000, "1.1-c");
  reader.take();
  expect(reader.text).toBe(`${frame}: beat\nid: 1.1-c\n\n`);
  expect(told).toEqual({ sent: 1, missed: 0, cut: 0 });
});

test.each([
  [
    { count: 7, exact: false, because: "rate" },
    { count: 9, exact: false, because: "slow" },
  ],
  [missedByWindow, missedByWindow],
] as const)(
  "one that is slow learns later what the frames that it missed said: %j",
  (told, all) => {
    const reader = new Reader();
    const { client } = clientOf(reader);
    client.send(Buffer.alloc(300_000, "x"), 0, 1);
    client.send(frame, 0, 2, told);
    client.send(frame, 0);
    reader.take();
    reader.take();
    client.send(frame, 1, 1);
    client.send(frame, 1, 1);
    while (reader.writableLength > 0) reader.take();
    // The events that follow have their own ids: who is cut off before them continues before them.
    const notice = `event: missed\ndata: ${JSON.stringify(all)}\n\n`;
    expect(reader.text.slice(300_000)).toBe(notice + frame + frame);
  },
);

test("one that takes nothing holds a bounded number of bytes, is told what it missed, and is cut after ten seconds", () => {
  const reader = new Reader();
  const { client, told } = clientOf(reader);
  const large = Buffer.alloc(100_000, "x");
  for (let n = 1; n <= 100; n++) client.send(large, 0, 10);
  expect(client.isBehind).toBe(true);
  expect(reader.writableLength).toBeLessThan(500_000);
  const passed = told.missed;
  expect(told.sent + passed).toBe(1_000);
  client.look(0);
  client.look(9_999);
  expect(client.isOpen).toBe(true);
  reader.take();
  client.look(9_999);
  client.send(frame, 9_999, 1);
  const missed = JSON.stringify({ count: passed, exact: true, because: "slow" });
  reader.take();
  expect(reader.text).toContain(`event: missed\ndata: ${missed}\n\n${frame}`);

  client.send(frame, 10_000, 1);
  client.look(10_000);
  client.look(20_000);
  expect(told.cut).toBe(1);
  expect(client.isOpen).toBe(false);
  reader.take();
  expect(reader.text).toContain('event: end\ndata: {"because":"slow","retryMs":2000}');
  reader.destroy();
});

test.each([
  ["the place of the beat", "1.9-a", "id: 1.9-a\n"],
  ["no place where none is known", undefined, ""],
])("what was missed before a beat is told with %s", (_, id, line) => {
  const reader = new Reader();
  const { client } = clientOf(reader);
  const large = Buffer.alloc(300_000, "x");
  client.send(large, 0, 1);
  client.send(large, 0, 1);
  reader.take();
  reader.text = "";
  client.look(15_000, id);
  reader.take();
  const missed = 'data: {"count":1,"exact":true,"because":"slow"}';
  expect(reader.text).toBe(`event: missed\n${line}${missed}\n\n: beat\n${line}\n`);
});

test("over a connection that nobody reads it holds less than 1 MB, frames of 256 KB or of a line", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const idle = connect((server.address() as AddressInfo).port, "127.0.0.1").pause();
  idle.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const [, response] = (await once(server, "request")) as [unknown, ServerResponse];
  const nothing = () => undefined;
  const client = new SseClient(response, { sent: nothing, missed: nothing, cut: nothing }, 0);
  let most = 0;
  // The large ones are more than the kernel takes for it.
  for (const [bytes, all] of [
    [200, 2_097_152],
    [262_144, 33_554_432],
  ] as const) {
    for (let sent = 0; sent < all; sent += bytes) {
      client.send(Buffer.alloc(bytes, "x"), 0, 1);
      most = Math.max(most, response.writableLength);
    }
    await new Promise(setImmediate);
  }
  expect(client.isBehind).toBe(true);
  expect(most).toBeGreaterThan(262_144);
  expect(most).toBeLessThan(1_048_576);
  idle.destroy();
  await once(response, "close");
  server.close();
});
