import fc from "fast-check";
import type { StoredEvent } from "../../../lib/event/event.ts";
import { mostBytesAtOnce } from "../../../lib/live/audience.ts";
import { idOf, placeOf } from "../../../lib/live/frames.ts";
import { Hub, type Follower } from "../../../lib/live/hub.ts";
import {
  comparePlaces,
  type Place,
  type StoredPart,
  type StoredQuery,
} from "../../../lib/store/stored.ts";
import { eventOf } from "../../support/arbitraries.ts";
import { eventually } from "../../support/eventually.ts";

const now = Date.UTC(2026, 10, 26);
const windowMs = 300_000;

/** A store that knows nothing but the order in which events were stored. */
class Order {
  readonly events: StoredEvent[] = [];
  reads = 0;
  /** The last place that follows a gap in what the store knows. */
  gapUpTo: Place | undefined;
  /** From then on the store shows nothing, as an event may still come before what it has. */
  shownUpTo = Infinity;

  store(...ids: readonly string[]): void {
    this.events.push(...ids.map((id) => eventOf({ id, project: "p" })));
  }

  read = ({ after, projects, counted, limit, window }: StoredQuery): Promise<StoredPart> => {
    this.reads += 1;
    const shown = Math.min(this.events.length, this.shownUpTo);
    const end: Place = [Math.max(shown, after?.[0] ?? 0), 0];
    if (after !== null && this.gapUpTo !== undefined && comparePlaces(after, this.gapUpTo) < 0) {
      const nothing = { events: [], upTo: end, end, counts: [] };
      return Promise.resolve({ ...nothing, isHeld: false, hasGap: true });
    }
    const behind = this.events
      .slice(0, end[0])
      .map((event, i) => ({ place: [i + 1, 0] as const, event }))
      .filter(({ place }) => after !== null && comparePlaces(place, after) > 0);
    const asked = new Set([...projects, ...counted]);
    const events = behind.filter(({ event }) => projects.includes(event.project)).slice(0, limit);
    return Promise.resolve({
      events,
      upTo: events.length === limit ? (events.at(-1)?.place ?? end) : end,
      end,
      counts: behind
        .filter(({ event }) => asked.has(event.project))
        .map(({ event }) => [event.project, event.type, 1] as const),
      isHeld: after === null || behind.length <= window,
      hasGap: false,
    });
  };
}

class Ear implements Follower {
  text = "";
  isOpen = true;
  readonly isBehind = false;

  send(frames: Buffer): void {
    this.text += frames.toString();
  }

