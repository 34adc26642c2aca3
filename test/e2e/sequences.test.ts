import { foldOf, type FoldJob } from "../../lib/questions/folds.ts";
import { type FunnelResult, readFunnelJob } from "../../lib/questions/sequences/funnel.ts";
import { readPathsJob } from "../../lib/questions/sequences/paths.ts";
import { readRetentionJob } from "../../lib/questions/sequences/retention.ts";
import type { StoryAnswer } from "../../lib/questions/lists/story.ts";
import type { AnswerMeta } from "../../lib/questions/answer-meta.ts";
import { ServiceProcess } from "../service-process.ts";
import { chance, readShopLog } from "../support/shop-log.ts";
import { foldOver } from "../support/fold-over.ts";
import { eventOf } from "../support/arbitraries.ts";
import { sendTo } from "./send.ts";
import { postShuffled, settled } from "./shop-run.ts";

const log = readShopLog();
const stored = log.map((event) => eventOf({ ...event, timestamp: Date.parse(event.timestamp) }));
const types = ["home", "add_to_cart", "cart", "shipping_details", "payment_details"];
const steps = types.map((type) => ({ type: `shop.${type}` }));

let service: ServiceProcess;
beforeAll(async () => {
  service = await ServiceProcess.create({ LOG_LEVEL: "warn" });
  await service.start();
  await postShuffled(service, log, { random: chance(7), batchSize: 1_000 });
  await settled(service);
}, 120_000);
afterAll(() => service.dispose());

type Answered<Result> = Result & { readonly meta: AnswerMeta };

/** A question that must be answered. */
async function ask<Result>(kind: string, body: object): Promise<Answered<Result>> {
  const { status, answer } = await asked(kind, body);
  expect({ status, answer }).toMatchObject({ status: 200 });
  return answer as Answered<Result>;
}

