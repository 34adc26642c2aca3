import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../service-process.ts";
import { sendTo } from "./send.ts";

const start = Date.UTC(2024, 2, 1);
const bodies = [
  { "http.status": 500, tags: ["vip", "new"], items: [{ sku: "a", price: 2 }], plan: 10 },
  {
    "http.status": "500",
    tags: ["new"],
    items: [{ sku: "b" }, { sku: "a", price: 3 }],
    plan: "10",
  },
  { "http.status": 200, tags: "vip", items: [], plan: null },
  { 'say "hi", [\\]': true, "": { $a: 1 }, größe: "L", tags: [], plan: { is: "pro" } },
];
const events = bodies.map((data, i) => ({
  id: `e${i}`,
  type: i === 3 ? "order placed" : "order",
  source: ["shop,eu", "shop", " eu ", "eu"][i]!,
  timestamp: new Date(start + i * 1_000).toISOString(),
  metadata: { userId: "u" },
  data,
}));

let service: ServiceProcess;
beforeAll(async () => {
  service = await ServiceProcess.create({ LOG_LEVEL: "warn" });
  await service.start();
  const sent = await sendTo(service, "/batch", JSON.stringify({ events }));
  expect(sent.status).toBe(202);
  await eventually(async () => expect(await found({})).toHaveLength(events.length));
}, 120_000);
afterAll(() => service.dispose());

type Parameters = Readonly<Record<string, string | readonly string[]>>;

function search(parameters: Parameters): string {
  const pairs = Object.entries(parameters).flatMap(([name, values]) =>
    [values].flat().map((value) => [name, value] as [string, string]),
  );
  return new URLSearchParams(pairs).toString();
}

async function get(path: string, parameters: Parameters): Promise<Response> {
  return fetch(`${service.url}/api/v1/${path}?${search(parameters)}`);
}

async function found(parameters: Parameters): Promise<readonly number[]> {
  const response = await get("events", { order: "asc", ...parameters });
  expect([parameters, response.status]).toEqual([parameters, 200]);
  const { data } = (await response.json()) as { data: readonly { id: string }[] };
  return data.map(({ id }) => Number(id.slice(1)));
}

