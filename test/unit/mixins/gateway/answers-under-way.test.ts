import type { AddressInfo, Server } from "node:net";
import { ServiceBroker, type Service } from "moleculer";
import { readConfig } from "../../../../lib/config.ts";
import { brokerOptions } from "../../../../lib/runtime/broker.ts";
import { apiGateway } from "../../../../services/api-gateway.service.ts";

type Serving = Service & { readonly server: Server };

/** What an event of the type `Buffer` looks like; `data` would be the bytes `<b>hi`. */
const buffers = [
  { id: "e1", type: "Buffer", source: "s" },
  { id: "e1", type: "Buffer", source: "s", data: [60, 98, 62, 104, 105] },
];
const version = "v1";
let result: object = {};
let broker: ServiceBroker;
let origin: string;

beforeAll(async () => {
  const config = readConfig({ PORT: "0" });
  broker = new ServiceBroker({ ...brokerOptions(config), logger: false });
  const actions = {
    event: () => result,
    run: () => result,
    "schemas.get": () => result,
    "saved.get": () => ({ version, saved: result }),
  };
  broker.createService({ name: "query", actions });
  broker.createService({ name: "processor", actions: { "quarantine.show": () => result } });
  const { server }: Serving = broker.createService(apiGateway(config));
  await broker.start();
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`;
});
afterAll(() => broker.stop());

test.each(["/events/e1", "/schemas/Buffer", "/quarantine/e1", "/queries/q1"])(
  "%s is answered as JSON, also where it is an object with the type Buffer",
  async (path) => {
    for (result of buffers) {
      const answer = await fetch(origin + path);
      expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
      expect([answer.status, await answer.json()]).toEqual([200, result]);
      const head = await fetch(origin + path, { method: "HEAD" });
      expect([head.status, await head.text()]).toEqual([200, ""]);
    }
  },
);

test.each([
  ["*", 304],
  [`"${version}"`, 304],
  [`"v0", W/"${version}"`, 304],
  ['"v0"', 200],
])("who has the version %s of a saved question is answered %i", async (tag, status) => {
  result = { name: "q1" };
  const answer = await fetch(`${origin}/queries/q1`, { headers: { "If-None-Match": tag } });
  expect([answer.status, answer.headers.get("etag")]).toEqual([status, `"${version}"`]);
  expect(await answer.text()).toBe(status === 304 ? "" : JSON.stringify(result));
});

test("an answer without a version is whole, whatever If-None-Match names", async () => {
  result = { results: [] };
  const asked = { method: "POST", body: "{}" };
  // By itself fetch would add no-cache.
  const fresh = { "If-None-Match": "*", "Cache-Control": "max-age=0" };
  const headers = { ...fresh, "Content-Type": "application/json" };
  const answers = [
    await fetch(`${origin}/query`, { ...asked, headers }),
    await fetch(`${origin}/events/e1`, { headers }),
  ];
  for (const answer of answers) expect([answer.status, await answer.json()]).toEqual([200, result]);
});
