import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { deltasOf } from "../../lib/counting/delta.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import { rollUpAll, storeBatch, storePack } from "../../lib/store/protocol.ts";
import {
  carryOutRetention,
  graceMs,
  retentionKey,
  setRetention,
} from "../../lib/store/retention.ts";
import { packCounted } from "../../lib/store/rows.ts";
import type { SqliteStore } from "../../lib/store/sqlite/sqlite-store.ts";
import { SqliteHarness } from "../fixtures/sqlite-store.ts";
import { made } from "./store-compact.contract.ts";
import { always, day, dayMs, event, ids } from "./store-harness.ts";

const forEver = { events: null, minutes: null, hours: null, days: null, types: {} };

let harness: SqliteHarness;
beforeEach(async () => {
  harness = await SqliteHarness.open();
});
afterEach(() => harness.dispose());

const perDay = 150;
/** So many days lie between two that have events: the others take time and show nothing. */
const stepDays = 6;

/** Events of 4 kB, which nothing compresses. */
async function storeDay(store: SqliteStore, at: number): Promise<void> {
  const batch = `b${at}`;
  const events = Array.from({ length: perDay }, (_, i) =>
    event(`${batch}-${i}`, {
      batch,
      timestamp: at,
      data: { text: randomBytes(3_000).toString("base64") },
    }),
  );
  const count = (some: typeof events) => deltasOf(batch, "p", some, []);
  await storeBatch(store, { batch, project: "p", events, deltas: count(events) }, (owned) =>
    Promise.resolve(count([...owned])),
  );
  await rollUpAll(store, 100);
}

async function retain(store: SqliteStore, at: number): Promise<void> {
  for (const now of [at, at + graceMs]) {
    const job = (await store.job(...retentionKey("p")))!;
    const worker = { store, owner: "w", now: () => now, isEnding: () => false };
    await carryOutRetention(worker, job, forEver);
  }
}

/** The file's size once nothing of it is in its log any more. */
async function sizeOf(store: SqliteStore): Promise<number> {
  await store.close();
  return statSync(harness.file).size;
}

test("a file whose events are kept for 30 days is as large after two months as after one; it shrinks where they are kept for less", async () => {
  let store = await harness.open();
  await setRetention(store, "p", { ...forEver, events: 30 }, day);
  const fill = async (from: number, to: number) => {
    for (let n = from; n < to; n += stepDays) {
      await storeDay(store, day + n * dayMs);
      await retain(store, day + n * dayMs);
    }
  };
  await fill(0, 36);
  const steady = await sizeOf(store);
  store = await harness.open();
  await fill(36, 66);
  const after = await sizeOf(store);
  expect(after).toBeLessThan(steady * 1.2);
  expect(steady).toBeGreaterThan(5 * perDay * 4_000);

  store = await harness.open();
  expect(await store.countEvents({ project: "p" })).toBe(6 * perDay);
  const counted = await store.rollups("p", "minute", [always], "types");
  expect(counted.map(({ cells }) => cells["mail.opened"])).toEqual(Array(11).fill(perDay));
  await setRetention(store, "p", { ...forEver, events: 2 }, day);
  await retain(store, day + 60 * dayMs);
  expect(await sizeOf(store)).toBeLessThan(steady / 2);
});

test("an event of a type that is kept longer than others counts once, however late it comes", async () => {
  const store = await harness.open();
  const keep = (batch: string, events: readonly StoredEvent[]) => {
    const own = events.map((one) => ({ ...one, batch }));
    const count = (some: readonly StoredEvent[]) => deltasOf(batch, "p", some, []);
    return storePack(store, packCounted({ batch, project: "p", events: own }, []), (owned) =>
      Promise.resolve(count(owned)),
    );
  };
  const counted = async () => {
    await rollUpAll(store, 100);
    const [row] = await store.rollups("p", "day", [always], "types");
    return row!.cells;
  };
  const old = (n: number) => made(day - n, n);
  await keep(old(1), [event("a"), event("b", { type: "noise" })]);
  await keep(old(2), [event("c")]);
  expect(await counted()).toEqual({ "mail.opened": 2, noise: 1 });
  expect(await store.compact("p", always, day, 10)).toEqual({ deltas: 2 });
  await setRetention(store, "p", { ...forEver, events: 2, types: { "mail.opened": null } }, day);
  await retain(store, day + 4 * dayMs);
  expect(ids(await store.events({ project: "p", order: "asc", limit: 10 }))).toEqual(["a", "c"]);

  // The whole batch, and then one of whose events is another's; the delta of neither is there.
  for (const [batch, events] of [
    [old(3), [event("d")]],
    [old(4), [event("e"), event("a")]],
  ] as const) {
    for (let delivery = 0; delivery < 2; delivery++) await keep(batch, events);
  }
  expect(await counted()).toEqual({ "mail.opened": 4, noise: 1 });
  // A batch that is too young to have been compacted, and an event that joins it late.
  const young = made(day + 1, 5);
  await keep(young, [event("f"), event("a")]);
  expect(await counted()).toEqual({ "mail.opened": 5, noise: 1 });
  for (let delivery = 0; delivery < 2; delivery++) {
    await keep(young, [event("f"), event("a"), event("g")]);
  }
  expect(await counted()).toEqual({ "mail.opened": 6, noise: 1 });
});
