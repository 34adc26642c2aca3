import { jest } from "@jest/globals";
import fc from "fast-check";
import {
  AnalyticsClient,
  ConnectionError,
  ProblemError,
  SendError,
  type EventToSend,
  type Loss,
} from "../../../client/src/index.ts";
import { Courier } from "../../../client/src/delivery.ts";
import { Http } from "../../../client/src/http.ts";
import { Outbox, type OutboxOptions } from "../../../client/src/outbox.ts";
import { FakeCollector, type Behaviour } from "../../support/fake-collector.ts";

const url = "http://collector.test/base/";
const forever = { giveUpAfterMs: Infinity, gzip: false, patience: { firstMs: 1, mostMs: 2 } };

function outboxTo(collector: FakeCollector, options: OutboxOptions = {}) {
  const http = new Http({ url, fetch: collector.fetch, timeoutMs: 10_000, retries: 0 });
  const losses: Loss[] = [];
  const outbox = new Outbox(new Courier(http, forever), options, (loss) => losses.push(loss));
  return { outbox, losses };
}

const eventText = (id: number, type = "t") => JSON.stringify({ id: `e${id}`, type, source: "s" });

test("whatever goes wrong on the way, each event is stored once or told as lost", async () => {
  const behaviour = fc.constantFrom<Behaviour>(
    ...(["takes", "unreachable", "answer-lost"] as const),
    ...[408, 413, 429, 500, 502, 503, 504, 507, 520].map((status) => ({ status })),
  );
  const kinds = fc.array(fc.constantFrom("t", "bad"), { minLength: 1, maxLength: 60 });
  const run = fc.asyncProperty(
    fc.array(behaviour, { maxLength: 12 }),
    kinds,
    fc.integer({ min: 1, max: 20 }),
    fc.integer({ min: 1, max: 3 }),
    async (behaviours, types, batchEvents, batchesAtOnce) => {
      // Whoever takes an event once does not find it too large the next time.
      const tooLarge = behaviours.some((one) => typeof one === "object" && one.status === 413);
      const collector = new FakeCollector(
        behaviours.map((one) => (tooLarge && one === "answer-lost" ? "unreachable" : one)),
      );
      const { outbox, losses } = outboxTo(collector, { batchEvents, batchesAtOnce });
      types.forEach((type, i) => outbox.add(eventText(i, type)));
      await outbox.flush();
      const lost = losses.flatMap(({ reason, events }) => events.map(({ id }) => [id, reason]));
      const all = types.map((_, i) => `e${i}`);
      expect([...collector.stored.keys(), ...lost.map(([id]) => id)].sort()).toEqual(all.sort());
      // A single event that is too large for whatever stands before the service is told as refused.
      expect(lost.every(([, reason]) => reason === "rejected")).toBe(true);
      const { tracked, waiting, underWay, accepted, lost: count } = outbox.stats;
      expect({ tracked, waiting, underWay, count }).toEqual({
        tracked: types.length,
        waiting: 0,
        underWay: 0,
        count: lost.length,
      });
      expect(accepted).toBe(collector.stored.size);
    },
  );
  await fc.assert(run, { numRuns: 60 });
});

test.each([[undefined], ['{"ok":true}'], ["null"], ["[]"], ['{"accepted":1,"results":{}}']])(
  "a success that does not tell the outcome (%s) is asked for again with the same ids",
  async (body) => {
    const collector = new FakeCollector();
    const sent: (string | undefined)[] = [];
    const fetch = (address: unknown, init?: RequestInit) => {
      sent.push(init?.body as string | undefined);
      if (sent.length > 2) return collector.fetch(address, init);
      return Promise.resolve(new Response(body, { status: 200 }));
    };
    const http = new Http({ url, fetch, timeoutMs: 10_000, retries: 0 });
    const lines = [eventText(1)];
    expect(await new Courier(http, forever).deliver(lines)).toEqual({ accepted: 1, rejected: [] });
    expect(sent).toEqual(Array(3).fill(lines[0]));
    sent.length = 0;
    const impatient = new Courier(http, { ...forever, giveUpAfterMs: 0 });
    expect(await impatient.deliver(lines)).toMatchObject({
      failure: { from: 0, cause: expect.any(ConnectionError) as unknown },
    });
  },
);

