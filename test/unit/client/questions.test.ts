import { AnalyticsClient } from "../../../client/src/index.ts";
import { queryString } from "../../../client/src/questions.ts";

let requests: number;
const client = new AnalyticsClient({
  url: "http://questions.test",
  fetch: () => {
    requests += 1;
    return Promise.resolve(Response.json({}, { status: 404 }));
  },
});

beforeEach(() => (requests = 0));
afterAll(() => client.close());

async function taken(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items) throw new Error("nothing can come");
}

const to = "2026-01-01T00:00:00Z";
test.each<readonly [string, () => Promise<unknown>]>([
  ["erasing.events", () => client.erasing.events({ type: [], to })],
  ["erasing.events by a property", () => client.erasing.events({ "data.plan": [], to })],
  ["events", () => taken(client.events({ source: [] }))],
  ["events with fields", () => taken(client.events({ fields: [] }))],
  ["export", () => client.export({ source: [] })],
  ["counts", () => client.counts({ type: [] })],
  ["stream", async () => taken(client.stream({ type: [] }))],
  ["mailReport", () => client.mailReport({ "metadata.campaignId": [] })],
  ["catalog.values", () => client.catalog.values({ property: "data.plan", type: [] })],
  ["quarantine.list", () => taken(client.quarantine.list({ type: [] }))],
  ["quarantine.replayAll", () => client.quarantine.replayAll({ type: [] })],
])("an empty list is not taken for no filter: %s", async (_, ask) => {
  await expect(ask()).rejects.toThrow(TypeError);
  await expect(ask()).rejects.toThrow(/is an empty list/);
  expect(requests).toBe(0);
});

test.each(["", ".", ".."])(
  "%j is no step of an address, which would be another one",
  async (id) => {
    const asked: readonly (() => Promise<unknown>)[] = [
      () => client.event(id),
      () => client.trace(id),
      async () => taken(client.story(id)),
      () => client.erasing.event(id),
      () => client.erasing.subject(id),
      () => client.quarantine.replay(id),
      () => client.quarantine.drop(id),
      () => client.schemas.get(id),
      () => client.keys.revoke(id),
      () => client.saved.results(id),
    ];
    for (const ask of asked) await expect(async () => ask()).rejects.toThrow(TypeError);
    expect(requests).toBe(0);
  },
);

test("a list is a parameter that is repeated, and what is undefined is none", () => {
  const question = { type: ["a", "b,c"], to: new Date(0), limit: 5, cursor: undefined };
  expect(queryString(question)).toBe("?type=a&type=b%2Cc&to=1970-01-01T00%3A00%3A00.000Z&limit=5");
  expect(queryString({})).toBe("");
});
