import type { EventStore } from "../../lib/store/store.ts";
import { eventually } from "../support/eventually.ts";
import {
  always,
  bucket,
  cells,
  delta,
  event,
  hour,
  minute,
  unavailable,
  type OnStore,
  type StoreTraits,
} from "./store-harness.ts";

/** Every method, on what `append("b1", [event("a")])` has left. */
export const calls: {
  readonly [Verb in keyof EventStore]?: (store: EventStore) => Promise<unknown>;
} = {
  append: (store) => store.append("b2", [event("b")]),
  putDeltas: (store) => store.putDeltas([delta("b2", cells({ a: 1 }))]),
  markDirty: (store) => store.markDirty([bucket()]),
  dirty: (store) => store.dirty("minute", 1),
  dirtyBacklog: (store) => store.dirtyBacklog(),
  sumDeltas: (store) => store.sumDeltas(bucket()),
  sumChildren: (store) => store.sumChildren(bucket(hour, "hour")),
  writeRollup: (store) => store.writeRollup(bucket(), { v: 1, cells: cells({ a: 1 }) }),
  markParent: (store) => store.markParent(bucket(hour, "hour")),
  clearMark: (store) => store.clearMark({ bucket: bucket(), nonce: "x" }),
  marks: (store) => store.marks("p", always),
  rollups: (store) => store.rollups("p", "minute", [always], "types"),
  deltaSums: (store) => store.deltaSums("p", [minute], "types"),
  events: (store) => store.events({ project: "p", order: "asc", limit: 1 }),
  countEvents: (store) => store.countEvents({ project: "p" }),
  event: (store) => store.event("p", "a"),
  fingerprint: (store) => store.fingerprint("p", always),
  keys: (store) => store.keys.version(),
  acts: (store) => store.acts.list("p", { limit: 1 }),
  ping: (store) => store.ping(),
  look: (store) => store.look(),
};

/** How the store behaves while what it rests on is away, and `close`. */
export function outageContract(onStore: OnStore, traits: StoreTraits): void {
  // Not on every implementation: the reason is in the name of the test.
  const breakable = traits.cannotBreak === undefined ? test : test.skip;
  const reason = traits.cannotBreak === undefined ? "" : ` (skipped: ${traits.cannotBreak})`;

  describe("an outage", () => {
    breakable(
      `makes every method throw STORE_UNAVAILABLE, and ends by itself with nothing lost${reason}`,
      onStore(async (store, harness) => {
        await store.append("b1", [event("a")]);
        const mend = await harness.breakIt();
        await eventually(() => expect(store.ping()).rejects.toMatchObject(unavailable));
        for (const call of Object.values(calls)) {
          await expect(call(store)).rejects.toMatchObject(unavailable);
        }
        await mend();
        await eventually(() => store.ping());
        for (const call of Object.values(calls)) await eventually(() => call(store));
        expect(await store.event("p", "a")).toMatchObject({ batch: "b1" });
        expect(await store.event("p", "b")).toMatchObject({ batch: "b2" });
      }),
    );

    breakable(
      `does not keep a store from being opened${reason}`,
      onStore(async (first, harness) => {
        await first.append("b1", [event("a")]);
        await first.close();
        const mend = await harness.breakIt();
        const store = await harness.open();
        await expect(store.ping()).rejects.toMatchObject(unavailable);
        await expect(store.event("p", "a")).rejects.toMatchObject(unavailable);
        await mend();
        expect(await eventually(() => store.event("p", "a"))).toMatchObject({ batch: "b1" });
        await eventually(() => store.ping());
      }),
    );
  });

  describe("close", () => {
    test(
      "finishes what was asked for, refuses what comes after, and may be called again",
      onStore(async (store, harness) => {
        const before = store.append("b1", [event("a")]);
        const closed = Promise.all([store.close(), store.close()]);
        const after = store.append("b2", [event("b")]);
        await expect(after).rejects.toMatchObject(unavailable);
        expect((await before).owned).toEqual(new Set(["a"]));
        await closed;
        await store.close();
        await expect(store.event("p", "a")).rejects.toMatchObject(unavailable);
        const reopened = await harness.open();
        expect(await reopened.event("p", "a")).toBeDefined();
        expect(await reopened.event("p", "b")).toBeUndefined();
      }),
    );
  });
}
