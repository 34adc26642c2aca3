import { readFileSync } from "node:fs";
import { aggregatorHealth, consumerHealth, type DirtyBacklog } from "../../../lib/health.ts";
import { adviceOf, waitOf } from "../../../page/pure/advice.ts";
import { inWords, remember, samples } from "../../../page/pure/stage-history.ts";

const late = await aggregatorHealth(known({ marks: 1, oldestMarkedAt: 0 }, 0), () => 120_000);
const slow = await aggregatorHealth(known(null, 1), () => 0);

function known(value: DirtyBacklog | null, lateMs: number) {
  return { within: () => Promise.resolve({ value, lateMs }) };
}

describe("what Health says", () => {
  const depth = { messages: 3, oldestReceivedAt: 0, dueSince: 0, dead: 1 } as never;
  const stages = [
    ["processor", consumerHealth(depth, { now: 1, sinceDoneMs: 0, held: "the store is away" })],
    [
      "processor",
      consumerHealth(depth, { now: 1, sinceDoneMs: 0, held: "no enrichment thread works" }),
    ],
    ["processor", consumerHealth(depth, { now: 1, sinceDoneMs: 0, held: null })],
    ["processor", consumerHealth(depth, { now: 60_000, sinceDoneMs: 60_000, held: null })],
    ["aggregator", late],
    ["aggregator", slow],
    ["query", { state: "down", reason: "the service is not there" } as const],
  ] as const;

  test.each(stages)("%s: the advice names a part of the operations document", (name, health) => {
    expect(health.state).not.toBe("ok");
    const { act, section } = adviceOf({ name, ...health });
    const headings = readFileSync("docs/operations.md", "utf8").match(/^#+ .*$/gm);
    expect(headings).toContainEqual(expect.stringMatching(`^#+ ${section}$`));
    expect(act).not.toBe(adviceOf({ name, state: "down", reason: "of another kind" }).act);
  });

  test("waiting is told in the stage's own unit", () => {
    const waits = (backlog?: number) =>
      waitOf({ name: "processor", state: "ok", ...(backlog !== undefined && { backlog }) });
    expect([waits(), waits(0), waits(1), waits(12)]).toEqual([
      ...["–", "nothing", "1 batch", "12 batches"],
    ]);
  });

  test("ten minutes are remembered, the worst of each ten seconds", () => {
    const at = 1_000_000_000;
    remember({ name: "ingest", state: "down", lagMs: 5 }, at);
    remember({ name: "ingest", state: "ok", lagMs: 9 }, at + 1_000);
    expect(samples("ingest", at).at(-1)).toEqual({ state: "down", lagMs: 9 });
    expect(inWords(samples("ingest", at + 590_000))).toBe("Was down");
    expect(samples("ingest", at + 600_000)).toEqual(Array.from({ length: 60 }, () => undefined));
  });
});
