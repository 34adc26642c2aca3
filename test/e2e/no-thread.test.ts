import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ServiceBroker } from "moleculer";
import { readConfig } from "../../lib/config.ts";
import type { StageHealth } from "../../lib/health.ts";
import type { QueueDepth } from "../../lib/queue/queue.ts";
import { brokerOptions } from "../../lib/runtime/broker.ts";
import { aggregator } from "../../services/aggregator.service.ts";
import { ingest } from "../../services/ingest.service.ts";
import { processor } from "../../services/processor.service.ts";
import { query } from "../../services/query.service.ts";
import { eventually } from "../support/eventually.ts";

const worker = new URL("../../workers/enrich.worker.ts", import.meta.url).href;

let folder: string;
let broker: ServiceBroker;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "analytics-"));
});

afterEach(async () => {
  await broker.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Starts the services with a worker of this text, in which `whole` tells whether it can work. */
async function start(text: string): Promise<{ repair: () => Promise<void> }> {
  const part = join(folder, "part");
  const file = join(folder, "worker.mjs");
  const head = [
    `import { existsSync } from "node:fs";`,
    `import run from ${JSON.stringify(worker)};`,
    `const whole = () => existsSync(${JSON.stringify(part)});`,
  ];
  await writeFile(file, [...head, text].join("\n"));
  const config = readConfig({ DATA_DIR: folder, LOG_LEVEL: "fatal" });
  broker = new ServiceBroker({ ...brokerOptions(config), skipProcessEventRegistration: true });
  const services = [
    ingest(config),
    processor(config, pathToFileURL(file)),
    aggregator(config),
    query(config),
  ];
  for (const service of services) broker.createService(service);
  await broker.start();
  return { repair: () => writeFile(part, "") };
}

const events = ["a", "b", "c"].map((id) => ({ id, type: "seen", source: "test" }));
const health = () => broker.call<StageHealth, object>("processor.health", {});
const depth = () => broker.call<QueueDepth, object>("processor.backlog", {});

async function expectCounted(count: number): Promise<void> {
  await eventually(async () => {
    const { data } = await broker.call<{ data: unknown }, object>("query.counts", {});
    expect(data).toEqual([{ type: "seen", count }]);
  }, 60_000);
}

test.each([
  ["cannot start", `if (!whole()) throw new Error("no such part"); export default run;`],
  [
    "fails each job",
    `export default (job) => { if (!whole()) throw new Error("no such part"); return run(job); };`,
  ],
])("where every thread %s, events wait for one that works", async (_what, text) => {
  const { repair } = await start(text);
  await broker.call("ingest.collect", { events });
  const reason = "no enrichment thread works";
  await eventually(async () => expect(await health()).toMatchObject({ state: "down", reason }));
  expect(await depth()).toMatchObject({ messages: 1, dead: 0 });
  await repair();
  await expectCounted(3);
  await eventually(async () => expect(await health()).toMatchObject({ state: "ok" }));
  expect(await depth()).toMatchObject({ messages: 0, dead: 0 });
});

test("a thread that cannot judge by schemas buries no event", async () => {
  const { repair } = await start(
    `export default (job) => {
       if (!whole() && [job].flat().some(({ schemas }) => schemas)) throw new Error("no judge");
       return run(job);
     };`,
  );
  const body = { mode: "enforce", schema: { type: "object" } };
  await broker.call("query.schemas.put", { type: "seen", body });
  const book = broker.getLocalService("processor") as unknown as {
    readonly schemas: { size: number };
  };
  await eventually(() => expect(book.schemas.size).toBe(1));
  await broker.call("ingest.collect", { events });
  await eventually(async () => expect(await health()).toMatchObject({ state: "down" }));
  expect(await depth()).toMatchObject({ messages: 1, dead: 0 });
  await repair();
  await expectCounted(3);
  expect((await depth()).dead).toBe(0);
});