test("a full queue loses what its policy says, tells it, and holds no more than its bounds", async () => {
  for (const [overflow, kept] of [
    ["drop-newest", [0, 1, 2, 3]],
    ["drop-oldest", [0, 1, 7, 8, 9]],
  ] as const) {
    const collector = new FakeCollector();
    let open = () => {};
    collector.gate = new Promise((resolve) => (open = resolve));
    const options = { overflow, queueEvents: overflow === "drop-newest" ? 4 : 5 };
    const { outbox, losses } = outboxTo(collector, {
      ...options,
      batchEvents: 2,
      batchesAtOnce: 1,
    });
    for (let i = 0; i < 10; i++) outbox.add(eventText(i));
    const { waiting, underWay } = outbox.stats;
    expect(waiting + underWay).toBe(options.queueEvents);
    open();
    await outbox.flush();
    expect([...collector.stored.keys()]).toEqual(kept.map((i) => `e${i}`));
    const lost = losses.flatMap(({ reason, events }) => events.map(({ id }) => `${reason} ${id}`));
    const others = [...Array(10).keys()].filter((i) => !(kept as readonly number[]).includes(i));
    expect(lost).toEqual(others.map((i) => `overflow e${i}`));
  }
});

test("bytes bound the queue and the batches, too", async () => {
  const collector = new FakeCollector();
  const size = eventText(0).length;
  const sizes = { batchBytes: 3 * size, queueBytes: 7 * size, batchesAtOnce: 1 };
  const { outbox, losses } = outboxTo(collector, sizes);
  for (let i = 0; i < 9; i++) outbox.add(eventText(i));
  await outbox.flush();
  expect(losses.flatMap(({ events }) => events.map(({ id }) => id))).toEqual(["e7", "e8"]);
  expect(collector.sizes).toEqual([3, 3, 1]);
});

test("a client that is closed tells what it could not bring out, each event once", async () => {
  const collector = new FakeCollector();
  collector.gate = new Promise(() => {});
  const { outbox, losses } = outboxTo(collector, { batchEvents: 2, batchesAtOnce: 1 });
  for (let i = 0; i < 5; i++) outbox.add(eventText(i));
  await outbox.close(10);
  outbox.add(eventText(5));
  const told = losses.flatMap(({ reason, events }) => events.map(({ id }) => `${reason} ${id}`));
  expect(told).toEqual([0, 1, 2, 3, 4, 5].map((i) => `closed e${i}`));
  expect(outbox.stats).toMatchObject({ waiting: 0, underWay: 0, lost: 6 });
});

describe("without bounds of time", () => {
  beforeEach(() => jest.useFakeTimers({ doNotFake: ["nextTick", "queueMicrotask"] }));
  afterEach(() => jest.useRealTimers());
  const hourMs = 3_600_000;

  test("events wait for a flush, for their answer, and a closing client for their outcome", async () => {
    const collector = new FakeCollector();
    let open = () => {};
    collector.gate = new Promise((resolve) => (open = resolve));
    const losses: Loss[] = [];
    const client = new AnalyticsClient({
      url,
      source: "s",
      fetch: collector.fetch,
      timeoutMs: Infinity,
      giveUpAfterMs: Infinity,
      batchWaitMs: Infinity,
      onLoss: (loss) => losses.push(loss),
    });
    client.track({ id: "e", type: "t" });
    await jest.advanceTimersByTimeAsync(hourMs);
    expect(collector.requests).toBe(0);
    const closing = client.close({ withinMs: Infinity });
    await jest.advanceTimersByTimeAsync(hourMs);
    expect(losses).toEqual([]);
    open();
    await closing;
    expect([...collector.stored.keys()]).toEqual(["e"]);
    expect({ losses, requests: collector.requests }).toEqual({ losses: [], requests: 1 });
  });
});

