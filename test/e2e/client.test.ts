import {
  AnalyticsClient,
  ConnectionError,
  ProblemError,
  type CountsAnswer,
  type EventToSend,
  type Loss,
} from "../../client/src/index.ts";
import { ServiceProcess } from "../service-process.ts";
import { eventually } from "../support/eventually.ts";

const key = "a-key-of-the-shop-0123";
const day = "2026-03-01T";
const range = { from: `${day}00:00:00Z`, to: `${day}12:00:00Z` };
let service: ServiceProcess;
let client: AnalyticsClient;
const losses: Loss[] = [];

/** Ten people look, five of them buy an hour later; one mail is sent and opened. */
function shopEvents(): readonly EventToSend[] {
  const people = [...Array(10).keys()];
  const event = (type: string, person: number, hour: number): EventToSend => ({
    id: `${type}/${person}`,
    type,
    timestamp: new Date(`${day}0${hour}:00:0${person}Z`),
    correlationId: `order-${person}`,
    data: { amount: person * 10, plan: person % 2 === 0 ? "pro" : "free" },
    metadata: { userId: `u${person}` },
  });
  const mail = { correlationId: "mail-1", metadata: { recipient: "a@gmail.com", campaignId: "c" } };
  return [
    ...people.map((person) => event("shop.looked", person, 1)),
    ...people.slice(5).map((person) => event("shop.bought", person, 2)),
    { ...mail, id: "mail-sent", type: "email.sent", timestamp: `${day}03:00:00Z` },
    { ...mail, id: "mail-delivered", type: "email.delivered", timestamp: `${day}03:00:01Z` },
    { ...mail, id: "mail-opened", type: "email.opened", timestamp: `${day}04:00:00Z` },
  ];
}

beforeAll(async () => {
  service = await ServiceProcess.create({
    LOG_LEVEL: "warn",
    API_KEYS: `${key}:shop:events:write+events:read+live:read+admin`,
  });
  await service.start();
  const options = {
    url: service.url,
    key,
    source: "shop",
    onLoss: (loss: Loss) => losses.push(loss),
  };
  client = new AnalyticsClient({ ...options, batchWaitMs: 60_000, gzip: true });
  for (const event of shopEvents()) client.track(event);
  client.track({ type: "no type!", id: "refused" });
  await client.flush();
  await eventually(async () => expect((await client.counts(range)).total).toBe(18));
}, 120_000);

afterAll(async () => {
  await client?.close();
  await service?.dispose();
});

test("what was tracked is counted, and what the service refuses is told event by event", () => {
  expect(client.stats).toEqual({ tracked: 19, waiting: 0, underWay: 0, accepted: 18, lost: 1 });
  expect(losses).toMatchObject([
    {
      reason: "rejected",
      events: [{ id: "refused", type: "no type!", source: "shop" }],
      error: { type: "/problems/invalid-event", errors: [{ pointer: "/type" }] },
    },
  ]);
});

test("what was sent is confirmed, also a second time", async () => {
  const events = [{ id: "sent/1+1", type: "sent.once" }, { type: "sent.once" }, { type: "?!" }];
  const first = await client.send(events);
  expect(first).toMatchObject({ accepted: 2, rejected: [{ index: 2 }] });
  expect(first.ids[0]).toBe("sent/1+1");
  await client.send(events.slice(0, 1));
  const stored = await eventually(async () => {
    const event = await client.event("sent/1+1");
    if (event === undefined) throw new Error("not yet");
    return event;
  });
  expect(stored).toMatchObject({ type: "sent.once", source: "shop", project: "shop" });
  expect((await client.event(first.ids[1]!))?.id).toBe(first.ids[1]);
  expect(await client.event("nobody")).toBeUndefined();
  expect((await client.counts({ type: "sent.once" })).total).toBe(2);
});