  get ids(): readonly string[] {
    return [...this.text.matchAll(/^data: \{"id":"([^"]+)"/gm)].map(([, id]) => id!);
  }
}

function hubOn(order: Order, window = 100): Hub {
  const failed = (error: unknown) => {
    throw error;
  };
  const nothing = () => {};
  const around = { counted: nothing, missed: nothing, recovered: nothing, failed };
  return new Hub({ read: order.read, ...around }, window);
}

const interest = { project: "p", filter: {} };
const lost = 'data: {"count":null,"exact":false,"because":"window"}';

test("an id tells its place and when it was told, and nothing else is one", () => {
  const places = fc.tuple(fc.nat(1e9), fc.nat(9_999_999));
  fc.assert(
    fc.property(places, fc.nat(4e12), (place, at) => {
      expect(placeOf(idOf(place, at))).toEqual({ place, at });
    }),
  );
  for (const text of ["", "1", "1.2", "1.2-", "-1.2-a", "1.2-A", "1.2-a\n", " 1.2-a"]) {
    expect(placeOf(text)).toBeUndefined();
  }
});

test("a stream begins where the order ends, or behind an id that the window holds, else it is told", async () => {
  const order = new Order();
  order.store("e1", "e2", "e3", "e4");
  const hub = hubOn(order, 2);
  expect(await hub.begin(undefined, now)).toEqual({ place: [4, 0], firstFrames: "" });
  const young = idOf([2, 0], now - windowMs);
  expect(await hub.begin(young, now)).toEqual({ place: [2, 0], firstFrames: "" });
  const far = await hub.begin(idOf([1, 0], now), now);
  const old = await hub.begin(idOf([3, 0], now - windowMs - 1), now);
  for (const { place, firstFrames: told } of [far, old]) {
    expect(place).toEqual([4, 0]);
    expect(told).toContain(lost);
  }
});

test("who catches up gets large events a few at a time, and small ones many", async () => {
  const order = new Order();
  const store = (count: number, length: number) =>
    order.events.push(
      ...Array.from({ length: count }, (_, i) =>
        eventOf({ id: `${length}-${i}`, project: "p", data: { text: "x".repeat(length) } }),
      ),
    );
  store(100, 60_000);
  const hub = hubOn(order);
  const ear = new Ear();
  const sizes: number[] = [];
  const send = ear.send.bind(ear);
  ear.send = (frames: Buffer) => {
    sizes.push(frames.length);
    send(frames);
  };
  const leave = await hub.follow(interest, ear, [0, 0]);
  expect(Math.max(...sizes)).toBeLessThan(mostBytesAtOnce);
  expect(ear.ids).toHaveLength(100);
  leave();

  sizes.length = 0;
  order.events.length = 0;
  store(5_000, 10);
  const other = await hub.follow(interest, ear, [0, 0]);
  expect(sizes.length).toBeLessThan(20);
  expect(ear.ids).toHaveLength(5_100);
  other();
});

test("followers who join while events come each get every one once; then nothing is read", async () => {
  const order = new Order();
  order.store("before");
  const hub = hubOn(order, 1_000);
  const { place } = await hub.begin(undefined, now);
  const ears: { readonly ear: Ear; readonly from: number; readonly leave: () => void }[] = [];
  for (let round = 0; round < 20; round++) {
    const ear = new Ear();
    const from = order.events.length;
    const following = hub.follow(interest, ear, round === 0 ? place : [from, 0]);
    order.store(`a${round}`, `b${round}`);
    ears.push({ ear, from, leave: await following });
    order.store(`c${round}`);
  }
  const ids = order.events.map(({ id }) => id);
  await eventually(() => {
    for (const { ear, from } of ears) expect(ear.ids).toEqual(ids.slice(from));
  });
  expect(hub.audience.size).toBe(20);
  ears.forEach(({ leave }) => leave());
  expect(hub.audience.size).toBe(0);
  await eventually(() => expect(hub.place).toBeUndefined());
  const { reads } = order;
  const last = await hub.begin(undefined, now);
  expect([order.reads, last.place]).toEqual([reads + 1, [61, 0]]);
});

test("who follows is told where the store does not know what came, and goes on behind it", async () => {
  const order = new Order();
  order.store("e1");
  const hub = hubOn(order);
  const [early, late] = [new Ear(), new Ear()];
  const leave = await hub.follow(interest, early, [1, 0]);
  await eventually(() => expect(hub.place).toEqual([1, 0]));
  order.store("e2", "e3");
  order.gapUpTo = [3, 0];
  await eventually(() => expect(early.text).toContain(lost));
  const leaveToo = await hub.follow(interest, late, [2, 0]);
  expect(late.text).toContain(lost);
  order.store("e4");
  await eventually(() => expect([early.ids, late.ids]).toEqual([["e4"], ["e4"]]));
  expect(early.text.split("event: missed")).toHaveLength(2);
  leave();
  leaveToo();
});

test("a failure is told once when it begins and once when it is over", async () => {
  const order = new Order();
  const told: string[] = [];
  let [isAway, failures] = [false, 0];
  const read = (query: StoredQuery) => {
    if (!isAway) return order.read(query);
    failures += 1;
    return Promise.reject(new Error("away"));
  };
  const failed = (error: unknown) => told.push((error as Error).message);
  const recovered = () => told.push("back");
  const around = { read, counted: () => {}, missed: () => {}, failed, recovered };
  const ear = new Ear();
  const leave = await new Hub(around, 100).follow(interest, ear, [0, 0]);
  for (const round of [1, 2]) {
    const before = failures;
    isAway = true;
    await eventually(() => expect(failures).toBeGreaterThan(before + 1));
    isAway = false;
    order.store(`e${round}`);
    await eventually(() => expect(ear.ids).toHaveLength(round));
  }
  expect(told).toEqual(["away", "back", "away", "back"]);
  leave();
});

test("who catches up behind what the hub has read pauses while the store shows nothing", async () => {
  const order = new Order();
  order.store("e1", "e2");
  const hub = hubOn(order);
  const leave = await hub.follow(interest, new Ear(), [2, 0]);
  await eventually(() => expect(hub.place).toEqual([2, 0]));
  order.shownUpTo = 1;
  const ear = new Ear();
  const { reads } = order;
  const following = hub.follow(interest, ear, [0, 0]);
  await eventually(() => expect(order.reads).toBeGreaterThan(reads + 4));
  order.shownUpTo = Infinity;
  const leaveToo = await following;
  expect(ear.ids).toEqual(["e1", "e2"]);
  leave();
  leaveToo();
});
