import { sharedVariables, startServers, stopServers, type Servers } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { layCable, type Cable } from "../../tools/servers/cable.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { ServiceProcess } from "../service-process.ts";

const longMs = 240_000;

/** What a client was answered: all that counts of it. */
interface Told {
  readonly what: string;
  readonly status: number;
  readonly retryAfter: string | null;
  readonly type: string;
  readonly ms: number;
}

describeWith(
  ["rabbitmq", "redis", "mongo-java"],
  "a message broker that fails while requests are under way",
  () => {
    let servers: Servers;
    let cable: Cable;
    let gateway: ServiceProcess;
    let others: ServiceProcess;
    let made = 0;

    beforeAll(async () => {
      servers = await startServers();
      cable = await layCable(servers.rabbitmq.url);
      const shared = { ...sharedVariables(servers), RABBITMQ_URL: cable.url, LOG_LEVEL: "warn" };
      others = await ServiceProcess.create({
        ...shared,
        SERVICES: "ingest,processor,aggregator,query",
      });
      gateway = await ServiceProcess.create({ ...shared, SERVICES: "api-gateway" });
      await Promise.all([others.start(longMs), gateway.start(longMs)]);
    }, longMs);
    afterAll(async () => {
      await Promise.all([gateway?.dispose(), others?.dispose()]);
      await cable?.remove();
      if (servers !== undefined) await stopServers(servers);
    }, longMs);

    async function ask(what: string, path: string, body?: object, headers = {}): Promise<Told> {
      const startedAt = performance.now();
      const response = await fetch(`${gateway.url}${path}`, {
        ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
        headers: { "Content-Type": "application/json", ...headers },
      });
      const answer = (await response.json()) as { type?: string };
      const retryAfter = response.headers.get("retry-after");
      const ms = performance.now() - startedAt;
      return { what, status: response.status, retryAfter, type: answer.type ?? "", ms };
    }

    /** Sends each event until it is accepted, with the same id, and asks meanwhile; until `done`. */
    async function use(
      type: string,
      done: () => boolean,
    ): Promise<{ told: Told[]; ids: Set<string> }> {
      const told: Told[] = [];
      const ids = new Set<string>();
      const event = () => {
        const id = `${type}-${(made += 1)}`;
        ids.add(id);
        return { id, type, source: "test" };
      };
      const collect = async (what: string, path: string, next: () => object, headers = {}) => {
        while (!done()) {
          const body = next();
          for (;;) {
            const answer = await ask(what, path, body, headers);
            told.push(answer);
            if (answer.status < 300) break;
          }
        }
      };
      const read = async (what: string, path: string, body?: () => object) => {
        while (!done()) told.push(await ask(what, path, body?.()));
      };
      await Promise.all([
        collect("single", "/api/v1/events", event),
        collect("wait", "/api/v1/events", event, { Prefer: "wait=2" }),
        collect("batch", "/api/v1/events/batch", () => Array.from({ length: 5 }, event)),
        collect("large batch", "/api/v1/events/batch", () => Array.from({ length: 60 }, event)),
        read("counts", "/api/v1/events/counts"),
        read("list", "/api/v1/events?limit=1"),
        read("query", "/api/v1/query", () => ({ metrics: ["count"] })),
        read("funnel", "/api/v1/query/funnel", () => ({
          steps: [{ type }, { type: "b" }],
          window: "60s",
        })),
      ]);
      return { told, ids };
    }

    function expectHonest(told: readonly Told[]): void {
      const wrong = told.filter(({ status, retryAfter, ms }) => {
        const refused = status === 503 || status === 429;
        return ms > 15_000 || (refused ? !(Number(retryAfter) > 0) : status >= 300);
      });
      expect(wrong).toEqual([]);
      expect(told.some(({ status }) => status === 503)).toBe(true);
    }

    async function expectOnce(type: string, ids: ReadonlySet<string>): Promise<void> {
      await eventually(async () => {
        const counts = await fetch(`${gateway.url}/api/v1/events/counts?type=${type}`);
        const { total } = (await counts.json()) as { total: number };
        expect(total).toBe(ids.size);
      }, 90_000);
    }

    test(
      "connections that are cut every 500 ms: nothing but 503 with Retry-After, and each event counts once",
      async () => {
        let cuts = 0;
        const timer = setInterval(() => {
          cable.pull();
          cable.plugIn();
          cuts += 1;
          if (cuts === 20) clearInterval(timer);
        }, 500);
        const { told, ids } = await use("cut", () => cuts >= 20);
        expectHonest(told);
        await expectOnce("cut", ids);
      },
      longMs,
    );

    test(
      "a broker that is frozen: every request hears within 15 s, and each event counts once",
      async () => {
        servers.rabbitmq.freeze();
        let thawed = false;
        const using = use("frozen", () => thawed);
        // As long as a sender waits at the most: each of those that were sent first has its answer by then.
        setTimeout(() => {
          servers.rabbitmq.thaw();
          thawed = true;
        }, 20_000);
        const { told, ids } = await using;
        expectHonest(told);
        expect(told.some(({ type }) => type === "/problems/outcome-unknown")).toBe(true);
        await expectOnce("frozen", ids);
      },
      longMs,
    );
  },
);
