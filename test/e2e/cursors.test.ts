import { hash } from "node:crypto";
import { ServiceProcess } from "../service-process.ts";
import { eventually } from "../support/eventually.ts";
import { tamperedOf } from "../support/tampered-cursors.ts";

let service: ServiceProcess;
beforeAll(async () => {
  service = await ServiceProcess.create({ LOG_LEVEL: "error" });
  await service.start();
  const schema = { mode: "enforce", schema: { required: ["correlationId"] } };
  for (const type of ["held", "other"]) await ask("PUT", `/schemas/${type}`, schema);
  for (const type of ["a", "b", "c"]) await send({ type, correlationId: "story" });
  for (let held = 0; held < 2;) {
    if ((await send({ type: "held", metadata: { userId: "u" } })) === "quarantined") held += 1;
  }
  await eventually(async () => {
    const { body } = await ask("GET", "/events/counts");
    expect(body).toMatchObject({ total: expect.any(Number) as unknown });
    expect((body["data"] as unknown[]).length).toBeGreaterThanOrEqual(3);
  });
});
afterAll(() => service.dispose());

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function ask(method: string, path: string, body?: object): Promise<Answer> {
  const response = await fetch(`${service.url}/api/v1${path}`, {
    method,
    ...(body && {
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    }),
  });
  const text = await response.text();
  const isJson = /\/(?:problem\+)?json/.test(response.headers.get("content-type") ?? "");
  return {
    status: response.status,
    body: isJson ? (JSON.parse(text) as Answer["body"]) : {},
  };
}

async function send(event: object): Promise<unknown> {
  const response = await fetch(`${service.url}/api/v1/events`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Prefer: "wait=30" },
    body: JSON.stringify({ source: "test", ...event }),
  });
  return ((await response.json()) as { status?: unknown }).status;
}

/** Asks the same with a cursor. */
function askAt(cursor: string, method: string, path: string, body?: object): Promise<Answer> {
  if (body !== undefined) return ask(method, path, { ...body, cursor });
  const joint = path.includes("?") ? "&" : "?";
  return ask(method, `${path}${joint}cursor=${encodeURIComponent(cursor)}`);
}

const pointersOf = ({ status, body }: Answer) => [
  status,
  ...((body["errors"] ?? []) as { readonly pointer: string }[]).map(({ pointer }) => pointer),
];

const query = { metrics: ["count"], dimensions: ["type"], limit: 1 };
const week = { range: "this_week" };
const steps = { steps: [{ type: "a" }, { type: "b" }], window: "60s" };
const returning = { first: { type: "a" }, returning: { type: "b" }, interval: "day" };

type Asked = readonly [method: string, path: string, body?: object];

/** Questions in pages. */
const paged: readonly Asked[] = [
  ["GET", "/events?limit=1"],
  ["GET", "/events?limit=1&range=this_week&type=a,b"],
  ["GET", "/events/counts?limit=1"],
  ["GET", "/events/counts?limit=1&range=this_week&interval=day"],
  ["GET", "/events/counts?limit=1&interval=hour"],
  ["POST", "/query", query],
  ["POST", "/query", { ...query, ...week }],
  ["POST", "/query", { ...query, dimensions: ["type", "time:day"] }],
  ["GET", "/stories/story?limit=1"],
  ["GET", "/quarantine?limit=1"],
  ["GET", "/audit-log?limit=1"],
];

async function cursorOf(...asked: Asked): Promise<string> {
  const { status, body } = await ask(...asked);
  const { nextCursor } = { ...body, ...(body["page"] as object | undefined) } as Answer["body"];
  expect([status, typeof nextCursor]).toEqual([200, "string"]);
  return nextCursor as string;
}

const named = (all: readonly Asked[]) =>
  all.map((asked) => ({ asked, name: asked.map((part) => JSON.stringify(part)).join(" ") }));

test.each(named(paged))(
  "$name: its cursor goes on, and none that was changed",
  async ({ asked }) => {
    const cursor = await cursorOf(...asked);
    expect((await askAt(cursor, ...asked)).status).toBe(200);
    const [, at = "", own = "", suffix = ""] = /^(\d+~)?([\w-]+)(\.[\w-]+)?$/.exec(cursor) ?? [];
    const pointer = asked[2] === undefined ? "cursor" : "/cursor";
    for (const tampered of tamperedOf(own)) {
      const answer = await askAt(at + tampered + suffix, ...asked);
      expect([tampered, ...pointersOf(answer)]).toEqual([tampered, 400, pointer]);
    }
  },
);

