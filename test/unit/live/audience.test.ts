import fc from "fast-check";
import type { StoredEvent } from "../../../lib/event/event.ts";
import {
  Audience,
  isWanted,
  mostBytesAtOnce,
  type Interest,
  type Listener,
} from "../../../lib/live/audience.ts";
import type { Place, PlacedEvent, StoredPart } from "../../../lib/store/stored.ts";
import { eventOf } from "../../support/arbitraries.ts";

const now = Date.UTC(2026, 10, 26);
const all: Interest = { project: "p", filter: {} };

/** A listener that keeps what it is sent, and counts as a client does. */
class Ear implements Listener {
  readonly buffers: Buffer[] = [];
  events = 0;

  send(frames: Buffer, events: number): void {
    this.buffers.push(frames);
    this.events += events;
  }

  get ids(): readonly string[] {
    const text = this.buffers.join("");
    return [...text.matchAll(/^data: \{"id":"([^"]+)"/gm)].map(([, id]) => id!);
  }

  get missed(): readonly { readonly count: number; readonly exact: boolean }[] {
    const told = [...this.buffers.join("").matchAll(/^event: missed\nid: .*\ndata: (.*)$/gm)];
    return told.map(([, data]) => JSON.parse(data!) as { count: number; exact: boolean });
  }
}

const event = (id: string, more: Partial<StoredEvent> = {}): StoredEvent =>
  eventOf({ id, project: "p", type: "a", ...more });

/** Events as the store tells them, one place after the other; `unread` more were stored that it did not read. */
function partOf(events: readonly StoredEvent[], unread: readonly StoredEvent[] = []): StoredPart {
  const placed = events.map((one, i): PlacedEvent => ({ place: [1, i + 1], event: one }));
  const counts = [...events, ...unread].map(({ project, type }) => [project, type, 1] as const);
  const end: Place = [1, events.length + unread.length];
  return { events: placed, upTo: [1, events.length], end, counts, isHeld: true, hasGap: false };
}

function heardBy(interest: Interest, part: StoredPart, bytes = Infinity): Ear {
  const [audience, ear] = [new Audience(), new Ear()];
  audience.join(interest, ear, [0, 0]);
  audience.deliver(part, now, bytes);
  return ear;
}

test("who wants the same gets the same bytes, which are built once", () => {
  const audience = new Audience();
  const [one, other, clicks] = [new Ear(), new Ear(), new Ear()];
  audience.join(all, one, [0, 0]);
  audience.join({ ...all, filter: {} }, other, [0, 0]);
  audience.join({ ...all, filter: { types: ["b"] } }, clicks, [0, 0]);
  audience.deliver(partOf([event("e1")]), now, Infinity);
  // Whoever has joined is behind the first delivery, and from then on like the others.
  audience.deliver(
    { ...partOf([event("e2"), event("e3", { type: "b" })]), end: [2, 2] },
    now,
    Infinity,
  );
  expect(one.buffers[1]).toBe(other.buffers[1]);
  expect([one.ids, other.ids, clicks.ids]).toEqual([
    ["e1", "e2", "e3"],
    ["e1", "e2", "e3"],
    ["e3"],
  ]);
  audience.leave(all, one);
  audience.leave(all, one);
  expect(audience.size).toBe(2);
});

test("where events may have passed by all are told who may have missed some, once", () => {
  const audience = new Audience();
  const [before, at, beyond] = [new Ear(), new Ear(), new Ear()];
  audience.join(all, before, [4, 0]);
  audience.join(all, at, [5, 0]);
  audience.join(all, beyond, [6, 0]);
  audience.passOver([5, 0], now);
  expect([before, at, beyond].map(({ missed }) => missed.length)).toEqual([1, 0, 0]);
  // The order of storing has begun anew, so the places that were known say nothing.
  audience.passOver([0, 0], now, true);
  expect([before, at, beyond].map(({ missed }) => missed.length)).toEqual([2, 1, 1]);
  audience.deliver(partOf([event("e1")]), now, Infinity);
  expect([before, at, beyond].map(({ ids }) => ids)).toEqual([["e1"], ["e1"], ["e1"]]);
});

test("whatever its share is, a listener gets each event or is told that it missed it", () => {
  const events = fc.array(
    fc.record({ type: fc.constantFrom("a", "b"), length: fc.nat(3_000), isOurs: fc.boolean() }),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(events, events, fc.nat(40_000), fc.boolean(), (read, unread, bytes, byType) => {
      const stored = (of: typeof read, prefix: string) =>
        of.map(({ type, length, isOurs }, i) =>
          event(`${prefix}${i}`, {
            type,
            project: isOurs ? "p" : "q",
            data: { text: "x".repeat(length) },
          }),
        );
      const interest = { ...all, filter: byType ? { types: ["a"] } : {} };
      const [seen, passed] = [stored(read, "r"), stored(unread, "u")];
      const ear = heardBy(interest, partOf(seen, passed), bytes);
      const wanted = [...seen, ...passed].filter((one) => isWanted(one, interest));
      const missed = ear.missed.reduce((sum, { count }) => sum + count, 0);
      expect(ear.events + missed).toBe(wanted.length);
      expect(ear.ids).toEqual(wanted.slice(0, ear.events).map(({ id }) => id));
      expect(ear.missed.every(({ exact }) => exact)).toBe(true);
    }),
  );
});

test("events that were not read may meet a filter of properties: they are told as at most so many", () => {
  const where = [{ path: ["data", "plan"], op: "is", values: ["pro"] }] as const;
  const part = partOf([event("e1", { data: { plan: "pro" } })], [event("e2"), event("e3")]);
  const ear = heardBy({ ...all, filter: { where } }, part);
  expect(ear.ids).toEqual(["e1"]);
  expect(ear.missed).toEqual([{ count: 2, exact: false, because: "rate" }]);
});

test("who has caught up to a place gets what lies behind it, once", () => {
  const audience = new Audience();
  const ear = new Ear();
  audience.join(all, ear, [1, 2]);
  const part = partOf(["e1", "e2", "e3", "e4"].map((id) => event(id)));
  audience.deliver({ ...part, events: part.events.slice(0, 2), end: [1, 2], counts: [] }, now, 1e6);
  audience.deliver({ ...part, events: part.events.slice(2), counts: [] }, now, 1e6);
  expect(ear.ids).toEqual(["e3", "e4"]);
});

test.each<[string, Place, string[], object[]]>([
  ["before them", [1, 2], ["e3"], [{ count: 3, exact: true, because: "rate" }]],
  ["among them", [1, 5], [], [{ count: 3, exact: false, because: "rate" }]],
  ["behind them", [1, 6], [], []],
])(
  "who has caught up to a place %s misses no more events that were not read than lie behind it",
  (_, after, ids, missed) => {
    const audience = new Audience();
    const ear = new Ear();
    audience.join(all, ear, after);
    const stored = ["e1", "e2", "e3", "e4", "e5", "e6"].map((id) => event(id));
    const counted = audience.deliver(partOf(stored.slice(0, 3), stored.slice(3)), now, Infinity);
    expect(ear.ids).toEqual(ids);
    expect(ear.missed).toEqual(missed);
    expect(counted).toBe(ear.missed[0]?.count ?? 0);
  },
);

test("who has caught up misses no event that was read and is not sent, where it has it already", () => {
  const audience = new Audience();
  const ear = new Ear();
  audience.join(all, ear, [1, 2]);
  const large = ["e1", "e2", "e3", "e4"].map((id) =>
    event(id, { data: { text: "x".repeat(60_000) } }),
  );
  audience.deliver(partOf(large), now, 1);
  expect(ear.missed).toEqual([{ count: 2, exact: true, because: "rate" }]);
});

test("a listener that is alone gets no more at once than it may hold", () => {
  const large = (id: string) => event(id, { data: { text: "x".repeat(60_000) } });
  const ear = heardBy(all, partOf(Array.from({ length: 100 }, (_, i) => large(`e${i}`))), 4e6);
  expect(ear.buffers.map(({ length }) => length)).toEqual([expect.any(Number)]);
  expect(ear.buffers[0]!.length).toBeLessThan(mostBytesAtOnce + 1_000);
  expect(ear.events + ear.missed[0]!.count).toBe(100);
});

test("an event of the largest size comes through however small the share is", () => {
  const large = event("large", { data: { text: "x".repeat(65_000) } });
  const audience = new Audience();
  const ear = new Ear();
  audience.join(all, ear, [0, 0]);
  for (let second = 0; second < 40 && ear.events === 0; second++) {
    audience.deliver({ ...partOf([large]), end: [second, 1] }, now, 4_000);
  }
  expect(ear.ids).toEqual(["large"]);
});
