import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { uuidV7 } from "../../../client/src/uuid.ts";

const form = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test("ids are UUIDs of version 7 and ascend, whatever the clock does", () => {
  const instants = fc.array(fc.integer({ min: 0, max: 2 ** 47 }), { minLength: 1 });
  fc.assert(
    fc.property(instants, fc.integer({ min: 1, max: 20 }), (clock, perInstant) => {
      let now = 0;
      const next = uuidV7({ now: () => now, bytes: (count) => randomBytes(count) });
      const ids = clock.flatMap((instant) => {
        now = instant;
        return Array.from({ length: perInstant }, next);
      });
      expect(ids.every((id) => form.test(id))).toBe(true);
      expect([...new Set(ids)].sort()).toEqual(ids);
      expect(parseInt(ids[0]!.replace("-", "").slice(0, 12), 16)).toBe(clock[0]);
    }),
  );
});

test("more ids than a millisecond has numbers still ascend", () => {
  const next = uuidV7({ now: () => 1_000, bytes: (count) => new Uint8Array(count).fill(255) });
  const ids = Array.from({ length: 10_000 }, next);
  expect([...new Set(ids)].sort()).toEqual(ids);
});
