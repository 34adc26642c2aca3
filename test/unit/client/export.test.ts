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

/** What the command line tells of an export. */
async function told(client: AnalyticsClient): Promise<readonly string[]> {
  const lines: string[] = [];
  const terminal = {
    print: () => Promise.resolve(),
    tell: (line: string) => lines.push(line),
  } as unknown as Terminal;
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
