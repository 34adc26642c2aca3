import fc from "fast-check";
import { EventStreamReader, type Message } from "../../../client/src/event-stream.ts";

/** All messages of a text that is cut at these places. */
function messagesOf(text: string, cuts: readonly number[] = []): readonly Message[] {
  const places = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
  const reader = new EventStreamReader();
  return [0, ...places].flatMap((from, i) =>
    reader.read(text.slice(from, places[i] ?? text.length)),
  );
}

test("what a stream says does not depend on how it is cut", () => {
  const line = fc.oneof(
    fc.constantFrom("", "", "data", "data: a", "data:b", "id: 7", "id", "event: tick", ": comment"),
    fc.string({ maxLength: 8 }).map((text) => `data: ${text}`),
  );
  const text = fc
    .array(fc.tuple(line, fc.constantFrom("\n", "\r", "\r\n")), { maxLength: 20 })
    .map((lines) => lines.flat().join(""));
  fc.assert(
    fc.property(text, fc.array(fc.nat(200)), (stream, cuts) => {
      // Whether a carriage return at the very end is half of a line's end nobody can know.
      const whole = `${stream}\n`;
      expect(messagesOf(whole, cuts)).toEqual(messagesOf(whole));
    }),
    { numRuns: 300 },
  );
});

test("fields mean what the standard says", () => {
  const stream =
    "\ufeff: hello\n\nid: 1\nevent: a\ndata: x\ndata:  y\n\ndata\n\nretry: 250\nid\n\n";
  expect(messagesOf(stream)).toEqual([
    { event: "a", data: "x\n y", id: "1" },
    { event: "message", data: "", id: "1" },
  ]);
  const reader = new EventStreamReader();
  reader.read(stream);
  expect(reader.retryMs).toBe(250);
});

test("what was not ended is no message", () => {
  expect(messagesOf("data: half")).toEqual([]);
  expect(messagesOf("data: half\n")).toEqual([]);
});
