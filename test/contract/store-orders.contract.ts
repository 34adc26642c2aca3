import fc from "fast-check";
import { deltasOf, keyCells } from "../../lib/counting/delta.ts";
import { builtInDimensions } from "../../lib/counting/dimensions.ts";
import { grains, startOf } from "../../lib/counting/bucket.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import { differences } from "../../lib/counting/drift.ts";
import { rollUp, rollUpAll, storeBatch } from "../../lib/store/protocol.ts";
import type { EventStore } from "../../lib/store/store.ts";
import {
  bucket,
  event,
  minute,
  minuteMs,
  type OnStore,
  type StoreTraits,
} from "./store-harness.ts";

const people = ["ada", "bob", "cyd"];
const ids = ["a", "b", "c", "d", "e", "f"];
const minutes = [0, 1, 2];
const batches = 6;
const actMs = 10;

/** An event of a batch: indexes of its id, its person and its minute. */
const member = fc.record({ id: fc.nat(5), person: fc.nat(2), at: fc.nat(2) });

/** An erasure is carried out some acts after it was asked for, on what was accepted until then. */
const asked = { reusable: fc.boolean(), actsAgo: fc.nat(8) };

const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      act: fc.constant("send" as const),
      batch: fc.nat(5),
      /** The member that this delivery leaves out, or brings alone. */
      without: fc.option(fc.nat(3), { freq: 4 }),
      alone: fc.option(fc.nat(3), { freq: 4 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      act: fc.constant("erase" as const),
      id: fc.nat(5),
      ...asked,
    }),
  },
  fc.record({
    act: fc.constant("eraseSubject" as const),
    person: fc.nat(2),
    ...asked,
  }),
  fc.record({ act: fc.constant("refuse" as const), id: fc.nat(5), ...asked }),
  { weight: 3, arbitrary: fc.record({ act: fc.constant("condense" as const), at: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant("rollUp" as const) }) },
  fc.record({ act: fc.constant("rollUpAll" as const) }),
  fc.record({ act: fc.constant("compact" as const) }),
);

interface Asked {
  readonly reusable: boolean;
  readonly actsAgo: number;
}

type Gone = Pick<StoredEvent, "id" | "batch" | "timestamp">;
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

/** One project of a store, and what was done to it. */
class Course {
  readonly #store: EventStore;
  readonly #project: string;
  readonly #messages: readonly (readonly StoredEvent[])[];
  /** When each batch was accepted: as it is sent for the first time. */
  readonly #acceptedAt = new Map<number, number>();
  #now = minute + 1_000_000;

  constructor(
    store: EventStore,
    project: string,
    members: readonly (readonly { id: number; person: number; at: number }[])[],
  ) {
    this.#store = store;
    this.#project = project;
    this.#messages = members.map((some, number) =>
      some
        .filter(({ id }, index) => some.findIndex((other) => other.id === id) === index)
        .map(({ id, person, at }) =>
          event(ids[id]!, {
            project,
            batch: `${project}-b${number}`,
            timestamp: minute + at * minuteMs,
            metadata: { userId: people[person]! },
            hash: `${person} ${at}`,
          }),
        ),
    );
  }

  async perform(one: Act): Promise<void> {
    const store = this.#store;
    const project = this.#project;
    this.#now += actMs;
    switch (one.act) {
      case "send":
        return this.#send(one);
      case "erase": {
        const found = await store.event(project, ids[one.id]!);
        if (found !== undefined && found.receivedAt <= this.#instantOf(one)) {
          await this.#erase([found], one);
        }
        return;
      }
      case "eraseSubject": {
        const userId = people[one.person]!;
        const until = this.#instantOf(one);
        await store.fence(project, userId, until);
        const where = [{ path: ["receivedAt"], op: "lte", value: until }] as const;
        const query = { project, userId, where, order: "asc", limit: 100 } as const;
        return this.#erase((await store.erasable(query)).events, one);
      }
      case "refuse":
        return void (await store.refuse(project, ids[one.id]!, this.#refusal(one)));
      case "condense":
        return store.condense(this.#bucket(one.at));
      case "rollUp":
        return void (await rollUp(store, "minute", 2));
      case "rollUpAll":
        return void (await rollUpAll(store, 100));
      case "compact": {
        const range = { from: minute, to: minute + minutes.length * minuteMs };
        return void (await store.compact(project, range, this.#now, 100));
      }
    }
  }

  async #send({ batch: number, without, alone }: Act & { readonly act: "send" }): Promise<void> {
    const whole = this.#messages[number]!;
    const kept = whole.filter((_, at) => at !== without && at === (alone ?? at));
    const message = kept.length === 0 ? whole : kept;
    // Never at the instant of an erasure.
    if (!this.#acceptedAt.has(number)) this.#acceptedAt.set(number, this.#now + 1);
    const receivedAt = this.#acceptedAt.get(number)!;
    const batch = `${this.#project}-b${number}`;
    const events = message.map((one) => ({ ...one, receivedAt }));
    const count = (some: readonly StoredEvent[]) =>
      deltasOf(batch, this.#project, some, builtInDimensions);
    const done = { batch, project: this.#project, events, deltas: count(events) };
    await storeBatch(this.#store, done, (owned) => Promise.resolve(count(owned)));
  }

  async #erase(gone: readonly StoredEvent[] | readonly Gone[], asked: Asked): Promise<void> {
    if (gone.length === 0) return;
    const some = gone.map(({ id, batch, timestamp }) => ({ id, batch, timestamp }));
    await this.#store.erase(this.#project, some, this.#refusal(asked));
    await this.#store.recount(minutes.map((each) => this.#bucket(each)));
  }

  #refusal(asked: Asked) {
    return { at: this.#instantOf(asked), reusable: asked.reusable };
  }

  #instantOf({ actsAgo }: Asked): number {
    return this.#now - actsAgo * actMs;
  }

  #bucket(at: number) {
    return bucket(minute + at * minuteMs, "minute", this.#project);
  }

  /** Everything is counted as it is stored, on all grains. */
  async expectExact(): Promise<void> {
    await rollUpAll(this.#store, 100);
    const whole = { project: this.#project, order: "asc", limit: 1_000 } as const;
    const events = await this.#store.events(whole);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    for (const grain of grains) {
      const starts = new Set(minutes.map((at) => startOf(grain, minute + at * minuteMs)));
      for (const start of starts) {
        const within = events.filter(({ timestamp }) => startOf(grain, timestamp) === start);
        const rollup = await this.#store.rollup({ project: this.#project, grain, start });
        const expected = keyCells(within, builtInDimensions);
        const found = rollup === undefined ? within.length : differences(rollup.cells, expected);
        expect({ grain, start, found }).toEqual({ grain, start, found: rollup ? [] : 0 });
      }
    }
  }
}

/** The steps of the protocol, erasures, passes and compaction, one after the other in any order. */
export function ordersContract(onStore: OnStore, { runs = 30 }: StoreTraits): void {
  test(
    "counts right in whatever order batches come, and come again, ids are taken again and erased",
    onStore(async (it) => {
      let run = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(member, { minLength: 1, maxLength: 4 }), {
            minLength: batches,
            maxLength: batches,
          }),
          fc.array(act, { minLength: 12, maxLength: 30 }),
          async (members, acts) => {
            const course = new Course(it, `p${++run}`, members);
            for (const one of acts) await course.perform(one);
            await course.expectExact();
          },
        ),
        { numRuns: Number(process.env["RUNS"] ?? 4 * runs) },
      );
    }),
  );
}
