import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Context, ServiceBroker, type Service } from "moleculer";
import { maxWaitsOfProject } from "../../../../lib/event/limits.ts";
import type { Waits } from "../../../../lib/concurrency/waits.ts";
import { readConfig } from "../../../../lib/config.ts";
import { ServiceError } from "../../../../lib/errors.ts";
import { decodeBatch } from "../../../../lib/event/batch-message.ts";
import type { EventOutcome, Receipt } from "../../../../lib/event/receipt.ts";
import type { OutgoingMessage } from "../../../../lib/queue/queue.ts";
import { brokerOptions } from "../../../../lib/runtime/broker.ts";
import { ingest } from "../../../../services/ingest.service.ts";
import { eventually } from "../../../support/eventually.ts";

type Publishing = Service & {
  queue: { publish(message: OutgoingMessage): Promise<void> };
  answerCollect(ctx: Context): Promise<Receipt>;
  readonly waits: Waits;
};

let folder: string;
let broker: ServiceBroker;
let service: Publishing;
/** What `query.outcome` answers, by the event's id; absent: pending. */
let outcomes: Map<string, EventOutcome>;
/** The ids that `query.outcome` was asked for. */
let asked: string[];
/** The ids of the batches that were published. */
let batches: (readonly string[])[];
/** What publishing does once a batch is noted. */
let publishing: () => Promise<void>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ingest-"));
  const config = readConfig({ DATA_DIR: folder });
  broker = new ServiceBroker({ ...brokerOptions(config), logger: false });
  service = broker.createService(ingest(config));
  broker.createService({
    name: "query",
    actions: {
      outcome({ params: { id } }: Context<{ readonly id: string }>) {
        asked.push(id);
        return outcomes.get(id) ?? "pending";
      },
    },
  });
  await broker.start();
  service.queue.publish = async ({ body }) => {
    batches.push(decodeBatch(body).events.map(({ id }) => id));
    await publishing();
  };
});
beforeEach(() => {
  batches = [];
  asked = [];
  outcomes = new Map();
  publishing = () => Promise.resolve();
});
afterAll(async () => {
  await broker.stop();
  await rm(folder, { recursive: true, force: true });
});

const event = (id?: string | null) => ({ ...(id !== undefined && { id }), type: "a", source: "b" });

/** Delivers a call of another node, once more where its id is one that was delivered before. */
function deliver(callId: string, events: readonly object[], params = {}): Promise<Receipt> {
  const ctx = new Context(broker);
  ctx.params = { events, ...params };
  return service.answerCollect(Object.assign(ctx, { id: callId, nodeID: "gateway" }));
}

const idsOf = ({ results }: Receipt) => results.map(({ id }) => id);

test("a call that is delivered again gives its events the ids that it gave before", async () => {
  const events = [event(), event("own"), event(null), event()];
  const call = broker.generateUid();
  const [first, again] = [await deliver(call, events), await deliver(call, events)];
  expect(idsOf(again)).toEqual(idsOf(first));
  expect(new Set(idsOf(first)).size).toBe(4);
  expect(batches).toEqual([idsOf(first), idsOf(first)]);
  const other = await deliver(broker.generateUid(), events);
  expect(idsOf(other).filter((id) => idsOf(first).includes(id))).toEqual(["own"]);
});

test("a call that is delivered again while it is under way is published once, and ends alike", async () => {
  const gate = Promise.withResolvers<void>();
  publishing = () => gate.promise;
  const call = broker.generateUid();
  const twice = [deliver(call, [event()]), deliver(call, [event()])];
  await eventually(() => expect(batches).toHaveLength(1));
  gate.reject(new ServiceError("QUEUE_UNAVAILABLE"));
  for (const one of twice) await expect(one).rejects.toMatchObject({ type: "QUEUE_UNAVAILABLE" });
  expect(batches).toHaveLength(1);
});

test("a call that was refused is refused when it is delivered again, since its caller may have heard that nothing is kept", async () => {
  const call = broker.generateUid();
  publishing = () => Promise.reject(new ServiceError("QUEUE_UNAVAILABLE"));
  const refused = { type: "QUEUE_UNAVAILABLE" };
  await expect(deliver(call, [event()])).rejects.toMatchObject(refused);
  publishing = () => Promise.resolve();
  await expect(deliver(call, [event()])).rejects.toMatchObject(refused);
  expect(batches).toHaveLength(1);
});

