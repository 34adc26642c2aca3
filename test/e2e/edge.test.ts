import { analyticsClient } from "../../tools/analytics-client.ts";
import { guide } from "../../tools/demo/report.ts";
import { ServiceProcess } from "../service-process.ts";
import { exchange, RawConnection, type RawAnswer } from "../raw-http.ts";

const portOf = (service: ServiceProcess) => Number(new URL(service.url).port);
const problemOf = ({ body }: RawAnswer) =>
  JSON.parse(body) as { type: string; requestId: string; errors?: { pointer: string }[] };

describe("an open service", () => {
  let service: ServiceProcess;
  let port: number;
  beforeAll(async () => {
    service = await ServiceProcess.create({ LOG_LEVEL: "warn" });
    await service.start();
    port = portOf(service);
  });
  afterAll(() => service.dispose());

  const ask = (method: string, target: string, ...headers: string[]) =>
    exchange(
      port,
      [`${method} ${target} HTTP/1.1`, "Host: localhost", ...headers, "", ""].join("\r\n"),
    );

  test.each([
    ["GET", "/api/v1/events", 200],
    ["HEAD", "/api/v1/events?limit=1", 200],
    ["GET", "/api/v1/events/counts", 200],
    ["GET", "/api/v1/events/export", 200],
    ["GET", "/api/v1/queries", 200],
    ["GET", "/health", 200],
    ["GET", "/metrics", 200],
    ["OPTIONS", "/metrics", 204],
    ["OPTIONS", "*", 204],
    ["GET", "http://localhost:1/api/v1/events", 200],
    ["GET", "/API/v1/events", 404],
    ["GET", "/METRICS", 404],
    ["GET", "/Health/live", 404],
    ["POST", "/api/v1/Events", 404],
    ["GET", "/api/v1/events/", 404],
    ["POST", "/api/v1/events/", 404],
    ["GET", "//api/v1/events", 404],
    ["GET", "/api//v1/events", 404],
    ["GET", "/api/v1%2Fevents", 404],
    ["GET", "/api/v1/../v1/events", 404],
    ["DELETE", "/api/v1/subjects/.", 202],
    ["DELETE", "/api/v1/subjects/..", 202],
    ["GET", "/api/v1/events/a%2Fb", 404],
    ["GET", "/api/v1/events/%ff", 400],
    ["OPTIONS", "/nothing", 404],
    ["TRACE", "/api/v1/events", 405],
    ["PROPFIND", "/api/v1/events", 405],
    ["DELETE", "/metrics", 405],
    ["POST", "/api/v1/events/batch?__proto__=1", 400],
  ])(
    "%s %s is a %i that no cache keeps and no browser guesses about",
    async (method, target, status) => {
      const answer = await ask(method, target, "X-Request-Id: edge-1", "Content-Length: 0");
      expect(answer.status).toBe(status);
      expect(answer.headers).toMatchObject({
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "x-request-id": "edge-1",
      });
      expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
      if (status >= 400) expect(answer.headers["content-type"]).toBe("application/problem+json");
    },
  );

  test.each([
    "&".repeat(1_000) + "type=none",
    "type=none&&limit=1",
    "__proto__=1",
    "__proto__[type]=1&limit=1",
    "constructor=1",
    "toString=1",
    "hasOwnProperty=1",
    "limit=1&limit=2",
    "order=asc&order=desc",
    "from=2026-01-01T00:00:00Z&from=2026-01-02T00:00:00Z",
    "limit[]=1",
    "type[a]=b",
    "=1",
    "type=%ff",
    "type=%",
    "data.a[$where]=1",
    "data.__proto__[gte]=1&x=1",
  ])("?%s is a 400 on every read", async (search) => {
    for (const path of ["/api/v1/events", "/api/v1/events/export", "/api/v1/events/counts"]) {
      const answer = await ask("GET", `${path}?${search}`);
      expect([path, answer.status]).toEqual([path, 400]);
    }
  });

  test.each([
    ["GET", "/api/v1/events/e1?id=e2", "id"],
    ["GET", "/api/v1/stories/c1?correlationId=c2", "correlationId"],
    ["GET", "/api/v1/queries/q1/results?name=q2", "name"],
    ["DELETE", "/api/v1/queries/q1?force=1", "force"],
    ["POST", "/api/v1/query?limit=1", "limit"],
    ["POST", "/api/v1/events/batch?results=all&results=errors", "results"],
  ])("%s %s: a parameter that would be lost is refused", async (method, target, pointer) => {
    const answer = await ask(method, target, "Content-Length: 0");
    expect(answer.status).toBe(400);
    expect(problemOf(answer).errors).toEqual([expect.objectContaining({ pointer })]);
  });

  test.each([
    ["/api/v1/events", "OPTIONS, GET, HEAD, POST, DELETE"],
    ["/api/v1/events/export", "OPTIONS, GET, HEAD"],
    ["/api/v1/events/batch", "OPTIONS, POST"],
    ["/api/v1/queries/q1", "OPTIONS, GET, HEAD, PUT, DELETE"],
    ["/api/v1/quarantine/replay", "OPTIONS, GET, HEAD, POST, PATCH, DELETE"],
    ["/health", "OPTIONS, GET, HEAD"],
  ])(
    "OPTIONS %s tells the methods and runs nothing, whatever a preflight asks about",
    async (path, allow) => {
      const saved = "/api/v1/queries/q1";
      const question = JSON.stringify({ kind: "run", question: { metrics: ["count"] } });
      const put = await fetch(service.url + saved, {
        method: "PUT",
        headers: { "Content-Type": "application/json" },
        body: question,
      });
      expect(put.status).toBeLessThan(300);
      const headers = ["Origin: http://evil.example", "Access-Control-Request-Method: DELETE"];
      const answer = await ask("OPTIONS", path, ...headers);
      expect([answer.status, answer.headers["allow"]]).toEqual([204, allow]);
      expect(
        Object.keys(answer.headers).filter((name) => name.startsWith("access-control")),
      ).toEqual([]);
      expect((await fetch(service.url + saved)).status).toBe(200);
    },
  );

  test("every address that the demo names answers", async () => {
    const clicked = {
      id: "demo/1",
      type: "email.clicked",
      source: "demo",
      correlationId: "mail 1",
    };
    const post = await fetch(`${service.url}/api/v1/events`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Prefer: "wait=20" },
      body: JSON.stringify(clicked),
    });
    expect(post.status).toBe(201);
    const now = Date.now();
    const range = { from: now - 86_400_000, to: now + 60_000 };
    const text = await guide(analyticsClient(service.url), range, undefined);
    const addresses = [...text.matchAll(/http:[^\s']+/g)].map(([address]) => address);
    expect(addresses.length).toBeGreaterThan(7);
    for (const address of addresses) {
      expect([address, (await fetch(address)).status]).toEqual([address, 200]);
    }
  });

  test("a strange host gets nothing, of no address", async () => {
    const paths = ["/api/v1/events", "/health", "/metrics", "/health/live", "/nothing"];
    for (const path of paths) {
      const answer = await exchange(
        port,
        `GET ${path} HTTP/1.1\r\nHost: evil.example:${port}\r\n\r\n`,
      );
      expect([path, answer.status]).toEqual([path, 421]);
      expect(problemOf(answer).type).toBe("/problems/misdirected");
    }
    const event = '{"type":"a","source":"b"}';
    const head = `Content-Type: application/json\r\nContent-Length: ${event.length}\r\n\r\n${event}`;
    const post = `POST /api/v1/events HTTP/1.1\r\nHost: evil.example\r\n${head}`;
    expect((await exchange(port, post)).status).toBe(421);
  });

  test("a body that nobody would read is refused", async () => {
    const bytes =
      'GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15\r\n\r\n{"type":"none"}';
    expect((await exchange(port, bytes)).status).toBe(400);
  });

  test("a body that cannot be read further is a problem on every route", async () => {
    for (const path of ["/api/v1/events", "/api/v1/events/batch", "/api/v1/query"]) {
      const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
      const answer = await exchange(port, `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`);
      expect([path, answer.status]).toEqual([path, 400]);
      expect(problemOf(answer).requestId).toBe(answer.headers["x-request-id"]);
    }
  });

  test("who waits to be asked for the body is not asked where it will be refused", async () => {
    const head =
      "POST /api/v1/events/batch?x=1 HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n";
    const refused = await exchange(port, `${head}Content-Length: 100\r\n\r\n`);
    expect([refused.status, refused.headers["connection"]]).toEqual([400, "close"]);

    for (const path of ["/api/v1/events", "/api/v1/events/batch"]) {
      const text = `POST ${path} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n`;
      const type = "Content-Type: text/csv\r\nContent-Length: 100\r\n\r\n";
      expect([path, (await exchange(port, text + type)).status]).toEqual([path, 415]);
    }

    const connection = new RawConnection(port).write(
      "POST /api/v1/events HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 25\r\n\r\n",
    );
    expect((await connection.answer())?.status).toBe(100);
    connection.write('{"type":"a","source":"b"}');
    expect((await connection.answer())?.status).toBe(202);
    connection.end();
  });
});
