import { makeKey } from "../../lib/keys/key-text.ts";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import { readConfig } from "../../lib/config.ts";
import { callLimits } from "../../lib/call-limits.ts";
import { operations } from "../../lib/openapi/operations.ts";
import { brokerOptions } from "../../lib/runtime/broker.ts";
import { aggregator } from "../../services/aggregator.service.ts";
import { apiGateway } from "../../services/api-gateway.service.ts";
import { ingest } from "../../services/ingest.service.ts";
import { processor } from "../../services/processor.service.ts";
import { query } from "../../services/query.service.ts";
import { SseClient } from "./sse-client.ts";
import { eventually } from "../support/eventually.ts";

/** Stands in all that project A has: B must never see it. */
const mark = "secret";
const keys = { a: "an-admin-of-project-a", b: "an-admin-of-project-b" } as const;
type Side = keyof typeof keys;
const poison = new URL("../fixtures/poison.worker.ts", import.meta.url);
const jsonType = { "Content-Type": "application/json" };

let dataDir: string;
let broker: ServiceBroker;
let origin: string;
/** What A has and has an id. */
const ids = { key: "", letter: "", job: "" };

function ask(side: Side, method: string, path: string, body?: unknown): Promise<Response> {
  return fetch(`${origin}/api/v1${path}`, {
    method,
    headers: { "X-Api-Key": keys[side], ...(body !== undefined && jsonType) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

const event = (name: string, more: object = {}) => ({
  id: `${name}-id`,
  type: `${name}.type`,
  source: `${name}-source`,
  correlationId: `${name}-story`,
  timestamp: "2026-01-02T03:04:05Z",
  data: { [`${name}Property`]: `${name}-value` },
  metadata: { userId: `${name}-user`, campaignId: `${name}-campaign`, recipient: `${name}@x.test` },
  ...more,
});
const mail = (name: string) =>
  event(name, { id: `${name}-mail`, type: "email.sent", correlationId: `${name}-mail` });

async function seed(side: Side, name: string): Promise<void> {
  const later = (n: number) =>
    event(name, {
      id: `${name}-id-${n}`,
      type: `${name}.type.${n}`,
      timestamp: Date.UTC(2026, 0, 2, 4, n),
    });
  const events = [event(name), later(1), later(2), mail(name)];
  expect((await ask(side, "POST", "/events/batch", { events })).status).toBe(202);
  const poisoned = { id: `${name}-dead`, type: "test.poison", source: `${name}-source` };
  expect((await ask(side, "POST", "/events", poisoned)).status).toBe(202);
  const saved = { kind: "counts", question: {}, description: `${name} question` };
  expect((await ask(side, "PUT", `/queries/${name}-query`, saved)).status).toBe(201);
}

interface Job {
  readonly id: string;
  readonly found?: { readonly buckets: number; readonly drifted: number };
  readonly rebuilt?: number;
}

/** Ask for a job and wait until it is done. */
async function finished(side: Side, method: string, path: string, body?: unknown): Promise<Job> {
  const begun = await ask(side, method, path, body);
  expect(begun.status).toBe(202);
  const { id } = (await begun.json()) as Job;
  let job: unknown;
  await eventually(async () => {
    job = await (await ask(side, "GET", `/jobs/${id}`)).json();
    expect(job).toMatchObject({ status: "done" });
  }, 60_000);
  return job as Job;
}

/** Ask for an erasure and wait until it is done. @returns the id of its job */
async function erased(side: Side, path: string): Promise<string> {
  return (await finished(side, "DELETE", path)).id;
}

const heldType = `${mark}.held`;

/** Has an event of A kept apart. */
async function holdOne(): Promise<void> {
  const schema = { mode: "enforce", schema: { required: ["data"] } };
  const [probe, source] = [`${mark}.probe`, `${mark}-source`];
  for (const type of [heldType, probe]) {
    expect((await ask("a", "PUT", `/schemas/${type}`, schema)).status).toBe(201);
  }
  const listed = async () =>
    ((await (await ask("a", "GET", "/quarantine")).json()) as { data: object[] }).data;
  // Processors hear of a schema soon.
  await eventually(async () => {
    await ask("a", "POST", "/events", { type: probe, source });
    expect(await listed()).not.toEqual([]);
  }, 60_000);
  await erased("a", `/events?type=${probe}`);
  await ask("a", "DELETE", `/schemas/${probe}`);
  for (const id of [`${mark}-held`, `${mark}-held-too`]) {
    await ask("a", "POST", "/events", { id, type: heldType, source });
  }
  await eventually(async () => {
    expect(await listed()).toMatchObject([{ type: heldType }, { type: heldType }]);
  }, 60_000);
}

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "analytics-"));
  const config = readConfig({
    DATA_DIR: dataDir,
    LOG_LEVEL: "fatal",
    PORT: "0",
    API_KEYS: (["a", "b"] as const)
      .map((side) => `${keys[side]}:${side}:events:write+events:read+live:read+admin`)
      .join(","),
  });
  broker = new ServiceBroker({ ...brokerOptions(config), skipProcessEventRegistration: true });
  const all = [apiGateway, ingest, aggregator, query].map((service) => service(config));
  for (const service of [...all, processor(config, poison)]) broker.createService(service);
  await broker.start();
  const { server } = broker.getLocalService("api-gateway") as unknown as { server: Server };
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await seed("a", mark);
  await seed("b", "open");
  const given = await ask("a", "POST", "/keys", { name: `${mark} key`, scopes: ["admin"] });
  ids.key = ((await given.json()) as { id: string }).id;
  ids.job = await erased("a", "/events/never-there");
  await eventually(async () => {
    for (const side of ["a", "b"] as const) {
      expect(await (await ask(side, "GET", "/events/counts")).json()).toMatchObject({ total: 4 });
      const { data } = (await (await ask(side, "GET", "/dead-letters")).json()) as {
        data: { id: string }[];
      };
      expect(data).toHaveLength(1);
      if (side === "a") ids.letter = data[0]!.id;
    }
  }, 120_000);
  await holdOne();
}, 240_000);

