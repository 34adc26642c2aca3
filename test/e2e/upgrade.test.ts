import { eventually } from "../support/eventually.ts";
import { oldVersions, unpackFolder } from "../fixtures/old-folder.ts";
import { ServiceProcess } from "../service-process.ts";

// What `test/fixtures/folders/events.mjs` says: 32 events of ten mails in two campaigns, three more on
// the queue, and a dead letter beside them.
const range = { from: "2026-01-01T00:00:00Z", to: "2026-01-04T00:00:00Z" };
const during = `from=${range.from}&to=${range.to}`;
const types = { "email.sent": 10, "email.delivered": 10, "email.opened": 8, "email.clicked": 4 };

describe.each(oldVersions)("a data folder of %s", (version) => {
  let service: ServiceProcess;
  beforeAll(async () => {
    service = await ServiceProcess.create({ LOG_LEVEL: "warn" });
    await unpackFolder(version, service.dataDir);
    await service.start();
    await eventually(async () => {
      expect(await get(`/events/counts?${during}`)).toMatchObject({ total: 35 });
    });
  }, 120_000);
  afterAll(() => service.dispose());

  async function answerOf(response: Response): Promise<Record<string, unknown>> {
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status} ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  }
  const get = async (path: string) => answerOf(await fetch(`${service.url}/api/v1${path}`));
  const send = async (method: string, path: string, body: object) =>
    answerOf(
      await fetch(`${service.url}/api/v1${path}`, {
        method,
        headers: { "Content-Type": "application/json", Prefer: "wait=10" },
        body: JSON.stringify(body),
      }),
    );
  const ask = (path: string, question: object) => send("POST", path, { ...question, range });

  test("lists, finds, counts and exports its events, those on its queue too", async () => {
    const list = await get(`/events?limit=100&${during}`);
    expect(list["data"]).toHaveLength(35);
    expect(await get("/events/mail-3-2")).toMatchObject({
      type: "email.opened",
      correlationId: "m-3",
      data: { campaign: "summer", plan: "pro", n: 3 },
      context: { browser: "Safari", os: "iOS" },
    });
    const counts = await get(`/events/counts?interval=day&${during}`);
    expect(counts).toMatchObject({ total: 35, meta: { exact: true } });
    const byBrowser = await get(`/events/counts?groupBy=context.browser&${during}`);
    expect(byBrowser).toMatchObject({ total: 35 });
    const exported = await fetch(`${service.url}/api/v1/events/export?${during}`);
    expect((await exported.text()).trim().split("\n")).toHaveLength(35);
    const { data } = await get("/stories/m-0");
    expect(data).toHaveLength(4);
  });

  test("answers every kind of question about them", async () => {
    const byType = await ask("/query", { metrics: ["count", "uniques"], dimensions: ["type"] });
    expect(byType).toMatchObject({ meta: { exact: true } });
    const rows = byType["results"] as { dimensions: string[]; metrics: number[] }[];
    expect(Object.fromEntries(rows.map((row) => [row.dimensions[0], row.metrics[0]]))).toEqual({
      ...types,
      "page.viewed": 3,
    });
    const byPlan = await ask("/query", { metrics: ["count"], dimensions: ["data.plan"] });
    // Mails 0, 3, 6 and 9 are of the plan "pro".
    expect(byPlan["results"]).toEqual([
      { dimensions: ["free"], metrics: [35 - 13] },
      { dimensions: ["pro"], metrics: [13] },
    ]);
    const steps = ["email.sent", "email.opened", "email.clicked"].map((type) => ({ type }));
    const funnel = await ask("/query/funnel", { steps });
    const reached = (funnel["steps"] as { users: number }[]).map(({ users }) => users);
    expect(reached).toEqual([10, 8, 4]);
    const retention = await ask("/query/retention", {
      first: { type: "email.sent" },
      returning: { type: "email.opened" },
      interval: "day",
    });
    const returned = (retention["cohorts"] as { returned: number[] }[]).map(
      (row) => row.returned[0]!,
    );
    expect(returned.reduce((sum, users) => sum + users, 0)).toBe(8);
    const paths = await ask("/query/paths", { after: { type: "email.sent" }, length: 1 });
    expect(paths["paths"]).toMatchObject([{ types: ["email.delivered"], count: 10 }]);
    expect(await get(`/reports/mail?${during}`)).toMatchObject({
      total: { sent: 10, delivered: 10, opened: { unique: 8 }, clicked: { unique: 4 } },
    });
  });

  test("keeps and answers saved questions", async () => {
    const question = { metrics: ["count"], filters: ["is", "type", "email.clicked"], range };
    await send("PUT", "/queries/clicked", { kind: "run", question });
    expect(await get("/queries/clicked/results")).toMatchObject({ results: [{ metrics: [4] }] });
    const names = ((await get("/queries"))["data"] as { name: string }[]).map(({ name }) => name);
    // The first versions had no saved questions.
    const saves = !["8cbc10a", "57f955c", "2bd8ad9"].includes(version);
    expect(names).toEqual(saves ? ["clicked", "opened"] : ["clicked"]);
    if (!saves) return;
    const opened = (await get("/queries/opened/results"))["results"];
    expect(opened).toEqual([
      { dimensions: ["free"], metrics: [5] },
      { dimensions: ["pro"], metrics: [3] },
    ]);
  });

  test("takes more, counts it, and knows what it has", async () => {
    const timestamp = "2026-01-02T12:00:00Z";
    const fresh = { id: "fresh", type: "page.viewed", source: "web", timestamp };
    expect(await send("POST", "/events", fresh)).toMatchObject({ status: "stored" });
    const known = { id: "late-0", type: "page.viewed", source: "web" };
    const again = { ...known, data: { plan: "free" }, metadata: { userId: "u-0" } };
    const sent = { ...again, timestamp: "2026-01-03T02:00:00.000Z" };
    expect(await send("POST", "/events", sent)).toMatchObject({ status: "duplicate" });
    const counts = await get(`/events/counts?type=page.viewed&${during}`);
    expect(counts).toMatchObject({ total: 4, meta: { exact: true } });
  });

  test("has its dead letter still", async () => {
    const health = (await (await fetch(`${service.url}/health`)).json()) as object;
    expect(JSON.stringify(health)).toContain("there are dead letters");
  });
});
