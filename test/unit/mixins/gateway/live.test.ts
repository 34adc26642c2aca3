import { connect, type AddressInfo, type Server } from "node:net";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { ServiceBroker, type Service } from "moleculer";
import { readConfig } from "../../../../lib/config.ts";
import { brokerOptions } from "../../../../lib/runtime/broker.ts";
import type { PlacedEvent, StoredPart } from "../../../../lib/store/stored.ts";
import { apiGateway } from "../../../../services/api-gateway.service.ts";
import { eventOf } from "../../../support/arbitraries.ts";
import { eventually } from "../../../support/eventually.ts";

type Serving = Service & { readonly server: Server; readonly clients: { readonly size: number } };

const end = [1, 0] as const;
let events: readonly PlacedEvent[] = [];
const answers = {
  get stored(): StoredPart {
    return { events, upTo: end, end, counts: [], isHeld: true, hasGap: false };
  },
  seconds: new Array<number>(60).fill(0),
};

/** Resolved by the test: until then the store answers nothing. */
let answering = Promise.withResolvers<void>();
let asked = false;
let server: Server;
let clients: Serving["clients"];
let broker: ServiceBroker;

beforeAll(async () => {
  const config = readConfig({ PORT: "0", STREAM_MAX_CLIENTS: "1" });
  broker = new ServiceBroker({ ...brokerOptions(config), logger: false });
  const answer = (name: keyof typeof answers) => async () => {
    asked = true;
    await answering.promise;
    return answers[name];
  };
  broker.createService({
    name: "query",
    actions: { stored: answer("stored"), seconds: answer("seconds") },
  });
  const gateway: Serving = broker.createService(apiGateway(config));
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

function connectionsOf(server: Server): Promise<number> {
  return promisify(server.getConnections.bind(server))();
}