afterAll(async () => {
  await broker?.stop();
  await rm(dataDir, { recursive: true, force: true });
});

interface Asked {
  readonly path: string;
  readonly body?: unknown;
  /** What stands in the answer of each; `mark` and nothing in particular where it is absent. */
  readonly marks?: Readonly<Record<Side, string>>;
}

const range = { from: "2026-01-01T00:00:00Z", to: "2026-01-03T00:00:00Z" };
const steps = [{ type: `${mark}.type` }, { type: `${mark}.type.1` }];

/** Requests that A is answered with its own, and B without. */
const shown: Readonly<Record<string, Asked>> = {
  "GET /api/v1/events": { path: "/events" },
  "GET /api/v1/events/counts": { path: "/events/counts" },
  "GET /api/v1/events/export": { path: "/events/export" },
  "GET /api/v1/catalog/types": { path: "/catalog/types" },
  "GET /api/v1/catalog/properties": { path: "/catalog/properties" },
  "GET /api/v1/catalog/values": { path: "/catalog/values?property=source" },
  "GET /api/v1/reports/mail": { path: "/reports/mail?groupBy=campaignId" },
  "POST /api/v1/query": {
    path: "/query",
    body: { metrics: ["count"], dimensions: ["metadata.userId"], range },
  },
  "GET /api/v1/queries": { path: "/queries" },
  "GET /api/v1/events/{id}/trace": {
    path: `/events/${mark}-id/trace`,
    marks: { a: `"state":"counted"`, b: `"state":"unknown"` },
  },
  "GET /api/v1/keys": { path: "/keys" },
  "GET /api/v1/keys/self": {
    path: "/keys/self",
    marks: { a: `"project":"a"`, b: `"project":"b"` },
  },
  "GET /api/v1/schemas": { path: "/schemas" },
  "GET /api/v1/quarantine": { path: "/quarantine" },
  "GET /api/v1/dead-letters": {
    path: "/dead-letters",
    marks: { a: `"project":"a"`, b: `"project":"b"` },
  },
  "GET /api/v1/audit-log": { path: "/audit-log" },
};

