import { existsSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { StoredEvent } from "../../lib/event/event.ts";
import type { HeldEvent } from "../../lib/event/schemas/held.ts";
import { acceptErasure, carryOut } from "../../lib/store/erasure-job.ts";
import { pack } from "../../lib/store/rows.ts";
import { chunkSize } from "../../lib/store/sqlite/schema.ts";
import type { SqliteStore } from "../../lib/store/sqlite/sqlite-store.ts";
import { SqliteHarness } from "../fixtures/sqlite-store.ts";
import { eventually } from "../support/eventually.ts";
import { widen } from "../support/widen.ts";
import { event, minute, unavailable } from "./store-harness.ts";

const person = "eleanor.rigby@example.com";
const requestedAt = minute + 30_000;
const all = { project: "p", order: "asc", limit: 100 } as const;

let harness: SqliteHarness;
beforeEach(async () => {
  harness = await SqliteHarness.open();
});
afterEach(() => harness.dispose());

/** Events of the person: short ones, and some that take pages of their own. */
const sizes = [1, 5, 60, 400, 2, 90];
const theirs = (prefix: string): readonly StoredEvent[] =>
  sizes.map((size, n) =>
    event(`${prefix}${n}`, { metadata: { userId: person }, data: { note: person.repeat(size) } }),
  );

function held(one: StoredEvent): HeldEvent {
  return { event: one, country: null, version: 1, findings: [] };
}

/** Whether the store's file or its log holds a text. */
function isOnDisk(text: string): boolean {
  const files = [harness.file, `${harness.file}-wal`].filter((file) => existsSync(file));
  return files.some((file) => readFileSync(file, "latin1").includes(text));
}

async function erasePerson(store: SqliteStore, userId = person): Promise<void> {
  const question = { erasure: { kind: "eraseSubject", userId }, reusable: false } as const;
  const job =
    (await store.job("p", "j")) ?? (await acceptErasure(store, "p", "j", question, requestedAt));
  const worker = { store, owner: "w", now: () => requestedAt, isEnding: () => false };
  await carryOut(worker, job, { erased: () => undefined });
}

async function expectNoTraces(store: SqliteStore): Promise<void> {
  expect(isOnDisk(person)).toBe(true);
  await erasePerson(store);
  expect((await store.job("p", "j"))!.isOpen).toBe(false);
  expect(isOnDisk(person)).toBe(false);
  await store.close();
  expect(isOnDisk(person)).toBe(false);
}

describe("an erased person leaves nothing in the file and its log", () => {
  test("of events that were stored", async () => {
    const store = await harness.open();
    await store.append("b", [event("other"), ...theirs("e")]);
    for (let n = 0; n < 30; n++) await store.append(`b${n}`, [event(`o${n}`), ...theirs(`${n}-`)]);
    await expectNoTraces(store);
  });

  test("of events that were kept apart, mended and let out", async () => {
    const store = await harness.open();
    await store.append("b", [event("other")], [...theirs("f"), ...theirs("e")].map(held));
    for (const { id } of theirs("f")) await store.quarantine.drop("p", id, requestedAt);
    for (const one of theirs("e")) {
      const mended = { ...one, batch: "b", data: { note: "mended", by: person.repeat(3) } };
      expect(await store.quarantine.amend(held(mended), 1)).toBe(true);
      await store.quarantine.release("p", one.id, `r${one.id}`);
      await store.append(`r${one.id}`, [mended]);
    }
    expect(await store.quarantine.list({ project: "p", limit: 9 })).toEqual([]);
    await expectNoTraces(store);
  });

  test("of events that are still kept apart, and were dropped from there", async () => {
    const store = await harness.open();
    await store.append("b", [], [...theirs("e"), ...theirs("f")].map(held));
    for (const { id } of theirs("f")) await store.quarantine.drop("p", id, requestedAt);
    await expectNoTraces(store);
  });

  test.each(["are still there", "were sent again"])("of damaged events that %s", async (which) => {
    const before = await harness.open();
    await before.append("b", theirs("e"));
    await before.close();
    const db = new DatabaseSync(harness.file);
    db.exec("PRAGMA secure_delete = ON");
    db.exec("UPDATE events SET body = substr(body, 1, length(body) - 4)");
    db.close();
    const store = await harness.open();
    expect(await store.events(all)).toEqual([]);
    if (which === "were sent again") await store.append("again", theirs("e"));
    await expectNoTraces(store);
  });

  test("of events of an earlier version, whose rows were changed to this one's form", async () => {
    const before = await harness.open();
    await before.append("b", theirs("e"));
    await before.close();
    widen(harness.file);
    const db = new DatabaseSync(harness.file);
    db.exec("VACUUM");
    db.close();
    const store = await harness.open();
    expect(await store.events(all)).toHaveLength(sizes.length);
    const phrase = "info: events of an earlier version are brought to this one's form";
    await eventually(() => expect(harness.logged).toContain(phrase));
    await expectNoTraces(store);
  });

  test("of a job, whatever its revisions held", async () => {
    const store = await harness.open();
    const long = person.repeat(60);
    await store.append("b", [event("e", { metadata: { userId: long } })]);
    for (let n = 0; n < 3; n++) {
      const other = {
        project: "q",
        id: `${n}`,
        revision: 1,
        isOpen: false,
        state: "x".repeat(9_000),
      };
      await store.putJob(other);
      await store.putJob({ ...other, revision: 2, state: "" });
    }
    await erasePerson(store, long);
    expect(isOnDisk(person)).toBe(false);
  });

  test("of whose events they were, once their chunk has columns", async () => {
    const store = await harness.open();
    const events = Array.from({ length: chunkSize }, (_, n) =>
      event(`e${n}`, { timestamp: minute + n, metadata: { userId: `u${n}` } }),
    );
    const put = (some: readonly StoredEvent[]) =>
      store.keepWhole(pack({ batch: some[0]!.id, project: "p", events: some, deltas: [] }));
    await put(events.slice(0, 500));
    const read = (sql: string) => {
      const db = new DatabaseSync(harness.file, { readOnly: true });
      const found = db.prepare(sql).all();
      db.close();
      return found;
    };
    const most = 16_000;
    for (let at = 500; at < most; at += 500) await put(events.slice(at, at + 500));
    const noted = read("SELECT hashes FROM places").map(({ hashes }) =>
      Buffer.from(hashes as Uint8Array).toString("latin1"),
    );
    expect(noted.length).toBeGreaterThan(30);
    await put(events.slice(most));
    await eventually(() => expect(read("SELECT 1 FROM columns LIMIT 1")).toHaveLength(1));
    await store.forgetRemoved();
    // A page holds a part of them at least.
    const isLeft = (hashes: string) =>
      [0, 1_000, 3_000].some((from) => isOnDisk(hashes.slice(from, from + 400)));
    expect(noted.map(isLeft)).toEqual(noted.map(() => false));
  });
});

test("reads go on while the log cannot be emptied because somebody else reads from it", async () => {
  const store = await harness.open();
  await store.append("b", theirs("e"));
  const count = () => store.countEvents({ project: "p" });
  await count();
  const other = new DatabaseSync(harness.file, { readOnly: true });
  other.exec("BEGIN");
  other.prepare("SELECT count(*) FROM events").get();
  await store.append("c", [event("c")]);
  let isOver = false;
  const emptying = store.forgetRemoved().finally(() => (isOver = true));
  const refused = expect(emptying).rejects.toMatchObject(unavailable);
  expect(await count()).toBe(sizes.length + 1);
  expect(isOver).toBe(false);
  await refused;
  other.close();
});

test("an erasure is not done while somebody else reads from the log, and storing goes on meanwhile", async () => {
  const store = await harness.open();
  await store.append("b", theirs("e"));
  const other = new DatabaseSync(harness.file, { readOnly: true });
  other.exec("BEGIN");
  other.prepare("SELECT count(*) FROM events").get();
  const erasing = expect(erasePerson(store)).rejects.toMatchObject(unavailable);
  for (let n = 0; n < 20; n++) await store.append(`n${n}`, [event(`n${n}`)]);
  await erasing;
  expect((await store.job("p", "j"))!.isOpen).toBe(true);
  other.exec("COMMIT");
  other.close();
  await expectNoTraces(store);
});
