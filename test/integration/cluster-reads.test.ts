import { setTimeout as delay } from "node:timers/promises";
import { startServers, stopServers, sharedVariables, type Servers } from "../support/cluster.ts";
import { postBatch } from "../e2e/shop-run.ts";
import { eventually } from "../support/eventually.ts";
import { askAndLeave, heldForReads, heldNothing } from "../support/left-reads.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { ServiceProcess } from "../service-process.ts";
import { readShopLog } from "../support/shop-log.ts";

const longMs = 240_000;

const questions: readonly (readonly [path: string, body?: object])[] = [
  ["/api/v1/events?limit=5"],
  ["/api/v1/events/counts?interval=day&from=2024-01-01T00:00:00Z&to=2024-02-01T00:00:00Z"],
  [
    "/api/v1/query",
    {
      metrics: ["count"],
      dimensions: ["data.channel"],
      range: { from: "2024-01-01T00:00:00Z", to: "2024-07-01T00:00:00Z" },
    },
  ],
];

describeWith(["rabbitmq", "redis", "mongo-java"], "reads while query processes come and go", () => {
  let servers: Servers;
  let rest: ServiceProcess;
  let gateway: ServiceProcess;
  let queries: readonly ServiceProcess[];

  beforeAll(async () => {
    servers = await startServers();
    const roles = ["ingest,processor,aggregator", "query", "query", "api-gateway"];
    const processes = await Promise.all(
      roles.map((SERVICES) => ServiceProcess.create({ ...sharedVariables(servers), SERVICES })),
    );
    [rest, , , gateway] = processes as [
      ServiceProcess,
      ServiceProcess,
      ServiceProcess,
      ServiceProcess,
    ];
    queries = processes.slice(1, 3);
    await Promise.all(processes.map((process) => process.start(longMs)));
    expect((await postBatch(gateway, readShopLog().slice(0, 400))).status).toBe(202);
  }, longMs);
  afterAll(async () => {
    await Promise.all([rest, gateway, ...(queries ?? [])].map((process) => process?.dispose()));
    if (servers !== undefined) await stopServers(servers);
  }, longMs);

  test(
    "clients that leave leave nothing behind in any process",
    async () => {
      const statuses = await askAndLeave(gateway.url, 16, () =>
        eventually(async () => {
          const held = await Promise.all(queries.map(({ url }) => heldForReads(url)));
          expect(held.some((one) => one["reads_running"]! > 0)).toBe(true);
        }, 60_000),
      );
      for (const { url } of queries) await heldNothing(url);
      expect(new Set(statuses).difference(new Set([200, 429]))).toEqual(new Set());
    },
    longMs,
  );

  /** Asks all the time while something is done to the processes. @returns the answers other than 200 */
  async function failuresDuring(work: (more: () => Promise<void>) => Promise<void>) {
    const failures: unknown[] = [];
    let answered = 0;
    let isAsking = true;
    const ask = async (first: number) => {
      for (let turn = first; isAsking; turn += 1) {
        const [path, body] = questions[turn % questions.length]!;
        const response = await fetch(`${gateway.url}${path}`, {
          ...(body && {
            method: "POST",
            body: JSON.stringify(body),
            headers: { "content-type": "application/json" },
          }),
        });
        const text = await response.text();
        if (response.status !== 200) failures.push([path, response.status, text]);
        answered += 1;
        await delay(20);
      }
    };
    const asking = Promise.all([0, 1, 2, 3].map(ask));
    const more = async () => {
      const before = answered;
      await eventually(() => expect(answered).toBeGreaterThan(before + 20), 60_000);
    };
    try {
      await more();
      await work(more);
      await more();
    } finally {
      isAsking = false;
      await asking;
    }
    return failures;
  }

  test(
    "stopped and started one after the other: every read is answered",
    async () => {
      const failures = await failuresDuring(async (more) => {
        for (const query of queries) {
          expect(await query.stop()).toBe(0);
          await query.start();
          await more();
        }
        // The one that was started last is there alone: ready means that the gateway knows it.
        expect(await queries[0]!.stop()).toBe(0);
        await more();
        await queries[0]!.start();
      });
      expect(failures).toEqual([]);
    },
    longMs,
  );

  test.each(["killed", "frozen"])(
    "one is %s: every read is answered",
    async (what) => {
      const [hit] = queries as [ServiceProcess];
      const failures = await failuresDuring(async (more) => {
        const { pid } = hit;
        if (what === "killed") await hit.kill();
        else process.kill(pid, "SIGSTOP");
        await more();
        await more();
        if (what === "killed") await hit.start();
        else process.kill(pid, "SIGCONT");
      });
      expect(failures).toEqual([]);
    },
    longMs,
  );
});