test("what cannot be kept of a call that was carried out before may have been kept then", async () => {
  const call = broker.generateUid();
  const events = [event(), event("own")];
  const [id] = idsOf(await deliver(call, events));
  publishing = () => Promise.reject(new ServiceError("QUEUE_UNAVAILABLE"));
  const doubt = { type: "OUTCOME_UNKNOWN", data: { ids: [{ index: 0, id }] } };
  await expect(deliver(call, events)).rejects.toMatchObject(doubt);
  const fresh = deliver(broker.generateUid(), events);
  await expect(fresh).rejects.toMatchObject({ type: "QUEUE_UNAVAILABLE" });
});

test("a batch holds an id once, also where events are sent again while their call waits", async () => {
  const gate = Promise.withResolvers<void>();
  publishing = () => gate.promise;
  const before = deliver(broker.generateUid(), [event()]);
  await eventually(() => expect(batches).toHaveLength(1));
  const call = broker.generateUid();
  const waiting = deliver(call, [event(), event()]);
  const named = deliver(broker.generateUid(), [event(call)]);
  gate.resolve();
  await Promise.all([before, waiting, named]);
  expect(batches.slice(1).flat()).toHaveLength(3);
  for (const ids of batches) expect(new Set(ids).size).toBe(ids.length);
});

test("where nobody knows whether events were kept, the ids are told that were given, and no others", async () => {
  publishing = () => Promise.reject(new ServiceError("OUTCOME_UNKNOWN"));
  const call = broker.generateUid();
  const events = [event("own"), event(), { type: 1 }, event(null)];
  const error = await deliver(call, events).catch((thrown: unknown) => thrown);
  const [own, second, fourth] = batches[0]!;
  expect(own).toBe("own");
  expect(error).toMatchObject({
    type: "OUTCOME_UNKNOWN",
    data: {
      ids: [
        { index: 1, id: second },
        { index: 3, id: fourth },
      ],
    },
  });
});

describe("who waits until events are stored", () => {
  const longMs = 30_000;
  const waiting = (id: string, project: string) =>
    broker.call<Receipt, object>(
      "ingest.collect",
      { events: [event(id)], waitMs: longMs },
      { meta: { project } },
    );

  test("is told the outcome, and holds nothing any more, as who waited in vain", async () => {
    const told = waiting("a", "p");
    await eventually(() => expect(asked).toContain("a"));
    expect(service.waits.size).toBe(1);
    outcomes.set("a", "stored");
    expect((await told).outcomes).toEqual({ a: "stored" });
    const inVain = await deliver(broker.generateUid(), [event("b")], { waitMs: 250 });
    expect(inVain.outcomes).toEqual({ b: "pending" });
    expect(asked.filter((id) => id === "b").length).toBeGreaterThan(1);
    expect(service.waits.size).toBe(0);
  });

  test("asks again when its own batch is stored, and not for any other", async () => {
    const told = waiting("a", "p");
    await eventually(() => expect(asked).toContain("a"));
    // Each poll takes 100 ms, so that there are fewer than batches.
    for (let batch = 0; batch < 500; batch++) {
      await broker.emit("events.stored", { project: "p", batch: `other-${batch}`, events: 1 });
    }
    expect(asked.length).toBeLessThan(500);
    await broker.emit("events.stored", null);
    outcomes.set("a", "duplicate");
    expect((await told).outcomes).toEqual({ a: "duplicate" });
  });

  test("is told that events are accepted where its project waits too often, as no other project is", async () => {
    const names = Array.from({ length: maxWaitsOfProject }, (_, i) => `e${i}`);
    const all = names.map((id) => waiting(id, "p"));
    await eventually(() => expect(service.waits.size).toBe(maxWaitsOfProject));
    expect((await waiting("more", "p")).outcomes).toEqual({ more: "pending" });
    expect(asked).not.toContain("more");
    outcomes.set("elsewhere", "stored");
    expect((await waiting("elsewhere", "q")).outcomes).toEqual({ elsewhere: "stored" });
    for (const id of names) outcomes.set(id, "stored");
    for (const { outcomes: own } of await Promise.all(all)) {
      expect(Object.values(own!)).toEqual(["stored"]);
    }
  });
});
