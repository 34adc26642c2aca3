import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { UsageError } from "../../../client/cli/exit-codes.ts";
import { lineReader, seedOf } from "../../../client/cli/import/event-text.ts";
import { Importing } from "../../../client/cli/import/importing.ts";
import { beginning } from "../../../client/cli/import/records.ts";
import { openSource } from "../../../client/cli/import/source.ts";
import { Courier } from "../../../client/src/delivery.ts";
import { Http } from "../../../client/src/http.ts";
import { FakeCollector } from "../../support/fake-collector.ts";

const lines = [1, 2, 3].map((id) => JSON.stringify({ id: `e${id}`, type: "t", source: "s" }));

function importingTo(fetch: typeof globalThis.fetch, batchEvents: number): Importing {
  const http = new Http({ url: "http://import.test", fetch, timeoutMs: 10_000, retries: 0 });
  return new Importing({
    reader: lineReader({ seed: seedOf(lines), defaults: {}, exported: false }),
    delimiter: undefined,
    courier: new Courier(http, { giveUpAfterMs: Infinity, gzip: false }),
    start: { end: beginning, accepted: 0, refused: 0 },
    batchEvents,
    batchesAtOnce: 16,
    onRefused: () => undefined,
    signal: new AbortController().signal,
  });
}

async function* piecesOf(text: string): AsyncGenerator<Buffer, void> {
  await turn();
  yield Buffer.from(text);
}

test.each([
  ["a line break", "\n", 1],
  ["no line break", "", 1],
  ["no line break, behind a batch that is not full", "", 500],
])(
  "an import waits until the last line is confirmed, which ends with %s",
  async (_, end, batchEvents) => {
    const collector = new FakeCollector();
    const confirmation = Promise.withResolvers<void>();
    let waiting = 0;
    const fetch = async (url: unknown, init?: RequestInit) => {
      if ((init?.body as string).includes('"e3"')) {
        waiting += 1;
        await confirmation.promise;
      }
      return collector.fetch(url, init);
    };
    const importing = importingTo(fetch, batchEvents);
    let hasEnded = false;
    const run = importing.run(piecesOf(lines.join("\n") + end)).then(() => (hasEnded = true));
    while (waiting === 0) await turn();
    for (let turns = 0; turns < 10; turns++) await turn();
    expect(hasEnded).toBe(false);
    confirmation.resolve();
    await run;
    expect(importing.total).toMatchObject({ accepted: 3, refused: 0, end: { lines: 3 } });
    expect([...collector.stored.keys()].sort()).toEqual(["e1", "e2", "e3"]);
  },
);

test("a pipe in the place of a file is wrong usage: its beginning is read first", async () => {
  const folder = mkdtempSync(join(tmpdir(), "analytics-pipe-"));
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  // Opened for both, a pipe waits for nobody.
  const writer = await open(pipe, "r+");
  try {
    await expect(openSource(pipe)).rejects.toBeInstanceOf(UsageError);
  } finally {
    await writer.close();
    rmSync(folder, { recursive: true });
  }
});
