import { freePort } from "../../tools/servers/free-ports.ts";
import { exchange, type RawAnswer } from "../raw-http.ts";
import { ServiceProcess, type Variables } from "../service-process.ts";
import { eventually } from "../support/eventually.ts";

/** A process that waits for a RabbitMQ that nobody has started. */
async function waiting(variables: Variables): Promise<AsyncDisposable & { readonly port: number }> {
  const RABBITMQ_URL = `amqp://127.0.0.1:${await freePort()}`;
  const service = await ServiceProcess.create({ LOG_LEVEL: "fatal", ...variables, RABBITMQ_URL });
  service.spawn();
  await eventually(async () => {
    expect((await fetch(`${service.url}/health/live`)).status).toBe(200);
  }, 60_000);
  return {
    port: Number(new URL(service.url).port),
    [Symbol.asyncDispose]: () => service.dispose(),
  };
}

const event = '{"type":"a","source":"b"}';

function requestOf(method: string, path: string, length: number, more = ""): string {
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n${more}\r\n`;
}

const about = ({ status, headers, body }: RawAnswer) => ({
  status,
  retryAfter: headers["retry-after"],
  contentType: headers["content-type"],
  type: (JSON.parse(body) as { readonly type: string }).type,
});

test("a gateway that waits for its broker answers every path of the service: later", async () => {
  await using gateway = await waiting({ SERVICES: "api-gateway" });
  const later = {
    status: 503,
    retryAfter: "5",
    contentType: "application/problem+json",
    type: "/problems/service-unavailable",
  };
  for (const [method, path] of [
    ["POST", "/api/v1/events"],
    ["POST", "/api/v1/events/batch?results=all"],
    ["GET", "/api/v1/events"],
    ["DELETE", "/api/v1/events/some"],
    ["PUT", "/api/v1/queries/mine"],
    ["OPTIONS", "/api/v1/events"],
    ["GET", "/openapi.json"],
    ["GET", "/"],
    ["GET", "/nothing"],
  ] as const) {
    const request = requestOf(method, path, event.length) + event;
    expect([path, about(await exchange(gateway.port, request))]).toEqual([path, later]);
  }
  // Bodies that have not come, that are large, and that are sent only when they are asked for.
  for (const request of [
    requestOf("POST", "/api/v1/events", 50_000),
    requestOf("POST", "/api/v1/events/batch", 5_000_000),
    requestOf("POST", "/api/v1/events/batch", 5_000_000) + "x".repeat(5_000_000),
    requestOf("POST", "/api/v1/events", 5_000, "Expect: 100-continue\r\n"),
  ]) {
    expect(about(await exchange(gateway.port, request))).toEqual(later);
  }
  expect((await exchange(gateway.port, requestOf("POST", "/metrics", 0))).status).toBe(405);
});

test("a process without the gateway has no other paths", async () => {
  const MONGODB_URI = `mongodb://127.0.0.1:${await freePort()}`;
  await using worker = await waiting({ SERVICES: "processor", MONGODB_URI });
  const request = requestOf("POST", "/api/v1/events", event.length) + event;
  expect((await exchange(worker.port, request)).status).toBe(404);
});