test("of a batch that was too large at once only what is not confirmed is told as failed", async () => {
  const collector = new FakeCollector([{ status: 413 }, "takes", { status: 401 }]);
  const { outbox, losses } = outboxTo(collector);
  ["t", "bad", "t", "t"].forEach((type, i) => outbox.add(eventText(i, type)));
  await outbox.flush();
  const told = losses.flatMap(({ reason, events }) => events.map(({ id }) => `${reason} ${id}`));
  expect(told).toEqual(["rejected e1", "failed e2", "failed e3"]);
  expect(losses[1]!.cause).toMatchObject({ status: 401 });
  expect([...collector.stored.keys()]).toEqual(["e0"]);
  expect(outbox.stats).toEqual({ tracked: 4, waiting: 0, underWay: 0, accepted: 1, lost: 3 });
});

test("the wait that one batch was told holds for the others", async () => {
  const collector = new FakeCollector([{ status: 503, retryAfter: 1 }]);
  const http = new Http({ url, fetch: collector.fetch, timeoutMs: 10_000, retries: 0 });
  const waits: number[] = [];
  const onRetry = (_: unknown, waitMs: number) => waits.push(waitMs);
  const courier = new Courier(http, { ...forever, onRetry });
  const first = courier.deliver([eventText(1)]);
  // The first attempt is refused within a turn of the loop; nothing else leaves before its second one.
  while (waits.length === 0) await new Promise(setImmediate);
  const second = courier.deliver([eventText(2)]);
  const requestsMeanwhile = await Promise.race([second, Promise.resolve()]).then(
    () => collector.requests,
  );
  expect(requestsMeanwhile).toBe(1);
  expect(waits[0]).toBeGreaterThanOrEqual(1_000);
  expect(await Promise.all([first, second])).toEqual([
    { accepted: 1, rejected: [] },
    { accepted: 1, rejected: [] },
  ]);
});

