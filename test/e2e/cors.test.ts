import { exchange, RawConnection } from "../raw-http.ts";
import { ServiceProcess } from "../service-process.ts";

describe("pages of other origins", () => {
  const key = "edge-key-0123456789";
  let service: ServiceProcess;
  beforeAll(async () => {
    service = await ServiceProcess.create({
      LOG_LEVEL: "warn",
      API_KEYS: `${key}:shop`,
      CORS_ORIGINS: "https://app.example,http://localhost:5173",
    });
    await service.start();
  });
  afterAll(() => service.dispose());

  const from = (origin: string, path: string, init: RequestInit = {}) =>
    fetch(service.url + path, {
      ...init,
      headers: { Origin: origin, ...(init.headers as Record<string, string>) },
    });
  const corsOf = ({ headers }: Response) =>
    Object.fromEntries(
      [...headers].filter(([name]) => name.startsWith("access-control") || name === "vary"),
    );

  test("a preflight of a known one is told what it may send", async () => {
    const answer = await from("https://app.example", "/api/v1/events/batch", {
      method: "OPTIONS",
      headers: {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, x-api-key, x-secret",
      },
    });
    expect(answer.status).toBe(204);
    expect(corsOf(answer)).toEqual({
      "access-control-allow-origin": "https://app.example",
      "access-control-allow-methods": "OPTIONS, POST",
      "access-control-allow-headers": "content-type, x-api-key",
      "access-control-expose-headers": expect.stringContaining("X-Request-Id") as string,
      "access-control-max-age": "7200",
      vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    });
  });

  test.each([
    ["a read", "GET", "/api/v1/events", key, 200],
    ["a refusal", "GET", "/api/v1/events?x=1", key, 400],
    ["no key", "GET", "/api/v1/events", "", 401],
    ["an event", "POST", "/api/v1/events", key, 202],
    ["a refused event", "POST", "/api/v1/events?x=1", key, 400],
    ["nothing", "GET", "/nothing", key, 404],
  ])(
    "%s may be read by a known page, and by no other",
    async (_name, method, path, asKey, status) => {
      const init = {
        method,
        headers: { "X-Api-Key": asKey, "Content-Type": "application/json" },
        ...(method === "POST" && { body: '{"type":"a","source":"b"}' }),
      };
      const known = await from("http://localhost:5173", path, init);
      expect(known.status).toBe(status);
      expect(corsOf(known)).toMatchObject({
        "access-control-allow-origin": "http://localhost:5173",
        vary: "Origin",
      });
      for (const origin of ["https://evil.example", "https://app.example.evil.example", "null"]) {
        const other = await from(origin, path, init);
        expect(corsOf(other)).toEqual({ vary: "Origin" });
      }
    },
  );

  test("a body that ends after its request was refused leaves the service as it was", async () => {
    const port = Number(new URL(service.url).port);
    for (const path of ["/api/v1/events", "/api/v1/query", "/nothing"]) {
      const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n`;
      const connection = new RawConnection(port).write(`${head}{`);
      expect((await connection.answer())?.status).toBeGreaterThanOrEqual(400);
      connection.socket.end();
      await connection.closed();
    }
    expect((await fetch(`${service.url}/health/live`)).status).toBe(200);
    expect(service.hasEnded).toBe(false);
  });

  test("with keys any host is served", async () => {
    const bytes = "GET /health/live HTTP/1.1\r\nHost: analytics.example\r\n\r\n";
    expect((await exchange(Number(new URL(service.url).port), bytes)).status).toBe(200);
  });
});
