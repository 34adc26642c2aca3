import fc from "fast-check";
import { ServiceProcess } from "../service-process.ts";
import {
  operations,
  requestsOf,
  type DescribedOperation,
  type Known,
  type MadeRequest,
} from "../support/requests.ts";

/**
 * Requests an operation and a seed; by hand `EXAMPLES=2000 SEED=7 npm test -- --testPathPatterns
 * any-request`.
 */
const examples = Number(process.env["EXAMPLES"] ?? 500);
const seed = Number(process.env["SEED"] ?? 1);
const atOnce = 8;

/** Streams go on: test/e2e/live.test.ts takes from them. */
const asked = operations.filter(
  ({ path }) => !/\/(?:stream|live)$/.test(path) || path.startsWith("/health"),
);

let made = 0;
let service: ServiceProcess;
beforeAll(async () => {
  service = await ServiceProcess.create({ LOG_LEVEL: "warn" });
  await service.start();
}, 120_000);
afterAll(() => service?.dispose());

/** What requests can be about; made anew for each operation, since others remove it. */
async function prepare(): Promise<Known> {
  const send = async (method: string, path: string, body: object) => {
    const response = await fetch(`${service.url}/api/v1${path}`, {
      method,
      headers: { "Content-Type": "application/json", Prefer: "wait=20" },
      body: JSON.stringify(body),
    });
    expect([path, response.status < 300]).toEqual([path, true]);
    return (await response.json()) as { readonly id: string };
  };
  // A project has so many keys and no more.
  const keys = (await (await fetch(`${service.url}/api/v1/keys`)).json()) as {
    readonly data: readonly { readonly id: string }[];
  };
  for (const { id } of keys.data) {
    await fetch(`${service.url}/api/v1/keys/${id}`, { method: "DELETE" });
  }
  made += 1;
  const [event, held] = [`any-${made}`, `held-${made}`];
  const about = { source: "test", metadata: { userId: "ada" }, correlationId: "order-1" };
  await send("PUT", "/schemas/form.sent", {
    mode: "enforce",
    schema: { type: "object", properties: { data: { type: "object" } }, required: ["data"] },
  });
  await send("POST", "/events", { id: held, type: "form.sent", ...about });
  await send("POST", "/events", { id: event, type: "page.viewed", ...about });
  await send("PUT", `/queries/${event}`, { kind: "counts", question: { interval: "day" } });
  const key = await send("POST", "/keys", { name: event, scopes: ["events:read"] });
  const job = await send("POST", "/audits", {});
  return {
    id: [event, held, key.id, job.id],
    name: [event],
    type: ["form.sent", "page.viewed"],
    userId: ["ada"],
    correlationId: ["order-1"],
  };
}

/** `fetch` here compares the answer with the description. */
async function statusOf({ method }: DescribedOperation, request: MadeRequest): Promise<number> {
  const { address, headers, body = null } = request;
  try {
    const response = await fetch(`${service.url}${address}`, { method, headers, body });
    await response.arrayBuffer();
    if (response.status < 500) return response.status;
    throw new Error(`the answer is a ${response.status}`);
  } catch (error) {
    const what = `seed ${seed}: ${method} ${JSON.stringify(request)}: ${String(error)}`;
    throw new Error(what, { cause: error });
  }
}

/** Of these there is none: test/e2e/poison.test.ts makes some. Events in quarantine stay broken. */
const nothingThere = /\/dead-letters\/|\/quarantine\/\{id\}\/replay$/;

test.each(asked.map((operation) => [`${operation.method} ${operation.path}`, operation] as const))(
  "%s answers any request as the description says, and with no 5xx",
  async (_, operation) => {
    const { parameters, bodies, path } = operation;
    const isFixed = parameters.length === 0 && Object.keys(bodies).length === 0;
    const numRuns = isFixed ? 5 : examples;
    const requests = fc.sample(requestsOf(operation, await prepare()), { numRuns, seed });
    const statuses: number[] = [];
    while (statuses.length < requests.length) {
      const some = requests.slice(statuses.length, statuses.length + atOnce);
      statuses.push(...(await Promise.all(some.map((each) => statusOf(operation, each)))));
    }
    // Requests that are all refused by the first check would show nothing.
    const fulfilled = statuses.filter((status) => status < 300).length;
    if (!nothingThere.test(path)) expect(fulfilled).toBeGreaterThan(0);
  },
  600_000,
);
