import { DatabaseSync } from "node:sqlite";
import { contentHash } from "../../lib/event/content-hash.ts";
import { defaultPageLimits } from "../../lib/event/event-page.ts";
import { audit } from "../../lib/store/audit.ts";
import { chunkSize, placeholder } from "../../lib/store/sqlite/schema.ts";
import { deltasOf } from "../../lib/counting/delta.ts";
import type { EventQuery } from "../../lib/event/filter.ts";
import type { SqliteOptions } from "../../lib/store/sqlite/threads.ts";
import { eventually } from "../support/eventually.ts";
import { SqliteHarness } from "../fixtures/sqlite-store.ts";
import { always, bucket, event, hourMs, ids } from "./store-harness.ts";

const all = { project: "p", order: "asc", limit: 100 } as const;
const names = Array.from({ length: 10 }, (_, n) => `e${n}`);
const events = names.map((id) => event(id, { data: { n: 1 } }));

let harness: SqliteHarness;
beforeEach(async () => {
  harness = await SqliteHarness.open();
});
afterEach(() => harness.dispose());

const dimensions = ["data.n"];

/** A store whose event `e4`, which was counted, has a body that the disk damaged. */
async function damaged(
  body = '{"data":{"n"',
  options: Partial<SqliteOptions> = {},
): ReturnType<SqliteHarness["open"]> {
  const before = await harness.open();
  await before.append("b", events);
  await before.putDeltas(deltasOf("b", "p", events, dimensions));
  await before.close();
  damage(body);
  return harness.open(options);
}

function damage(body: string): void {
  const db = new DatabaseSync(harness.file);
  db.prepare("UPDATE events SET body = ? WHERE id = 'e4'").run(body);
  db.close();
}

const others = names.filter((id) => id !== "e4");
const where = [{ path: ["data", "n"], op: "is", values: [1] }] as const;

