import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import type { Variable } from "../../lib/variable.ts";
import { variables } from "../../lib/variables.ts";
import { ServiceProcess, type Variables } from "../service-process.ts";
import { eventually } from "../support/eventually.ts";

/** Numbers that a test gives by itself. */
const ports = ["PORT", "OPS_PORT", "REDIS_PORT"];

/** Every variable that is a number, as small or as large as its documentation allows. */
function numbersAt(end: "smallest" | "largest"): Variables {
  const bounds = Object.entries<Variable<unknown>>(variables).flatMap(([name, { bounds }]) => {
    const [, least, most = String(Number.MAX_SAFE_INTEGER)] =
      /^from (\d+)(?: to (\d+))?$/.exec(bounds ?? "") ?? [];
    return least === undefined || ports.includes(name)
      ? []
      : [[name, end === "smallest" ? least : most] as const];
  });
  return Object.fromEntries(bounds);
}

test.each(["smallest", "largest"] as const)(
  "with every number at its %s the service starts, takes events and answers",
  async (end) => {
    const numbers = numbersAt(end);
    expect(Object.keys(numbers).length).toBeGreaterThan(30);
    const service = await ServiceProcess.create({ LOG_LEVEL: "warn", ...numbers });
    /** One connection is allowed, so each request closes its own. */
    const ask = (method: string, path: string, body?: string) =>
      eventually(async () => {
        const headers = { "Content-Type": "application/json", Prefer: "wait=10" };
        const sent = request(service.url + path, { method, headers, agent: false }).end(body);
        const [response] = (await once(sent, "response")) as [IncomingMessage];
        const answer = (await json(response)) as Readonly<Record<string, unknown>>;
        expect([answer, Math.floor(response.statusCode! / 100)]).toEqual([answer, 2]);
        return answer;
      });
    try {
      await service.start();
      const event = '{"type":"a","source":"test","data":{"amount":2}}';
      await ask("POST", "/api/v1/events", event);
      const total = async () => (await ask("GET", "/api/v1/events/counts"))["total"];
      await eventually(async () => expect(await total()).toBe(1));
      expect(await total()).toBe(1);
      const { data } = await ask("GET", "/api/v1/events?data.amount=2");
      expect(data).toMatchObject([{ type: "a" }]);
      const { results } = await ask("POST", "/api/v1/query", '{"metrics":["sum:data.amount"]}');
      expect(results).toMatchObject([{ metrics: [2] }]);
      expect(await ask("GET", "/health")).toMatchObject({ status: "ok" });
      expect(await service.stop()).toBe(0);
    } finally {
      await service.dispose();
    }
  },
);