/** Questions that name what is asked about: what A is told, and B is told that there is none. */
const empty: Readonly<Record<string, Asked & { readonly a: object; readonly b: object }>> = {
  "POST /api/v1/query/funnel": {
    path: "/query/funnel",
    body: { steps, range },
    a: { steps: [{ users: 1 }, { users: 1 }] },
    b: { steps: [{ users: 0 }, { users: 0 }] },
  },
  "POST /api/v1/query/retention": {
    path: "/query/retention",
    body: { first: steps[0], interval: "day", range },
    a: { cohorts: [{ size: 0 }, { size: 1 }] },
    b: { cohorts: [{ size: 0 }, { size: 0 }] },
  },
  "POST /api/v1/query/paths": {
    path: "/query/paths",
    body: { after: steps[0], length: 1, range },
    a: { total: { count: 1 } },
    b: { total: { count: 0 } },
  },
};

/** Addresses of what A has: for B as of what nobody has. */
const hidden: Readonly<
  Record<string, { readonly path: (id: string) => string; readonly id: () => string }>
> = {
  "GET /api/v1/events/{id}": { path: (id) => `/events/${id}`, id: () => `${mark}-id` },
  "GET /api/v1/stories/{correlationId}": {
    path: (id) => `/stories/${id}`,
    id: () => `${mark}-story`,
  },
  "GET /api/v1/queries/{name}": { path: (id) => `/queries/${id}`, id: () => `${mark}-query` },
  "GET /api/v1/queries/{name}/results": {
    path: (id) => `/queries/${id}/results`,
    id: () => `${mark}-query`,
  },
  "DELETE /api/v1/queries/{name}": { path: (id) => `/queries/${id}`, id: () => `${mark}-query` },
  "GET /api/v1/schemas/{type}": { path: (type) => `/schemas/${type}`, id: () => heldType },
  "GET /api/v1/schemas/{type}/versions": {
    path: (type) => `/schemas/${type}/versions`,
    id: () => heldType,
  },
  "DELETE /api/v1/schemas/{type}": { path: (type) => `/schemas/${type}`, id: () => heldType },
  "POST /api/v1/schemas/{type}/infer": {
    path: (type) => `/schemas/${type}/infer`,
    id: () => `${mark}.type`,
  },
  "GET /api/v1/quarantine/{id}": { path: (id) => `/quarantine/${id}`, id: () => `${mark}-held` },
  "PATCH /api/v1/quarantine/{id}": { path: (id) => `/quarantine/${id}`, id: () => `${mark}-held` },
  "DELETE /api/v1/quarantine/{id}": { path: (id) => `/quarantine/${id}`, id: () => `${mark}-held` },
  "POST /api/v1/quarantine/{id}/replay": {
    path: (id) => `/quarantine/${id}/replay`,
    id: () => `${mark}-held`,
  },
  "GET /api/v1/keys/{id}": { path: (id) => `/keys/${id}`, id: () => ids.key },
  "DELETE /api/v1/keys/{id}": { path: (id) => `/keys/${id}`, id: () => ids.key },
  "POST /api/v1/keys/{id}/rotate": { path: (id) => `/keys/${id}/rotate`, id: () => ids.key },
  "GET /api/v1/dead-letters/{id}": { path: (id) => `/dead-letters/${id}`, id: () => ids.letter },
  "DELETE /api/v1/dead-letters/{id}": {
    path: (id) => `/dead-letters/${id}`,
    id: () => ids.letter,
  },
  "POST /api/v1/dead-letters/{id}/replay": {
    path: (id) => `/dead-letters/${id}/replay`,
    id: () => ids.letter,
  },
  "GET /api/v1/jobs/{id}": { path: (id) => `/jobs/${id}`, id: () => ids.job },
};

