import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeExport } from "../../../client/cli/commands/export.ts";
import type { Terminal } from "../../../client/cli/terminal.ts";
import { AnalyticsClient } from "../../../client/src/index.ts";

const asOf = "2026-01-01T00:00:00.000Z";

/** A client of a service whose exports have these headers, and one line. */
function clientOf(headers: Readonly<Record<string, string>>): AnalyticsClient {
  const fetch = () =>
    Promise.resolve(new Response('{"id":"a"}\n', { headers: { "As-Of": asOf, ...headers } }));
  return new AnalyticsClient({ url: "http://export.test", fetch });
}

function terminalTo(lines: string[]): Terminal {
  const terminal = { print: () => Promise.resolve(), tell: (line: string) => lines.push(line) };
  return terminal as unknown as Terminal;
}

/** What the command line tells of an export. */
async function told(client: AnalyticsClient): Promise<readonly string[]> {
  const lines: string[] = [];
  const terminal = terminalTo(lines);
  await writeExport(await client.export(), undefined, terminal);
  await writeExport(await client.erasing.subjectExport("u"), undefined, terminal);
  return lines;
}

test("an export that has every event says as of when", async () => {
  const client = clientOf({});
  expect(await client.export()).toMatchObject({ asOf, because: [] });
  expect(await told(client)).toEqual([`as of ${asOf}`, `as of ${asOf}`]);
});

test("an export from which events may be missing says why", async () => {
  const client = clientOf({ Because: "erasing, retention" });
  expect(await client.export()).toMatchObject({ because: ["erasing", "retention"] });
  const line = `not whole (erasing, retention), as of ${asOf}`;
  expect(await told(client)).toEqual([line, line]);
});

test("an export into a pipe or a device is written there, and takes its place by no file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "analytics-pipe-"));
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  // Opened for both, a pipe waits for nobody.
  const reader = await open(pipe, "r+");
  try {
    await writeExport(await clientOf({}).export(), pipe, terminalTo([]));
    const { buffer, bytesRead } = await reader.read(Buffer.alloc(100), 0, 100);
    expect(buffer.toString("utf8", 0, bytesRead)).toBe('{"id":"a"}\n');
    expect([readdirSync(folder), statSync(pipe).isFIFO()]).toEqual([["pipe"], true]);
  } finally {
    await reader.close();
    rmSync(folder, { recursive: true });
  }
});
