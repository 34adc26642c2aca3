import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jest } from "@jest/globals";
import { countsCommand } from "../../../client/cli/commands/counts.ts";
import { eraseCommand, subjectsCommand } from "../../../client/cli/commands/erase.ts";
import { exportCommand } from "../../../client/cli/commands/export.ts";
import { keysCommand } from "../../../client/cli/commands/keys.ts";
import { quarantineCommand } from "../../../client/cli/commands/quarantine.ts";
import { queryCommand } from "../../../client/cli/commands/query.ts";
import { schemasCommand } from "../../../client/cli/commands/schemas.ts";
import { sendCommand } from "../../../client/cli/commands/send.ts";
import { tailCommand } from "../../../client/cli/commands/tail.ts";
import {
  auditCommand,
  rebuildCommand,
  retentionCommand,
  traceCommand,
} from "../../../client/cli/commands/upkeep.ts";
import { UsageError } from "../../../client/cli/exit-codes.ts";
import { importCommand } from "../../../client/cli/import/command.ts";
import type { Command } from "../../../client/cli/terminal.ts";
import { runCommand } from "../../support/run-command.ts";

const commands: Readonly<Record<string, Command>> = {
  audit: auditCommand,
  counts: countsCommand,
  erase: eraseCommand,
  export: exportCommand,
  import: importCommand,
  keys: keysCommand,
  quarantine: quarantineCommand,
  query: queryCommand,
  rebuild: rebuildCommand,
  retention: retentionCommand,
  schemas: schemasCommand,
  send: sendCommand,
  subjects: subjectsCommand,
  tail: tailCommand,
  trace: traceCommand,
};

/** The requests so far: method and path. */
let requests: string[];
/** The service's answer; without one it refuses. */
let answer: object | undefined;

beforeEach(() => {
  requests = [];
  answer = undefined;
  // Each client listens for the end of the process, which here outlives many of them.
  jest.spyOn(process, "once").mockReturnValue(process);
  jest.spyOn(globalThis, "fetch").mockImplementation((address, { method = "GET" } = {}) => {
    const { pathname, search } = new URL(address);
    requests.push(`${method} ${pathname}${search}`);
    return Promise.resolve(Response.json(answer ?? {}, { status: answer ? 200 : 404 }));
  });
});

afterEach(() => jest.restoreAllMocks());

/** Runs a command line. @returns its standard output */
function run(line: string): Promise<string> {
  const [name = "", ...args] = line.split(" ");
  return runCommand(commands[name]!, args);
}

const time = "2026-01-01T00:00:00Z";