test("an export goes on at a cursor of the same list, and at none that was changed", async () => {
  const cursor = await cursorOf("GET", "/events?order=asc&limit=1");
  expect((await askAt(cursor, "GET", "/events/export")).status).toBe(200);
  const [own = "", suffix = ""] = cursor.split(".");
  for (const tampered of tamperedOf(own)) {
    const answer = await askAt(`${tampered}.${suffix}`, "GET", "/events/export");
    expect([tampered, ...pointersOf(answer)]).toEqual([tampered, 400, "cursor"]);
  }
  for (const cursor of [
    "x",
    "",
    "stored:x",
    "held:x",
    `stored:${own}x`,
    "stored:253402300799999~",
  ]) {
    const answer = await askAt(cursor, "GET", "/subjects/u/export");
    expect([cursor, ...pointersOf(answer)]).toEqual([cursor, 400, "cursor"]);
  }
});

test("none goes on that an earlier version gave, which had events of one instant in another order", async () => {
  const suffix = `.${hash("sha256", "default", "base64url").slice(0, 8)}`;
  for (const path of ["/events?limit=1", "/stories/story?limit=1"]) {
    const [own = ""] = (await cursorOf("GET", path)).split(".");
    expect(pointersOf(await askAt(own + suffix, "GET", path))).toEqual([400, "cursor"]);
  }
});

test("what changes something is refused before it does, too", async () => {
  const cursor = await cursorOf("GET", "/quarantine?limit=1");
  for (const tampered of tamperedOf(cursor).slice(0, 60)) {
    const answer = await askAt(tampered, "POST", "/quarantine/replay?limit=1");
    expect([tampered, ...pointersOf(answer)]).toEqual([tampered, 400, "cursor"]);
  }
  const question = { range: "this_week", cursor: "253402300799999~" };
  const saved = await ask("PUT", "/queries/mine", { kind: "counts", question });
  expect(pointersOf(saved)).toEqual([400, "/question/cursor"]);
});

const unpaged: readonly Asked[] = [
  ["GET", "/events/export"],
  ["GET", "/events/stream"],
  ["GET", "/reports/mail"],
  ["GET", "/catalog/types"],
  ["GET", "/catalog/properties?type=a"],
  ["GET", "/catalog/values?property=data.a"],
  ["POST", "/query/funnel", steps],
  ["POST", "/query/retention", returning],
  ["POST", "/query/paths", { after: { type: "a" } }],
];

test.each(named([...paged, ...unpaged]))(
  "$name: an instant of no page is refused",
  async ({ asked }) => {
    const [method, path, body] = asked;
    for (const at of ["253402300799999", "999999999999999", "8640000000000001", "1", "-1", ""]) {
      for (const range of ["today", "this_week", "last_month", "this_year", "7d", "90m"]) {
        const [plain = path, search = ""] = path.split("?");
        const parameters = new URLSearchParams(search);
        if (body === undefined && !/stories|quarantine|audit/.test(path))
          parameters.set("range", range);
        const question = body && { ...body, range: /^\d/.test(range) ? { last: range } : range };
        const answer = await askAt(`${at}~`, method, `${plain}?${parameters.toString()}`, question);
        const pointers = pointersOf(answer);
        expect([at, range, pointers[0]]).toEqual([at, range, 400]);
        expect(pointers.slice(1)).toContainEqual(body === undefined ? "cursor" : "/cursor");
      }
    }
  },
);

test("a stream goes on behind any id of its form, and is refused at others", async () => {
  const ids = ["999999999999999.9999999-zzzzzzzzz", "0.0-0", "5.5-mxyz"];
  for (const id of ids) {
    const leaving = new AbortController();
    const response = await fetch(`${service.url}/api/v1/events/stream?lastEventId=${id}`, {
      signal: leaving.signal,
    });
    expect([id, response.status]).toEqual([id, 200]);
    leaving.abort();
  }
  for (const id of ["9999999999999999.0-0", "-1.0-0", "1.5e3-0", "1.1-ZZ", "x"]) {
    const answer = await ask("GET", `/events/stream?lastEventId=${encodeURIComponent(id)}`);
    expect([id, ...pointersOf(answer)]).toEqual([id, 400, "lastEventId"]);
  }
});
