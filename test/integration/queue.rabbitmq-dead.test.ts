import { randomUUID } from "node:crypto";
import { jest } from "@jest/globals";
import { connect, type Channel } from "amqplib";
import { BrokerLock } from "../../lib/queue/rabbitmq/broker-lock.ts";
import { RabbitQueue } from "../../lib/queue/rabbitmq/rabbitmq-queue.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { type RabbitmqServer, startRabbitmq } from "../../tools/servers/servers.ts";
import { latch, message } from "../contract/queue-harness.ts";
import { eventually } from "../support/eventually.ts";

describeWith(["rabbitmq"], "dead letters on RabbitMQ", () => {
  let server: RabbitmqServer;
  let prefix: string;
  let one: RabbitQueue;
  let other: RabbitQueue;

  beforeAll(async () => {
    server = await startRabbitmq();
  }, 200_000);
  afterAll(() => server?.stop());

  beforeEach(async () => {
    prefix = `test.${randomUUID()}`;
    const options = { url: server.url, prefix, maxBytes: 1e6 };
    one = await RabbitQueue.open(options);
    other = await RabbitQueue.open(options);
  });
  afterEach(async () => {
    await one.close();
    await other.close();
  });

  async function put(letters: number): Promise<void> {
    const names = Array.from({ length: letters }, (_, i) => `letter ${i}`);
    await Promise.all(names.map((name) => one.dead.put(message(name), "no good")));
    await eventually(async () => expect((await one.depth()).dead).toBe(letters));
  }

  test("are all seen by two processes that look through them at the same time", async () => {
    await put(50);
    const { id } = (await one.dead.list(50)).at(-1)!;
    const seen = await Promise.all(
      [one, other, one, other].map(async ({ dead }) => [
        (await dead.list(100)).length,
        (await dead.find(id))?.id,
      ]),
    );
    for (const each of seen) expect(each).toEqual([50, id]);
  }, 60_000);

  test("are taken once for all who ask at the same time, and not for those who have left", async () => {
    await put(20);
    const model = await connect(server.url);
    const gate = latch();
    const locked = latch();
    const held = new BrokerLock(`${prefix}.dead.look`, () => model).hold(async () => {
      locked.open();
      await gate.opened;
    });
    await locked.opened;
    const channels = Object.getPrototypeOf(await model.createChannel()) as Channel;
    const gets = jest.spyOn(channels, "get");
    const failure = new Error("it left");
    const left = new AbortController();
    let shown = 0;
    const visit = () => (shown += 1) > 0;
    const asked = Array.from({ length: 10 }, () => one.dead.each(visit));
    const late = one.dead.each(visit, left.signal);
    left.abort(failure);
    gate.open();
    await expect(late).rejects.toBe(failure);
    await Promise.all(asked);
    await held;
    expect([gets.mock.calls.length, shown]).toEqual([21, 200]);
    gets.mockRestore();
    await model.close();
  }, 60_000);

  test("are counted while they are looked through", async () => {
    await put(1_000);
    let isLooking = true;
    const look = one.dead.list(1_000).finally(() => (isLooking = false));
    expect(await one.depth()).toMatchObject({ dead: 1_000 });
    expect(isLooking).toBe(true);
    expect(await look).toHaveLength(1_000);
  }, 60_000);

  test("are not said to be missing while another process looks through them", async () => {
    await put(1);
    const [letter] = await one.dead.list(1);
    const gate = latch();
    const model = await connect(server.url);
    const held = new BrokerLock(`${prefix}.dead.look`, () => model).hold(() => gate.opened);
    await eventually(async () => {
      const found = other.dead.find(letter!.id);
      await expect(found).rejects.toMatchObject({ type: "OVERLOADED", data: { retryAfter: 2 } });
    });
    gate.open();
    await held;
    expect(await other.dead.find(letter!.id)).toEqual(letter);
    await model.close();
  }, 60_000);

  test("can be looked through again once the process is dead that looked last", async () => {
    await put(1);
    const model = await connect(server.url);
    const lock = new BrokerLock(`${prefix}.dead.look`, () => model);
    const gate = latch();
    const locked = latch();
    const held = lock.hold(async () => {
      locked.open();
      await gate.opened;
    });
    await locked.opened;
    await model.close();
    expect(await other.dead.list(10)).toHaveLength(1);
    gate.open();
    await held;
  }, 60_000);
});
