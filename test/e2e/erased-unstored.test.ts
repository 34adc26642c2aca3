import { jest } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import type { Ticker } from "../../lib/concurrency/ticker.ts";
import { readConfig } from "../../lib/config.ts";
import type { HeldEvent } from "../../lib/event/schemas/held.ts";
import { decodeBatch, encodeBatch } from "../../lib/event/batch-message.ts";
import type { ShownDeadBatch } from "../../lib/questions/lists/dead-letters.ts";
import type { ShownJob } from "../../lib/questions/jobs.ts";
import type { QuarantineAnswer } from "../../lib/questions/quarantine.ts";
import type { EventTrace } from "../../lib/questions/trace.ts";
import type { DurableQueue } from "../../lib/queue/queue.ts";
import { brokerOptions } from "../../lib/runtime/broker.ts";
import { acceptErasure } from "../../lib/store/erasure-job.ts";
import type { EventStore } from "../../lib/store/store.ts";
import { aggregator } from "../../services/aggregator.service.ts";
import { processor } from "../../services/processor.service.ts";
import { query } from "../../services/query.service.ts";
import { eventually } from "../support/eventually.ts";

let dataDir: string;
let broker: ServiceBroker;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "analytics-"));
  const config = readConfig({ DATA_DIR: dataDir, LOG_LEVEL: "fatal" });
  broker = new ServiceBroker({ ...brokerOptions(config), skipProcessEventRegistration: true });
  for (const service of [processor(config), aggregator(config), query(config)]) {
    broker.createService(service);
  }
  await broker.start();
});

afterEach(async () => {
  await broker.stop();
  await rm(dataDir, { recursive: true, force: true });
});

const receivedAt = Date.now() - 60_000;

const sent = (id: string, user: string, data = {}) => ({
  id,
  type: "a",
  source: "x",
  data,
  timestamp: receivedAt,
  receivedAt,
  metadata: { userId: user },
});

function letterOf(batch: string, project: string, events: readonly unknown[]) {
  const pieces = events.map((event) => Buffer.from(JSON.stringify(event)));
  const requests = { requestIds: ["request-1"] };
  return { body: encodeBatch(batch, project, pieces, requests), receivedAt };
}

test("what is erased goes from the dead letters too, and a replay stores the others alone", async () => {
  const processing = broker.getLocalService("processor") as unknown as {
    readonly queue: DurableQueue;
    forgetErased(): Promise<unknown>;
  };
  const { queue } = processing;
  const bodies = async () => {
    const letters = await queue.dead.list(10);
    return letters.map(({ body }) => Buffer.from(body).toString());
  };
  const idsOf = (body: string) =>
    (JSON.parse(body) as { events: { id?: string }[] }).events.map(({ id }) => id);
  const brokenOne = { metadata: { userId: "u" } };
  const mixed = [
    sent("u1", "u"),
    sent("v1", "v"),
    sent("named", "v", { email: "u@example.com" }),
    sent("v2", "v"),
    brokenOne,
  ];
  await queue.dead.put(letterOf("b1", "shop", mixed), "no good");
  await queue.dead.put(letterOf("b2", "shop", [sent("u2", "u")]), "no good");
  await queue.dead.put(letterOf("b3", "blog", [sent("u3", "u")]), "no good");
  await queue.dead.put({ body: Buffer.from("{ u"), receivedAt }, "no good");
  const [first, , blog, unreadable] = await bodies();
  const meta = { project: "shop" };
  const done = async (action: string, params: object) => {
    const { id } = await broker.call<ShownJob, object>(action, params, { meta });
    await eventually(async () => {
      const job = await broker.call<ShownJob, object>("aggregator.jobs.get", { id }, { meta });
      expect(job.status).toBe("done");
    }, 30_000);
  };

  await done("aggregator.erase.event", { id: "v2" });
  await done("aggregator.erase.events", { "data.email": "u@example.com" });
  expect(idsOf((await bodies())[0]!)).toEqual(["u1", "v1", undefined]);
  await done("aggregator.erase.subject", { userId: "u" });
  const [left, ...others] = await bodies();
  expect(idsOf(left!)).toEqual(["v1"]);
  expect(others).toEqual([blog, unreadable]);
  const head = (body: string) => body.slice(0, body.indexOf('"events"'));
  expect(head(left!)).toBe(head(first!));

  // A message that dies only now is shown without them at once.
  await queue.dead.put(letterOf("b4", "shop", [sent("u4", "u"), sent("v4", "v")]), "no good");
  const late = (await queue.dead.list(10)).at(-1)!;
  const shown = await broker.call<ShownDeadBatch, object>("processor.dead.show", { id: late.id });
  expect(idsOf(shown.body)).toEqual(["v4"]);
  const holding = (id: string) => broker.call("processor.dead.holding", { id, project: "shop" });
  expect(await holding("u4")).toEqual({ letter: null, erasedAt: null });
  expect(await holding("u5")).toEqual({ letter: null });
  expect(await holding("v4")).toMatchObject({ letter: { id: late.id } });

  // The sweep that looks for such letters.
  expect(await processing.forgetErased()).toEqual({ forgotten: 1 });
  expect(idsOf((await bodies()).at(-1)!)).toEqual(["v4"]);

  await broker.call("processor.dead.replay", { id: (await queue.dead.list(1))[0]!.id });
  const stored = async () => {
    const found = await broker.call<{ _id: string }[], object>("query.find", {}, { meta });
    return found.map(({ _id }) => _id);
  };
  await eventually(async () => expect(await stored()).toEqual(["shop:v1"]), 30_000);
});