/** Routes with a test of their own below. */
const others = [
  "DELETE /api/v1/events/{id}",
  "DELETE /api/v1/events",
  "DELETE /api/v1/subjects/{userId}",
  "GET /api/v1/subjects/{userId}/export",
  "GET /api/v1/jobs",
  "GET /api/v1/retention",
  "PUT /api/v1/retention",
  "POST /api/v1/audits",
  "POST /api/v1/rollups/rebuild",
  "POST /api/v1/events",
  "POST /api/v1/events/batch",
  "PUT /api/v1/queries/{name}",
  "PUT /api/v1/schemas/{type}",
  "POST /api/v1/quarantine/replay",
  "POST /api/v1/keys",
  "GET /api/v1/events/stream",
  "GET /api/v1/live",
];

test("every route has a case", () => {
  const routes = Object.keys(operations).filter((route) => route.includes("/api/v1/"));
  const cases = [shown, empty, hidden].flatMap((some) => Object.keys(some));
  expect([...cases, ...others].sort()).toEqual(routes.sort());
});

test.each(Object.entries(shown))("%s shows a project its own alone", async (route, asked) => {
  const [method = ""] = route.split(" ");
  const told = async (side: Side) => {
    const response = await ask(side, method, asked.path, asked.body);
    expect(response.status).toBe(200);
    return response.text();
  };
  const { a, b } = asked.marks ?? { a: mark, b: "" };
  // In this order: what is cached for A must not be B's.
  expect(await told("a")).toContain(a);
  const other = await told("b");
  expect(other).toContain(b);
  expect(other).not.toContain(a);
});

test.each(Object.entries(empty))("%s counts a project's own alone", async (_, asked) => {
  for (const side of ["a", "b"] as const) {
    const response = await ask(side, "POST", asked.path, asked.body);
    expect(await response.json()).toMatchObject(asked[side]);
  }
});

test.each(Object.entries(hidden))(
  "%s is for others as if it were not there",
  async (route, { path, id }) => {
    const [method = ""] = route.split(" ");
    const body = /\/rotate$|\/infer$|^PATCH/.test(route) ? {} : undefined;
    const refused = async (asked: string) => {
      const response = await ask("b", method, path(asked), body);
      const {
        requestId: _,
        instance: __,
        ...problem
      } = (await response.json()) as Record<string, unknown>;
      return problem;
    };
    expect(id()).not.toBe("");
    const problem = await refused(id());
    expect(problem["status"]).toBe(404);
    expect(problem).toEqual(await refused("nobody-has-this"));
    const isRead = method === "GET";
    if (isRead) expect((await ask("a", method, path(id()))).status).toBe(200);
  },
);

test("what was refused has changed nothing", async () => {
  expect((await ask("a", "GET", `/queries/${mark}-query`)).status).toBe(200);
  const key = (await (await ask("a", "GET", `/keys/${ids.key}`)).json()) as object;
  expect(key).toMatchObject({ state: "holds" });
  expect((await ask("a", "GET", `/dead-letters/${ids.letter}`)).status).toBe(200);
  const dead = await (await ask("a", "GET", `/events/${mark}-dead/trace`)).json();
  expect(dead).toMatchObject({ state: "dead", deadLetter: ids.letter });
  expect((await ask("a", "GET", `/schemas/${heldType}`)).status).toBe(200);
  expect((await ask("a", "GET", `/quarantine/${mark}-held`)).status).toBe(200);
});

test("schemas and a replay of many reach a project's own alone", async () => {
  const schema = { mode: "enforce", schema: { required: ["metadata"] } };
  expect((await ask("b", "PUT", `/schemas/${heldType}`, schema)).status).toBe(201);
  const own = await (await ask("a", "GET", `/schemas/${heldType}`)).json();
  expect(own).toMatchObject({ version: 1, schema: { required: ["data"] } });
  const all = await ask("b", "POST", "/quarantine/replay");
  expect(await all.json()).toEqual({ replayed: 0, broken: 0, nextCursor: null });
  expect((await ask("a", "GET", `/quarantine/${mark}-held`)).status).toBe(200);
});

