import { ServiceProcess } from "../service-process.ts";

const [key, otherKey] = ["0123456789abcdef", "fedcba9876543210"];

describe("rate limits of one process", () => {
  let service: ServiceProcess;
  beforeAll(async () => {
    service = await ServiceProcess.create({
      API_KEYS: `${key}:shop,${otherKey}:shop,third-key-0123456789:shop,fourth-key-0123456789:shop`,
      RATE_LIMIT_EVENTS_PER_SECOND: "2",
      RATE_LIMIT_READS_PER_SECOND: "1",
    });
    await service.start();
  });
  afterAll(() => service?.dispose());

  const post = (path: string, body: unknown, as = key) =>
    fetch(`${service.url}/api/v1/events${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Api-Key": as },
      body: JSON.stringify(body),
    });
  const event = { type: "a", source: "test" };

  test("an answer tells what is left; a batch costs its events, its debt is a 429 for that key alone", async () => {
    const first = await post("", event);
    expect(first.status).toBe(202);
    expect(first.headers.get("ratelimit-policy")).toBe('"events";q=20;w=10');
    expect(first.headers.get("ratelimit")).toMatch(/^"events";r=19;t=\d+$/);
    const batch = await post("/batch", { events: Array.from({ length: 200 }, () => event) });
    expect(batch.status).toBe(202);
    // As it is once the batch is paid for.
    expect(batch.headers.get("ratelimit")).toMatch(/^"events";r=0;t=\d+$/);

    for (const path of ["", "/batch"]) {
      const refused = await post(path, event);
      expect(refused.status).toBe(429);
      expect(refused.headers.get("content-type")).toBe("application/problem+json");
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(60);
      expect(refused.headers.get("ratelimit")).toMatch(/^"events";r=0;t=\d+$/);
      expect(await refused.json()).toMatchObject({ type: "/problems/too-many-requests" });
    }
    expect((await post("", event, otherKey)).status).toBe(202);
  });

  test("reads have a limit of their own; health and metrics have none", async () => {
    const read = () =>
      fetch(`${service.url}/api/v1/events?limit=1`, { headers: { "X-Api-Key": key } });
    const first = await read();
    expect(first.status).toBe(200);
    expect(first.headers.get("ratelimit-policy")).toBe('"reads";q=10;w=10');
    const statuses = await Promise.all(
      Array.from({ length: 30 }, async () => (await read()).status),
    );
    expect(statuses).toContain(429);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(9);
    const health = await fetch(`${service.url}/health/ready`);
    expect([health.status, health.headers.get("ratelimit")]).toEqual([200, null]);
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toMatch(/analytics_rate_limited_total\{.*limit="reads".*\} \d+/);
  });

  test("a batch that is refused tells what it cost", async () => {
    const thirdKey = "third-key-0123456789";
    const wrong = { events: Array.from({ length: 5 }, () => ({ type: "a" })) };
    const refused = await post("/batch", wrong, thirdKey);
    expect(refused.status).toBe(422);
    expect(refused.headers.get("ratelimit")).toMatch(/^"events";r=15;t=\d+$/);
  });

  test("wrong keys of one address are refused with 429 after some; a known key is not", async () => {
    const wrong = (i: number) => post("", event, `wrong-key-0123456789-${i}`);
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => wrong(i)));
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 401).length).toBeGreaterThanOrEqual(10);
    const limited = answers.find(({ status }) => status === 429);
    expect(Number(limited?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await post("", event, "fourth-key-0123456789")).status).toBe(202);
    // Who sends no key is only told so.
    expect((await fetch(`${service.url}/api/v1/events`)).status).toBe(401);
  });

  test("two different keys are refused", async () => {
    const answer = await fetch(`${service.url}/api/v1/events`, {
      headers: { "X-Api-Key": key, Authorization: `Bearer ${otherKey}` },
    });
    expect(answer.status).toBe(400);
  });
});
