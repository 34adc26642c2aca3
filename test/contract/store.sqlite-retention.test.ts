import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { deltasOf } from "../../lib/counting/delta.ts";
import { rollUpAll, storeBatch } from "../../lib/store/protocol.ts";
import {
  carryOutRetention,
  graceMs,
  retentionKey,
  setRetention,
} from "../../lib/store/retention.ts";
import type { SqliteStore } from "../../lib/store/sqlite/sqlite-store.ts";
import { SqliteHarness } from "../fixtures/sqlite-store.ts";
import { always, day, dayMs, event } from "./store-harness.ts";

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
