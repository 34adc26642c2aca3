import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { graceMs } from "../../lib/store/retention.ts";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../service-process.ts";

const keys = { admin: "a-key-that-may-do-all", reader: "a-key-that-may-read-only" } as const;

const allowed = [
  `${keys.admin}:shop:events:write+events:read+admin`,
  `${keys.reader}:shop:events:read`,
];

let service: ServiceProcess;
beforeAll(async () => {
  service = await ServiceProcess.create({ LOG_LEVEL: "warn", API_KEYS: allowed.join(",") });
  await service.start();
});
afterAll(() => service.dispose());

interface Job {
  readonly id: string;
  readonly status: string;
  readonly erased: number;
}

async function ask(method: string, path: string, key: keyof typeof keys = "admin", body?: unknown) {
  const response = await fetch(`${service.url}/api/v1${path}`, {
    method,
    headers: { "X-Api-Key": keys[key], "Content-Type": "application/json", Prefer: "wait=30" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get("content-type")?.includes("json") === true;
  return {
    status: response.status,
    location: response.headers.get("location"),
    text,
    body: (isJson && !text.includes("\n") && text !== "" ? JSON.parse(text) : {}) as never,
  };
}

/** A job that a kill left is taken up 20 s later. */
async function done(location: string | null): Promise<Job> {
  const path = location!.replace("/api/v1", "");
  let job: Job = (await ask("GET", path)).body;
  await eventually(async () => {
    job = (await ask("GET", path)).body;
    expect(job.status).toBe("done");
  }, 90_000);
  return job;
}

const send = (user: string, ids: readonly string[], timestamp: string) =>
  ask("POST", "/events/batch", "admin", {
    events: ids.map((id) => ({
      id,
      type: "opened",
      source: "web",
      timestamp,
      metadata: { userId: user },
    })),
  });

/** How many events there are, and users. */
async function counted(): Promise<readonly number[]> {
  const range = { from: "2026-03-01T00:00:00Z", to: "2026-04-01T00:00:00Z" };
  const asked = { metrics: ["count", "uniques"], include: ["totals"], range };
  const { body } = await ask("POST", "/query", "reader", asked);
  return (body as { totals: readonly number[] }).totals;
}

const stored = async (count: number) =>
  eventually(async () => expect((await counted())[0]).toBe(count));

test("a person's events are given out, erased, and stay out also when they are sent again", async () => {
  const at = "2026-03-05T10:20:30Z";
  await send("u/1 ü", ["a", "b"], at);
  await send("v", ["c"], at);
  await send("u/1 ü", ["d"], "2026-03-07T00:00:00Z");
  await stored(4);
  expect(await counted()).toEqual([4, 2]);
  const subject = `/subjects/${encodeURIComponent("u/1 ü")}`;
  const given = await ask("GET", `${subject}/export`);
  const ids = given.text
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { id: string }).id);
  expect(ids).toEqual(["a", "b", "d"]);

  for (const path of [subject, "/events", "/events/a"]) {
    expect((await ask("DELETE", path, "reader")).status).toBe(403);
  }
  expect((await ask("GET", "/jobs", "reader")).status).toBe(403);
  const begun = await ask("DELETE", subject);
  expect(begun.status).toBe(202);
  const job = await done(begun.location);
  expect(job).toMatchObject({ kind: "eraseSubject", erased: 3, fenced: true, ids: "refused" });
  expect(JSON.stringify(job)).not.toContain("u/1");
  expect(await counted()).toEqual([1, 1]);
  expect((await ask("GET", "/events/a")).status).toBe(404);
  expect((await ask("GET", `${subject}/export`)).text).toBe("");
  for (const stray of ["cursor=stored:", "cursor=x", "type=a", "from=2026-01-01", "userId=v"]) {
    expect((await ask("GET", `${subject}/export?${stray}`)).status).toBe(400);
  }
  await send("u/1 ü", ["a"], at);
  await send("u/1 ü", ["e"], at);
  await stored(2);
  const jobs = (await ask("GET", "/jobs?limit=5")).body as { data: Job[] };
  expect(jobs.data.map(({ id }) => id)).toEqual([job.id]);
});

test("an event is erased by its id, also before it comes; many by a filter, all of them only where that is confirmed", async () => {
  await send("w", ["f", "g", "h"], "2026-03-09T00:00:00Z");
  await stored(5);
  await done((await ask("DELETE", "/events/f?ids=reusable")).location);
  await done((await ask("DELETE", "/events/later")).location);
  await send("w", ["later", "f"], "2026-03-09T00:00:00Z");
  await stored(5);
  expect((await ask("GET", "/events/later")).status).toBe(404);
  expect(
    await done((await ask("DELETE", "/events?userId=w&from=2026-03-09T00:00:00Z")).location),
  ).toMatchObject({ kind: "eraseEvents", erased: 3, fenced: false });
  expect(await counted()).toEqual([2, 2]);
  for (const path of [
    "/events",
    "/events?confirm=yes",
    "/events?range=24h&confirm=all",
    "/events/c?x=1",
    "/events/no%20id",
    `/events/${"c".repeat(129)}`,
  ]) {
    expect((await ask("DELETE", path)).status).toBe(400);
  }
  expect((await ask("GET", "/jobs/none")).status).toBe(404);
  expect(await done((await ask("DELETE", "/events?confirm=all")).location)).toMatchObject({
    erased: 2,
  });
  expect(await counted()).toEqual([0, 0]);
});

test("an erasure that a kill interrupts is finished by the next start, exactly", async () => {
  const users = ["x", "y", "z"];
  const eventsOf = (round: number) =>
    Array.from({ length: 600 }, (_, i) => ({
      id: `kill-${round}-${i}`,
      type: "opened",
      source: "web",
      timestamp: `2026-03-${String(10 + (i % 15)).padStart(2, "0")}T10:${String(i % 60).padStart(2, "0")}:00Z`,
      metadata: { userId: users[i % 3] },
    }));
  for (let round = 0; round < 6; round++) {
    await ask("POST", "/events/batch", "admin", { events: eventsOf(round) });
  }
  await stored(3_600);
  const { location } = await ask("DELETE", "/subjects/x");
  await service.kill();
  await service.start();
  const job = await done(location);
  expect(job.erased).toBe(1_200);
  expect(await counted()).toEqual([2_400, 2]);
  await send("x", ["after"], "2026-03-28T00:00:00Z");
  await stored(2_401);
});

test("what a retention dropped is told by answers that touch it", async () => {
  const event = (id: string, type: string, more: object) => ({ id, type, source: "web", ...more });
  const past = { timestamp: "2026-03-20T10:00:00Z" };
  await ask("POST", "/events/batch", "admin", {
    events: [event("old-1", "old", past), event("kept-1", "kept", past)],
  });
  const names = Array.from({ length: 99 }, (_, i) => `${"я".repeat(126)}${i + 1}`);
  const types = Object.fromEntries(["old", ...names].map((type) => [type, "30d"]));
  const put = await ask("PUT", "/retention", "admin", { types });
  expect([put.status, put.body]).toMatchObject([200, { retention: { types } }]);
  const retention = async () =>
    (await ask("GET", "/retention")).body as Record<string, { types: Record<string, string> }>;
  await eventually(async () => expect((await retention())["refused"]!.types["old"]).toBeDefined());

  // The time between refusing and dropping has passed.
  await service.kill();
  const db = new DatabaseSync(join(service.dataDir, "store.sqlite"));
  const job = "FROM jobs WHERE id = 'retention shop'";
  const { state } = db.prepare(`SELECT state ${job}`).get() as { state: string };
  const due = { ...(JSON.parse(state) as object), refusedSince: Date.now() - graceMs };
  db.prepare("UPDATE jobs SET state = ? WHERE id = 'retention shop'").run(JSON.stringify(due));
  db.close();
  await service.start();

  const list = async (type: string) =>
    (await ask("GET", `/events?type=${type}`, "reader")).body as {
      data: readonly { id: string }[];
      meta: object;
    };
  await eventually(async () => expect((await list("old")).data).toEqual([]), 60_000);
  expect((await list("old")).meta).toMatchObject({ exact: false, because: ["retention"] });
  const kept = await list("kept");
  expect(kept.data).toMatchObject([{ id: "kept-1" }]);
  expect(kept.meta).toMatchObject({ exact: true });
  const counts = await ask("GET", "/events/counts?type=old", "reader");
  expect(counts.body).toMatchObject({ total: 1, meta: { exact: true } });
  expect((await retention())["dropped"]!.types["old"]).toBe("2026-03-21T00:00:00.000Z");
});
