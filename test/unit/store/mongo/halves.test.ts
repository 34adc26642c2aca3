import fc from "fast-check";
import type { Document } from "mongodb";
import { byHalves } from "../../../../lib/store/mongo/halves.ts";

/** Finds as a server does, and counts the comparisons. */
class Finder {
  comparisons = 0;

  finds(filter: Document, at: number): boolean {
    return Object.entries(filter).every(([field, condition]) =>
      field === "$or"
        ? (condition as Document[]).some((one) => this.finds(one, at))
        : this.#meets(condition as Document, at),
    );
  }

  #meets({ $lt = Infinity, $gte = -Infinity }: Document, at: number): boolean {
    this.comparisons += 1;
    return at >= ($gte as number) && at < ($lt as number);
  }
}

const placed = (starts: readonly number[]) =>
  starts.map((from) => ({ from, filter: { at: { $gte: from, $lt: from + 2 } } }));

test("what is found by halves is what any of the filters finds", () => {
  const places = fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(places, (some) => {
      const starts = some.map((one) => one * 2).sort((a, b) => a - b);
      const filter = byHalves("at", placed(starts));
      const all = Array.from({ length: 126 }, (_, at) => at - 2);
      const wanted = all.filter((at) => starts.some((start) => at >= start && at < start + 2));
      expect(all.filter((at) => new Finder().finds(filter, at))).toEqual(wanted);
    }),
  );
});

test("a value is compared with a few of them, however many there are", () => {
  const starts = Array.from({ length: 1_000 }, (_, i) => i * 10);
  const filter = byHalves("at", placed(starts));
  const comparisons = Array.from({ length: 100 }, (_, i) => {
    const finder = new Finder();
    finder.finds(filter, i * 97 + 5);
    return finder.comparisons;
  });
  expect(Math.max(...comparisons)).toBeLessThanOrEqual(2 * 10);
});
