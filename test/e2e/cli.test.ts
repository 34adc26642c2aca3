import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { CountsAnswer, QueryAnswer } from "../../client/src/index.ts";
import { ServiceProcess } from "../service-process.ts";
import { eventually } from "../support/eventually.ts";
import { beginCommand } from "./command-line.ts";

const key = "a-key-for-the-line-0123";
const admin = "a-key-that-gives-others";
let service: ServiceProcess;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "analytics-cli-"));
  service = await ServiceProcess.create({
    LOG_LEVEL: "warn",
    API_KEYS: `${key}:shop,${admin}:shop:admin`,
  });
  await service.start();
}, 120_000);

afterAll(async () => {
  await service?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

function begin(args: readonly string[], environment: Record<string, string> = {}) {
  return beginCommand(args, { MAILY_URL: service.url, MAILY_KEY: key, ...environment });
}

/** A command to its end. */
async function run(args: readonly string[], environment?: Record<string, string>) {
  const { child, output, ended } = begin(args, environment);
  await ended;
  expect(output.stdout + output.stderr).not.toContain(key);
  return { code: child.exitCode, ...output };
}

async function json<T>(args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await run([...args, "--json"]);
  if (code !== 0 && code !== 3) throw new Error(`exit code ${code}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

const fileOf = (name: string, content: string | Uint8Array) => {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
};

interface Imported {
  readonly lines: number;
  readonly accepted: number;
  readonly refused: number;
  readonly resumedAtLine: number;
}

const countOf = async (type: string) =>
  (await json<CountsAnswer>(["counts", "--type", type])).total;

test("an import that is killed twice and started again brings each line once", async () => {
  const total = 40_000;
  // Every third line has an id of its own; the others are alike but for their place.
  const line = (i: number) =>
    `{"type":"file.line",${i % 3 === 0 ? `"id":"own/${i}",` : ""}"data":{}}\n`;
  const text = Array.from({ length: total }, (_, i) => line(i)).join("");
  const file = fileOf("lines.ndjson.gz", gzipSync(text));
  const args = ["import", file, "--source", "file", "--batch", "100", "--at-once", "2", "--json"];
  const confirmed = () =>
    (JSON.parse(readFileSync(`${file}.maily-import`, "utf8")) as { readonly lines: number }).lines;
  let before = 0;
  const kills: number[] = [];
  for (let kill = 0; kill < 2; kill++) {
    const { child, ended } = begin(args);
    await eventually(() => expect(confirmed()).toBeGreaterThan(before), 60_000);
    child.kill("SIGKILL");
    await ended;
    before = confirmed();
    kills.push(before);
    if (before === total) break;
  }
  // Whether it was quicker than the second kill does not matter to what is stored.
  expect(kills[0]).toBeLessThan(total);
  const last = await json<Imported>(args);
  expect(last).toMatchObject({ lines: total, accepted: total, refused: 0, resumedAtLine: before });
  expect(await json<Imported>(args)).toMatchObject({ resumedAtLine: total, accepted: total });
  // From the beginning, and as another file of the same content: the same ids.
  const copy = fileOf("copy.ndjson", text);
  await json<Imported>(["import", copy, "--source", "file", "--restart"]);
  await eventually(async () => expect(await countOf("file.line")).toBe(total), 60_000);
}, 240_000);

test("a table comes in by a mapping, and what is refused is told by its line", async () => {
  const rows = [
    "event,at,user,price",
    "csv.row,2026-01-05T00:00:00Z,u1,10.5",
    'csv.row,2026-01-05T00:00:01Z,"u,2",',
    "csv.row,2026-01-05T00:00:02Z,u3,dear",
    "csv.row,yesterday,u4,1",
  ];
  const table = fileOf("table.csv", `\ufeff${rows.join("\r\n")}\r\n`);
  const refused = join(folder, "refused.ndjson");
  const map = ["type=event", "timestamp=at", "metadata.userId=user", "data.price=price:number"];
  const { code, stdout, stderr } = await run(
    ["import", table, "--source", "csv", "--refused", refused].concat(
      map.flatMap((one) => ["--map", one]),
    ),
  );
  expect({ code, stdout }).toEqual({
    code: 3,
    stdout: expect.stringMatching(/^2 accepted, 2 refused; /) as unknown,
  });
  expect(stderr).toMatch(/^line 4: data\.price: dear is no number$/m);
  expect(stderr).toMatch(/^line 5: \/timestamp /m);
  const told = readFileSync(refused, "utf8").trim().split("\n");
  expect(told.map((text) => (JSON.parse(text) as { line: number }).line)).toEqual([4, 5]);
  await eventually(async () => expect(await countOf("csv.row")).toBe(2));
  const { stdout: exported } = await run([
    "export",
    "--type",
    "csv.row",
    "--fields",
    "data,metadata",
  ]);
  const events = exported
    .trim()
    .split("\n")
    .map((text) => JSON.parse(text) as object);
  expect(events).toMatchObject([
    { data: { price: 10.5 }, metadata: { userId: "u1" } },
    { metadata: { userId: "u,2" } },
  ]);
});

test("a number that would change is refused, never sent as another", async () => {
  const event = { type: "changed", source: "cli" };
  const lines = [
    JSON.stringify({ ...event, id: null, data: { x: 1.5 } }),
    '{"id":null,"type":"changed","source":"cli","data":{"x":1e400}}',
    '{"id":"c","type":"changed","source":"cli","data":{"x":1e400}}',
  ];
  const file = fileOf("changed.ndjson", `${lines.join("\n")}\n`);
  const imported = await run(["import", file]);
  expect(imported).toMatchObject({
    code: 3,
    stdout: expect.stringMatching(/^1 accepted, 2 refused; /) as unknown,
  });
  expect(imported.stderr).toMatch(/^line 2: \/data\/x the number 1e400 is beyond 2\^53 /m);
  expect(imported.stderr).toMatch(/^line 3: \/data\/x /m);
  const table = fileOf("changed.csv", 'data.x\n1\n"{""y"":1e-400}"\n');
  const mapped = ["--type", "changed", "--source", "cli", "--map", "data.x=data.x:json"];
  const rows = await run(["import", table, ...mapped]);
  expect(rows.stderr).toMatch(/^line 3: \/data\/x\/y the number 1e-400 is /m);
  const parts = ["--type", "changed", "--source", "cli", "--data"];
  for (const [data, told] of [
    ['{"x":1e400}', "--data /x: the number 1e400 is beyond 2^53"],
    ["9007199254740993", "--data: the number 9007199254740993 is beyond 2^53"],
  ] as const) {
    const sent = await run(["send", ...parts, data]);
    expect(sent).toMatchObject({ code: 2, stderr: expect.stringContaining(told) as unknown });
  }
  await eventually(async () => expect(await countOf("changed")).toBe(2));
});

test("what was exported can be imported as it is", async () => {
  const data = [{ n: 1 }, "10", 'a "quote",\n', true, [null]];
  const events = data.map((one, i) => JSON.stringify({ id: `kept/${i}`, data: one }));
  const sent = await run(["send", ...events, "--type", "kept", "--source", "cli"]);
  expect(sent).toMatchObject({ code: 0, stdout: expect.stringMatching(/^kept\/0\n/) as string });
  await eventually(async () => expect(await countOf("kept")).toBe(data.length));
  for (const format of ["ndjson", "csv"]) {
    const file = join(folder, `kept.${format}`);
    const exported = ["export", "--type", "kept", "--format", format, "--out", file];
    expect(await run(exported)).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^as of 20/) as string,
    });
    const again = await json<Imported>(["import", file, "--exported"]);
    expect(again).toMatchObject({ accepted: data.length, refused: 0 });
  }
  expect(await countOf("kept")).toBe(data.length);
});

test("questions are answered as tables, or as JSON", async () => {
  for (const amount of [1, 2, 30]) {
    await run(["send", "--type", "asked", "--source", "cli", "--data", JSON.stringify({ amount })]);
  }
  await eventually(async () => expect(await countOf("asked")).toBe(3));
  const table = await run(["counts", "--type", "asked"]);
  expect(table.stdout).toBe("type   count\nasked      3\n");
  expect(table.stderr).toMatch(/^3 in all; exact, as of /);
  const question = '{"filters":["is","type",["asked"]],"dimensions":["source"]}';
  const asked = ["query", question, "--metric", "count", "--metric", "sum:data.amount"];
  expect((await run(asked)).stdout).toBe(
    "source  count  sum:data.amount\ncli         3               33\n",
  );
  const { results } = await json<QueryAnswer>(asked);
  expect(results).toEqual([{ dimensions: ["cli"], metrics: [3, 33] }]);
  const { stdout } = await run([
    "export",
    "--type",
    "asked",
    "--where",
    "data.amount[gte]=2",
    "--format",
    "csv",
    "--fields",
    "data.amount",
  ]);
  expect(stdout).toBe("data.amount\r\n2\r\n30\r\n");
});

test("keys are given, used, replaced and revoked", async () => {
  const by = { MAILY_KEY: admin };
  const given = await run(["keys", "create", "ci", "--scope", "events:read,events:write"], by);
  expect(given.code).toBe(0);
  const [id = ""] = given.stderr.split(" ");
  const own = { MAILY_KEY: given.stdout.trim() };
  expect(await run(["counts"], own)).toMatchObject({ code: 0 });
  const next = await run(["keys", "rotate", id, "--overlap", "0"], by);
  expect(await run(["counts"], own)).toMatchObject({ code: 1 });
  expect(await run(["counts"], { MAILY_KEY: next.stdout.trim() })).toMatchObject({ code: 0 });
  const [nextId = ""] = next.stderr.split(" ");
  expect(await run(["keys", "revoke", nextId], by)).toMatchObject({ code: 0 });
  const { stdout } = await run(["keys"], by);
  expect(stdout).toMatch(
    new RegExp(`^${nextId} +ci +events:read events:write +mak_.* revoked`, "m"),
  );
  expect(await run(["keys", "list"])).toMatchObject({ code: 1 });
  expect(await run(["keys", "toString"], by)).toMatchObject({ code: 2 });
}, 120_000);

test("events and persons are given out and erased", async () => {
  const administer = (args: readonly string[]) => run(args, { MAILY_KEY: admin });
  const event = { type: "seen", source: "till", metadata: { userId: "leaver" } };
  const file = fileOf("leaver.ndjson", `${JSON.stringify({ ...event, id: "left-1" })}\n`);
  expect((await run(["import", file])).code).toBe(0);
  await eventually(async () =>
    expect((await administer(["subjects", "export", "leaver"])).stdout).toContain("left-1"),
  );
  const { stdout } = await administer(["erase", "subject", "leaver", "--wait"]);
  expect(stdout).toMatch(/^\S+ done: 1 events are gone\n$/);
  expect((await administer(["subjects", "export", "leaver"])).stdout).toBe("");
  expect((await administer(["erase", "events"])).code).toBe(1);
  expect((await administer(["erase", "leaver"])).code).toBe(2);
});

test("schemas, quarantine, retention and counts are looked after", async () => {
  const administer = (args: readonly string[]) => run(args, { MAILY_KEY: admin });
  const event = { type: "till.opened", source: "till", data: { amount: 1 } };
  expect((await run(["send", JSON.stringify({ ...event, id: "right" })])).code).toBe(0);
  await eventually(async () => expect(await countOf("till.opened")).toBe(1));
  const { stdout: proposed } = await administer(["schemas", "infer", "till.opened"]);
  const schema = fileOf("schema.json", proposed);
  const put = ["schemas", "put", "till.opened", "--mode", "enforce", "--schema", schema];
  expect(await run(put)).toMatchObject({ code: 1 });
  expect(await administer(put)).toMatchObject({
    code: 0,
    stderr: "till.opened: version 1, enforce\n",
  });
  expect((await run(["schemas"])).stdout).toMatch(/^till\.opened +enforce +1 /m);

  // A processor that does not know the schema yet stores what breaks it.
  let held = "";
  await eventually(async () => {
    held = `wrong-${performance.now()}`;
    await run(["send", JSON.stringify({ ...event, id: held, data: { amount: "?" } })]);
    const state = await eventually(async () => {
      const { stdout } = await run(["trace", held]);
      expect(stdout).not.toMatch(/^state +unknown$/m);
      return /^state +(\w+)$/m.exec(stdout)?.[1];
    });
    expect(state).toBe("quarantined");
  });
  expect((await administer(["quarantine"])).stdout).toMatch(
    new RegExp(`^${held} +till\\.opened .*/data/amount `, "m"),
  );
  expect(await administer(["quarantine", "replay", "--all"])).toMatchObject({
    stdout: "0 replayed, 1 still break their schema\n",
  });
  const patch = ["quarantine", "patch", held, "--patch", '{"data":{"amount":2}}'];
  expect((await administer(patch)).stderr).toBe(`${held} keeps its schema now\n`);
  expect((await administer(["quarantine", "replay", held])).code).toBe(0);
  expect((await administer(["quarantine", "replay"])).code).toBe(2);

  const ofType = ["--type", "constructor=500d"];
  const set = ["retention", "set", "--events", "400d", "--minutes", "ever", ...ofType];
  const { stdout } = await administer(set);
  expect(stdout).toMatch(/^events +400d +-$/m);
  expect(stdout).toMatch(/^events of constructor +500d +-$/m);
  expect((await administer(["audit", "--wait"])).stdout).toMatch(/^\S+ done: .* 0 differed, /);
  const range = ["--from", "2026-01-01T00:00:00Z", "--to", "2026-01-02T00:00:00Z"];
  expect((await administer(["rebuild", ...range])).code).toBe(0);
}, 120_000);

test("an import goes on where nobody reads its messages", async () => {
  const line = JSON.stringify({ type: "unread", source: "cli" });
  const file = fileOf("unread.ndjson", `no event\n${`${line}\n`.repeat(500)}`.repeat(12));
  const { child, output, ended } = begin(["import", file]);
  child.stderr?.destroy();
  await ended;
  expect(child.exitCode).toBe(3);
  expect(output.stdout).toMatch(/^6,000 accepted, 12 refused; /);
}, 120_000);

test("an instant is sent as people and as machines write it", async () => {
  const instants = ["2026-01-01T00:00:00Z", String(Date.UTC(2026, 0, 1))];
  for (const instant of instants) {
    const sent = await run(["send", "--type", "dated", "--source", "cli", "--timestamp", instant]);
    expect(sent).toMatchObject({ code: 0, stderr: "" });
  }
}, 120_000);

test("the exit code says how it ended", async () => {
  expect((await run(["--help"])).stdout).toContain("maily-analytics import");
  expect(await run(["counts", "--nonsense"])).toMatchObject({ code: 2 });
  expect(await run(["nonsense"])).toMatchObject({ code: 2 });
  expect(await run(["import", "no-such.ndjson"])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("there is no file no-such.ndjson") as string,
  });
  expect(await run(["send", "--type", "?!", "--source", "cli"])).toMatchObject({ code: 3 });
  expect(await run(["counts"], { MAILY_KEY: "a-key-of-nobody-at-all" })).toMatchObject({ code: 1 });
  expect(await run(["counts"], { MAILY_URL: "http://127.0.0.1:9" })).toMatchObject({ code: 4 });
}, 120_000);
