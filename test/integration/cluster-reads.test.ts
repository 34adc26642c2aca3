import { setTimeout as delay } from "node:timers/promises";
import { startServers, stopServers, sharedVariables, type Servers } from "../support/cluster.ts";
import { postBatch } from "../e2e/shop-run.ts";
import { eventually } from "../support/eventually.ts";
import { askAndLeave, heldForReads, heldNothing } from "../support/left-reads.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { ServiceProcess } from "../service-process.ts";
import { readShopLog } from "../support/shop-log.ts";
import { metricOf } from "../support/cluster.ts";
import { sealAll } from "../fixtures/sealed-store.ts";
import { MongoStore } from "../../lib/store/mongo/mongo-store.ts";
import { foldOf, type FoldJob } from "../../lib/questions/folds.ts";
import { readFunnelJob } from "../../lib/questions/sequences/funnel.ts";
import { readPathsJob } from "../../lib/questions/sequences/paths.ts";
import { eventOf } from "../support/arbitraries.ts";
import { foldOver } from "../support/fold-over.ts";

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
  const stored = readShopLog().slice(0, 400);
  let servers: Servers;
  let rest: ServiceProcess;
  let gateway: ServiceProcess;
  let queries: readonly ServiceProcess[];

  beforeAll(async () => {
    servers = await startServers();
    const roles = ["ingest,processor,aggregator", "query", "query", "api-gateway"];
    const variables = { ...sharedVariables(servers), QUERY_SHARE_EVENTS: "1" };
    const processes = await Promise.all(
      roles.map((SERVICES) => ServiceProcess.create({ ...variables, SERVICES })),
    );
    [rest, , , gateway] = processes as [
      ServiceProcess,
      ServiceProcess,
      ServiceProcess,
      ServiceProcess,
    ];
    queries = processes.slice(1, 3);
    await Promise.all(processes.map((process) => process.start(longMs)));
    await storeInSegments();
  }, longMs);

  /** Stores events in several segments, and as many that are in none. */
  async function storeInSegments(): Promise<void> {
    const store = new MongoStore({ uri: servers.mongo.url, adoptsAfterMs: 0 });
    try {
      await store.open();
      for (let at = 0; at < stored.length; at += 40) {
        expect((await postBatch(gateway, stored.slice(at, at + 40))).status).toBe(202);
        const count = () => store.countEvents({ project: "default" });
        await eventually(async () => expect(await count()).toBe(at + 40), 60_000);
        if (at < stored.length / 2) await sealAll(store);
      }
    } finally {
      await store.close();
    }
  }

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
    const answers = Promise.all([0, 1, 2, 3].map(ask));
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
      await answers;
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

  test(
    "one is killed while it answers parts of questions: every answer is the right one",
    async () => {
      const types = [...new Set(stored.map(({ type }) => type))];
      const funnel = { steps: types.slice(0, 2).map((type) => ({ type })), by: "session" };
      const paths = { after: { type: types[0] }, length: 2, limit: 100 };
      const events = stored.map((event) =>
        eventOf({ ...event, timestamp: Date.parse(event.timestamp) }),
      );
      const whole = (job: FoldJob): object => foldOver(foldOf(job), events);
      const asked: readonly (readonly [path: string, body: object, answer: object])[] = [
        ["/api/v1/query/funnel", funnel, whole(readFunnelJob(funnel))],
        ["/api/v1/query/paths", paths, whole(readPathsJob(paths))],
        [
          "/api/v1/query",
          { metrics: ["count", "uniques"], filters: ["exists", "metadata.userId", true] },
          {
            results: [
              {
                dimensions: [],
                metrics: [400, new Set(stored.map(({ metadata }) => metadata.userId)).size],
              },
            ],
          },
        ],
      ];
      let turn = 0;
      const ask = async () => {
        turn += 1;
        const [path, body, answer] = asked[turn % asked.length]!;
        // Each is a question of its own, so that none is answered from the cache.
        const to = new Date(Date.UTC(2030, 0, 1) + turn).toISOString();
        const response = await fetch(`${gateway.url}${path}`, {
          method: "POST",
          body: JSON.stringify({ ...body, range: { from: "2000-01-01T00:00:00Z", to } }),
          headers: { "content-type": "application/json" },
        });
        const found = (await response.json()) as object;
        expect(response.status === 503 ? answer : found).toMatchObject(answer);
      };
      const parts = async (outcome: string, of: readonly ServiceProcess[]) => {
        const name = `analytics_question_parts_total{outcome="${outcome}"}`;
        const told = await Promise.all(of.map((query) => metricOf(query, name)));
        return told.reduce((sum, count) => sum + count, 0);
      };
      const [hit, other] = queries as [ServiceProcess, ServiceProcess];
      await eventually(async () => {
        await ask();
        expect(await parts("answered", queries)).toBeGreaterThan(0);
      }, 60_000);
      const answers = Array.from({ length: 12 }, ask);
      await hit.kill();
      await Promise.all(answers);
      const lost = async () =>
        (await parts("failed", [other])) + (await parts("unneeded", [other]));
      await eventually(async () => {
        await ask();
        expect(await lost()).toBeGreaterThan(0);
      }, 60_000);
      await hit.start();
    },
    longMs,
  );
});
