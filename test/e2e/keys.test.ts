import { request as httpRequest } from "node:http";
import { keyPattern } from "../../lib/keys/key-text.ts";
import { ServiceProcess } from "../service-process.ts";
import { eventually } from "../support/eventually.ts";

const admin = "a-key-that-may-do-all";
const other = "an-admin-of-another-project";

let service: ServiceProcess;
/** Every key that was ever given. */
const given: string[] = [admin, other];
beforeAll(async () => {
  const API_KEYS = `${admin}:shop:admin,${other}:blog:admin`;
  service = await ServiceProcess.create({ LOG_LEVEL: "trace", API_KEYS });
  await service.start();
});
afterAll(() => service.dispose());

async function ask(method: string, path: string, key: string, body?: unknown) {
  const response = await fetch(`${service.url}/api/v1${path}`, {
    method,
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    location: response.headers.get("location"),
    body: (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>,
  };
}

interface Given {
  readonly id: string;
  readonly key: string;
  readonly createdAt: string;
  readonly expiresAt: string | null;
}

async function give(body: object, path = "/keys", by = admin): Promise<Given> {
  const { status, location, body: answer } = await ask("POST", path, by, body);
  expect(status).toBe(201);
  expect(location).toBe(`/api/v1/keys/${String(answer["id"])}`);
  given.push(String(answer["key"]));
  return answer as unknown as Given;
}

const reads = async (key: string) => (await ask("GET", "/events", key)).status;

test("a key is given once, does what it may, is shown without itself, and is taken", async () => {
  const { id, key } = await give({ name: "reader", scopes: ["events:read"] });
  expect(key).toMatch(keyPattern);
  expect(await reads(key)).toBe(200);
  expect((await ask("GET", "/keys", key)).status).toBe(403);
  const shown = await ask("GET", `/keys/${id}`, admin);
  expect(shown.body).toMatchObject({
    id,
    name: "reader",
    scopes: ["events:read"],
    state: "holds",
    expiresAt: null,
    hint: key.slice(0, 8),
  });
  expect(JSON.stringify(shown.body)).not.toContain(key);
  await eventually(async () => {
    expect((await ask("GET", `/keys/${id}`, admin)).body["lastUsedAt"]).not.toBeNull();
  });

  expect((await ask("GET", `/keys/${id}`, other)).status).toBe(404);
  expect((await ask("DELETE", `/keys/${id}`, other)).status).toBe(404);
  expect((await ask("POST", `/keys/${id}/rotate`, other, {})).status).toBe(404);
  expect((await ask("GET", "/keys", other)).body).toEqual({ data: [] });

  expect((await ask("DELETE", `/keys/${id}`, admin)).status).toBe(204);
  expect(await reads(key)).toBe(401);
  expect((await ask("GET", `/keys/${id}`, admin)).body["state"]).toBe("revoked");
  expect((await ask("POST", `/keys/${id}/rotate`, admin, {})).status).toBe(404);
});

test("a key is told what it may do, and nothing of others", async () => {
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const { id, key } = await give({ name: "wall", scopes: ["live:read"], expiresAt });
  const own = { kind: "key", project: "shop", scopes: ["live:read"], id, name: "wall", expiresAt };
  expect(await ask("GET", "/keys/self", key)).toMatchObject({ status: 200, body: own });
  const { body } = await ask("GET", "/keys/self", other);
  expect(body).toEqual({ kind: "configured", project: "blog", scopes: ["admin"], expiresAt: null });
  expect((await ask("GET", "/keys/self?project=shop", key)).status).toBe(400);
  expect((await ask("GET", "/keys/self", `${key}x`)).status).toBe(401);
  expect((await ask("DELETE", `/keys/${id}`, admin)).status).toBe(204);
  expect((await ask("GET", "/keys/self", key)).status).toBe(401);
});

test("a key that replaces one which holds as long as can be written holds no longer", async () => {
  const expiresAt = "9999-12-31T23:59:59.999Z";
  const { id } = await give({ name: "far", scopes: ["events:read"], expiresAt });
  const next = await give({}, `/keys/${id}/rotate`);
  expect((await ask("GET", `/keys/${next.id}`, admin)).body).toMatchObject({ expiresAt });
});

test("a key is replaced while both hold, or at once", async () => {
  const old = await give({ name: "ci", scopes: ["events:read", "events:write"] });
  const next = await give({ overlapSeconds: 3_600 }, `/keys/${old.id}/rotate`);
  expect(next).toMatchObject({
    name: "ci",
    scopes: ["events:read", "events:write"],
    replaces: old.id,
  });
  expect([await reads(old.key), await reads(next.key)]).toEqual([200, 200]);
  const last = await give({ overlapSeconds: 0 }, `/keys/${next.id}/rotate`);
  expect([await reads(next.key), await reads(last.key)]).toEqual([401, 200]);
  expect((await ask("GET", `/keys/${next.id}`, admin)).body["state"]).toBe("expired");
});

test("a key that is replaced once more is replaced by one that holds as long", async () => {
  const dayMs = 86_400_000;
  const lifeOf = ({ createdAt, expiresAt }: Given) =>
    expiresAt && Math.round((Date.parse(expiresAt) - Date.parse(createdAt)) / dayMs);
  const made = { name: "twice", scopes: ["events:read"] };
  const expiresAt = new Date(Date.now() + 90 * dayMs).toISOString();
  const soon = new Date(Date.now() + 2 * dayMs).toISOString();
  for (const [body, days] of [
    [{ ...made, expiresAt }, 90],
    [made, null],
  ] as const) {
    const old = await give(body);
    const path = `/keys/${old.id}/rotate`;
    const first = await give({}, path);
    const other = await give({ expiresAt: soon }, path);
    const again = await give({}, path);
    const later = await give({}, `/keys/${first.id}/rotate`);
    const last = await give({}, `/keys/${first.id}/rotate`);
    const lives = [first, other, again, later, last].map(lifeOf);
    expect(lives).toEqual([days, 2, days, days, days]);
    const all = [old, first, other, again, later, last];
    expect(await Promise.all(all.map(({ key }) => reads(key)))).toEqual(all.map(() => 200));
  }
});

test("a key that is wrong, or asks for what there is not, is refused with what is wrong", async () => {
  const pointers = async (body: unknown, path = "/keys") => {
    const { status, body: problem } = await ask("POST", path, admin, body);
    const errors = (problem["errors"] ?? []) as { pointer: string }[];
    return [status, ...errors.map(({ pointer }) => pointer)];
  };
  const good = { name: "x", scopes: ["admin"] };
  expect(await pointers({})).toEqual([400, "/name", "/scopes"]);
  expect(await pointers({ ...good, scopes: ["root"], name: "a\u0000" })).toEqual([
    400,
    "/name",
    "/scopes",
  ]);
  expect(await pointers({ ...good, scopes: [], project: "blog" })).toEqual([
    400,
    "/project",
    "/scopes",
  ]);
  expect(await pointers({ ...good, expiresAt: "2020-01-01T00:00:00Z" })).toEqual([
    400,
    "/expiresAt",
  ]);
  expect(await pointers({ overlapSeconds: -1 }, "/keys/none/rotate")).toEqual([
    400,
    "/overlapSeconds",
  ]);
  expect(await pointers({}, "/keys/none/rotate")).toEqual([404]);
});

test("a stream ends when its key is taken", async () => {
  const { id, key } = await give({ name: "screen", scopes: ["live:read"] });
  const stream = await fetch(`${service.url}/api/v1/live`, { headers: { "X-Api-Key": key } });
  expect(stream.status).toBe(200);
  const told = stream.text();
  expect((await ask("DELETE", `/keys/${id}`, admin)).status).toBe(204);
  expect(await told).toMatch(/event: end\ndata: .*"key"/);
});

/** Sends the head of a request and a part of its body. @returns what sends the rest */
function beginSending(path: string, key: string, body: string) {
  const { promise: status, resolve, reject } = Promise.withResolvers<number | undefined>();
  const headers = {
    "X-Api-Key": key,
    "Content-Type": "application/json",
    "Content-Length": body.length,
  };
  const request = httpRequest(`${service.url}/api/v1${path}`, { method: "POST", headers });
  request.on("response", (response) => resolve(response.resume().statusCode)).on("error", reject);
  request.write(body.slice(0, 5));
  return (): Promise<number | undefined> => {
    request.end(body.slice(5));
    return status;
  };
}

test("a request whose body comes after its key was taken does nothing", async () => {
  const scopes = ["admin", "events:write", "events:read"];
  const { id, key } = await give({ name: "stolen", scopes });
  const [type, source] = ["late.sent", "stolen"];
  const finish = [
    beginSending("/keys", key, JSON.stringify({ name: "kept", scopes: ["admin"] })),
    beginSending("/events", key, JSON.stringify({ type, source })),
    beginSending("/events/batch", key, JSON.stringify([{ type, source }])),
    beginSending("/query", key, JSON.stringify({ metrics: ["count"] })),
  ];
  await eventually(async () => {
    const { body } = await ask("GET", `/keys/${id}`, admin);
    expect(body["lastUsedAt"]).not.toBeNull();
  });
  expect((await ask("DELETE", `/keys/${id}`, admin)).status).toBe(204);
  expect(await Promise.all(finish.map((end) => end()))).toEqual([401, 401, 401, 401]);
  const { body } = await ask("GET", "/keys", admin);
  expect(JSON.stringify(body)).not.toContain("kept");
});

test("keys outlive a restart, stand in the audit log without themselves, and never in the log", async () => {
  const { key, id } = await give({ name: "lasting", scopes: ["events:read"] });
  await service.stop();
  await service.start();
  await eventually(async () => expect(await reads(key)).toBe(200));
  const log = await ask("GET", "/audit-log?limit=1000", admin);
  const acts = log.body["data"] as { what: string; target: string; outcome: string }[];
  expect(acts[0]).toMatchObject({ what: "keys.create", target: id, outcome: "done" });
  expect(new Set(acts.map(({ what }) => what))).toEqual(
    new Set(["keys.create", "keys.rotate", "keys.revoke"]),
  );
  const texts = [JSON.stringify(log.body), service.output];
  expect(given.length).toBeGreaterThan(5);
  for (const text of texts) for (const one of given) expect(text).not.toContain(one);
});
