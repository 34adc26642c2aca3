import fc from "fast-check";
import { hashBytes, writeHash } from "../../../../lib/counting/sketch.ts";
import { Actors } from "../../../../lib/questions/sequences/actors.ts";

test("an actor has one number, whether it comes by its text or by its hash", () => {
  const coming = fc.record({ actor: fc.integer({ min: 0, max: 3_000 }), isHashed: fc.boolean() });
  const texts = fc.array(coming.map((one) => ({ ...one, isHashed: false })));
  fc.assert(
    fc.property(texts, fc.array(coming, { maxLength: 5_000, size: "max" }), (first, then) => {
      const actors = new Actors();
      const expected = new Map<number, number>();
      for (const { actor, isHashed } of [...first, ...then]) {
        if (!expected.has(actor)) expected.set(actor, expected.size);
        const text = `user ${actor}`;
        const hash = Buffer.alloc(3 * hashBytes, 0xff);
        writeHash(text, hash, hashBytes);
        const number = isHashed ? actors.numberOfHash(hash, hashBytes) : actors.numberOf(text);
        expect(number).toBe(expected.get(actor));
      }
      expect(actors.size).toBe(expected.size);
    }),
    { numRuns: 20 },
  );
});
