import { randomUUIDv7 } from "node:crypto";
import { madeAt } from "../../../lib/event/batch-message.ts";

test("when a batch was made is told by its id alone, where that is a UUID of version 7", () => {
  expect(madeAt("018e0b1c-5a00-7000-8000-000000000001")).toBe(0x018e0b1c5a00);
  expect(Math.abs(madeAt(randomUUIDv7()) - Date.now())).toBeLessThan(60_000);
  for (const other of ["b1", "", "018e0b1c-5a00-4000-8000-000000000001"]) {
    expect(madeAt(other)).toBe(Infinity);
  }
});
