import { jest } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ServiceBroker } from "moleculer";
import { brokerOptions } from "../../lib/runtime/broker.ts";
import { readConfig } from "../../lib/config.ts";
import type { AuditLog } from "../../lib/questions/audit-log.ts";
import type { GivenKey } from "../../lib/questions/keys.ts";
import { answerRepl, replCommands, type ReplInput } from "../../lib/runtime/repl.ts";
import { aggregator } from "../../services/aggregator.service.ts";
import { ingest } from "../../services/ingest.service.ts";
import { processor } from "../../services/processor.service.ts";
import { query } from "../../services/query.service.ts";
import { eventually } from "../support/eventually.ts";

const root = join(import.meta.dirname, "../..");
const poison = new URL("../fixtures/poison.worker.ts", import.meta.url);

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "analytics-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

describe("over a broker", () => {
  let broker: ServiceBroker;
  const ask = (typed: string, project?: string) => {
    const [what, first, second, third] = typed.split(" ");
    const input: ReplInput = { what, first, second, third, options: { project } };
    return answerRepl(broker, input);
  };
  const collect = (event: object, project?: string) =>
    broker.call(
      "ingest.collect",
      { events: [{ source: "test", ...event }], waitMs: 10_000 },
      { meta: { project } },
    );

  beforeEach(async () => {
    const config = readConfig({ DATA_DIR: dataDir, LOG_LEVEL: "fatal" });
    broker = new ServiceBroker({ ...brokerOptions(config), skipProcessEventRegistration: true });
    for (const service of [
      ingest(config),
      processor(config, poison),
      aggregator(config),
      query(config),
    ]) {
      broker.createService(service);
    }
    await broker.start();
  });
  afterEach(() => broker.stop());

  test("a command that is refused says what is wrong with it", async () => {
    const told = jest.spyOn(console, "error").mockReturnValue();
    const typed = { what: "keys", first: "create", second: "ci", third: "root" };
    await replCommands[0]!.action(broker, typed);
    expect(told.mock.calls.join()).toMatch(
      /invalid parameters\n {2}scopes must be a list of events/,
    );
    told.mockRestore();
  });

  test("lag, queue and audit of a pipeline at rest", async () => {
    await collect({ id: "e1", type: "test.fine" });
    await eventually(async () =>
      expect(await ask("lag")).toEqual({ countedMs: 0, rolledUpMs: 0, bucketsToRollUp: 0 }),
    );
    expect(await ask("queue")).toEqual({
      [broker.nodeID]: expect.objectContaining({ messages: 0, dead: 0 }) as object,
    });
    // Up to ten minutes ago where nothing else is said.
    expect(await ask("audit")).toMatchObject({ buckets: 0 });
    const [from, to] = [-60_000, 60_000].map((by) => new Date(Date.now() + by).toISOString());
    expect(await ask(`audit ${from} ${to}`)).toMatchObject({
      buckets: 1,
      drifted: 0,
      drift: [],
      changed: [],
    });
    expect(await ask("audit 2020-01-01T00:00:00Z 2020-01-02T00:00:00Z")).toMatchObject({
      buckets: 0,
      drift: [],
      changed: [],
    });
  });

  test("an event is shown to its own project", async () => {
    await collect({ id: "e1", type: "test.fine" }, "shop");
    expect(await ask("event e1", "shop")).toMatchObject({ id: "e1", type: "test.fine" });
    await expect(ask("event e1")).rejects.toMatchObject({ type: "NOT_FOUND" });
  });

  test("a dead letter is listed, shown and replayed", async () => {
    await collect({ id: "bad", type: "test.poison" });
    const [letter] = (await eventually(async () => {
      const letters = await ask("dead list");
      expect(letters).toEqual([
        expect.objectContaining({ reason: expect.stringMatching(/enrichment/) as string }),
      ]);
      return letters;
    })) as [{ id: string }];
    const shown = (await ask(`dead show ${letter.id}`)) as { body: string };
    expect(JSON.parse(shown.body)).toMatchObject({ events: [{ id: "bad" }] });
    expect(await ask(`dead replay ${letter.id}`)).toEqual({ replayed: letter.id });
    await expect(ask(`dead show ${letter.id}`)).rejects.toMatchObject({ type: "NOT_FOUND" });
    // It kills its worker again, so it comes back as a new letter.
    const again = await eventually(async () => {
      const letters = (await ask("dead list")) as { id: string }[];
      expect(letters).toHaveLength(1);
      return letters[0]!.id;
    }, 60_000);
    expect(await ask(`dead remove ${again}`)).toEqual({ removed: again });
    expect(await ask("dead list")).toEqual([]);
    const { data } = await broker.call<AuditLog, object>("query.auditLog", {});
    expect(data).toMatchObject([
      { what: "dead-letters.remove", target: again, outcome: "done", actor: { kind: "node" } },
      { what: "dead-letters.replay", target: letter.id, outcome: "done" },
    ]);
  });

  test("a key is given, listed, replaced and revoked, for one project", async () => {
    const given = (await ask("keys create ci events:write,events:read", "shop")) as GivenKey;
    expect(given).toMatchObject({ name: "ci", scopes: ["events:write", "events:read"] });
    const next = (await ask(`keys rotate ${given.id}`, "shop")) as GivenKey;
    expect(await ask(`keys revoke ${given.id}`, "shop")).toEqual({ revoked: given.id });
    expect(await ask("keys list", "shop")).toMatchObject([
      { id: given.id, state: "revoked" },
      { id: next.id, state: "holds", replaces: given.id },
    ]);
    expect(await ask("keys list")).toEqual([]);
    expect(JSON.stringify(await ask("keys list", "shop"))).not.toContain(given.key);
  });

  test.each([
    "",
    "nothing",
    "constructor",
    "dead",
    "dead toString",
    "event",
    "dead show",
    "keys",
    "keys create x",
  ])("'analytics %s' tells the usage", async (typed) => {
    await expect(ask(typed)).rejects.toThrow("analytics lag");
  });

  test("an instant that is none is named", async () => {
    await expect(ask("audit yesterday")).rejects.toThrow("yesterday");
  });
});

test("the runner's console knows the commands", async () => {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const child = spawn(
    process.execPath,
    [
      "node_modules/moleculer/bin/moleculer-runner.mjs",
      "--config",
      "moleculer.config.ts",
      "--repl",
    ],
    {
      cwd: root,
      env: {
        PATH,
        NODE_COMPILE_CACHE,
        HOME: dataDir,
        DATA_DIR: dataDir,
        PORT: "0",
        LOG_LEVEL: "warn",
      },
    },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  }
  try {
    await eventually(() => expect(output).toContain("mol $"));
    child.stdin.write("analytics lag\n");
    await eventually(() => expect(output).toMatch(/countedMs: \d+/));
    const exited = once(child, "exit");
    child.stdin.end();
    expect(await exited).toEqual([0, null]);
  } finally {
    child.kill("SIGKILL");
  }
});