test("what has A's id and is sent by B is B's, and A's stays as it is", async () => {
  const own = { id: `${mark}-id`, type: "open.other", source: "open-source" };
  const response = await fetch(`${origin}/api/v1/events`, {
    method: "POST",
    headers: { ...jsonType, "X-Api-Key": keys.b, Prefer: "wait=30" },
    body: JSON.stringify(own),
  });
  expect(await response.json()).toMatchObject({ status: "stored" });
  const typeOf = async (side: Side) =>
    ((await (await ask(side, "GET", `/events/${own.id}`)).json()) as { type: string }).type;
  expect([await typeOf("a"), await typeOf("b")]).toEqual([`${mark}.type`, "open.other"]);
  const saved = { kind: "counts", question: {} };
  const put = await ask("b", "PUT", `/queries/${mark}-query`, saved);
  expect(put.status).toBe(201);
  const kept = await (await ask("a", "GET", `/queries/${mark}-query`)).text();
  expect(kept).toContain(`${mark} question`);
  const given = await ask("b", "POST", "/keys", { name: "open key", scopes: ["events:read"] });
  const { key } = (await given.json()) as { key: string };
  const seen = await fetch(`${origin}/api/v1/events`, { headers: { "X-Api-Key": key } });
  expect(await seen.text()).not.toContain(`${mark}.type`);
});

test.each<[string, string, unknown]>([
  ["GET", "/events?limit=1", undefined],
  ["GET", "/events/counts?limit=1", undefined],
  ["POST", "/query", { metrics: ["count"], dimensions: ["type"], limit: 1, range }],
  ["GET", "/audit-log?limit=1", undefined],
  ["GET", "/quarantine?limit=1", undefined],
  ["GET", `/stories/${mark}-story?limit=1`, undefined],
])("a cursor of A is none for B (%s %s)", async (method, path, body) => {
  const answer = (await (await ask("a", method, path, body)).json()) as {
    nextCursor?: string;
    page?: { nextCursor: string };
  };
  const cursor = answer.nextCursor ?? answer.page?.nextCursor;
  expect(typeof cursor).toBe("string");
  const next = body === undefined ? `${path}&cursor=${cursor}` : path;
  const nextBody = body === undefined ? undefined : { ...(body as object), cursor };
  const problem = await ask("b", method, next, nextBody);
  expect(await problem.json()).toMatchObject({ status: 400, errors: [{ code: "cursor" }] });
  expect((await ask("a", method, next, nextBody)).status).toBe(200);
});

test("an audit and a rebuilding go through a project's own alone, and change no count", async () => {
  const before = await (await ask("a", "GET", "/events/counts")).json();
  const audits = await Promise.all(
    (["a", "b"] as const).map((side) => finished(side, "POST", "/audits", {})),
  );
  for (const { found } of audits) expect(found).toMatchObject({ drifted: 0, repaired: 0 });
  // Six minutes of two hours of one day: A's alone.
  expect(audits[0]!.found!.buckets).toBeGreaterThanOrEqual(6);
  const outside = { from: "2025-01-01T00:00:00Z", to: "2025-02-01T00:00:00Z" };
  expect((await finished("b", "POST", "/rollups/rebuild", outside)).rebuilt).toBe(0);
  expect((await finished("a", "POST", "/rollups/rebuild", range)).rebuilt).toBe(3);
  const after = (await (await ask("a", "GET", "/events/counts")).json()) as object;
  expect(after).toMatchObject({ data: (before as { data: object }).data });
  const acts = await (await ask("a", "GET", "/audit-log")).text();
  for (const what of ["counts.audit", "rollups.rebuild"]) expect(acts).toContain(what);
  for (const body of [{ from: 5, to: 4 }, { ranges: 1 }, []]) {
    expect((await ask("a", "POST", "/rollups/rebuild", body)).status).toBe(400);
  }
});