test("the trace of an event in a dead letter tells that it is erased, and not where only its id was", async () => {
  const { queue, store } = broker.getLocalService("processor") as unknown as {
    readonly queue: DurableQueue;
    readonly store: EventStore;
  };
  // Erasures stay open.
  await broker.destroyService(broker.getLocalService("aggregator"));
  const trace = (id: string) =>
    broker.call<EventTrace, object>("query.trace", { id }, { meta: { project: "shop" } });
  const events = [sent("freed", "u"), sent("taken", "u"), sent("theirs", "v")];
  await queue.dead.put(letterOf("b1", "shop", events), "no good");
  const [letter] = await queue.dead.list(1);
  const erasedAt = new Date(receivedAt - 1).toISOString();
  for (const [id, reusable] of Object.entries({ freed: true, taken: false, gone: true })) {
    await store.refuse("shop", id, { at: receivedAt - 1, reusable });
  }
  expect(await trace("freed")).toMatchObject({ state: "dead", deadLetter: letter!.id });
  expect(await trace("taken")).toMatchObject({ state: "erased", erasedAt });
  expect(await trace("gone")).toMatchObject({ state: "erased", erasedAt, queue: null });

  const now = Date.now();
  const question = { erasure: { kind: "eraseSubject", userId: "v" }, reusable: false } as const;
  await acceptErasure(store, "shop", "job", question, now);
  expect(await trace("theirs")).toMatchObject({
    state: "erased",
    erasedAt: new Date(now).toISOString(),
    deadLetter: null,
  });

  const depth = await queue.depth();
  const waiting = { ...depth, messages: 3, oldestReceivedAt: receivedAt };
  const asking = jest.spyOn(queue, "depth").mockResolvedValue(waiting);
  expect(await trace("gone")).toMatchObject({ state: "unknown", erasedAt, queue: { waiting: 3 } });
  expect(await trace("taken")).toMatchObject({ state: "erased", erasedAt, queue: null });
  asking.mockRestore();
});

