import { deltasOf } from "../../lib/counting/delta.ts";
import { builtInDimensions } from "../../lib/counting/dimensions.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import type { HeldEvent } from "../../lib/event/schemas/held.ts";
import { pack } from "../../lib/store/rows.ts";
import { rollUpAll, storeBatch, storePack } from "../../lib/store/protocol.ts";
import type { EventStore } from "../../lib/store/store.ts";
import { noFloors } from "../../lib/counting/floors.ts";
import { always, bucket, dayMs, event, ids, minute, type OnStore } from "./store-harness.ts";

const findings = [{ pointer: "/data/amount", code: "type", message: "must be number" }];

function held(id: string, more: Partial<StoredEvent> = {}): HeldEvent {
  const broken = event(id, { data: { amount: "ten\u0000\ud800" }, ...more });
  return { event: broken, undated: true, country: null, version: 2, findings };
}

const counted = (batch: string, events: readonly StoredEvent[]) =>
  deltasOf(batch, "p", events, builtInDimensions);

/** A batch through all steps of the protocol, as one delivery of it finds its events. */
function deliver(
  to: EventStore,
  batch: string,
  good: readonly StoredEvent[],
  broken: readonly HeldEvent[] = [],
) {
  const events = good.map((one) => ({ ...one, batch }));
  const apart = broken.map((one) => ({ ...one, event: { ...one.event, batch } }));
  const done = { batch, project: "p", events, deltas: counted(batch, events), broken: apart };
  return storeBatch(to, done, (of) => Promise.resolve(counted(batch, of)));
}

const whole = { project: "p", order: "asc", limit: 1_000 } as const;
const all = { project: "p", limit: 100 };

async function inQuarantine(from: EventStore, query: object = {}): Promise<readonly string[]> {
  const found = await from.quarantine.list({ ...all, ...query });
  return found.map((one) => one.held.event.id);
}

/** How many events the deltas of the minute count, and how many of them are stored. */
async function countsOf(from: EventStore): Promise<readonly number[]> {
  const { cells } = await from.sumDeltas(bucket());
  const sum = Object.values(cells.types).reduce((total, count) => total + count, 0);
  return [sum, (await from.events(whole)).length];
}