test.each([
  `erase subject u42 --to ${time} --where data.plan=test`,
  `erase subject u42 --from ${time}`,
  "erase subject u42 --all",
  "erase subject u42 --range 7d",
  "erase event e1 --type t",
  "erase event e1 --source s",
  "erase event e1 --user u",
  "erase event e1 --correlation c",
  "erase event e1 e2",
  "erase events --all --type t",
  `erase events --all --to ${time}`,
  "erase events --type t --range 7d",
  "erase events u42 --type t",
  "erase events --source test --where source=prod",
  "erase events --to 0 --where confirm=all",
  "erase events --to 0 --where ids=reusable",
  "erase events --where data.plan=test --where data.plan=pro",
  "export --user u1 --where userId=u2",
  "export --where correlationId=c",
  "export --where type=t",
  "export --where to=0",
  "export --where range=7d",
  "export --where timezone=UTC",
  "export --where format=csv",
  "export --where fields=id",
  "export --where order=desc",
  `tail --from ${time} --where from=0`,
  `erase events --to ${time} --to 2027-01-01T00:00:00Z`,
  "erase events --to 0 --user a --user b",
  "export --correlation a --correlation b",
  "subjects export u1 u2",
  "subjects export u1 --type t",
  "counts email.opened",
  "counts --url localhost:4000",
  "counts --url ftp://analytics.test",
  "counts --key ключ",
  "keys list --key a\nb",
  "counts --by data.plan --by context.country",
  "export email.opened",
  "export --fields id --fields type",
  "tail email.opened",
  `query --range today --from ${time}`,
  `query --range today --to ${time}`,
  "query {} {}",
  "query 5",
  'query --filters ["is","type",["a"]] --filters ["is","type",["b"]]',
  "quarantine replay e1 --type t",
  "quarantine replay e1 --user u",
  "quarantine replay e1 --all",
  "quarantine replay --all --type t",
  "quarantine replay",
  "quarantine replay --all --limit 5",
  "quarantine drop e1 --type t",
  "quarantine drop e1 --all",
  "quarantine show e1 --limit 5",
  "quarantine patch e1 --patch {} --type t",
  "quarantine list e1",
  "quarantine list --all",
  "retention show --events 90d",
  "retention show --type t=90d",
  "retention set --type t=90d --type t=30d",
  "schemas list order.paid",
  "schemas show t --events 5",
  "schemas infer t --mode enforce",
  "schemas put t --mode warn --schema f --events 5",
  "schemas remove t --mode enforce",
  "keys list k1",
  "keys list --scope admin",
  "keys create n --overlap 5",
  "keys rotate k1 --scope admin",
  "keys revoke k1 --expires 2027-01-01T00:00:00Z",
  "audit t",
  `rebuild --from ${time} --to 2027-01-01T00:00:00Z --no-repair`,
  "send {} --type a --type b",
  "trace e1 e2",
  "import a.ndjson b.ndjson",
  "import a.ndjson --map type=event",
  "import a.ndjson --only-mapped",
  "import a.ndjson --columns a,b",
  "import a.csv --format ndjson --delimiter ;",
  "import - --namespace n --checkpoint f",
  "import - --namespace n --restart",
  "import - --format csv --columns a --namespace n --map type=a --map data.b=a",
])("what a command would not use is wrong usage, and nothing is asked: %s", async (line) => {
  await expect(run(line)).rejects.toBeInstanceOf(UsageError);
  expect(requests).toEqual([]);
});

const erasing = "DELETE /api/v1";
test.each([
  [
    "export --where data.plan=a --where data.plan=b --where bot=only --where data.type=c",
    "GET /api/v1/events/export?data.plan=a&data.plan=b&bot=only&data.type=c&format=ndjson",
  ],
  [
    'export --fields id,data["a,b"]',
    `GET /api/v1/events/export?format=ndjson&fields=${encodeURIComponent('id,data["a,b"]')}`,
  ],
  ["erase subject u42", `${erasing}/subjects/u42`],
  ["erase subject u42 --reusable --json", `${erasing}/subjects/u42?ids=reusable`],
  ["erase event e1 --url http://other.test --key k", `${erasing}/events/e1`],
  [
    "erase events --type t --where data.plan=test --reusable",
    `${erasing}/events?type=t&data.plan=test&ids=reusable`,
  ],
  ["erase events --to 0 --user a", `${erasing}/events?to=0&userId=a`],
  ["erase events --all", `${erasing}/events?confirm=all`],
  ["quarantine replay e1", "POST /api/v1/quarantine/e1/replay"],
  ["keys revoke k1", `${erasing}/keys/k1`],
])("what it uses is asked for: %s", async (line, request) => {
  answer = { id: "j", status: "running", erased: 0 };
  await run(line);
  expect(requests).toEqual([request]);
});

test("an import that cannot keep how far it is sends nothing, and says what helps", async () => {
  const folder = mkdtempSync(join(tmpdir(), "analytics-import-"));
  const file = join(folder, "events.ndjson");
  writeFileSync(file, '{"type":"t","source":"s"}\n');
  try {
    const importing = run(`import ${file} --checkpoint ${join(folder, "none", "c")}`);
    await expect(importing).rejects.toThrow(/cannot be written \(ENOENT\): --checkpoint/);
    expect(requests).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
