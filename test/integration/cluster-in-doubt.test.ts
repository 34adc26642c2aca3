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
  readonly ids: readonly { readonly index: number; readonly id: string }[];
  /** How many events of the request had no id. */
  readonly unnamed: number;
  readonly ms: number;
}

type Sent = { readonly id?: string; readonly type: string; readonly source: string };

/** The same events with the ids that an answer told. */
function withIds(body: Sent | readonly Sent[], { ids }: Told): Sent | readonly Sent[] {
  const told = new Map(ids.map(({ index, id }) => [index, id]));
  const named = (one: Sent, index: number) => {
    const id = told.get(index);
    return id === undefined ? one : { ...one, id };
  };
  return Array.isArray(body) ? (body as readonly Sent[]).map(named) : named(body as Sent, 0);
}

describeWith(
  ["rabbitmq", "redis", "mongo-java"],
  "a message broker that fails while requests are under way",
  () => {
    let servers: Servers;
    /** The gateway's, and that of all others. */
    let edgeCable: Cable;
    let cable: Cable;
    let gateway: ServiceProcess;
    let others: ServiceProcess;
    let made = 0;

    beforeAll(async () => {
      servers = await startServers();
      edgeCable = await layCable(servers.rabbitmq.url);
      cable = await layCable(servers.rabbitmq.url);
      const shared = { ...sharedVariables(servers), LOG_LEVEL: "warn" };
      others = await ServiceProcess.create({
        ...shared,
        RABBITMQ_URL: cable.url,
        SERVICES: "ingest,processor,aggregator,query",
      });
      gateway = await ServiceProcess.create({
        ...shared,
        RABBITMQ_URL: edgeCable.url,
        SERVICES: "api-gateway",
      });
      await Promise.all([others.start(longMs), gateway.start(longMs)]);
    }, longMs);
    afterAll(async () => {
      await Promise.all([gateway?.dispose(), others?.dispose()]);
      await Promise.all([edgeCable?.remove(), cable?.remove()]);
      if (servers !== undefined) await stopServers(servers);
    }, longMs);

    async function ask(what: string, path: string, body?: object, headers = {}): Promise<Told> {
      const startedAt = performance.now();
      const response = await fetch(`${gateway.url}${path}`, {
        ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
        headers: { "Content-Type": "application/json", ...headers },
      });
      const { type = "", ids = [] } = (await response.json()) as Partial<Told>;
      const retryAfter = response.headers.get("retry-after");
      const ms = performance.now() - startedAt;
      const unnamed = [body ?? []].flat().filter((one) => "source" in one && !("id" in one)).length;
      return { what, status: response.status, retryAfter, type, ids, unnamed, ms };
    }

    /**
     * Sends each event until it is accepted, with the id that it has or was told to have, and asks
     * meanwhile; until `done`.
     * @returns `events`: how many were sent
     */
    async function use(
      type: string,
      done: () => boolean,
    ): Promise<{ told: Told[]; events: number }> {
      const told: Told[] = [];
      let events = 0;
      const unnamed = (): Sent => {
        events += 1;
        return { type, source: "test" };
      };
      const event = (): Sent => ({ ...unnamed(), id: `${type}-${(made += 1)}` });
      const collect = async (
        what: string,
        path: string,
        next: () => Sent | readonly Sent[],
        headers = {},
      ) => {
        while (!done()) {
          let body = next();
          for (;;) {
            const answer = await ask(what, path, body, headers);
            told.push(answer);
            if (answer.status < 300) break;
            body = withIds(body, answer);
          }
        }
      };
      const read = async (what: string, path: string, body?: () => object) => {
        while (!done()) told.push(await ask(what, path, body?.()));
      };
      await Promise.all([
        collect("single", "/api/v1/events", event),
        collect("wait", "/api/v1/events", event, { Prefer: "wait=2" }),
        collect("unnamed", "/api/v1/events", unnamed),
        collect("unnamed wait", "/api/v1/events", unnamed, { Prefer: "wait=2" }),
        collect("unnamed batch", "/api/v1/events/batch", () => Array.from({ length: 5 }, unnamed)),
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
      return { told, events };
    }

    function expectHonest(told: readonly Told[]): void {
      const wrong = told.filter(({ status, retryAfter, ms }) => {
        const refused = status === 503 || status === 429;
        return ms > 15_000 || (refused ? !(Number(retryAfter) > 0) : status >= 300);
      });
      expect(wrong).toEqual([]);
      const silent = told.filter(
        ({ type, ids, unnamed }) => type === "/problems/outcome-unknown" && ids.length !== unnamed,
      );
      expect(silent).toEqual([]);
    }

    async function expectOnce(type: string, events: number): Promise<void> {
      await eventually(async () => {
        const counts = await fetch(`${gateway.url}/api/v1/events/counts?type=${type}`);
        const { total } = (await counts.json()) as { total: number };
        expect(total).toBe(events);
      }, 90_000);
    }

    test.each([
      ["the gateway's and all others'", "cut", () => [edgeCable, cable]],
      ["the gateway's", "edge.cut", () => [edgeCable]],
      ["ingest's", "ingest.cut", () => [cable]],
    ] as const)(
      "connections that are cut every 500 ms, %s: nothing but 503 with Retry-After, and each event counts once",
      async (_, type, cables) => {
        let cuts = 0;
        const timer = setInterval(() => {
          for (const one of cables()) one.pull();
          for (const one of cables()) one.plugIn();
          cuts += 1;
          if (cuts === 20) clearInterval(timer);
        }, 500);
        const { told, events } = await use(type, () => cuts >= 20);
        expectHonest(told);
        if (type === "cut") expect(told.some(({ status }) => status === 503)).toBe(true);
        await expectOnce(type, events);
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
        const { told, events } = await using;
        expectHonest(told);
        expect(told.some(({ type }) => type === "/problems/outcome-unknown")).toBe(true);
        await expectOnce("frozen", events);
      },
      longMs,
    );
  },
);
