import type { Collections } from "../../../../lib/store/mongo/documents.ts";
import { lateMinutes } from "../../../../lib/store/mongo/late-minutes.ts";
import { bucket, day, dayMs, hourMs, minute } from "../../../contract/store-harness.ts";

/** The id of a batch that was made at an instant. */
function made(at: number): string {
  const hex = at.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}

const boundAt = (until: number) => ({ current: () => Promise.resolve(until) });

/** Every minute was compacted up to an instant. */
function compacted(compacting: number): Collections {
  const find = ({ _id }: { readonly _id: { readonly $in: readonly string[] } }) => ({
    project: () => ({
      toArray: () => Promise.resolve(_id.$in.map((one) => ({ _id: one, compacting }))),
    }),
  });
  return { folds: { find } } as unknown as Collections;
}

test.each([
  ["young", made(day - hourMs), 0],
  ["old", made(day - dayMs), 1],
  ["made before the clock was set back", made(day + dayMs), 1],
  ["young, but may be compacted, as the clock was set back", made(day - 3 * hourMs), 1],
  ["of an unknown age", "b1", 0],
])(
  "the minutes of a batch that is %s are looked up where it may be compacted",
  async (_, batch, many) => {
    const deltas = [{ _id: `${batch}|p|${minute}`, project: "p", minute }];
    const bound = boundAt(day - 2 * hourMs);
    const found = await lateMinutes(compacted(Infinity), deltas, day, bound);
    expect(found).toEqual(Array.from({ length: many }, () => bucket()));
  },
);
