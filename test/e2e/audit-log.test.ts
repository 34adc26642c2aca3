import { ServiceProcess } from "../service-process.ts";

const keys = {
  admin: "a-key-that-may-do-all",
  reader: "a-key-that-may-read-only",
  other: "a-key-of-another-project",
} as const;

let service: ServiceProcess;
beforeAll(async () => {
  const allowed = [
    `${keys.reader}:shop:events:read`,
    `${keys.admin}:shop:admin`,
    `${keys.other}:blog:admin`,
  ];
  service = await ServiceProcess.create({ LOG_LEVEL: "warn", API_KEYS: allowed.join(",") });
  await service.start();
});
afterAll(() => service.dispose());

interface Log {
  readonly data: readonly Readonly<Record<string, unknown>>[];
  readonly page: { readonly nextCursor: string | null };
}

function ask(method: string, path: string, key: keyof typeof keys = "admin", body?: object) {
  return fetch(`${service.url}/api/v1${path}`, {
    method,
    headers: { "X-Api-Key": keys[key], "Content-Type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });
}

async function log(search = "", key: keyof typeof keys = "admin"): Promise<Log> {
  const response = await ask("GET", `/audit-log${search}`, key);
  expect(response.status).toBe(200);
  return (await response.json()) as Log;
}

test("tells who did what, whether it was done, and by which request; page by page, to admins of the project", async () => {
  const daily = { kind: "counts", question: {} };
  const saved = await ask("PUT", "/queries/daily", "admin", daily);
  expect(saved.status).toBe(201);
  await ask("DELETE", "/queries/daily");
  expect((await ask("DELETE", "/queries/daily")).status).toBe(404);
  await ask("PUT", "/queries/theirs", "other", daily);

  const { data } = await log();
  const actor = { kind: "configured", id: "API_KEYS:2" };
  expect(data).toMatchObject([
    { what: "queries.remove", target: "daily", outcome: "failed", actor },
    { what: "queries.remove", target: "daily", outcome: "done", actor },
    { what: "queries.save", target: "daily", outcome: "done", actor, details: { kind: "counts" } },
  ]);
  expect(data[2]!["requestId"]).toBe(saved.headers.get("x-request-id"));
  expect((await log("", "other")).data.map(({ target }) => target)).toEqual(["theirs"]);

  const first = await log("?limit=2");
  const rest = await log(`?limit=2&cursor=${first.page.nextCursor}`);
  expect([...first.data, ...rest.data]).toEqual(data);
  expect(rest.page.nextCursor).toBeNull();
  const stolen = await ask("GET", `/audit-log?cursor=${first.page.nextCursor}`, "other");
  expect(stolen.status).toBe(400);
  expect((await ask("GET", "/audit-log", "reader")).status).toBe(403);
  expect(JSON.stringify(data)).not.toContain(keys.admin);
});

test("what could not be begun is not told", async () => {
  const { data } = await log();
  expect((await ask("PUT", "/queries/bad", "admin", { kind: "guess", question: {} })).status).toBe(
    400,
  );
  expect((await log()).data).toEqual(data);
});

test("acts that were asked for at once stand in the order of their instants", async () => {
  const names = Array.from({ length: 40 }, (_, i) => `at-once-${i}`);
  const saved = { kind: "counts", question: {} };
  await Promise.all(names.map((name) => ask("PUT", `/queries/${name}`, "other", saved)));
  const { data } = await log("", "other");
  const instants = data.map(({ at }) => String(at));
  expect(data.length).toBeGreaterThanOrEqual(names.length);
  expect(instants).toEqual(instants.toSorted().reverse());
});
