import {
  always,
  bucket,
  day,
  dayMs,
  event,
  hour,
  minute,
  minuteMs,
  type OnStore,
} from "./store-harness.ts";

/** `markDirty`, `markParent`, `dirty`, `dirtyBacklog`, `clearMark`, `marks` and `fingerprint`. */
export function marksContract(onStore: OnStore): void {
  describe("marks", () => {
    test(
      "come the longest marked first, of any project and one grain, as many as asked for",
      onStore(async (store) => {
        const inOrder = [
          bucket(minute + minuteMs),
          bucket(minute, "minute", "q"),
          bucket(minute),
          bucket(minute + 2 * minuteMs),
        ];
        for (const each of inOrder) await store.markDirty([each]);
        await store.markParent(bucket(hour, "hour"));
        // Marked already: keeps its place.
        await store.markDirty([inOrder[0]!]);
        const buckets = async (limit: number) =>
          (await store.dirty("minute", limit)).map((mark) => mark.bucket);
        expect(await buckets(10)).toEqual(inOrder);
        expect(await buckets(2)).toEqual(inOrder.slice(0, 2));
        const hours = await store.dirty("hour", 10);
        expect(hours.map((mark) => mark.bucket)).toEqual([bucket(hour, "hour")]);
        expect(await store.dirty("day", 10)).toEqual([]);
      }),
    );

    test(
      "rest while they are renewed, up to an age; times that are still to come say nothing",
      onStore(async (store) => {
        const before = Date.now() - 1;
        await store.markParent(bucket(hour, "hour"));
        await store.markParent(bucket(hour, "hour"));
        const after = Date.now();
        const found = async (renewedSince: number, markedSince: number, now = after) =>
          (await store.dirty("hour", 10, { renewedSince, markedSince, now })).length;
        expect(await found(before, before)).toBe(0);
        expect(await found(after, before)).toBe(1);
        expect(await found(before, after)).toBe(1);
        expect(await found(before - 2, before - 2, before)).toBe(1);
      }),
    );

    test(
      "get a new nonce each time and are cleared by the newest alone",
      onStore(async (store) => {
        const nonces = new Set<string>();
        for (let i = 0; i < 5; i += 1) {
          await store.markDirty([bucket()]);
          nonces.add((await store.dirty("minute", 1))[0]!.nonce);
        }
        expect(nonces.size).toBe(5);
        const [old] = await store.dirty("minute", 1);
        await store.markDirty([bucket()]);
        await store.clearMark(old!);
        const [fresh] = await store.dirty("minute", 1);
        expect(fresh!.nonce).not.toBe(old!.nonce);
        await store.clearMark(fresh!);
        expect(await store.dirty("minute", 1)).toEqual([]);
        await store.clearMark(fresh!);

        // Gone and marked again: still not the one that was read.
        await store.markDirty([bucket()]);
        await store.clearMark(fresh!);
        expect(await store.dirty("minute", 1)).toHaveLength(1);
      }),
    );

    test(
      "of parents get a new nonce each time too",
      onStore(async (store) => {
        await store.markParent(bucket(day, "day"));
        const [old] = await store.dirty("day", 1);
        await store.markParent(bucket(day, "day"));
        await store.clearMark(old!);
        const [fresh] = await store.dirty("day", 1);
        expect(fresh!.nonce).not.toBe(old!.nonce);
        await store.clearMark(fresh!);
        expect(await store.dirty("day", 1)).toEqual([]);
      }),
    );

    test(
      "are counted, with the time of the oldest",
      onStore(async (store) => {
        expect(await store.dirtyBacklog()).toEqual({ marks: 0, oldestMarkedAt: null });
        const before = Date.now();
        await store.markDirty([bucket()]);
        const after = Date.now();
        await store.markParent(bucket(hour, "hour"));
        await store.markDirty([bucket(), bucket(minute, "minute", "q")]);
        const { marks, oldestMarkedAt } = await store.dirtyBacklog();
        expect(marks).toBe(3);
        expect(oldestMarkedAt).toBeGreaterThanOrEqual(before);
        expect(oldestMarkedAt).toBeLessThanOrEqual(after);
        const [oldest] = await store.dirty("minute", 1);
        await store.clearMark(oldest!);
        expect((await store.dirtyBacklog()).marks).toBe(2);
      }),
    );

    test(
      "of a project, a grain and a range are told by their starts, ascending",
      onStore(async (store) => {
        const starts = [minute + 2 * minuteMs, minute, minute + minuteMs];
        await store.markDirty(starts.map((start) => bucket(start)));
        await store.markDirty([bucket(minute, "minute", "q")]);
        await store.markParent(bucket(hour, "hour"));
        const range = { from: minute, to: minute + 2 * minuteMs };
        const none = { minute: [], hour: [], day: [] };
        const inRange = { ...none, minute: [minute, minute + minuteMs] };
        expect(await store.marks("p", range)).toEqual(inRange);
        const all = { ...none, minute: [...starts].sort((a, b) => a - b), hour: [hour] };
        expect(await store.marks("p", always)).toEqual(all);
        expect(await store.marks("q", always)).toEqual({ ...none, minute: [minute] });
        const atHour = { from: hour, to: hour + minuteMs };
        expect(await store.marks("p", atHour)).toEqual({ ...none, hour: [hour] });
      }),
    );
  });

  describe("fingerprint", () => {
    const range = { from: minute, to: minute + minuteMs };

    test(
      "changes whenever an event of the days is stored, and not without",
      onStore(async (store) => {
        const seen = new Set<string>();
        for (let i = 0; i < 5; i += 1) {
          await store.append(`b${i}`, [event(`e${i}`)]);
          await store.markDirty([bucket()]);
          const now = await store.fingerprint("p", range);
          expect(await store.fingerprint("p", range)).toBe(now);
          seen.add(now);
        }
        expect(seen.size).toBe(5);
      }),
    );

    test(
      "covers the whole days of the range and no others",
      onStore(async (store) => {
        const spans = {
          within: { from: minute + 1, to: minute + 2 },
          before: { from: day - dayMs, to: day },
          after: { from: day + dayMs, to: day + 2 * dayMs },
          touching: { from: day - dayMs, to: day + 1 },
          all: always,
        };
        const read = async () =>
          Promise.all(Object.values(spans).map((span) => store.fingerprint("p", span)));
        await store.markDirty([bucket(day - minuteMs), bucket(day + dayMs)]);
        const before = await read();
        await store.markDirty([bucket(minute, "minute", "q")]);
        expect(await read()).toEqual(before);
        // The last minute of the same day.
        await store.markDirty([bucket(day + dayMs - minuteMs)]);
        const after = await read();
        const changed = Object.keys(spans).filter((_, i) => after[i] !== before[i]);
        expect(changed).toEqual(["within", "touching", "all"]);
      }),
    );
  });
}
