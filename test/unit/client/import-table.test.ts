import { jest } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UsageError } from "../../../client/cli/exit-codes.ts";
import { importCommand } from "../../../client/cli/import/command.ts";
import { maxRecordBytes } from "../../../client/cli/import/records.ts";
import { FakeCollector } from "../../support/fake-collector.ts";
import { runCommand } from "../../support/run-command.ts";

const folder = mkdtempSync(join(tmpdir(), "import-table-"));
const file = join(folder, "orders.csv");
let collector: FakeCollector;

beforeEach(() => {
  collector = new FakeCollector();
  jest.spyOn(globalThis, "fetch").mockImplementation(collector.fetch);
});

afterEach(() => jest.restoreAllMocks());
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs `import` on a table. @returns its report */
async function importTable(content: string | Buffer, ...args: readonly string[]): Promise<object> {
  writeFileSync(file, content);
  const output = await runCommand(importCommand, [file, "--source", "shop", "--json", ...args]);
  return JSON.parse(output) as object;
}

/** What was stored, without ids. */
const stored = () =>
  [...collector.stored.values()].map((json) => {
    const { id: _, ...event } = JSON.parse(json) as Record<string, unknown>;
    return event;
  });

test.each([
  [
    "is not UTF-8",
    Buffer.from("\ncustomer,Größe,amount\nu1,40,12.5\nu2,41,3\n", "latin1"),
    "line 2, the head of the table: it is not UTF-8",
  ],
  [
    "is too long",
    `${"a,".repeat(maxRecordBytes)}\nu1,40,12.5\n`,
    "line 1, the head of the table: it is longer than 1 MiB",
  ],
  ["has quotes that do not fit", '"a"b,c\n1,2\n', "line 1, the head of the table: its quotes"],
])("a head that %s ends the import before anything is sent", async (_, content, message) => {
  const importing = importTable(content, "--type", "order.paid");
  await expect(importing).rejects.toBeInstanceOf(UsageError);
  await expect(importing).rejects.toThrow(message);
  expect(collector.requests).toBe(0);
});

test("the first record that is not empty is the head, and a run that goes on begins behind it", async () => {
  const table = "\ufeff\n\r\ntype,data.note\na,1\n";
  expect(await importTable(table)).toMatchObject({ accepted: 1, refused: 0, lines: 4 });
  expect(stored()).toEqual([{ type: "a", source: "shop", data: { note: "1" } }]);
  expect(await importTable(`${table}b,2\ntype,3\n`)).toMatchObject({
    accepted: 3,
    resumedAtLine: 4,
  });
  expect(stored()).toEqual([
    { type: "a", source: "shop", data: { note: "1" } },
    { type: "b", source: "shop", data: { note: "2" } },
    { type: "type", source: "shop", data: { note: "3" } },
  ]);
});
