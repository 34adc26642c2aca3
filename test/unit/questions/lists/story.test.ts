import fc from "fast-check";
import { cursorOf } from "../../../../lib/questions/lists/list.ts";
import { readStoryQuestion, storyEvents } from "../../../../lib/questions/lists/story.ts";
import { eventOf, origin } from "../../../support/arbitraries.ts";
import { findingsOf, pointersOf } from "../../../support/findings-of.ts";

test("a story told in pages is the story told at once", () => {
  const gaps = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(gaps, fc.integer({ min: 1, max: 5 }), (between, limit) => {
      let timestamp = origin;
      const events = between.map((gap, i) =>
        eventOf({ id: `e${i}`, timestamp: (timestamp += gap) }),
      );
      const first = events[0]!.timestamp;
      const pages = Array.from({ length: Math.ceil(events.length / limit) }, (_, page) =>
        storyEvents(
          events.slice(page * limit, (page + 1) * limit),
          first,
          events[page * limit - 1]?.timestamp,
        ),
      );
      expect(pages.flat()).toEqual(storyEvents(events, first));
      expect(pages.flat().map((event) => event.sincePreviousMs)).toEqual([
        null,
        ...between.slice(1),
      ]);
      expect(pages.flat().at(-1)!.sinceFirstMs).toBe(timestamp - first);
    }),
  );
});

test("an event shows what the public may see, and the time between", () => {
  const [, second] = storyEvents(
    [eventOf({ id: "a" }), eventOf({ id: "b", timestamp: origin + 1_500 })],
    origin,
  );
  expect(second).toMatchObject({ id: "b", sinceFirstMs: 1_500, sincePreviousMs: 1_500 });
  expect(second).not.toHaveProperty("hash");
});

test("reads whose story it is, and a page of it", () => {
  const question = readStoryQuestion({ correlationId: "mail-7", limit: "5" });
  expect(question).toMatchObject({ correlationId: "mail-7", limit: 5, order: "asc" });
  const cursor = cursorOf({ timestamp: 1, id: "e" }, question);
  expect(readStoryQuestion({ correlationId: "mail-7", cursor }).after).toEqual({
    timestamp: 1,
    id: "e",
  });
  expect(pointersOf(() => readStoryQuestion({ correlationId: "mail-8", cursor }))).toEqual([
    "cursor",
  ]);
});

test.each([
  [{}, "correlationId"],
  [{ correlationId: "m", order: "desc" }, "order"],
  [{ correlationId: "m", limit: "1001" }, "limit"],
  [{ correlationId: "m".repeat(1_025) }, "correlationId"],
  [{ correlationId: "m", cursor: "x" }, "cursor"],
])("refuses %j at %s and says what is allowed", (raw, pointer) => {
  const findings = findingsOf(() => readStoryQuestion(raw));
  expect(findings).toMatchObject([{ pointer }]);
  expect(findings[0]!.message.length).toBeGreaterThan(20);
});
