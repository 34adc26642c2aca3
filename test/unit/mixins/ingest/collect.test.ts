import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Context, ServiceBroker, type Service } from "moleculer";
import { readConfig } from "../../../../lib/config.ts";
import { ServiceError } from "../../../../lib/errors.ts";
import { decodeBatch } from "../../../../lib/event/batch-message.ts";
import type { Receipt } from "../../../../lib/event/receipt.ts";
import type { OutgoingMessage } from "../../../../lib/queue/queue.ts";
import { brokerOptions } from "../../../../lib/runtime/broker.ts";
import { ingest } from "../../../../services/ingest.service.ts";
import { eventually } from "../../../support/eventually.ts";

type Publishing = Service & {
  queue: { publish(message: OutgoingMessage): Promise<void> };
};

let folder: string;
let broker: ServiceBroker;
let service: Publishing;
/** The ids of the batches that were published. */
let batches: (readonly string[])[];
/** What publishing does once a batch is noted. */
let publishing: () => Promise<void>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ingest-"));
  const config = readConfig({ DATA_DIR: folder });
  broker = new ServiceBroker({ ...brokerOptions(config), logger: false });
  service = broker.createService(ingest(config));
  await broker.start();
  service.queue.publish = async ({ body }) => {
    batches.push(decodeBatch(body).events.map(({ id }) => id));
    await publishing();
  };
});
beforeEach(() => {
  batches = [];
  publishing = () => Promise.resolve();
});
afterAll(async () => {
  await broker.stop();
  await rm(folder, { recursive: true, force: true });
});

const event = (id?: string | null) => ({ ...(id !== undefined && { id }), type: "a", source: "b" });

/** Delivers a call, once more where its id is one that was delivered before. */
function deliver(callId: string, events: readonly object[], params = {}): Promise<Receipt> {
  const ctx = new Context(broker);
  ctx.id = callId;
  ctx.params = { events, ...params };
  return broker.call<Receipt, object>("ingest.collect", {}, { ctx });
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

test("a batch holds an id once, also of a call that is delivered again before it is published", async () => {
  const gate = Promise.withResolvers<void>();
  publishing = () => gate.promise;
  const before = deliver(broker.generateUid(), [event()]);
  await eventually(() => expect(batches).toHaveLength(1));
  const call = broker.generateUid();
  const twice = [deliver(call, [event(), event()]), deliver(call, [event(), event()])];
  // Sent again under the id that the call gave, as a caller does who was told it.
  const named = deliver(broker.generateUid(), [event(call)]);
  gate.resolve();
  await Promise.all([before, ...twice, named]);
  expect(batches.slice(1).flat()).toHaveLength(5);
  for (const ids of batches) expect(new Set(ids).size).toBe(ids.length);
});

test("where nobody knows whether events were kept, the ids are told that were given, and no others", async () => {
  publishing = () => Promise.reject(new ServiceError("OUTCOME_UNKNOWN"));
  const call = broker.generateUid();
  const events = [event("own"), event(), { type: 1 }, event(null)];
  const error = await deliver(call, events).catch((thrown: unknown) => thrown);
  publishing = () => Promise.resolve();
  const [, second, , fourth] = idsOf(await deliver(call, events));
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