test("a project's retention is its own, and wrong ones are refused", async () => {
  const shown = async (side: Side) => (await ask(side, "GET", "/retention")).json();
  const body = { events: "30000d", types: { [`${mark}.type`]: "20000d" } };
  expect((await ask("a", "PUT", "/retention", body)).status).toBe(200);
  expect(await shown("a")).toMatchObject({
    isOwn: true,
    retention: { ...body, minutes: null },
    dropped: { events: null },
  });
  expect(await shown("b")).toMatchObject({ isOwn: false, retention: { events: null, types: {} } });
  for (const wrong of [
    { events: "30d", minutes: "29d" },
    { types: { x: "30d" }, hours: "1d" },
    { events: 30 },
    { events: "0d" },
    { types: [] },
    { years: "1d" },
  ]) {
    expect((await ask("a", "PUT", "/retention", wrong)).status).toBe(400);
  }
});

test("streams tell a project its own alone", async () => {
  const open = (path: string) => SseClient.open(`${origin}/api/v1${path}`, { "X-Api-Key": keys.b });
  const clients = await Promise.all([open("/events/stream"), open("/live")]);
  const type = (name: string) => ({ type: `${name}.live`, source: `${name}-source` });
  await ask("a", "POST", "/events", type(mark));
  await ask("b", "POST", "/events", type("open"));
  const texts = () => clients.map(({ frames }) => JSON.stringify(frames));
  await eventually(() => {
    for (const text of texts()) expect(text).toContain("open.live");
  });
  for (const client of clients) client.leave();
  for (const text of texts()) expect(text).not.toContain(mark);
});

test("erasing reaches a project's own alone, whatever is named", async () => {
  const given = async (side: Side) =>
    (await ask(side, "GET", `/subjects/${mark}-user/export`)).text();
  const before = await given("a");
  expect(before).toContain(`${mark}-id-1`);
  expect(await given("b")).toBe("");
  for (const path of [`/events/${mark}-id-2`, `/subjects/${mark}-user`, "/events?confirm=all"]) {
    await erased("b", path);
  }
  expect(await given("a")).toBe(before);
  expect((await ask("a", "GET", `/events/${mark}-id-2`)).status).toBe(200);
  const jobs = async (side: Side) => (await ask(side, "GET", "/jobs")).text();
  expect(await jobs("a")).toContain(ids.job);
  expect(await jobs("b")).not.toContain(ids.job);
});

/** Those that only the service's own nodes ask, about all projects or none; docs/security.md tells what the bus is trusted with. */
const internal = new Set(
  [
    "ingest.collect ingest.health processor.backlog processor.tellOrder processor.health",
    "aggregator.audit aggregator.health query.answered query.stored query.seconds query.outcome",
    "query.health query.keys.known query.keys.used api-gateway.knows",
  ].flatMap((line) => line.split(" ")),
);

