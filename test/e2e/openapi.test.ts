import { ServiceProcess } from "../service-process.ts";
import { document } from "../support/openapi.ts";

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly example?: unknown;
  readonly schema: { readonly examples?: readonly unknown[] };
}

interface Operation {
  readonly parameters: readonly Parameter[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly example?: unknown }>>;
  };
}

let service: ServiceProcess;
beforeAll(async () => {
  service = await ServiceProcess.create({ LOG_LEVEL: "warn" });
  await service.start();
}, 120_000);
afterAll(() => service?.dispose());

/** Asks an operation with the examples of its description; `fetch` here compares the answer with it. */
function tryOut(path: string, method: string): Promise<Response> {
  const operation = document.paths[path]?.[method] as unknown as Operation;
  const named = (place: string) => operation.parameters.filter((each) => each.in === place);
  const exampleOf = ({ example, schema }: Parameter) => example ?? schema.examples?.[0];
  const address = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const part = named("path").find((each) => each.name === name);
    return encodeURIComponent(String(part && exampleOf(part)));
  });
  const query = new URLSearchParams(
    named("query").flatMap((each): [string, string][] => {
      const example = exampleOf(each);
      // A relative range goes without from and to, which have examples, too.
      if (each.name === "range") return [];
      if (each.name === "conditions") return Object.entries(example as Record<string, string>);
      return example === undefined ? [] : [[each.name, `${example as string}`]];
    }),
  );
  const body = operation.requestBody?.content["application/json"]?.example;
  const search = query.size > 0 ? `?${query}` : "";
  return fetch(`${service.url}${address}${search}`, {
    method: method.toUpperCase(),
    ...(body !== undefined && {
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    }),
  });
}

test("the examples of every operation are answered as the description says", async () => {
  const event = {
    id: "order-1-paid",
    type: "Order Paid",
    source: "shop",
    correlationId: "order-1",
  };
  const send = (path: string, of: object) =>
    fetch(`${service.url}${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Prefer: "wait=30" },
      body: JSON.stringify(of),
    });
  expect((await send("/api/v1/events", event)).status).toBe(201);
  const demo = { id: "demo-1", type: "email.opened", source: "demo", data: { plan: "pro" } };
  expect((await send("/api/v1/events", demo)).status).toBe(201);
  const order = ["post", "put", "get", "delete"];
  const all = Object.entries(document.paths)
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => ({ path, method })))
    // Streams go on: test/e2e/live.test.ts takes from them.
    // What is not there from the beginning is taken by others: keys, walls, poison, erasing, schemas.
    .filter(
      ({ path }) =>
        !/\/(?:stream|live)$|\/(?:jobs|keys|dead-letters|quarantine)\/\{id\}/.test(path) ||
        path.startsWith("/health"),
    )
    .sort((a, b) => order.indexOf(a.method) - order.indexOf(b.method));
  for (const { path, method } of all) {
    const response = await tryOut(path, method);
    const text = await response.text();
    expect([method, path, response.status < 300 ? "" : text]).toEqual([method, path, ""]);
  }
});

test("what the service tells at /openapi.json is the description that its answers are compared with", async () => {
  const response = await fetch(`${service.url}/openapi.json`);
  expect(await response.json()).toEqual(document);
  const page = await fetch(`${service.url}/docs`);
  expect(page.headers.get("content-security-policy")).not.toContain("unsafe");
});
