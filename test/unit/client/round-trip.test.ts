import fc from "fast-check";
import { fieldsOf, tableReader } from "../../../client/cli/import/csv.ts";
import { lineReader } from "../../../client/cli/import/event-text.ts";
import { RecordSplitter } from "../../../client/cli/import/records.ts";
import type { Json, StoredEvent } from "../../../lib/event/event.ts";
import { textHead, textLine } from "../../../lib/event/event-text.ts";
import { event } from "../../contract/store-harness.ts";
import { jsonValues } from "../../support/json-values.ts";

interface Read {
  readonly [field: string]: unknown;
}

/** What an import reads of an export of this event. */
function readAgain(exported: StoredEvent, format: "ndjson" | "csv"): Read {
  const delimiter = format === "csv" ? "," : undefined;
  const text = textHead({ format, bom: true }) + textLine(exported, { format });
  const records = new RecordSplitter(delimiter).push(Buffer.from(text));
  const own = { seed: "seed", defaults: {}, exported: true };
  const reader =
    delimiter === undefined
      ? lineReader(own)
      : tableReader({
          ...own,
          delimiter,
          columns: fieldsOf(records[0]!.text!, delimiter)!,
          headLine: 1,
          mapping: new Map(),
          onlyMapped: false,
        });
  const [reading] = records.flatMap((one) => reader.read(one.text!, one.line) ?? []);
  return JSON.parse(reading?.json ?? "null") as Read;
}

/** What an event that is sent has of a stored one. */
function sendable({ id, type, timestamp, source, correlationId, data, metadata }: StoredEvent) {
  const instant = new Date(timestamp).toISOString();
  const sent = { id, type, timestamp: instant, source, correlationId, data, metadata };
  return JSON.parse(JSON.stringify(sent)) as Read;
}

const formats = ["ndjson", "csv"] as const;

test.each([
  ["a text", "hello"],
  ["a text like a number", "10"],
  ["a text like a boolean", "true"],
  ["a text like null", "null"],
  ["an empty text", ""],
  ["a text like a formula", "=1+2"],
  ["a number", 10],
  ["a number below zero", -1.5e-7],
  ["a boolean", false],
  ["a list", [1, null, "a,b", ["\r\n"]]],
  ["an object", { quote: '5" nail', none: null }],
  ["nothing", undefined],
])("an exported event comes back in as it was sent: data is %s", (_, data) => {
  for (const format of formats) {
    const stored = event("e1", { data: data as never, metadata: { userId: "10" } });
    expect(readAgain(stored, format)).toEqual(sendable(stored));
  }
});

test("whatever JSON an event holds, it comes back in as it was sent", () => {
  const metadata = fc.dictionary(fc.string(), jsonValues(1), { maxKeys: 3 });
  fc.assert(
    fc.property(jsonValues(), metadata, fc.constantFrom(...formats), (data, about, format) => {
      // An event with null for data is stored without data.
      const stored = event("e1", {
        data: (data ?? undefined) as Json | undefined,
        metadata: about as Record<string, Json>,
      });
      expect(JSON.stringify(readAgain(stored, format)["data"])).toBe(JSON.stringify(stored.data));
      expect(readAgain(stored, format)).toEqual(sendable(stored));
    }),
  );
});
