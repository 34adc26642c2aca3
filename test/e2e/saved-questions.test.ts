import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../service-process.ts";

const keys = {
  admin: "a-key-that-may-do-all",
  reader: "a-key-that-may-read-only",
  other: "a-key-of-another-project",
} as const;

let service: ServiceProcess;
beforeAll(async () => {
  const allowed = [
    `${keys.admin}:shop:events:write+events:read+admin`,
    `${keys.reader}:shop:events:read`,
    `${keys.other}:blog:events:read+admin`,
  ];
  service = await ServiceProcess.create({ LOG_LEVEL: "warn", API_KEYS: allowed.join(",") });
  await service.start();
});
afterAll(() => service.dispose());

interface Asked {
  readonly key?: keyof typeof keys;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

async function ask(method: string, path: string, { key = "admin", body, headers }: Asked = {}) {
  const response = await fetch(`${service.url}/api/v1${path}`, {
    method,
    headers: { "X-Api-Key": keys[key], "Content-Type": "application/json", ...headers },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    etag: response.headers.get("etag"),
    location: response.headers.get("location"),
    body: (text === "" ? {} : JSON.parse(text)) as Record<string, unknown> & {
      errors?: { pointer: string }[];
    },
  };
}

const daily = {
  kind: "counts",
  question: { interval: "day", timezone: "Europe/Berlin" },
  description: "each day",
};

test("a question is saved, shown, listed, replaced and removed, for its project alone", async () => {
  const first = await ask("PUT", "/queries/daily", { body: daily });
  expect(first).toMatchObject({ status: 201, location: "/api/v1/queries/daily" });
  expect(first.body).toMatchObject({ name: "daily", ...daily });
  const shown = await ask("GET", "/queries/daily", { key: "reader" });
  expect(shown).toMatchObject({ status: 200, etag: first.etag, body: first.body });
  const fresh = { "If-None-Match": first.etag! };
  expect((await ask("GET", "/queries/daily", { headers: fresh })).status).toBe(304);

  const second = await ask("PUT", "/queries/daily", { body: { ...daily, description: "" } });
  expect(second.status).toBe(200);
  expect(second.etag).not.toBe(first.etag);
  expect(second.body["createdAt"]).toBe(first.body["createdAt"]);

  await ask("PUT", "/queries/a%2Fb", { body: daily });
  const { data } = (await ask("GET", "/queries", { key: "reader" })).body as {
    data: { name: string; question?: unknown }[];
  };
  expect(data.map(({ name }) => name)).toEqual(["a/b", "daily"]);
  expect(data[0]).not.toHaveProperty("question");
  expect((await ask("GET", "/queries", { key: "other" })).body).toEqual({ data: [] });
  expect((await ask("GET", "/queries/daily", { key: "other" })).status).toBe(404);

  expect((await ask("DELETE", "/queries/a%2Fb")).status).toBe(204);
  expect((await ask("DELETE", "/queries/a%2Fb")).status).toBe(404);
});

test("a question keeps its view as it is and its range as it was written, and means today's", async () => {
  const view = { shape: "line", pin: 2, z: { a: [1, null] } };
  const body = { ...daily, question: { range: "7d", timezone: "Europe/Berlin" }, view };
  const put = await ask("PUT", "/queries/week", { body });
  expect(put.body).toMatchObject(body);
  expect((await ask("GET", "/queries/week")).body).toMatchObject(body);
  const { data } = (await ask("GET", "/queries")).body as { data: { name: string }[] };
  expect(data.find(({ name }) => name === "week")).toMatchObject({ view });

  const answer = async (path: string) =>
    (await ask("GET", `/queries/week/results${path}`)).body as {
      meta: { range: { from: string; to: string } };
    };
  const { from, to } = (await answer("")).meta.range;
  const now = new Date().toISOString();
  expect([from <= now, to > now]).toEqual([true, true]);
  const days = (Date.parse(to) - Date.parse(from)) / 86_400_000;
  expect(Math.abs(days - 7)).toBeLessThan(0.05);
  const other = (await answer("?range=90m&timezone=UTC")).meta.range;
  expect(Date.parse(other.to) - Date.parse(other.from)).toBe(5_400_000);

  const large = { ...body, view: { text: "é".repeat(1_025) } };
  const refused = await ask("PUT", "/queries/week", { body: large });
  expect(refused.body.errors?.map(({ pointer }) => pointer)).toEqual(["/view"]);
  await ask("PUT", "/queries/week", { body: daily });
  expect((await ask("GET", "/queries/week")).body).not.toHaveProperty("view");
  await ask("DELETE", "/queries/week");
});

test("a question of any kind that is kept with a zone is asked of any other range", async () => {
  const selection = { type: "email.sent" };
  const bodies = {
    run: {},
    funnel: { steps: [selection, { type: "email.opened" }] },
    retention: { first: selection },
    paths: { after: selection },
  };
  const lately = { timezone: "Europe/Berlin", range: { last: "7d" } };
  const saved = [
    ...Object.entries(bodies).map(([kind, body]) => ({ kind, question: { ...body, ...lately } })),
    ...["counts", "mail"].map((kind) => ({ kind, question: { ...lately, range: "7d" } })),
  ];
  const from = "2026-01-01T00:00:00Z";
  const to = "2026-01-08T00:00:00Z";
  const others = ["", `?from=${from}`, `?from=${from}&to=${to}`, "?range=all", "?range=90m"];
  for (const body of saved) {
    expect((await ask("PUT", "/queries/zoned", { body })).body).toMatchObject(body);
    for (const other of others) {
      const { status } = await ask("GET", `/queries/zoned/results${other}`);
      expect([body.kind, other, status]).toEqual([body.kind, other, 200]);
    }
    const nowhere = await ask("GET", "/queries/zoned/results?timezone=Mars/Olympus");
    expect(nowhere.body.errors?.map(({ pointer }) => pointer)).toEqual(["timezone"]);
    const both = await ask("GET", `/queries/zoned/results?range=7d&from=${from}`);
    const message = "a relative range goes without from and to";
    expect(both.body.errors).toEqual([{ pointer: "range", code: "range", message }]);
  }
  await ask("DELETE", "/queries/zoned");
});

test("a write happens only where its precondition is met", async () => {
  const absent = { "If-None-Match": "*" };
  const put = (headers: Record<string, string>) =>
    ask("PUT", "/queries/guarded", { body: daily, headers });
  const first = await put(absent);
  expect(first.status).toBe(201);
  expect((await put(absent)).status).toBe(412);
  expect((await put({ "If-Match": '"old"' })).status).toBe(412);
  expect((await put({ "If-Match": "unquoted" })).status).toBe(400);
  const next = await put({ "If-Match": `"old", ${first.etag}` });
  expect(next.status).toBe(200);
  const remove = (tag: string) =>
    ask("DELETE", "/queries/guarded", { headers: { "If-Match": tag } });
  expect((await remove(first.etag!)).status).toBe(412);
  expect((await remove(next.etag!)).status).toBe(204);
});

test("a question that could not be asked is not saved, and what is wrong is pointed at", async () => {
  const put = async (body: unknown) => {
    const { status, body: problem } = await ask("PUT", "/queries/bad", { body });
    return [status, ...(problem.errors ?? []).map(({ pointer }) => pointer)];
  };
  expect(await put({ ...daily, kind: "guess" })).toEqual([400, "/kind"]);
  expect(await put({ ...daily, question: [] })).toEqual([400, "/question"]);
  expect(await put({ ...daily, colour: 1 })).toEqual([400, "/colour"]);
  const wrong = { interval: "fortnight", foo: 1 };
  expect(await put({ ...daily, question: wrong })).toEqual([
    400,
    "/question/foo",
    "/question/interval",
  ]);
  const run = { kind: "run", question: { metrics: ["count"], filters: ["is", "type"] } };
  expect((await put(run))[1]).toMatch(/^\/question\/filters/);
  expect(await put({ kind: "mail", question: { groupBy: "x" } })).toEqual([
    400,
    "/question/groupBy",
  ]);
  expect(await put("{")).toEqual([400]);
  expect(await put({ ...daily, description: "x".repeat(100_000) })).toEqual([
    413,
    expect.anything(),
  ]);
  expect((await ask("GET", "/queries/bad")).status).toBe(404);
  const text = { body: "kind=run", headers: { "Content-Type": "text/plain" } };
  expect((await ask("PUT", "/queries/bad", text)).status).toBe(415);
  expect((await ask("PUT", "/queries/a%20b", { body: daily })).status).toBe(400);
});

test("who may only read cannot change what others saved, and other methods are not allowed", async () => {
  expect((await ask("PUT", "/queries/x", { key: "reader", body: daily })).status).toBe(403);
  expect((await ask("DELETE", "/queries/daily", { key: "reader" })).status).toBe(403);
  expect((await ask("POST", "/queries/x", { body: daily })).status).toBe(405);
  expect((await ask("POST", "/queries", { body: daily })).status).toBe(405);
});

test("results are what the question answers, with another range where one is given", async () => {
  const events = [1, 2, 3].map((day) => ({
    type: "email.sent",
    source: "test",
    correlationId: `m${day}`,
    timestamp: Date.UTC(2024, 0, day),
  }));
  expect((await ask("POST", "/events/batch", { body: { events } })).status).toBe(202);
  await eventually(async () => {
    expect((await ask("GET", "/events/counts")).body["total"]).toBe(3);
  });
  await ask("PUT", "/queries/counts", { body: { kind: "counts", question: {} } });
  await ask("PUT", "/queries/mails", { body: { kind: "mail", question: { mails: "sent" } } });
  const metrics = { metrics: ["count"], range: { from: "2024-01-02T00:00:00Z" } };
  await ask("PUT", "/queries/run", { body: { kind: "run", question: metrics } });
  const results = async (path: string) => {
    const { status, body } = await ask("GET", `/queries/${path}`, { key: "reader" });
    expect([status, body["meta"]]).toMatchObject([200, { exact: true }]);
    return body;
  };
  expect((await results("counts/results"))["total"]).toBe(3);
  expect((await results("counts/results?from=2024-01-03T00:00:00Z"))["total"]).toBe(1);
  expect((await results("mails/results"))["total"]).toMatchObject({ sent: 3 });
  const until = "to=2024-01-02T00:00:00Z";
  expect((await results(`mails/results?${until}`))["total"]).toMatchObject({ sent: 1 });
  const count = async (search: string) =>
    ((await results(`run/results${search}`))["results"] as { metrics: number[] }[])[0]?.metrics[0];
  expect(await count("")).toBe(2);
  expect(await count("?from=2024-01-01T00:00:00Z&to=2024-01-03T00:00:00Z")).toBe(2);
  expect((await ask("GET", "/queries/counts/results?from=soon")).status).toBe(400);
  expect((await ask("GET", "/queries/counts/results?limit=1")).status).toBe(400);
  expect((await ask("GET", "/queries/none/results")).status).toBe(404);
});