async function ask(kind: string, body: object): Promise<Response> {
  return fetch(`${service.url}/api/v1/query${kind}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function counted(filters: unknown): Promise<unknown> {
  const response = await ask("", { filters });
  const answer = (await response.json()) as { results: readonly { metrics: readonly number[] }[] };
  expect([filters, response.status]).toEqual([filters, 200]);
  return answer.results[0]!.metrics[0];
}

test.each<[Parameters, unknown, readonly number[]]>([
  [{ 'data["http.status"]': "500" }, ["is", 'data["http.status"]', [500, "500"]], [0, 1]],
  [{ 'data["http.status"][gte]': "300" }, ["gte", 'data["http.status"]', 300], [0]],
  [{ "data.tags[]": "vip" }, ["is", "data.tags[]", "vip"], [0]],
  [{ "data.tags[]": ["vip", "new"] }, ["is", "data.tags[]", ["vip", "new"]], [0, 1]],
  [{ "data.tags[][is_not]": "vip" }, ["is_not", "data.tags[]", "vip"], [1, 2, 3]],
  [{ "data.items[].sku": "a" }, ["is", "data.items[].sku", "a"], [0, 1]],
  [{ "data.items[].price[gt]": "2" }, ["gt", "data.items[].price", 2], [1]],
  [{ "data.plan[shown_as]": "10" }, ["shown_as", "data.plan", "10"], [0, 1]],
  [{ "data.plan[shown_as]": "(none)" }, ["shown_as", "data.plan", "(none)"], [2, 3]],
  [{ 'data["say \\"hi\\", [\\\\]"]': "true" }, ["is", 'data["say \\"hi\\", [\\\\]"]', true], [3]],
  [{ 'data[""].$a': "1" }, ["is", 'data[""].$a', 1], [3]],
  [{ "data.größe": "L" }, ["is", "data.größe", "L"], [3]],
  [{ source: "shop,eu" }, ["is", "source", "shop,eu"], [0]],
  [{ source: ["shop,eu", " eu "] }, ["is", "source", ["shop,eu", " eu "]], [0, 2]],
  [{ type: "order placed,order" }, ["exists", "type", true], [0, 1, 2, 3]],
  [
    { "timestamp[gte]": "2024-03-01T00:00:02Z" },
    ["gte", "timestamp", "2024-03-01T01:00:02+01:00"],
    [2, 3],
  ],
  [{ "receivedAt[lt]": "2024-03-01T00:00:00Z" }, ["lt", "receivedAt", "2024-03-01T00:00:00Z"], []],
])("parameters %j and the filter %j find the same", async (parameters, filters, expected) => {
  expect(await found(parameters)).toEqual(expected);
  expect(await counted(filters)).toBe(expected.length);
  const exported = await (await get("events/export", parameters)).text();
  expect(exported.split("\n").filter((line) => line !== "")).toHaveLength(expected.length);
  const steps = [{ type: "order", filters }, { type: "order" }];
  const funnel = (await (await ask("/funnel", { steps })).json()) as {
    steps: readonly { users: number }[];
  };
  expect(funnel.steps[0]!.users).toBe(expected.some((i) => i < 3) ? 1 : 0);
});

test.each([
  [{ "timestamp[gte]": "soon" }, "timestamp[gte]"],
  [{ "receivedAt[contains]": "2024" }, "receivedAt[contains]"],
  [{ "data.tags[0]": "vip" }, "data.tags[0]"],
  [{ source: "" }, "source"],
])("parameters %j are refused", async (parameters, pointer) => {
  for (const path of ["events", "events/export"]) {
    const response = await get(path, parameters);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ pointer }] });
  }
});

test("counts of a source with a comma are its own", async () => {
  const { total } = (await (await get("events/counts", { source: "shop,eu" })).json()) as {
    total: number;
  };
  expect(total).toBe(1);
});

test("rows by the elements of a list can each be asked for", async () => {
  const asked = { metrics: ["count", "sum:data.items[].price"], dimensions: ["data.tags[]"] };
  const answer = (await (await ask("", asked)).json()) as {
    results: readonly { dimensions: readonly string[]; metrics: readonly number[] }[];
  };
  const rows = answer.results.map(({ dimensions, metrics }) => [dimensions[0], ...metrics]);
  expect(rows).toEqual([
    ["(none)", 2, 0],
    ["new", 2, 5],
    ["vip", 1, 2],
  ]);
  for (const [value, count] of rows) {
    expect(await counted(["shown_as", "data.tags[]", value])).toBe(count);
  }
});

const longRows: readonly (readonly [string, (value: string) => object])[] = [
  ["data.subject", (subject) => ({ data: { subject } })],
  ["data.tags[]", (tag) => ({ data: { tags: [tag] } })],
  ["metadata.campaignId", (campaignId) => ({ metadata: { userId: "u", campaignId } })],
];

test.each(longRows)("rows by %s can each be asked for, however long", async (name, having) => {
  const type = `long.${longRows.findIndex(([own]) => own === name)}`;
  // An event has at most 65,536 bytes of JSON.
  const values = [1_024, 1_025, 2_000, 65_000].map((length) => "v".repeat(length));
  const long = ["(none)", ...values].map((value, i) => ({
    type,
    source: "eu",
    timestamp: new Date(start + 60_000 + i).toISOString(),
    metadata: { userId: "u" },
    ...(i > 0 && having(value)),
  }));
  const sent = await sendTo(service, "/batch", JSON.stringify({ events: long }));
  expect(sent.status).toBe(202);
  const isOfType = ["is", "type", type];
  await eventually(async () => expect(await counted(isOfType)).toBe(long.length));
  const rows = (await (await ask("", { dimensions: [name], filters: isOfType })).json()) as {
    results: readonly { dimensions: readonly string[] }[];
  };
  const shown = rows.results.map(({ dimensions }) => dimensions[0]!);
  expect(shown.toSorted()).toEqual(["(none)", ...values]);
  for (const value of shown) {
    const filter = ["shown_as", name, value];
    expect(await counted(["and", isOfType, filter])).toBe(1);
    if (value !== "(none)") expect(await counted(["is", name, value])).toBe(1);
    const listed = await get("events", { type, [`${name}[shown_as]`]: value });
    expect([value.length, listed.status]).toEqual([value.length, value.length < 8_000 ? 200 : 414]);
    if (listed.status === 200) {
      expect(((await listed.json()) as { data: readonly object[] }).data).toHaveLength(1);
    }
  }
});

test("a body with more than all values of a filter may have is refused", async () => {
  const filters = ["is", "data.subject", Array<string>(101).fill("v")];
  expect((await ask("", { filters })).status).toBe(400);
  const most = ["is", "data.subject", Array<string>(3).fill("v".repeat(87_000))];
  expect((await ask("", { filters: most })).status).toBe(200);
  const tooLarge = ["is", "data.subject", Array<string>(4).fill("v".repeat(65_536))];
  expect((await ask("", { filters: tooLarge })).status).toBe(413);
});

test("fields and columns are named as filters name them", async () => {
  const fields = 'id,data["http.status"],data.items[].sku';
  const csv = await (await get("events/export", { format: "csv", fields })).text();
  expect(csv.split("\r\n").slice(0, 4)).toEqual([
    'id,"data[""http.status""]",data.items[].sku',
    'e0,500,"[""a""]"',
    'e1,500,"[""b"",""a""]"',
    "e2,200,",
  ]);
  const page = (await (await get("events", { fields, order: "asc", limit: "1" })).json()) as {
    data: readonly object[];
  };
  expect(page.data).toEqual([{ id: "e0", data: { "http.status": 500, items: [{ sku: "a" }] } }]);
});