/** What B asks by the bus; an error is as good as an answer without A's. */
const calls: Readonly<Record<string, () => object>> = {
  "query.trace": () => ({ id: `${mark}-id-1` }),
  "processor.dead.holding": () => ({ id: `${mark}-dead`, project: "b" }),
  "processor.dead.forget": () => ({ project: "b" }),
  "processor.dead.list": () => ({ limit: 10, project: "b" }),
  "processor.dead.show": () => ({ id: ids.letter, project: "b" }),
  "processor.dead.replay": () => ({ id: ids.letter, project: "b" }),
  "processor.dead.remove": () => ({ id: ids.letter, project: "b" }),
  "aggregator.retention.get": () => ({}),
  "aggregator.retention.put": () => ({ body: { events: null } }),
  "aggregator.audits.begin": () => ({ body: {} }),
  "aggregator.rollups.rebuild": () => ({ body: range }),
  "aggregator.erase.event": () => ({ id: `${mark}-id-1` }),
  "aggregator.erase.events": () => ({ type: `${mark}.type` }),
  "aggregator.erase.subject": () => ({ userId: `${mark}-user` }),
  "aggregator.jobs.list": () => ({}),
  "aggregator.jobs.get": () => ({ id: ids.job }),
  "query.events": () => ({}),
  "query.part": () => ({ format: 2, manifest: "", asked: "", timeoutMs: 1_000 }),
  "query.export": () => ({ format: "csv" }),
  "query.exportSubject": () => ({ format: "csv", userId: `${mark}-user` }),
  "query.mailReport": () => ({ groupBy: "campaignId" }),
  "query.saved.list": () => ({}),
  "query.saved.get": () => ({ name: `${mark}-query` }),
  "query.saved.put": () => ({ name: "open-other", body: { kind: "counts", question: {} } }),
  "query.saved.remove": () => ({ name: `${mark}-story` }),
  "query.saved.results": () => ({ name: "open-query" }),
  "query.event": () => ({ id: `${mark}-mail` }),
  "query.counts": () => ({}),
  "query.run": () => ({ metrics: ["count"], dimensions: ["type"] }),
  "query.funnel": () => ({ steps: [{ type: "open.type" }, { type: "open.type.1" }] }),
  "query.retention": () => ({ first: { type: "open.type" }, interval: "day" }),
  "query.paths": () => ({ after: { type: "open.type" }, length: 2 }),
  "query.story": () => ({ correlationId: `${mark}-story` }),
  "query.catalog.types": () => ({}),
  "query.catalog.properties": () => ({}),
  "query.catalog.values": () => ({ property: "source" }),
  "query.auditLog": () => ({}),
  "processor.quarantine.list": () => ({}),
  "processor.quarantine.show": () => ({ id: `${mark}-held` }),
  "processor.quarantine.patch": () => ({ id: `${mark}-held`, patch: {}, isWhole: false }),
  "processor.quarantine.drop": () => ({ id: `${mark}-held` }),
  "processor.quarantine.replay": () => ({ id: `${mark}-held` }),
  "processor.quarantine.replayMany": () => ({}),
  "query.schemas.list": () => ({}),
  "query.schemas.get": () => ({ type: `${mark}.held` }),
  "query.schemas.versions": () => ({ type: `${mark}.held` }),
  "query.schemas.put": () => ({ type: "open.held", body: { mode: "observe", schema: {} } }),
  "query.schemas.remove": () => ({ type: `${mark}.held` }),
  "query.schemas.infer": () => ({ type: `${mark}.type` }),
  "query.keys.list": () => ({}),
  "query.keys.get": () => ({ id: ids.key }),
  "query.keys.create": () => ({
    body: { name: "other", scopes: ["admin"] },
    kept: makeKey().kept,
  }),
  "query.keys.rotate": () => ({ id: ids.key, body: {}, kept: makeKey().kept }),
  "query.keys.revoke": () => ({ id: ids.key }),
  // moleculer-db's.
  "query.find": () => ({ query: { project: "a" } }),
  "query.list": () => ({ query: { project: "a" } }),
  "query.count": () => ({ query: { project: "a" } }),
  "query.get": () => ({ id: `a:${mark}-id` }),
};

test("every action has a case or is the service's own", () => {
  const listed = [
    ...Object.keys(callLimits),
    ...["find", "list", "count", "get"].map((verb) => `query.${verb}`),
  ];
  expect([...Object.keys(calls), ...internal].sort()).toEqual(listed.sort());
  const registered = broker.registry.getActionList({ onlyLocal: true, skipInternal: true });
  for (const { name } of registered as unknown as { name: string }[]) {
    if (!name.startsWith("api-gateway.")) expect(listed).toContain(name);
  }
});

test.each(Object.entries(calls))(
  "%s gives another node of B nothing of A's",
  async (action, params) => {
    const answer = await broker
      .call<unknown, object>(action, params(), { meta: { project: "b" } })
      .catch((error: unknown) => ({ type: (error as { type: string }).type }));
    // What B has by now under names of A's is its own; what only A has is of these.
    const own = /secret([.]type|-value|-user|-source|-campaign|-dead|@| key| question|Property)/;
    expect(JSON.stringify(answer)).not.toMatch(own);
  },
);