test("questions are answered", async () => {
  const { results } = await client.query({
    metrics: ["count", "sum:data.amount"],
    dimensions: ["data.plan"],
    filters: ["and", ["is", "type", "shop.bought"], ["gte", "data.amount", 60]],
    range,
    include: ["totals"],
  });
  expect(results).toEqual([
    { dimensions: ["free"], metrics: [2, 160] },
    { dimensions: ["pro"], metrics: [2, 140] },
  ]);

  const steps = [{ type: "shop.looked" }, { type: "shop.bought" }];
  const funnel = await client.funnel({ steps, window: "2h", range });
  expect(funnel.steps.map(({ users }) => users)).toEqual([10, 5]);
  expect(funnel.steps[0]!.medianMs).toBe(3_600_000);

  const [first, returning] = steps;
  const retention = await client.retention({ first, returning, interval: "day", range });
  expect(retention.cohorts).toMatchObject([{ size: 10, returned: [5] }]);

  const { paths } = await client.paths({ after: first!, length: 1, range });
  expect(paths).toMatchObject([
    { types: [], count: 5 },
    { types: ["shop.bought"], count: 5 },
  ]);

  const mail = await client.mailReport({ ...range, groupBy: "campaignId" });
  expect(mail.data).toMatchObject([{ group: "c", sent: 1, delivered: 1 }]);

  const counts = await client.counts({
    type: ["shop.looked", "shop.bought"],
    from: new Date(range.from),
    to: new Date(range.to),
    interval: "hour",
  });
  expect(counts.data.map(({ type, count }) => [type, count])).toEqual([
    ["shop.looked", 10],
    ["shop.bought", 5],
  ]);
  expect(counts.data[0]!.series).toHaveLength(12);

  const lately = { range: "7d", timezone: "Asia/Kolkata" } as const;
  expect((await client.counts({ type: "shop.looked", ...lately })).total).toBe(0);
  const past = await client.query({
    filters: ["is", "type", "shop.looked"],
    range: { last: "90m" },
  });
  expect(past.results).toEqual([{ dimensions: [], metrics: [0] }]);
});

test("lists and stories are iterated page by page, and exports as they come", async () => {
  const events = client.events({
    type: "shop.looked",
    "data.amount[gte]": 20,
    limit: 3,
    order: "asc",
  });
  const ids: unknown[] = [];
  for await (const { id } of events) ids.push(id);
  expect(ids).toEqual([2, 3, 4, 5, 6, 7, 8, 9].map((person) => `shop.looked/${person}`));
  const sizes: number[] = [];
  for await (const { data } of events.pages()) sizes.push(data.length);
  expect(sizes).toEqual([3, 3, 2]);

  const story: unknown[] = [];
  for await (const event of client.story("order-7", { limit: 1 })) {
    story.push([event.type, event.sinceFirstMs]);
  }
  expect(story).toEqual([
    ["shop.looked", 0],
    ["shop.bought", 3_600_000],
  ]);

  const stream = await client.export({ type: "shop.bought", fields: ["data.amount"] });
  const amounts: unknown[] = [];
  for await (const { data } of stream.events()) amounts.push(data);
  expect(amounts).toEqual([50, 60, 70, 80, 90].map((amount) => ({ amount })));
  const csv = await client.export({ type: "email.sent", format: "csv", fields: ["id", "type"] });
  let text = "";
  for await (const piece of csv.text()) text += piece;
  expect(text).toBe("id,type\r\nmail-sent,email.sent\r\n");
});

test("types, properties and values are found", async () => {
  const types = await client.catalog.types(range);
  expect(types.data[0]).toMatchObject({ type: "shop.looked", count: 10 });
  const properties = await client.catalog.properties({ type: "shop.bought", ...range });
  expect(properties.data.map(({ property }) => property)).toContain("data.plan");
  const asked = { property: "data.plan", type: "shop.looked", search: "P", ...range };
  expect((await client.catalog.values(asked)).data).toEqual([
    { value: "pro", kind: "text", count: 5 },
  ]);
  await expect(client.catalog.values({ property: "nothing" })).rejects.toMatchObject({
    kind: "validation",
  });
});

