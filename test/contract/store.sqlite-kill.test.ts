import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { EventStore } from "../../lib/store/store.ts";
import { rollUpAll, storeBatch } from "../../lib/store/protocol.ts";
import { SqliteHarness } from "../fixtures/sqlite-store.ts";
import { deltasOfSome, numberedBatch } from "../fixtures/store-batches.ts";
import { eventually } from "../support/eventually.ts";
import { always, ids } from "./store-harness.ts";

const program = fileURLToPath(new URL("../fixtures/store-killed.ts", import.meta.url));

/**
 * Runs the program from a batch on, kills it after a moment, and tells which batches it began and
 * stored so far.
 * @param isAtWork whether the moment begins only once it has stored a batch
 */
async function runAndKill(
  { folder, file }: SqliteHarness,
  first: number,
  afterMs: number,
  isAtWork: boolean,
) {
  const notes = join(folder, "notes");
  const numbersOf = async (verb: string) =>
    (await readFile(notes, "utf8"))
      .split("\n")
      .flatMap((line) => (line.startsWith(`${verb} `) ? [Number(line.split(" ")[1])] : []));
  const args = [program, file, notes, String(first)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  await Promise.race([once(child.stdout, "data"), exited]);
  if (isAtWork) {
    await eventually(async () =>
      expect(Math.max(-1, ...(await numbersOf("stored")))).toBeGreaterThanOrEqual(first),
    );
  }
  await delay(afterMs);
  child.kill("SIGKILL");
  expect(await exited).toEqual([null, "SIGKILL"]);
  return { began: await numbersOf("began"), stored: await numbersOf("stored") };
}

async function countedEvents(store: EventStore, grain: "minute" | "hour" | "day"): Promise<number> {
  const rows = await store.rollups("p", grain, [always], "types");
  return rows.reduce((sum, { cells }) => sum + (cells["mail.opened"] ?? 0), 0);
}

test("what was stored by a process that was killed is there, and redelivered batches count once", async () => {
  const harness = await SqliteHarness.open();
  try {
    const kills = 15;
    let next = 0;
    const stored = new Set<number>();
    for (let kill = 0; kill < kills; kill += 1) {
      // Not a wait for a fact: where in its work the process is killed is left to chance.
      const notes = await runAndKill(harness, next, Math.random() * 400, kill % 2 === 0);
      next = Math.max(-1, ...notes.began) + 1;
      for (const n of notes.stored) stored.add(n);
    }
    // The test means something only where the processes came to work.
    expect(stored.size).toBeGreaterThanOrEqual(kills / 2);

    const store = await harness.open();
    const numbers = Array.from({ length: next }, (_, n) => n);
    for (const n of stored) {
      const { batch, events } = numberedBatch(n);
      for (const id of ids(events)) expect(await store.event("p", id)).toBeDefined();
      const again = await store.append(batch, events);
      expect([...again.owned, ...again.foreign.map(({ id }) => id)].sort()).toEqual(ids(events));
    }
    // As the queue does with every batch that was not acknowledged.
    for (const n of numbers) await storeBatch(store, numberedBatch(n), deltasOfSome(n));
    await rollUpAll(store, 100);
    const distinct = new Set(numbers.flatMap((n) => ids(numberedBatch(n).events)));
    expect(await store.countEvents({ project: "p" })).toBe(distinct.size);
    for (const grain of ["minute", "hour", "day"] as const) {
      expect(await countedEvents(store, grain)).toBe(distinct.size);
    }
  } finally {
    await harness.dispose();
  }
}, 180_000);