test("two processes that take erased events out of one dead letter bring none of them back", async () => {
  const processing = broker.getLocalService("processor") as unknown as {
    readonly queue: DurableQueue;
    readonly store: EventStore;
    readonly forgetting: Ticker;
    forgetErased(): Promise<unknown>;
  };
  const { queue, store } = processing;
  await processing.forgetting.stop();
  const users = ["u", "v", "w"];
  const letter = (names: readonly string[]) =>
    letterOf(
      "b1",
      "shop",
      names.map((name) => sent(name, name)),
    );
  await queue.dead.put(letter(users), "no good");
  await store.fence("shop", "u", Date.now());
  const replace = queue.dead.replace.bind(queue.dead);
  let others = 0;
  const racing = jest.spyOn(queue.dead, "replace").mockImplementation(async (id, body, before) => {
    // The other process comes first, with the events of another person.
    others += 1;
    if (others === 1) await replace(id, letter(["u", "w"]).body, before);
    return replace(id, body, before);
  });
  expect(await processing.forgetErased()).toEqual({ forgotten: 1 });
  racing.mockRestore();
  const [left] = await queue.dead.list(10);
  expect(decodeBatch(left!.body).events.map(({ id }) => id)).toEqual(["w"]);
});

test("an event in quarantine cannot become one of a person who was erased; where it did, it goes", async () => {
  const { store } = broker.getLocalService("processor") as unknown as { store: EventStore };
  const meta = { project: "shop" };
  const held = (id: string, user: string): HeldEvent => {
    const stored = { ...sent(id, user), project: "shop", context: {}, batch: "b1", hash: "h" };
    return { event: stored, version: 1, findings: [{ pointer: "", code: "type", message: "x" }] };
  };
  await store.append("b1", [], [held("patched", "v"), held("raced", "v"), held("kept", "v")]);
  await store.fence("shop", "u", Date.now());
  const patch = { metadata: { userId: "u" } };
  await expect(
    broker.call("processor.quarantine.patch", { id: "patched", patch }, { meta }),
  ).rejects.toMatchObject({ type: "INVALID_EVENT" });
  // The fence comes between a patch's look and its write.
  expect(await store.quarantine.amend(held("raced", "u"), 1)).toBe(true);
  await store.quarantine.release("shop", "raced", "r1");
  const replay = broker.call("processor.quarantine.replay", { id: "raced" }, { meta });
  await expect(replay).rejects.toMatchObject({ type: "NOT_FOUND" });
  expect(await store.quarantine.find("shop", "raced")).toBeUndefined();
  const list = broker.call<QuarantineAnswer, object>("processor.quarantine.list", {}, { meta });
  expect((await list).data.map(({ id }) => id)).toEqual(["patched", "kept"]);
});

test("a stop ends a pass over dead letters, or over the quarantine, between two of them", async () => {
  const processing = broker.getLocalService("processor") as unknown as {
    readonly queue: DurableQueue;
    readonly store: EventStore;
    readonly forgetting: Ticker;
    readonly finishingReplays: Ticker;
    forgetErased(project: undefined, signal: AbortSignal): Promise<unknown>;
    finishReplays(signal: AbortSignal): Promise<void>;
  };
  const { queue, store } = processing;
  await processing.forgetting.stop();
  await processing.finishingReplays.stop();
  await queue.publish(letterOf("b0", "shop", [sent("stored", "v")]));
  await eventually(async () => expect(await store.nextDay()).toBeDefined());
  await queue.dead.put(letterOf("b1", "shop", [sent("u1", "u")]), "no good");
  await store.fence("shop", "u", Date.now());
  const event = { ...sent("held", "v"), project: "shop", context: {}, batch: "b2", hash: "h" };
  const findings = [{ pointer: "", code: "type", message: "x" }];
  await store.append("b2", [], [{ event, version: 1, findings }]);
  await store.quarantine.release("shop", "held", "r1");
  const published = jest.spyOn(queue, "publish");

  const stopped = AbortSignal.abort();
  expect(await processing.forgetErased(undefined, stopped)).toEqual({ forgotten: 0 });
  await processing.finishReplays(stopped);
  expect(published).not.toHaveBeenCalled();

  const { signal } = new AbortController();
  expect(await processing.forgetErased(undefined, signal)).toEqual({ forgotten: 1 });
  await processing.finishReplays(signal);
  expect(published).toHaveBeenCalledTimes(1);
});