/** `append` of what breaks its schema, `schemas` and `quarantine`. */
export function quarantineContract(onStore: OnStore): void {
  describe("schemas", () => {
    test(
      "are written in the place of the revision before, and tell of each change",
      onStore(async ({ schemas }, harness) => {
        const schema = {
          project: "p",
          type: "Order Paid",
          revision: 1,
          current: "1",
          versions: "[1]",
        };
        const before = await schemas.version();
        expect(await schemas.put(schema, 2)).toBe("kept");
        expect(await schemas.put(schema, 2)).toBe("stale");
        expect(await schemas.put({ ...schema, revision: 3 }, 2)).toBe("stale");
        const version = await schemas.version();
        expect(version).toBeGreaterThan(before);
        const next = { ...schema, revision: 2, current: "2", versions: "[2,1]" };
        expect(await schemas.put(next, 2)).toBe("kept");
        expect(await schemas.version()).toBeGreaterThan(version);
        expect(await schemas.find("p", "Order Paid")).toEqual(next);
        expect(await schemas.find("q", "Order Paid")).toBeUndefined();
        expect(await schemas.put({ ...schema, project: "q" }, 2)).toBe("kept");
        expect(await schemas.put({ ...schema, type: "a" }, 2)).toBe("kept");
        expect(await schemas.put({ ...schema, type: "b" }, 2)).toBe("full");
        const shown = ({ project, type, current }: typeof schema) => ({ project, type, current });
        const own = [shown({ ...schema, type: "a" }), shown(next)].toSorted((one, other) =>
          one.type < other.type ? -1 : 1,
        );
        expect(await schemas.current("p")).toEqual(own);
        const again = (await harness.open()).schemas;
        expect(await again.current()).toEqual([...own, shown({ ...schema, project: "q" })]);
        const gone = { ...next, revision: 3, current: "" };
        expect(await schemas.put(gone, 2)).toBe("kept");
        expect(await schemas.find("p", "Order Paid")).toEqual(gone);
        expect(await schemas.current("p")).toEqual([shown({ ...schema, type: "a" })]);
        expect(await schemas.put({ ...schema, type: "b" }, 2)).toBe("kept");
      }),
    );
  });

  describe("quarantine", () => {
    test(
      "holds what is broken, whole, out of everything else, and only that",
      onStore(async (it, harness) => {
        await it.tellOrder?.(60_000);
        const odd = held("x", { metadata: { userId: "ü\u0000" }, correlationId: "c" });
        const outcome = await deliver(it, "b1", [event("a")], [odd]);
        expect(outcome).toEqual({ owned: new Set(["a"]), foreign: [], held: new Set(["x"]) });
        const kept = { held: { ...odd, event: { ...odd.event, batch: "b1" } }, revision: 1 };
        const again = await harness.open();
        expect(await again.quarantine.find("p", "x")).toEqual(kept);
        expect(await it.quarantine.list(all)).toEqual([kept]);
        expect(await it.quarantine.count()).toBe(1);
        expect(await it.quarantine.find("q", "x")).toBeUndefined();
        expect(await it.quarantine.find("p", "a")).toBeUndefined();
        expect(ids(await it.events(whole))).toEqual(["a"]);
        expect(await it.event("p", "x")).toBeUndefined();
        expect(await it.entitiesByKey([{ project: "p", id: "x" }])).toEqual([]);
        expect(await it.countEntities({ where: [], sort: [], offset: 0, limit: 10 })).toBe(1);
        expect(await countsOf(it)).toEqual([1, 1]);
        const packed = pack({
          batch: "b2",
          project: "p",
          events: [],
          deltas: [],
          broken: [held("y")],
        });
        const none = () => Promise.resolve([]);
        for (let time = 0; time < 2; time++) {
          expect(await storePack(it, packed, none)).toEqual({
            owned: 0,
            duplicates: 0,
            conflicts: 0,
            held: 1,
            refused: 0,
          });
        }
        expect((await inQuarantine(it)).toSorted()).toEqual(["x", "y"]);
      }),
    );

    test(
      "keeps to the first word about an id, whatever a repeat thinks of the event",
      onStore(async (it) => {
        await it.append("b1", [event("a")], [held("x")]);
        // The schema has changed: what was good is broken now, and the other way round.
        const repeat = await deliver(it, "b1", [event("x")], [held("a")]);
        expect(repeat).toEqual({ owned: new Set(["a"]), foreign: [], held: new Set(["x"]) });
        expect(await countsOf(it)).toEqual([1, 1]);
        const other = await deliver(it, "b2", [event("x")], [held("a", { hash: "other" })]);
        expect(other.owned).toEqual(new Set());
        expect(other.held).toEqual(new Set());
        expect(other.foreign.toSorted((one, two) => (one.id < two.id ? -1 : 1))).toEqual([
          { id: "a", hash: "hash of a" },
          { id: "x", hash: "hash of x" },
        ]);
        expect(await inQuarantine(it)).toEqual(["x"]);
        expect(await countsOf(it)).toEqual([1, 1]);
      }),
    );

    test(
      "is listed page by page, the latest first, by type and user",
      onStore(async (it) => {
        const at = (id: string, receivedAt: number, more: Partial<StoredEvent> = {}) =>
          held(id, { receivedAt, ...more });
        const user = { metadata: { userId: "u" } };
        await deliver(it, "b1", [], [at("a", 5), at("b", 7, { type: "t" }), at("c", 5, user)]);
        await it.append("b2", [], [held("d", { project: "q" })]);
        expect(await inQuarantine(it)).toEqual(["b", "c", "a"]);
        expect(await inQuarantine(it, { limit: 1 })).toEqual(["b"]);
        const after = { receivedAt: 5, id: "c" };
        expect(await inQuarantine(it, { after })).toEqual(["a"]);
        expect(await inQuarantine(it, { types: ["t", "u"] })).toEqual(["b"]);
        expect(await inQuarantine(it, { userId: "u" })).toEqual(["c"]);
        expect(await inQuarantine(it, { project: "q" })).toEqual(["d"]);
      }),
    );

    test(
      "takes another content in the place of the one that was read",
      onStore(async ({ quarantine, ...it }, harness) => {
        const store = await harness.open();
        await deliver(store, "b1", [], [held("x")]);
        const mended = held("x", {
          batch: "b1",
          type: "t",
          hash: "mended",
          metadata: { userId: "v" },
        });
        expect(await quarantine.amend(mended, 2)).toBe(false);
        expect(await quarantine.amend(held("none"), 1)).toBe(false);
        expect(await quarantine.amend(mended, 1)).toBe(true);
        expect(await quarantine.amend(held("x", { batch: "b1" }), 1)).toBe(false);
        expect(await quarantine.find("p", "x")).toEqual({ held: mended, revision: 2 });
        expect(await quarantine.list({ ...all, userId: "v", types: ["t"] })).toHaveLength(1);
        await deliver(store, "b1", [], [held("x")]);
        expect(await quarantine.find("p", "x")).toEqual({ held: mended, revision: 2 });
        expect(await quarantine.list(all)).toHaveLength(1);
        expect(it).toBeDefined();
      }),
    );

    test(
      "lets an event out by one batch, which stores and counts it once",
      onStore(async (it, harness) => {
        await deliver(it, "b1", [event("a")], [held("x", { type: "t" })]);
        const { event: broken } = held("x", { type: "t" });
        expect(await it.quarantine.release("p", "none", "r1")).toBeUndefined();
        const out = await it.quarantine.release("p", "x", "r1");
        expect(out).toMatchObject({ replay: "r1", held: { event: { ...broken, batch: "b1" } } });
        expect((await it.quarantine.release("p", "x", "r2"))!.replay).toBe("r1");
        expect(await it.quarantine.amend(held("x"), out!.revision)).toBe(false);
        expect(await it.quarantine.drop("p", "x", minute + 9)).toBe("replaying");
        // Another batch does not get it, also one that somebody would have had it come out by.
        expect((await deliver(it, "r2", [broken])).owned.size).toBe(0);
        expect(await inQuarantine(it)).toEqual(["x"]);
        for (let time = 0; time < 2; time++) {
          expect((await deliver(await harness.open(), "r1", [broken])).owned).toEqual(
            new Set(["x"]),
          );
        }
        expect(await inQuarantine(it)).toEqual([]);
        expect(await it.quarantine.release("p", "x", "r3")).toBeUndefined();
        const repeat = await deliver(it, "b1", [event("a")], [held("x")]);
        expect(repeat.owned).toEqual(new Set(["a"]));
        expect(repeat.held).toEqual(new Set());
        expect(await countsOf(it)).toEqual([2, 2]);
        await rollUpAll(it, 100);
        const [day] = await it.rollups("p", "day", [always], "types");
        expect(day!.cells).toEqual({ "mail.opened": 1, t: 1 });
      }),
    );

    test(
      "drops an event for good, whose id is free for what is accepted later",
      onStore(async (it) => {
        await deliver(it, "b1", [], [held("x")]);
        const at = minute + 1_000;
        expect(await it.quarantine.drop("q", "x", at)).toBe("absent");
        expect(await it.quarantine.drop("p", "x", at)).toBe("dropped");
        expect(await it.quarantine.drop("p", "x", at)).toBe("absent");
        expect(await it.erasedAt("p", "x")).toBe(at);
        expect(await it.erasedAt("q", "x")).toBeUndefined();
        await deliver(it, "b1", [event("x")]);
        await deliver(it, "b1", [], [held("x")]);
        expect(await inQuarantine(it)).toEqual([]);
        expect(await countsOf(it)).toEqual([0, 0]);
        await deliver(it, "b2", [], [held("x", { receivedAt: at + 1 })]);
        expect(await inQuarantine(it)).toEqual(["x"]);
        expect(await it.quarantine.drop("p", "x", at + 2)).toBe("dropped");
        await deliver(it, "b3", [event("x", { receivedAt: at + 3 })]);
        expect(await countsOf(it)).toEqual([1, 1]);
      }),
    );

    test(
      "drops what is older than its project keeps it, by when it happened and by type",
      onStore(async (it) => {
        const late = { timestamp: minute - 3 * dayMs, receivedAt: minute };
        await deliver(
          it,
          "b1",
          [],
          [held("new"), held("old", late), held("x", { ...late, type: "x" })],
        );
        const floors = { ...noFloors, events: minute, types: { x: null } };
        let removed = 0;
        for (let last = -1; last !== 0; removed += last) last = await it.drop("p", floors, 100);
        expect(removed).toBe(1);
        expect((await inQuarantine(it)).toSorted()).toEqual(["new", "x"]);
        expect(await it.drop("q", { ...floors, types: {} }, 100)).toBe(0);
        expect(await it.quarantine.find("p", "old")).toBeUndefined();
      }),
    );

    test(
      "drops no more than it is told to at a time",
      onStore(async (it) => {
        await deliver(it, "b1", [], [held("a"), held("b"), held("c")]);
        const floors = { ...noFloors, events: minute + dayMs };
        const drop = () => it.drop("p", floors, 2);
        expect([await drop(), await drop(), await drop()]).toEqual([2, 1, 0]);
        expect(await inQuarantine(it)).toEqual([]);
        expect(await it.quarantine.count()).toBe(0);
      }),
    );

    test(
      "gives a person's events up, by user, by filter and by id, also those that are to come",
      onStore(async (it) => {
        const user = { metadata: { userId: "u" } };
        await deliver(it, "b1", [event("a", user)], [held("x", user), held("y"), held("z")]);
        const refusal = { at: minute + 1_000, reusable: false };
        const { events: mine } = await it.erasable({ ...whole, userId: "u" });
        expect(mine).toContainEqual({ id: "x", batch: "b1", timestamp: minute });
        const loud = [{ path: ["data", "amount"], op: "exists", value: true } as never];
        const found = await it.erasable({ ...whole, where: loud });
        expect(found.events.map(({ id }) => id).toSorted()).toEqual(["x", "y", "z"]);
        expect(await it.refuse("p", "y", refusal)).toBe(false);
        const other = await it.holder("p", "y");
        expect(other).toEqual({ id: "y", batch: "b1", timestamp: minute, receivedAt: minute + 1 });
        await it.erase("p", [{ ...other!, batch: "another" }], refusal);
        expect((await inQuarantine(it)).toSorted()).toEqual(["x", "y", "z"]);
        await it.erase("p", [...mine, { id: "y", batch: "b1", timestamp: minute }], refusal);
        await it.fence("p", "u", refusal.at);
        const { events: rest } = await it.erasable({ ...whole, userId: "u" });
        if (rest.length > 0) await it.erase("p", rest, refusal);
        await deliver(it, "b1", [event("a", user), event("y")], [held("x", user), held("z")]);
        await deliver(it, "b4", [], [held("w", user)]);
        expect(await inQuarantine(it)).toEqual(["z"]);
        expect(await it.erasable({ ...whole, userId: "u" })).toEqual({ events: [] });
        expect(await it.events(whole)).toEqual([]);
      }),
    );
  });
}