async function asked(kind: string, body: object): Promise<{ status: number; answer: unknown }> {
  const response = await fetch(`${service.url}/api/v1/query/${kind}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, answer: await response.json() };
}

async function story(path: string): Promise<{ status: number; answer: StoryAnswer }> {
  const response = await fetch(`${service.url}/api/v1/stories/${path}`);
  return { status: response.status, answer: (await response.json()) as StoryAnswer };
}

/** The answer without its meta, and what a fold over the log gives. */
async function expectFolded(kind: string, body: object, job: FoldJob): Promise<void> {
  const { meta, ...result } = await ask<{ readonly pathsLeftOut?: number }>(kind, body);
  expect(result).toEqual(JSON.parse(JSON.stringify(foldOver(foldOf(job), stored))));
  const isCut = (result.pathsLeftOut ?? 0) > 0;
  expect(meta).toMatchObject({ exact: !isCut, source: "events" });
  expect(meta.because).toEqual(isCut ? ["rowsLeftOut"] : undefined);
}

test("the shop's funnel, from its cache the second time, and anew once a user comes late", async () => {
  const usersOf = ({ steps: answered }: FunnelResult) => answered.map(({ users }) => users);
  const first = await ask<FunnelResult>("funnel", { steps });
  expect(usersOf(first)).toEqual([586, 488, 397, 305, 202]);
  expect(first.meta).toMatchObject({ exact: true, source: "events", cache: "miss" });
  const second = await ask<FunnelResult>("funnel", { steps });
  expect(second).toMatchObject({ steps: first.steps, meta: { cache: "hit" } });

  const late = { type: "shop.home", source: "shop", timestamp: "2024-02-01T00:00:00Z" };
  const { status } = await sendTo(
    service,
    "",
    JSON.stringify({ ...late, metadata: { userId: "late" } }),
    { Prefer: "wait=10" },
  );
  expect(status).toBe(201);
  expect(usersOf(await ask<FunnelResult>("funnel", { steps }))).toEqual([587, 488, 397, 305, 202]);
});

test("funnels, retention and paths of any kind are what the log gives", async () => {
  // Without the user who came late.
  const filters = ["exists", "data.platform", true];
  const funnel = {
    steps: steps.map(({ type }) => ({ type, filters })),
    window: "7d",
    by: "session",
    breakdown: "data.platform",
  };
  await expectFolded("funnel", funnel, readFunnelJob(funnel));
  const retention = {
    first: { type: "shop.home", filters },
    returning: { type: "shop.purchase" },
    interval: "week",
    timezone: "America/New_York",
    breakdown: "data.channel",
  };
  await expectFolded("retention", retention, readRetentionJob(retention));
  const paths = { after: { type: "shop.cart" }, length: 3, limit: 10 };
  await expectFolded("paths", paths, readPathsJob(paths));
});

test("funnels and paths take a zone beside a range with ends, where it changes nothing", async () => {
  const ends = { from: "2024-01-01T00:00:00Z", to: "2024-03-01T00:00:00Z" };
  const zoned = { timezone: "Asia/Kolkata" };
  const questions = { funnel: { steps }, paths: { after: { type: "shop.cart" } } } as const;
  for (const [kind, question] of Object.entries(questions)) {
    for (const range of [ends, "all"]) {
      const { meta: _plain, ...plain } = await ask<FunnelResult>(kind, { ...question, range });
      const { meta, ...answer } = await ask<FunnelResult>(kind, { ...question, range, ...zoned });
      expect([answer, meta.cache]).toEqual([plain, "hit"]);
    }
  }
});

test("a story, page by page", async () => {
  const id = "sess_000001";
  const own = log
    .filter(({ correlationId }) => correlationId === id)
    .sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp) || (a.id < b.id ? -1 : 1));
  const whole = (await story(id)).answer;
  expect(whole.data.map((event) => event.id)).toEqual(own.map((event) => event.id));
  expect(whole).toMatchObject({ correlationId: id, page: { limit: 100, nextCursor: null } });
  const [first, second] = own.map(({ timestamp }) => Date.parse(timestamp));
  expect(whole.data[0]).toMatchObject({ sinceFirstMs: 0, sincePreviousMs: null });
  expect(whole.data[1]).toMatchObject({ sincePreviousMs: second! - first! });

  const told = [];
  let next: string | null = "";
  while (next !== null) {
    const { answer }: { answer: StoryAnswer } = await story(
      `${id}?limit=3${next === "" ? "" : `&cursor=${next}`}`,
    );
    told.push(...answer.data);
    next = answer.page.nextCursor;
    expect(answer.meta.rows).toBe(answer.data.length);
    expect(answer.meta.rowsLeftOut).toBe(next === null ? 0 : undefined);
  }
  expect(told).toEqual(whole.data);
});

test("there is no story of what never happened, and none is told of bad parameters", async () => {
  expect(await story("never")).toMatchObject({ status: 404 });
  expect(await story("sess_000001?order=desc")).toMatchObject({
    status: 400,
    answer: { errors: [{ pointer: "order" }] },
  });
});

test.each([
  ["funnel", { steps: steps.slice(0, 1) }, 400, "/steps"],
  ["funnel", { steps: Array(11).fill(steps[0]) }, 400, "/steps"],
  ["funnel", { steps, window: "1x" }, 400, "/window"],
  ["funnel", { steps, by: "household" }, 400, "/by"],
  ["funnel", { steps, range: { since: 0 } }, 400, "/range/since"],
  ["funnel", { steps, range: "7d", timezone: "Mars/Olympus" }, 400, "/timezone"],
  ["paths", { after: { type: "shop.cart" }, timezone: "Mars/Olympus" }, 400, "/timezone"],
  ["retention", { timezone: "Mars/Olympus" }, 400, "/timezone"],
  [
    "retention",
    { range: { from: "1900-01-01T00:00:00Z", to: "2024-01-01T00:00:00Z" } },
    400,
    "/range",
  ],
  ["paths", { after: { type: "shop.cart" }, length: 6 }, 400, "/length"],
] as const)("a bad %s question %j is answered %i at %s", async (kind, body, status, pointer) => {
  expect(await asked(kind, body)).toMatchObject({ status, answer: { errors: [{ pointer }] } });
});

test("an open range with too many periods is too expensive, and the answer says how many are allowed", async () => {
  expect(await asked("retention", { range: { from: "1900-01-01T00:00:00Z" } })).toMatchObject({
    status: 422,
    answer: {
      type: "/problems/query-too-expensive",
      detail: expect.stringContaining("400") as string,
    },
  });
});