test("what is stored streams in, and a stream goes on where it was left", async () => {
  const place = async (id: string, lastEventId?: string) => {
    const options = { signal: AbortSignal.timeout(30_000), ...(lastEventId && { lastEventId }) };
    for await (const item of client.stream({ type: "shop.streamed" }, options)) {
      if (item.kind === "event" && item.event.id === id) return item.id;
    }
    throw new Error("the stream has ended");
  };
  // It is known to listen once it brings an event that was sent until then, again and again.
  let sends = 0;
  const sending = setInterval(() => {
    client.send({ id: `s${sends++}`, type: "shop.streamed" }).catch(() => undefined);
  }, 200);
  const live = client.live({ signal: AbortSignal.timeout(30_000) })[Symbol.asyncIterator]();
  try {
    const first = (async () => {
      const options = { signal: AbortSignal.timeout(30_000) };
      for await (const item of client.stream({ type: "shop.streamed" }, options)) {
        if (item.kind === "event") return item;
      }
      throw new Error("the stream has ended");
    })();
    const { id, event } = await first;
    expect(event).toMatchObject({ type: "shop.streamed", source: "shop" });
    const next = `s${Number(event.id.slice(1)) + 1}`;
    expect(await place(next, id)).toEqual(expect.any(String));

    expect((await live.next()).value).toMatchObject({ kind: "past", past: {} });
    const second = (await live.next()).value as { second: { events: { types: object[] } } };
    expect(second).toMatchObject({ kind: "second" });
  } finally {
    clearInterval(sending);
    await live.return?.();
  }
});

test("questions are saved under names, and only the version that was read is changed", async () => {
  const question = { type: "shop.bought", ...range };
  const view = { chart: "bars" };
  const saved = await client.saved.put("sales/daily", { kind: "counts", question, view });
  expect(saved).toMatchObject({ kind: "counts", question, view });
  expect(await client.saved.get("sales/daily")).toEqual(saved);
  expect((await client.saved.list()).map(({ name }) => name)).toEqual(["sales/daily"]);
  expect((await client.saved.results<CountsAnswer>("sales/daily")).total).toBe(5);
  const narrow = { to: `${day}02:00:07Z` };
  expect((await client.saved.results<CountsAnswer>("sales/daily", narrow)).total).toBe(2);
  await client.saved.put(
    "sales/daily",
    { kind: "counts", question: {} },
    { ifMatch: saved.version },
  );
  await expect(
    client.saved.remove("sales/daily", { ifMatch: saved.version }),
  ).rejects.toMatchObject({ kind: "precondition-failed", status: 412 });
  await client.saved.remove("sales/daily");
  await expect(client.saved.get("sales/daily")).rejects.toMatchObject({ kind: "not-found" });
});

test("an administrator gives keys, erases, and sees who did what", async () => {
  const { keys, erasing, deadLetters } = client;
  const given = await keys.create({ name: "till", scopes: ["events:write"] });
  const till = new AnalyticsClient({ url: service.url, key: given.key, source: "till" });
  const person = { metadata: { userId: "leaver/1" }, timestamp: `${day}05:00:00Z` };
  await till.send([
    { ...person, id: "gone-1", type: "shop.left" },
    { ...person, id: "gone-2", type: "shop.left" },
  ]);
  await till.close();
  const left = async () => (await client.counts({ ...range, type: "shop.left" })).total;
  await eventually(async () => expect(await left()).toBe(2));

  const out = [];
  for await (const { id } of (await erasing.subjectExport("leaver/1")).events()) out.push(id);
  expect(out).toEqual(["gone-1", "gone-2"]);
  const { id } = await erasing.subject("leaver/1");
  expect(await client.jobs.finished(id)).toMatchObject({ kind: "eraseSubject", erased: 2 });
  expect(await left()).toBe(0);
  const wide = await erasing.events({}).catch((error: unknown) => error);
  expect(wide).toMatchObject({ status: 400 });

  const { key, ...next } = await keys.rotate(given.id, { overlapSeconds: 0 });
  expect(key).not.toBe(given.key);
  await keys.revoke(next.id);
  expect((await keys.get(next.id)).state).toBe("revoked");
  expect((await keys.list()).map((one) => one.id)).toEqual(
    expect.arrayContaining([given.id, next.id]),
  );
  expect(await deadLetters.list()).toEqual([]);
  const acts = [];
  for await (const act of client.auditLog({ limit: 1 })) acts.push(act.what);
  expect(acts.filter((what) => what !== "queries.save" && what !== "queries.remove")).toEqual([
    "keys.revoke",
    "keys.rotate",
    "events.erase",
    "keys.create",
  ]);
});

