import { reservedIds } from "../../../lib/event/event-schema.ts";
import { eventPath } from "../../../page/pure/event-path.ts";

test("no path leads to what cannot be an id of an event", () => {
  expect(reservedIds.length).toBeGreaterThan(0);
  expect(reservedIds.map(eventPath)).toEqual(reservedIds.map(() => undefined));
  expect(eventPath("streams")).toBe("/api/v1/events/streams");
  expect(eventPath("a/b")).toBe("/api/v1/events/a%2Fb");
});
