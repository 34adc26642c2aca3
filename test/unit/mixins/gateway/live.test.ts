import { jest } from "@jest/globals";
import { connect, type AddressInfo, type Server } from "node:net";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { ServiceBroker, type Service } from "moleculer";
import { readConfig } from "../../../../lib/config.ts";
import { brokerOptions } from "../../../../lib/runtime/broker.ts";
import type { SseClient } from "../../../../lib/live/client.ts";
import type { LiveClients } from "../../../../lib/live/clients.ts";
import type { Hub } from "../../../../lib/live/hub.ts";
import type { Place, PlacedEvent, StoredPart } from "../../../../lib/store/stored.ts";
import { apiGateway } from "../../../../services/api-gateway.service.ts";
import { eventOf } from "../../../support/arbitraries.ts";
import { eventually } from "../../../support/eventually.ts";

type Serving = Service & {
  readonly server: Server;
  readonly clients: LiveClients<{ readonly project: string }>;
  readonly hub: Hub;
  tickLive(): void;
};

const end = [1, 0] as const;
let events: readonly PlacedEvent[] = [];
let upTo: Place = end;
const answers = {
  get stored(): StoredPart {
    return { events, upTo, end, counts: [], isHeld: true, hasGap: false };
  },
  seconds: new Array<number>(60).fill(0),
};

/** Resolved by the test: until then the store answers nothing. */
let answering = Promise.withResolvers<void>();
let asked = false;
let server: Server;
let clients: Serving["clients"];
let gateway: Serving;
let broker: ServiceBroker;

beforeAll(async () => {
  const config = readConfig({ PORT: "0", STREAM_MAX_CLIENTS: "1" });
  broker = new ServiceBroker({ ...brokerOptions(config), logger: false });
  const answer = (name: keyof typeof answers) => async () => {
    asked = true;
    await answering.promise;
    // Who catches up asks again and again: others must have their turn.
    if (upTo !== end) await setImmediate();
    return answers[name];
  };
  broker.createService({
    name: "query",
    actions: { stored: answer("stored"), seconds: answer("seconds") },
  });
  gateway = broker.createService(apiGateway(config));
  ({ server, clients } = gateway);
  await broker.start();
});
beforeEach(() => {
  answering = Promise.withResolvers();
  asked = false;
});
afterAll(() => broker.stop());

test.each(["/api/v1/events/stream", "/api/v1/live"])(
  "a client of %s that leaves before its answer begins takes no place",
  async (path) => {
    const { port } = server.address() as AddressInfo;
    const client = connect(port, "127.0.0.1");
    client.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
    await eventually(() => expect(asked).toBe(true));
    client.destroy();
    await eventually(async () => expect(await connectionsOf(server)).toBe(0));
    answering.resolve();
    // Before the next one comes, the late answer to the one who left is there.
    await setImmediate();
    const leaving = new AbortController();
    const { signal } = leaving;
    const next = await fetch(`http://127.0.0.1:${port}${path}`, { signal });
    // There is one place.
    expect(next.status).toBe(200);
    leaving.abort();
    await eventually(async () => expect(await connectionsOf(server)).toBe(0));
  },
);

test("clients of a project that come at the same moment are no more than it has room for", async () => {
  const { port } = server.address() as AddressInfo;
  const leaving = new AbortController();
  const { signal } = leaving;
  const asking = ["/api/v1/events/stream", "/api/v1/live", "/api/v1/events/stream"].map((path) =>
    fetch(`http://127.0.0.1:${port}${path}`, { signal }),
  );
  await eventually(async () => expect(await connectionsOf(server)).toBe(3));
  answering.resolve();
  const statuses = (await Promise.all(asking)).map(({ status }) => status);
  expect(statuses.toSorted()).toEqual([200, 429, 429]);
  leaving.abort();
});

test.each(["1m", "today", "this_week"])(
  "a stream of range=%s goes on when the range that it began in is over",
  async (range) => {
    await eventually(() => expect(clients.size).toBe(0));
    answering.resolve();
    const timestamp = Date.now() + 8 * 86_400_000;
    events = [{ place: end, event: eventOf({ id: "later", project: "default", timestamp }) }];
    const { port } = server.address() as AddressInfo;
    const leaving = new AbortController();
    const url = `http://127.0.0.1:${port}/api/v1/events/stream?range=${range}`;
    const { body } = await fetch(url, { signal: leaving.signal });
    let text = "";
    for await (const part of body!.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (text.includes('"later"')) break;
    }
    expect(text).toContain('data: {"id":"later"');
    leaving.abort();
    events = [];
  },
);

test("the hub's place is told to a client once it has caught up, and not before", async () => {
  await eventually(() => expect(clients.size).toBe(0));
  answering.resolve();
  upTo = [0, 0];
  const { port } = server.address() as AddressInfo;
  const leaving = new AbortController();
  await fetch(`http://127.0.0.1:${port}/api/v1/events/stream`, { signal: leaving.signal });
  await eventually(() => expect(gateway.hub.place).toEqual(end));
  const [client] = [...clients].map(([each]) => each) as [SseClient];
  const look = jest.spyOn(client, "look");
  const lookedWith = (id: unknown) => {
    gateway.tickLive();
    expect(look).toHaveBeenLastCalledWith(expect.any(Number), id);
  };
  lookedWith(undefined);
  upTo = end;
  await eventually(() => lookedWith(expect.stringMatching(/^1\.0-/)));
  leaving.abort();
});

function connectionsOf(server: Server): Promise<number> {
  return promisify(server.getConnections.bind(server))();
}
