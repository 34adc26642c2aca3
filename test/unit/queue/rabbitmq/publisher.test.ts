import { EventEmitter } from "node:events";
import type { ConfirmChannel } from "amqplib";
import { silent } from "../../../../lib/log.ts";
import { Publisher } from "../../../../lib/queue/rabbitmq/publisher.ts";

type Confirm = (error: Error | null) => void;

/** A channel whose broker answers when the test says so. */
class FakeChannel extends EventEmitter {
  readonly sent: { readonly queue: string; readonly confirm: Confirm }[] = [];

  sendToQueue(queue: string, _body: Buffer, _options: object, confirm: Confirm): boolean {
    this.sent.push({ queue, confirm });
    return true;
  }
}

function setUp(options: { confirmTimeoutMs?: number } = {}) {
  const channel = new FakeChannel();
  const drops: string[] = [];
  const state = { blocked: false, isFull: (): Promise<boolean> => Promise.resolve(true) };
  const publisher = new Publisher({
    confirmTimeoutMs: options.confirmTimeoutMs ?? 60_000,
    log: silent,
    blocked: () => state.blocked,
    isFull: () => state.isFull(),
    drop: (reason) => drops.push(reason),
  });
  publisher.attach(channel as unknown as ConfirmChannel);
  const send = (id: string, sizeBytes = 1) =>
    publisher.send("raw", { id, body: new Uint8Array(sizeBytes), headers: {} });
  const giveBack = (id: string) =>
    channel.emit("return", { fields: { routingKey: "raw" }, properties: { messageId: id } });
  return { channel, publisher, send, giveBack, drops, state };
}

const unavailable = { type: "QUEUE_UNAVAILABLE" };
const unknown = { type: "OUTCOME_UNKNOWN" };
const nacked = new Error("message nacked");

test("a message is kept once it is confirmed, not before", async () => {
  const { channel, send } = setUp();
  let kept = false;
  const sending = send("a").then(() => (kept = true));
  await Promise.resolve();
  expect(kept).toBe(false);
  channel.sent[0]!.confirm(null);
  await sending;
});

test("a nack of a full queue says so; of any other one nobody knows, nor of a closed channel", async () => {
  const { channel, send, state } = setUp();
  const [full, lost] = [send("a"), send("b")];
  channel.sent[0]!.confirm(nacked);
  channel.sent[1]!.confirm(new Error("channel closed"));
  await expect(full).rejects.toMatchObject({ type: "QUEUE_FULL" });
  await expect(lost).rejects.toMatchObject(unknown);
  for (const [index, isFull] of [
    () => Promise.resolve(false),
    () => Promise.reject(new Error("away")),
  ].entries()) {
    state.isFull = isFull;
    const refused = send("c");
    channel.sent[2 + index]!.confirm(nacked);
    await expect(refused).rejects.toMatchObject(unknown);
  }
});

test("a message that comes back is refused though it is confirmed, each time", async () => {
  const { channel, send, giveBack, drops } = setUp();
  const [first, second, third] = [send("same"), send("same"), send("same")];
  giveBack("same");
  giveBack("same");
  for (const { confirm } of channel.sent) confirm(null);
  await expect(first).rejects.toMatchObject(unavailable);
  await expect(second).rejects.toMatchObject(unavailable);
  await third;
  expect(drops).toHaveLength(2);
});

test("nothing is sent while there is no channel, the broker is blocked, or after the close", async () => {
  const { channel, publisher, send, state } = setUp();
  state.blocked = true;
  await expect(send("a")).rejects.toMatchObject(unavailable);
  state.blocked = false;
  publisher.detach();
  await expect(send("a")).rejects.toMatchObject(unavailable);
  publisher.attach(channel as unknown as ConfirmChannel);
  await publisher.close();
  await expect(send("a")).rejects.toMatchObject(unavailable);
  expect(channel.sent).toHaveLength(0);
});

test("losing the channel settles what is on its way", async () => {
  const { publisher, send } = setUp();
  const sending = [send("a"), send("b")];
  publisher.detach();
  for (const lost of sending) await expect(lost).rejects.toMatchObject(unknown);
});

test("closing waits for what is on its way", async () => {
  const { channel, publisher, send } = setUp();
  const sending = send("a");
  let closed = false;
  const closing = publisher.close().then(() => (closed = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(closed).toBe(false);
  channel.sent[0]!.confirm(null);
  await Promise.all([sending, closing]);
});

test("what is on its way is bounded in memory; one message always goes", async () => {
  const { channel, send } = setUp();
  const megabyte = 1_048_576;
  const huge = send("huge", 70 * megabyte);
  await expect(send("a")).rejects.toMatchObject(unavailable);
  channel.sent[0]!.confirm(null);
  await huge;
  const next = send("b");
  channel.sent[1]!.confirm(null);
  await next;
});

test("a broker that confirms nothing in time loses its connection", async () => {
  const { send, drops } = setUp({ confirmTimeoutMs: 20 });
  await expect(send("a")).rejects.toMatchObject(unknown);
  expect(drops).toEqual(["the broker did not confirm in time"]);
});

test("a broker that is slow, or blocked, keeps it", async () => {
  const slow = setUp({ confirmTimeoutMs: 20 });
  const [late, quick] = [slow.send("a"), slow.send("b")];
  slow.channel.sent[1]!.confirm(null);
  await quick;
  await expect(late).rejects.toMatchObject(unknown);
  expect(slow.drops).toEqual([]);

  const blocked = setUp({ confirmTimeoutMs: 20 });
  const sending = blocked.send("a");
  blocked.state.blocked = true;
  await expect(sending).rejects.toMatchObject(unknown);
  expect(blocked.drops).toEqual([]);
});

test("a late confirm changes nothing", async () => {
  const { channel, send } = setUp({ confirmTimeoutMs: 20 });
  const sending = send("a");
  await expect(sending).rejects.toMatchObject(unknown);
  channel.sent[0]!.confirm(null);
  await expect(sending).rejects.toMatchObject(unknown);
});
