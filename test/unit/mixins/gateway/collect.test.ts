import type { AddressInfo, Server } from "node:net";
import { Errors, ServiceBroker, type Context, type Service } from "moleculer";
import { readConfig } from "../../../../lib/config.ts";
import { givenIds } from "../../../../lib/event/given-ids.ts";
import { brokerOptions } from "../../../../lib/runtime/broker.ts";
import { apiGateway } from "../../../../services/api-gateway.service.ts";

type Collecting = Context<{ readonly events: readonly { readonly mark: string }[] }>;

/** The ids that an ingest gave to events without one, by their marks. */
const given = new Map<string, string>();
let url: string;
let broker: ServiceBroker;

beforeAll(async () => {
  const config = readConfig({ PORT: "0" });
  broker = new ServiceBroker({ ...brokerOptions(config), logger: false });
  broker.createService({
    name: "ingest",
    actions: {
      /** Takes the events; its node is lost before it has answered. */
      collect({ id, params: { events } }: Collecting) {
        const idAt = givenIds(id);
        events.forEach(({ mark }, place) => given.set(mark, idAt(place)));
        throw new Errors.RequestRejectedError({ action: "ingest.collect", nodeID: "lost" });
      },
    },
  });
  const gateway: Service & { readonly server: Server } = broker.createService(apiGateway(config));
  await broker.start();
  url = `http://127.0.0.1:${(gateway.server.address() as AddressInfo).port}/api/v1/events`;
});
afterAll(() => broker.stop());

interface Refusal {
  readonly type: string;
  readonly ids?: readonly { readonly index: number; readonly id: string }[];
}

async function refusalOf(body: object, headers: object = {}): Promise<Refusal> {
  const response = await fetch(`${url}${Array.isArray(body) ? "/batch" : ""}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(503);
  return (await response.json()) as Refusal;
}

const event = (mark: string, id?: string | null) => ({
  ...(id !== undefined && { id }),
  ...{ mark, type: "a", source: "test" },
});

/** The ids of these marks, each with its place. */
const idsOf = (...marks: readonly (readonly [index: number, mark: string])[]) =>
  marks.map(([index, mark]) => ({ index, id: given.get(mark) }));

test("who hears that an answer was lost is told the ids that were given, each with its place in the body", async () => {
  const deep = JSON.parse(`${"[".repeat(40)}${"]".repeat(40)}`) as object;
  const cloud = { specversion: "1.0", id: "own", source: "test", type: "a" };
  const [single, ofNull, named, waiting, mixed, large, ofCloud] = await Promise.all([
    refusalOf(event("single")),
    refusalOf(event("null", null)),
    refusalOf(event("named", "its-own")),
    refusalOf(event("waiting"), { Prefer: "wait=5" }),
    refusalOf([deep, event("b1"), event("b2", "mine"), event("b3", null), deep, event("b5")]),
    refusalOf(Array.from({ length: 60 }, (_, i) => event(`l${i}`))),
    refusalOf(cloud, { "Content-Type": "application/cloudevents+json" }),
  ]);
  expect(single.type).toBe("/problems/outcome-unknown");
  expect(single.ids).toEqual(idsOf([0, "single"]));
  expect(given.get("single")).toMatch(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab]/);
  expect(ofNull.ids).toEqual(idsOf([0, "null"]));
  expect([named.ids, ofCloud.ids]).toEqual([undefined, undefined]);
  expect(waiting.ids).toEqual(idsOf([0, "waiting"]));
  expect(mixed.ids).toEqual(idsOf([1, "b1"], [3, "b3"], [5, "b5"]));
  expect(large.ids).toEqual(idsOf(...Array.from({ length: 60 }, (_, i) => [i, `l${i}`] as const)));
  expect(new Set(given.values()).size).toBe(given.size);
});
