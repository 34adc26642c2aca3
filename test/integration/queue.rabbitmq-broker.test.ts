import { randomUUID } from "node:crypto";
import { connect } from "amqplib";
import { publishTimeoutMs, type DurableQueue } from "../../lib/queue/queue.ts";
import { RabbitQueue, type RabbitOptions } from "../../lib/queue/rabbitmq/rabbitmq-queue.ts";
import { eventually } from "../support/eventually.ts";
import { type Cable, layCable } from "../../tools/servers/cable.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { type RabbitmqServer, startRabbitmq } from "../../tools/servers/servers.ts";
import { dead, done, Inbox, latch, message, textOf } from "../contract/queue-harness.ts";

describeWith(["rabbitmq"], "on a RabbitMQ broker that fails", () => {
  let server: RabbitmqServer;
  const opened: RabbitQueue[] = [];
  const cables: Cable[] = [];
  beforeAll(async () => {
    server = await startRabbitmq();
  }, 200_000);
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((queue) => queue.close()));
    await Promise.all(cables.splice(0).map((cable) => cable.remove()));
  });
  afterAll(() => server?.stop());

  async function open(options: Partial<RabbitOptions> = {}): Promise<RabbitQueue> {
    const prefix = `test.${randomUUID()}`;
    const queue = await RabbitQueue.open({ url: server.url, prefix, maxBytes: 1e9, ...options });
    opened.push(queue);
    return queue;
  }

  const unavailable = { type: "QUEUE_UNAVAILABLE" };
  const unknown = { type: "OUTCOME_UNKNOWN" };

  test("what is confirmed is delivered and what is refused is not, though the broker is killed twice on the way", async () => {
    const prefix = `test.${randomUUID()}`;
    const [publishing, consuming] = [await open({ prefix }), await open({ prefix })];
    const seen = new Set<string>();
    const consumer = await consuming.consume(
      async (delivery) => {
        seen.add(textOf(delivery));
        return done;
      },
      { prefetch: 8 },
    );
    const confirmed: string[] = [];
    const refused: string[] = [];
    let publishes = 0;
    let goOn = true;
    const publishAll = async () => {
      while (goOn) {
        const text = `message ${publishes++}`;
        const outcome = await publishing.publish(message(text)).then(
          () => "confirmed",
          ({ type }: { type: unknown }) => type,
        );
        if (outcome === "confirmed") confirmed.push(text);
        else if (outcome === unavailable.type) refused.push(text);
        // What was on its way when the broker was killed is delivered or not.
        else expect(outcome).toBe(unknown.type);
        // Refusals come at once: the loop must leave the connection its turns.
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const publishers = Promise.all(Array.from({ length: 16 }, publishAll));
    for (let kills = 0; kills < 2; kills++) {
      const before = confirmed.length;
      await eventually(() => expect(confirmed.length).toBeGreaterThan(before + 200));
      await server.kill();
      await server.restart();
    }
    const before = confirmed.length;
    await eventually(() => expect(confirmed.length).toBeGreaterThan(before + 200));
    goOn = false;
    await publishers;
    await eventually(() => expect(confirmed.filter((text) => !seen.has(text))).toEqual([]));
    await consumer.stop();
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.filter((text) => seen.has(text))).toEqual([]);
  }, 120_000);

  test("a publish fails at once while the broker is away, and works by itself afterwards", async () => {
    const queue = await open();
    await queue.publish(message("before"));
    await server.kill();
    try {
      await eventually(() => expect(queue.trouble).toContain("RABBITMQ_URL"));
      const startedAt = performance.now();
      for (let tries = 0; tries < 100; tries++) {
        await expect(queue.publish(message("during"))).rejects.toMatchObject(unavailable);
      }
      // One that waited for the broker would take as long by itself.
      expect(performance.now() - startedAt).toBeLessThan(publishTimeoutMs);
      await expect(queue.depth()).rejects.toMatchObject(unavailable);
      await expect(queue.dead.list(1)).rejects.toMatchObject(unavailable);
    } finally {
      await server.restart();
    }
    await eventually(() => queue.publish(message("after")));
    await eventually(async () => expect((await queue.depth()).messages).toBe(2));
    expect(queue.trouble).toBeNull();
  }, 120_000);

  test("an outcome of a delivery by an older connection is not carried out, and harms nothing", async () => {
    const queue = await open();
    const gate = latch();
    const inbox = new Inbox(async ({ redelivered }) => {
      if (!redelivered) await gate.opened;
      return done;
    });
    await queue.consume(inbox.handle, { prefetch: 2 });
    await queue.publish(message("interrupted"));
    await inbox.arrived(1);
    await server.kill();
    await server.restart();
    const [, again] = await inbox.arrived(2);
    expect(again).toMatchObject({ attempt: 1, redelivered: true });
    gate.open();
    await eventually(() => queue.publish(message("later")));
    await inbox.arrived(3);
    expect(inbox.texts).toEqual(["interrupted", "interrupted", "later"]);
    await eventually(async () => expect((await queue.depth()).messages).toBe(0));
  }, 120_000);

  test("a new connection brings no more handlers than `prefetch`; pausing gives back what waits for them", async () => {
    const prefix = `test.${randomUUID()}`;
    const cable = await layCable(server.url);
    cables.push(cable);
    const [queue, other] = [await open({ prefix, url: cable.url }), await open({ prefix })];
    const busy = new Inbox(() => new Promise(() => undefined));
    for (const text of ["a", "b", "c"]) await queue.publish(message(text));
    const consumer = await queue.consume(busy.handle, { prefetch: 2 });
    await busy.arrived(2);
    cable.pull();
    await eventually(() => expect(queue.trouble).not.toBeNull());
    cable.plugIn();
    // The other process counts what waits on the broker: two were delivered to the new connection.
    const waiting = async (messages: number, oldestReceivedAt: unknown) =>
      expect(await other.depth()).toMatchObject({ messages, oldestReceivedAt });
    await eventually(() => waiting(3, expect.any(Number)));
    await eventually(() => waiting(1, null));
    expect(busy.texts).toEqual(["a", "b"]);
    consumer.pause();
    const inbox = new Inbox();
    await other.consume(inbox.handle, { prefetch: 2 });
    await eventually(() => expect(inbox.texts.sort()).toEqual(["a", "b", "c"]));
  }, 60_000);

  test("a broker that hangs is given up after the time for a confirm, and found again", async () => {
    const confirmTimeoutMs = 1_000;
    const queue = await open({ confirmTimeoutMs });
    const inbox = new Inbox();
    await queue.consume(inbox.handle, { prefetch: 1 });
    server.freeze();
    try {
      await expect(queue.publish(message("lost"))).rejects.toMatchObject(unknown);
      await eventually(() => expect(queue.trouble).toContain("did not confirm in time"));
      const startedAt = performance.now();
      await expect(queue.publish(message("lost"))).rejects.toMatchObject(unavailable);
      // One that waited for a confirm would take as long by itself.
      expect(performance.now() - startedAt).toBeLessThan(confirmTimeoutMs);
    } finally {
      server.thaw();
    }
    await eventually(() => queue.publish(message("found")));
    await eventually(() => expect(inbox.texts).toContain("found"));
  }, 120_000);

  test("closing does not wait for a broker that hangs", async () => {
    const queue = await open();
    server.freeze();
    try {
      const startedAt = performance.now();
      await queue.close();
      expect(performance.now() - startedAt).toBeLessThan(10_000);
    } finally {
      server.thaw();
    }
  }, 60_000);

  test("a broker short of memory takes no messages, and still delivers what it has", async () => {
    const queue = await open();
    for (const text of ["a", "b"]) await queue.publish(message(text));
    await server.ctl("set_vm_memory_high_watermark", "absolute", "1MB");
    try {
      // The broker says so when the first message arrives, and leaves that one without a confirm.
      const blocked = queue.publish(message("during"));
      await eventually(() => expect(queue.trouble).toContain("memory"));
      const startedAt = performance.now();
      await expect(queue.publish(message("during"))).rejects.toMatchObject(unavailable);
      // One that waited for the broker would take as long by itself.
      expect(performance.now() - startedAt).toBeLessThan(publishTimeoutMs);
      const inbox = new Inbox();
      await queue.consume(inbox.handle, { prefetch: 1 });
      await inbox.arrived(2);
      expect(inbox.texts).toEqual(["a", "b"]);
      await expect(blocked).rejects.toMatchObject(unknown);
    } finally {
      await server.ctl("set_vm_memory_high_watermark", "0.4");
    }
    await eventually(() => queue.publish(message("after")));
  }, 120_000);

  test("a queue that somebody deletes is made anew by who publishes to it", async () => {
    const prefix = `test.${randomUUID()}`;
    const queue = await open({ prefix });
    await deleteQueue(`${prefix}.raw`);
    await expect(queue.publish(message("lost"))).rejects.toMatchObject(unavailable);
    await eventually(() => queue.publish(message("kept")));
    await eventually(async () => expect((await queue.depth()).messages).toBe(1));
  }, 60_000);

  test("queues that somebody deletes are made anew by who consumes", async () => {
    const prefix = `test.${randomUUID()}`;
    const queue = await open({ prefix });
    const inbox = new Inbox((delivery) => (textOf(delivery) === "bad" ? dead : done));
    await queue.consume(inbox.handle, { prefetch: 1 });
    await queue.publish(message("before"));
    await inbox.arrived(1);
    await deleteQueue(`${prefix}.raw`);
    await eventually(() => queue.publish(message("after")));
    await eventually(() => expect(inbox.texts).toContain("after"));
    await deleteQueue(`${prefix}.dead`);
    await queue.publish(message("bad"));
    await eventually(async () => expect(await letters(queue)).toEqual(["bad"]));
  }, 60_000);

  async function deleteQueue(name: string): Promise<void> {
    const connection = await connect(server.url, { timeout: 5_000 });
    await (await connection.createChannel()).deleteQueue(name);
    await connection.close();
  }

  async function letters(queue: DurableQueue): Promise<readonly string[]> {
    return (await queue.dead.list(10)).map(textOf);
  }
});