describe("an event that is damaged", () => {
  test.each(['{"data":{"n"', "", "\u0000"])("is left out and named once: %j", async (body) => {
    const store = await damaged(body);
    for (let round = 0; round < 2; round += 1) {
      expect(ids(await store.events(all))).toEqual(others);
      expect(ids((await store.page(all)).events)).toEqual(others);
      expect(await store.event("p", "e4")).toBeUndefined();
    }
    const { timestamp } = events[4]!;
    expect(store.leavesOut("p", timestamp, timestamp + 1)).toBe(true);
    expect(store.leavesOut("p", timestamp + 1, timestamp + 10)).toBe(false);
    expect(store.leavesOut("p", 0, timestamp)).toBe(false);
    expect(store.leavesOut("other", timestamp, timestamp + 1)).toBe(false);
    expect(await store.look()).toEqual({ damaged: true });
    expect(harness.logged).toEqual(["error: event is damaged and was set aside"]);
  });

  test("does not stand in the way of filters, exports and entities", async () => {
    for (const ask of [
      async () => ids(await (await damaged()).events({ ...all, where })),
      async () =>
        (await (await damaged()).adapter().find({ query: { project: "p" } }))
          .map(({ id }) => id)
          .sort(),
      async () => {
        const { text } = await (
          await damaged()
        ).eventsText(all, { format: "ndjson" }, defaultPageLimits);
        return text
          .trim()
          .split("\n")
          .map((line) => (JSON.parse(line) as { id: string }).id);
      },
    ]) {
      expect(await ask()).toEqual(others);
      await harness.dispose();
      harness = await SqliteHarness.open();
    }
    expect(await (await damaged()).countEvents({ project: "p", where })).toBe(others.length);
  });

  test("is still known to be left out after a restart", async () => {
    const store = await damaged();
    await store.events(all);
    await store.close();
    const again = await harness.open();
    expect(ids(await again.events(all))).toEqual(others);
    expect(again.leavesOut("p", 0, 1e15)).toBe(true);
  });

  test("takes its place again when it is sent again, and is owned by its old batch", async () => {
    const store = await damaged();
    await store.events(all);
    const conflict = event("e4", { data: { n: 2 }, hash: "other" });
    expect(await store.append("c", [conflict])).toMatchObject({ foreign: [{ id: "e4" }] });
    expect(ids(await store.events(all))).toEqual(others);
    expect((await store.append("d", [events[4]!])).owned).toEqual(new Set());
    expect(ids(await store.events(all))).toEqual(names);
    expect(await store.event("p", "e4")).toMatchObject({ batch: "b", data: { n: 1 } });
    expect((await store.append("b", events)).owned).toEqual(new Set(names));
  });

  test("comes back at its own time, whenever it is sent again", async () => {
    const store = await damaged();
    await store.events(all);
    const { timestamp, receivedAt } = events[4]!;
    const later = { timestamp: timestamp + hourMs, receivedAt: receivedAt + hourMs };
    await store.append("d", [{ ...events[4]!, ...later }]);
    expect(await store.event("p", "e4")).toMatchObject({ timestamp, receivedAt, data: { n: 1 } });
  });

  test("is found by its user at its own time, though those around it came later", async () => {
    const before = await harness.open();
    const one = event("e4", { metadata: { userId: "ada" } });
    await before.append("b", [one]);
    await before.close();
    damage("{");
    const asking = await harness.open();
    await asking.events(all);
    await asking.close();
    const db = new DatabaseSync(harness.file);
    db.exec("DELETE FROM chunks");
    db.close();
    const store = await harness.open();
    await store.append("d", [{ ...one, timestamp: one.timestamp + hourMs }]);
    const ofUser = { ...all, userId: "ada", from: one.timestamp, to: one.timestamp + 1 };
    expect(ids(await store.events(ofUser))).toEqual(["e4"]);
  });

  test("counts with its dimensions again, where its minute was counted anew without them", async () => {
    const store = await damaged(undefined, { dimensions });
    const counted = async () => (await store.sumDeltas(bucket())).cells;
    const before = await counted();
    await store.events(all);
    await store.recount([bucket()]);
    expect(await counted()).not.toEqual(before);
    await store.append("d", [events[4]!]);
    expect(await counted()).toEqual(before);
  });

  test("does not keep its batch from being stored where its minute is counted anew", async () => {
    const store = await damaged(undefined, { dimensions });
    const { owned } = await store.append("b", [...events, event("late")]);
    expect(owned).toEqual(new Set([...names, "late"]));
    expect((await store.sumDeltas(bucket())).cells.types).toEqual({ "mail.opened": 11 });
    expect(harness.logged).toEqual(["error: event is damaged and was set aside"]);
  });

  test("is found by an erasure that asks for nothing in its body", async () => {
    const store = await damaged();
    await store.events(all);
    const { timestamp, receivedAt } = events[4]!;
    const accepted = { path: ["receivedAt"], op: "lte", value: receivedAt } as const;
    const finds = async (more: Partial<EventQuery>) =>
      (await store.erasable({ ...all, ...more })).events.some(({ id }) => id === "e4");
    expect(await finds({ types: ["mail.opened"], where: [accepted] })).toBe(true);
    expect(await finds({ sources: ["web"], from: timestamp, to: timestamp + 1 })).toBe(true);
    expect(await finds({ sources: ["other"] })).toBe(false);
    expect(await finds({ from: timestamp + 1 })).toBe(false);
    expect(await finds({ where: [accepted, ...where] })).toBe(false);
    const absent = { path: ["data", "m"], op: "exists", value: false } as const;
    expect(await finds({ where: [{ op: "not", of: absent }] })).toBe(false);
    const { events: gone } = await store.erasable({ ...all, types: ["mail.opened"] });
    await store.erase("p", gone, { at: receivedAt, reusable: false });
    expect(await store.holder("p", "e4")).toBeUndefined();
  });

  test("is in no answer from columns until it comes back, and then once", async () => {
    const before = await harness.open();
    await before.append("b", events);
    await before.close();
    const db = new DatabaseSync(harness.file);
    // The chunk is full: the next event begins another one.
    db.exec(`INSERT INTO events
      VALUES (${chunkSize - 1}, '${placeholder}', 'x', '', 0, 0, '', '', NULL, NULL, '', '{}')`);
    db.close();
    const count = { kind: "breakdown", metrics: [{ op: "count" }], maxGroups: 9 } as const;
    const job = { ...count, dimensions: [], totals: true };
    const counted = async (store: typeof before) =>
      (await store.analyze({ project: "p", ...always }, job, { timeoutMs: 60_000 })).events;
    const columns = () => {
      const reading = new DatabaseSync(harness.file, { readOnly: true });
      const { n } = reading.prepare("SELECT count(*) AS n FROM columns").get()!;
      reading.close();
      return n;
    };
    const store = await harness.open();
    await store.append("c", [event("f")]);
    expect(await counted(store)).toBe(11);
    await eventually(() => expect(columns()).toBeGreaterThan(0));
    await store.close();
    damage("");
    const again = await harness.open();
    expect(await counted(again)).toBe(11);
    expect(ids(await again.events(all))).toHaveLength(10);
    expect(await counted(again)).toBe(10);
    await again.append("d", [events[4]!]);
    expect(await counted(again)).toBe(11);
  });
});

const auditing = { now: Date.now, repairs: false };

test("an event that was changed, and is JSON still, is named by an audit", async () => {
  const sent = names.map((id, n) => {
    const given = event(id, { data: { n: 1 } });
    return { ...given, hash: contentHash(n % 2 === 0 ? given : { ...given, undated: true }) };
  });
  const before = await harness.open();
  await before.append("b", sent);
  const hour = { from: sent[0]!.timestamp, to: sent[0]!.timestamp + 3_600_000 };
  expect((await audit({ store: before, ...auditing }, "p", hour)).changed).toEqual([]);
  await before.close();
  const db = new DatabaseSync(harness.file);
  db.exec(`UPDATE events SET body = replace(body, '"n":1', '"n":3') WHERE id = 'e4'`);
  db.close();
  expect((await audit({ store: await harness.open(), ...auditing }, "p", hour)).changed).toEqual([
    "e4",
  ]);
});