test("an administrator says what events look like, mends those that do not, and has them counted", async () => {
  const { schemas, quarantine } = client;
  const type = "order/paid";
  const at = (hour: number) => `${day}0${hour}:30:00Z`;
  await client.send({ id: "kept", type, data: { amount: 1 }, timestamp: at(6) });
  await eventually(async () => expect((await client.counts({ ...range, type })).total).toBe(1));
  const { schema, basedOn } = await schemas.infer(type, { events: 10 });
  expect(basedOn.events).toBe(1);
  expect(await schemas.put(type, { mode: "enforce", schema })).toMatchObject({ type, version: 1 });
  expect((await schemas.get(type)).schema).toEqual(schema);
  expect((await schemas.list()).map((one) => one.type)).toEqual([type]);

  // A processor that does not know the schema yet stores what breaks it.
  let held = "";
  await eventually(async () => {
    const [id = ""] = (await client.send({ type, data: { amount: "?" }, timestamp: at(7) })).ids;
    await eventually(async () => expect((await client.trace(id)).state).not.toBe("unknown"));
    expect((await client.trace(id)).state).toBe("quarantined");
    held = id;
  });
  const listed = [];
  for await (const { id, findings } of quarantine.list({ type, limit: 1 })) {
    listed.push(id);
    expect(findings).toMatchObject([{ pointer: "/data/amount" }]);
  }
  expect(listed).toEqual([held]);
  expect(await quarantine.replayAll({ type })).toEqual({ replayed: 0, broken: 1 });
  const mended = await quarantine.patch(held, { data: { amount: 2 } });
  expect(mended).toMatchObject({ findings: [], event: { data: { amount: 2 } } });
  await quarantine.replay(held);
  await eventually(async () => expect((await client.trace(held)).state).toBe("counted"));
  await expect(quarantine.drop(held)).rejects.toMatchObject({ kind: "not-found" });
  await schemas.remove(type);
  expect((await schemas.versions(type)).map(({ version, mode }) => [version, mode])).toEqual([
    [2, null],
    [1, "enforce"],
  ]);
});

test("an administrator says how long things are kept, and has counts compared and made again", async () => {
  const { dataRetention, counting, jobs } = client;
  expect((await dataRetention.get()).isOwn).toBe(false);
  const ages = { events: "400d", minutes: "400d", types: { "page.seen": "500d" } } as const;
  expect(await dataRetention.put({ ...ages, minutes: "500d" })).toMatchObject({
    isOwn: true,
    retention: { events: "400d", minutes: "500d", days: null, types: { "page.seen": "500d" } },
  });
  await expect(dataRetention.put(ages)).rejects.toMatchObject({ kind: "validation" });
  const audit = await counting.audit({ ...range, repair: false });
  expect(await jobs.finished(audit.id)).toMatchObject({
    kind: "auditCounts",
    found: { drifted: 0, repaired: 0 },
  });
  const { id } = await counting.rebuild(range);
  expect(await jobs.finished(id)).toMatchObject({ kind: "rebuildRollups", status: "done" });
  expect((await jobs.list(1)).map((job) => job.id)).toEqual([id]);
  expect((await client.counts({ ...range, type: "shop.looked" })).total).toBe(10);
});

test("what the service refuses is a typed error that says what is wrong", async () => {
  const refused = client.query({ metrics: ["count"], dimensions: ["nonsense"] });
  const error = await refused.catch((problem: unknown) => problem);
  if (!(error instanceof ProblemError)) throw new Error("it has to be refused");
  expect({ kind: error.kind, status: error.status }).toEqual({ kind: "validation", status: 400 });
  expect(error.findings).toMatchObject([{ pointer: "/dimensions/0", code: "dimension" }]);
  expect(error.message).toContain("/dimensions/0");
  expect(error.problem.requestId).not.toBe("");

  const stranger = new AnalyticsClient({ url: service.url, key: "not-a-key-of-anyone-here" });
  const unauthorized = await stranger.counts().catch((problem: unknown) => problem);
  expect(unauthorized).toMatchObject({ kind: "unauthorized" });
  expect(JSON.stringify(unauthorized) + String(unauthorized)).not.toContain("not-a-key");

  const nobody = new AnalyticsClient({ url: "http://127.0.0.1:1", retries: 0 });
  await expect(nobody.counts()).rejects.toBeInstanceOf(ConnectionError);

  const left = AbortSignal.abort(new Error("left"));
  await expect(client.counts({}, { signal: left })).rejects.toThrow("left");
});
