import { meetsFilter } from "../../../lib/event/filter.ts";
import fc from "fast-check";
import { type StoredEvent, userOf } from "../../../lib/event/event.ts";
import type { Erasure } from "../../../lib/questions/erasing.ts";
import { newErasure } from "../../../lib/store/erasure-job.ts";
import { HiddenEvents } from "../../../lib/store/hidden.ts";
import { eventsWithin, names, origin } from "../../support/arbitraries.ts";

const spanMs = 1_000;
const instant = fc.integer({ min: origin - 1, max: origin + spanMs });

const erasure: fc.Arbitrary<Erasure> = fc.oneof(
  names.map((userId) => ({ kind: "eraseSubject", userId }) as const),
  fc.nat(40).map((i) => ({ kind: "eraseEvent", id: `e${i}` }) as const),
  fc
    .record(
      {
        types: fc.array(names, { minLength: 1, maxLength: 3 }),
        sources: fc.array(names, { minLength: 1, maxLength: 3 }),
        userId: names,
        from: instant,
        to: instant,
      },
      { requiredKeys: [] },
    )
    .map((filter) => ({ kind: "eraseEvents", filter }) as const),
);

function removes(erased: Erasure, event: StoredEvent): boolean {
  if (erased.kind === "eraseEvent") return event.id === erased.id;
  if (erased.kind === "eraseSubject") return userOf(event) === erased.userId;
  return meetsFilter(event, erased.filter);
}

test("hides what the erasures find that were accepted up to each request, and tells the first request", () => {
  const open = fc.array(fc.tuple(erasure, instant), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(eventsWithin(spanMs), open, (events, asked) => {
      const byId = new Map(events.map((event) => [event.id, event]));
      const jobs = asked.map(([erased, at], i) => {
        const event = erased.kind === "eraseEvent" ? byId.get(erased.id) : undefined;
        // Half of them as an earlier version kept them, without their instants.
        const held = i % 2 === 0 && event ? event : undefined;
        return newErasure("p", `j${i}`, { erasure: erased, reusable: false }, at, held);
      });
      const hidden = new HiddenEvents(jobs);
      for (const event of events) {
        const requests = asked.flatMap(([erased, at], i) => {
          // Of one with its instants that event is meant, whenever it was accepted.
          const isHeld = i % 2 === 0 && erased.kind === "eraseEvent";
          return removes(erased, event) && (isHeld || event.receivedAt <= at) ? [at] : [];
        });
        expect(hidden.hides(event)).toBe(requests.length > 0);
        const first = requests.length === 0 ? undefined : Math.min(...requests);
        expect(hidden.erasedAt(event)).toBe(first);
      }
    }),
  );
});
