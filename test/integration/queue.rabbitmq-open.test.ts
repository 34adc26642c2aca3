import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { connect } from "amqplib";
import { RabbitQueue, type RabbitOptions } from "../../lib/queue/rabbitmq/rabbitmq-queue.ts";
import { eventually } from "../support/eventually.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { type RabbitmqServer, startRabbitmq } from "../../tools/servers/servers.ts";
import { done, Inbox, latch, message, textOf } from "../contract/queue-harness.ts";

describeWith(["rabbitmq"], "opening a queue on RabbitMQ", () => {
  let server: RabbitmqServer;
  beforeAll(async () => {
    server = await startRabbitmq();
  }, 200_000);
  afterEach(() => Promise.all(opened.splice(0).map((queue) => queue.close())));
  afterAll(() => server?.stop());

  const opened: RabbitQueue[] = [];
  async function open(options: Partial<RabbitOptions>): Promise<RabbitQueue> {
    const queue = await RabbitQueue.open({
      url: server.url,
      prefix: `test.${randomUUID()}`,
      maxBytes: 1e6,
      openTimeoutMs: 1_000,
      ...options,
    });
    opened.push(queue);
    return queue;
  }

  async function refusal(options: Partial<RabbitOptions>): Promise<string> {
    const error = await open(options).then(
      () => new Error("it was opened"),
      (reason: unknown) => reason as Error,
    );
    expect(error.message).toMatch(/^RABBITMQ_URL \(/);
    return error.message;
  }

  const urlWith = (change: (url: URL) => void) => {
    const url = new URL(server.url);
    change(url);
    return url.href;
  };

  test("says that the password is refused, at once and without the password", async () => {
    const url = urlWith((it) => (it.password = "s3cret"));
    const reason = await refusal({ url, openTimeoutMs: 60_000 });
    expect(reason).toContain("refuses this user name and password");
    expect(reason).not.toContain("s3cret");
  });

  test("says that the virtual host is refused, at once", async () => {
    const url = urlWith((it) => (it.pathname = "/nowhere"));
    const reason = await refusal({ url, openTimeoutMs: 60_000 });
    expect(reason).toMatch(/nowhere.*refuses the virtual host/);
  });

  test("opens where nobody listens, the name is not known, nothing answers, and says so", async () => {
    const troubleOf = async (url: string) => {
      const queue = await open({ url });
      await expect(queue.publish(message("nobody takes it"))).rejects.toMatchObject({
        type: "QUEUE_UNAVAILABLE",
      });
      return queue.trouble;
    };
    expect(await troubleOf(urlWith((it) => (it.port = "1")))).toContain("ECONNREFUSED");
    const unknown = await troubleOf(urlWith((it) => (it.hostname = "no.such.invalid")));
    expect(unknown).toContain("the host name is not known");
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    expect(await troubleOf(urlWith((it) => (it.port = String(port))))).toContain(
      "does not answer in time",
    );
    silent.close();
  });

  test("works by itself once a broker is there that was away when it was opened", async () => {
    await server.kill();
    const queue = await open({});
    expect(queue.trouble).toContain("RABBITMQ_URL");
    const inbox = new Inbox();
    await queue.consume(inbox.handle, { prefetch: 1 });
    await server.restart();
    await eventually(() => queue.publish(message("late")), 60_000);
    await inbox.arrived(1);
    expect(queue.trouble).toBeNull();
  }, 120_000);

  test("waits for a broker that is starting", async () => {
    await server.kill();
    const queue = open({ openTimeoutMs: 60_000 });
    await server.restart();
    expect((await queue).trouble).toBeNull();
  }, 120_000);

  test("names the queue, what differs and what to do where it exists with another bound", async () => {
    const prefix = `test.${randomUUID()}`;
    await (await open({ prefix, maxBytes: 5_000 })).close();
    const reason = await refusal({ prefix, maxBytes: 6_000, openTimeoutMs: 60_000 });
    expect(reason).toContain(
      `the queue ${prefix}.raw exists with another x-max-length-bytes: it has '5000', ` +
        "this service needs '6000'. Set QUEUE_MAX_BYTES",
    );
    await (await open({ prefix, maxBytes: 5_000 })).close();
  });

  test("names what differs where somebody else made the queue", async () => {
    const prefix = `test.${randomUUID()}`;
    const connection = await connect(server.url, { timeout: 5_000 });
    await (await connection.createChannel()).assertQueue(`${prefix}.dead`, { durable: false });
    const reason = await refusal({ prefix, openTimeoutMs: 60_000 });
    expect(reason).toContain(`the queue ${prefix}.dead exists with another durable`);
    await connection.close();
  });

  test("several processes share the queue: each message goes to one of them", async () => {
    const prefix = `test.${randomUUID()}`;
    const queues = await Promise.all([open({ prefix }), open({ prefix }), open({ prefix })]);
    const inboxes = queues.map(() => new Inbox());
    for (const [index, queue] of queues.entries()) {
      await queue.consume(inboxes[index]!.handle, { prefetch: 2 });
    }
    const texts = Array.from({ length: 90 }, (_, index) => `message ${index}`);
    await Promise.all(texts.map((text, index) => queues[index % 3]!.publish(message(text))));
    const all = () => inboxes.flatMap((inbox) => inbox.texts);
    await eventually(() => expect(all().sort()).toEqual([...texts].sort()));
    for (const inbox of inboxes) expect(inbox.texts.length).toBeGreaterThan(0);
  });

  test("a dead letter stays where it is while the queue it would go back to is full", async () => {
    const queue = await open({ maxBytes: 1_000 });
    await queue.dead.put(message("letter"), "no good");
    const fill = async () => {
      for (;;) await queue.publish({ body: new Uint8Array(500), receivedAt: 1 });
    };
    await expect(fill()).rejects.toMatchObject({ type: "QUEUE_FULL" });
    const [letter] = await queue.dead.list(10);
    await expect(queue.dead.replay(letter!.id)).rejects.toMatchObject({ type: "QUEUE_FULL" });
    expect(await queue.dead.find(letter!.id)).toEqual(letter);
    const inbox = new Inbox();
    await queue.consume(inbox.handle, { prefetch: 10 });
    await eventually(async () => expect((await queue.depth()).messages).toBe(0));
    expect(await queue.dead.replay(letter!.id)).toBe(true);
    await eventually(() => expect(inbox.texts).toContain("letter"));
    expect(await queue.dead.list(10)).toEqual([]);
  });

  test("one that only publishes sees the head of the queue while nobody consumes", async () => {
    const prefix = `test.${randomUUID()}`;
    const [publishing, consuming] = [await open({ prefix }), await open({ prefix })];
    await publishing.publish(message("first", 1_000));
    await publishing.publish(message("second", 2_000));
    for (let looks = 0; looks < 5; looks++) {
      expect(await publishing.depth()).toMatchObject({ messages: 2, oldestReceivedAt: 1_000 });
    }
    const gate = latch();
    const inbox = new Inbox(async () => {
      await gate.opened;
      return done;
    });
    const consumer = await consuming.consume(inbox.handle, { prefetch: 1 });
    await inbox.arrived(1);
    expect(textOf(inbox.deliveries[0]!)).toBe("first");
    expect(await consuming.depth()).toMatchObject({ messages: 2, oldestReceivedAt: 1_000 });
    expect(await publishing.depth()).toMatchObject({ messages: 1, oldestReceivedAt: null });
    gate.open();
    await inbox.arrived(2);
    await consumer.stop();
  });

  test("one that consumes and holds nothing sees what waits, also for others", async () => {
    const prefix = `test.${randomUUID()}`;
    const [idle, busy] = [await open({ prefix }), await open({ prefix })];
    const gate = latch();
    const inbox = new Inbox(async () => {
      await gate.opened;
      return done;
    });
    const consumers = [
      await idle.consume(inbox.handle, { prefetch: 1 }),
      await busy.consume(inbox.handle, { prefetch: 1 }),
    ];
    consumers[0]!.pause();
    await busy.publish(message("first", 1_000));
    await busy.publish(message("second", 2_000));
    await eventually(async () => {
      expect(await busy.depth()).toMatchObject({ messages: 2, oldestReceivedAt: 1_000 });
      expect(await idle.depth()).toMatchObject({ messages: 1, oldestReceivedAt: 2_000 });
    });
    gate.open();
    await inbox.arrived(2);
    for (const consumer of consumers) await consumer.stop();
  });
});