describe("a client", () => {
  const events = Array.from({ length: 1_500 }, (_, i) => ({ type: i === 1_200 ? "bad" : "t" }));

  test("sends any number, tells each refusal by its place, and packs large batches", async () => {
    const collector = new FakeCollector();
    const client = new AnalyticsClient({ url, source: "s", fetch: collector.fetch });
    const { ids, accepted, rejected } = await client.send(events);
    expect({ accepted, sizes: collector.sizes }).toEqual({ accepted: 1_499, sizes: [1_000, 500] });
    expect(rejected).toMatchObject([{ index: 1_200, id: ids[1_200] }]);
    expect([...collector.stored.keys()]).toEqual(ids.filter((_, i) => i !== 1_200));
    await client.close();
  });

  test("names the events that are not confirmed, which can be sent again as they are", async () => {
    const collector = new FakeCollector(["takes", { status: 401 }]);
    const client = new AnalyticsClient({ url, source: "s", fetch: collector.fetch });
    const failure = await client.send(events).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (!(failure instanceof SendError)) throw new Error("it has to fail");
    expect(failure.cause).toBeInstanceOf(ProblemError);
    expect({ accepted: failure.accepted, left: failure.events.length }).toEqual({
      accepted: 1_000,
      left: 500,
    });
    await client.send(failure.events);
    expect(collector.stored.size).toBe(1_499);
    expect(collector.seen.length).toBe(1_500);
    await client.close();
  });

  test("tells which events were refused before others are not confirmed", async () => {
    const collector = new FakeCollector([
      ...(["takes", { status: 413 }, "takes", { status: 401 }] as const),
    ]);
    const client = new AnalyticsClient({ url, source: "s", fetch: collector.fetch });
    const list = Array.from({ length: 1_004 }, (_, i) => {
      return { id: `e${i}`, type: i === 3 || i === 1_001 ? "bad" : "t" };
    });
    const failure = await client.send(list).catch((error: unknown) => error);
    if (!(failure instanceof SendError)) throw new Error("it has to fail");
    const { accepted, rejected, events: left } = failure;
    expect({ accepted, left: left.map(({ id }) => id) }).toEqual({
      accepted: 1_000,
      left: ["e1002", "e1003"],
    });
    expect(rejected).toMatchObject([
      { index: 3, id: "e3", error: { errors: [{ message: "is bad" }] } },
      { index: 1_001, id: "e1001" },
    ]);
    await client.close();
  });

  test("stops at once when its signal is aborted", async () => {
    const collector = new FakeCollector([{ status: 503, retryAfter: 3_600 }]);
    const client = new AnalyticsClient({
      url,
      source: "s",
      fetch: collector.fetch,
      giveUpAfterMs: Infinity,
      onRetry: () => leave.abort(new Error("left")),
    });
    const leave = new AbortController();
    await expect(client.send({ type: "t" }, leave)).rejects.toThrow("left");
    await client.close();
  });

  test.each([501, 505, 400])("gives up at once on %i", async (status) => {
    const collector = new FakeCollector([{ status }]);
    const client = new AnalyticsClient({ url, source: "s", fetch: collector.fetch });
    const cause = expect.objectContaining({ status }) as unknown;
    await expect(client.send({ type: "t" })).rejects.toMatchObject({ cause });
    expect(collector.requests).toBe(1);
    await client.close();
  });

  test("refuses an event without a source before it is sent", () => {
    const client = new AnalyticsClient({ url });
    expect(() => client.track({ type: "t" })).toThrow(TypeError);
  });

  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  test.each<readonly [string, Partial<EventToSend>, RegExp]>([
    ["an invalid Date", { timestamp: new Date("soon") }, /timestamp is an invalid Date/],
    ["NaN for a timestamp", { timestamp: NaN }, /timestamp is NaN/],
    ["Infinity for a timestamp", { timestamp: Infinity }, /timestamp is Infinity/],
    ["NaN in data", { data: { none: null, list: [{ amount: NaN }] } }, /amount is NaN/],
    ["-Infinity in a list", { data: [1, -Infinity] }, /1 is -Infinity/],
    ["an invalid Date in metadata", { metadata: { at: new Date(NaN) } as never }, /at is an inv/],
    [
      "undefined in a list",
      { data: { list: [1, undefined] } as never },
      /1 of a list is undefined/,
    ],
    ["a function in a list", { data: [() => 1] as never }, /0 of a list is/],
    ["a BigInt", { data: 1n as never }, /BigInt/],
    ["a circle", { data: circle as never }, /circular/i],
  ])("refuses what JSON cannot carry before it is sent: %s", async (_, event, why) => {
    const collector = new FakeCollector();
    const client = new AnalyticsClient({ url, source: "s", fetch: collector.fetch });
    expect(() => client.track({ type: "t", ...event })).toThrow(TypeError);
    expect(() => client.track({ type: "t", ...event })).toThrow(why);
    await expect(client.send([{ type: "t" }, { type: "t", ...event }])).rejects.toThrow(TypeError);
    await client.close();
    expect(collector.requests).toBe(0);
    expect(client.stats.tracked).toBe(0);
  });

  test("sends null, dates and texts that look like them as they are", async () => {
    const collector = new FakeCollector();
    const client = new AnalyticsClient({ url, source: "s", fetch: collector.fetch });
    const data = { nothing: null, text: "null NaN", at: new Date(0) as never, list: [null, 0] };
    await client.send({ id: "a", type: "t", data, timestamp: new Date(1) });
    expect(JSON.parse(collector.stored.get("a")!)).toMatchObject({
      data: { nothing: null, text: "null NaN", at: "1970-01-01T00:00:00.000Z", list: [null, 0] },
      timestamp: "1970-01-01T00:00:00.001Z",
    });
    await client.close();
  });

  test("refuses a body that would say something else, of any other request, too", async () => {
    const client = new AnalyticsClient({ url, fetch: () => Promise.reject(new Error("sent")) });
    const key = { name: "n", scopes: ["admin"], expiresAt: NaN } as const;
    await expect(client.keys.create(key)).rejects.toThrow(/expiresAt is NaN/);
    // In a merge patch null takes a property away.
    const patch = { data: { amount: NaN } };
    await expect(client.quarantine.patch("e", patch)).rejects.toThrow(/amount is NaN/);
    const question = { filters: ["gte", "data.amount", NaN] } as never;
    await expect(client.query(question)).rejects.toThrow(/2 is NaN/);
    const saved = { kind: "run", question } as const;
    await expect(client.saved.put("q", saved)).rejects.toThrow(/2 is NaN/);
  });
});
