import { open, stat } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { storeHealth } from "../../lib/health.ts";
import { eventually } from "../support/eventually.ts";
import { SqliteHarness } from "../fixtures/sqlite-store.ts";
import { event } from "./store-harness.ts";

function onStore(test: (harness: SqliteHarness) => Promise<void>): () => Promise<void> {
  return async () => {
    const harness = await SqliteHarness.open();
    try {
      await test(harness);
    } finally {
      await harness.dispose();
    }
  };
}

describe("the health of a store", () => {
  test(
    "is told while its writer is busy, and writes nothing",
    onStore(async (harness) => {
      const store = await harness.open();
      await store.append("b", [event("a")]);
      // Starts the reader: the writer waits for the lock for two seconds only.
      await storeHealth(store);
      const other = new DatabaseSync(harness.file);
      other.exec("BEGIN IMMEDIATE");
      let written = false;
      const writing = store.append("b2", [event("b")]).then(
        () => (written = true),
        () => (written = true),
      );
      expect(await storeHealth(store)).toEqual({ state: "ok" });
      expect(written).toBe(false);
      other.exec("ROLLBACK");
      other.close();
      await writing;
    }),
  );

  test(
    "is down from a write that failed until one works again",
    onStore(async (harness) => {
      const store = await harness.open();
      await store.append("b", [event("a")]);
      const other = new DatabaseSync(harness.file);
      other.exec("BEGIN IMMEDIATE");
      await expect(store.append("b2", [event("b")])).rejects.toThrow();
      const down = { state: "down", reason: "the store is away" };
      expect(await storeHealth(store)).toEqual(down);
      other.exec("ROLLBACK");
      other.close();
      await eventually(async () => expect(await storeHealth(store)).toEqual({ state: "ok" }));
    }),
  );

  // The first page of the file tells of all others; behind it lie the tables' first ones.
  test.each([
    ["the pages of all tables", 1],
    ["its second half", 0.5],
  ])("is not ok once %s are damaged and somebody read them", async (_what, part) =>
    onStore(async (harness) => {
      const first = await harness.open();
      for (let batch = 0; batch < 20; batch += 1) {
        const ids = Array.from({ length: 50 }, (_, index) => `${batch}-${index}`);
        await first.append(
          `b${batch}`,
          ids.map((id) => event(id, { data: "x".repeat(1_000) })),
        );
      }
      await first.close();
      const { size } = await stat(harness.file);
      const from = part === 1 ? 4_096 : Math.floor(size / 2 / 4_096) * 4_096;
      const file = await open(harness.file, "r+");
      await file.write(Buffer.alloc(size - from, 0x5a), 0, size - from, from);
      await file.close();
      const store = await harness.open();
      await store.events({ project: "p", order: "asc", limit: 2_000 }).catch(() => undefined);
      expect((await storeHealth(store)).state).not.toBe("ok");
      // Not only for the second in which the file is not tried again.
      await eventually(async () =>
        expect((await storeHealth(store)).state).toMatch(/down|degraded/),
      );
    })(),
  );
});
