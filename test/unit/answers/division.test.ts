import fc from "fast-check";
import { foldDivided, type FoldingNode, type Part } from "../../../lib/answers/division.ts";
import { ServiceError } from "../../../lib/errors.ts";
import type { StoredEvent } from "../../../lib/event/event.ts";
import type { ReadLimits } from "../../../lib/event/event-page.ts";
import { FoldOverflow, rowReader } from "../../../lib/questions/fold.ts";
import { foldOf, type FoldJob } from "../../../lib/questions/folds.ts";
import type { BreakdownJob } from "../../../lib/questions/query/breakdown.ts";
import type { Manifest, Segment } from "../../../lib/store/manifest.ts";
import type { FoldedPart } from "../../../lib/store/store.ts";
import { actorsEvents } from "../../support/actors-events.ts";
import { eventually } from "../../support/eventually.ts";
import { foldOver } from "../../support/fold-over.ts";
import { funnelOf } from "../../support/jobs.ts";

const jobs: readonly FoldJob[] = [
  {
    kind: "breakdown",
    metrics: [{ op: "count" }, { op: "uniques" }],
    dimensions: [{ path: ["data", "plan"] }],
    totals: true,
    maxGroups: 100,
  } satisfies BreakdownJob,
  funnelOf({ steps: [{ type: "a" }, { type: "b" }], breakdown: ["data", "plan"] }),
  { kind: "paths", after: { type: "a" }, length: 3, by: "user", limit: 100, range: {} },
];

/** Events, each in one of a few segments or in a batch of its own. */
class Stored {
  readonly manifest: Manifest;
  readonly #of: ReadonlyMap<string, readonly StoredEvent[]>;

  constructor(stored: readonly StoredEvent[], segments: number) {
    this.#of = Map.groupBy(stored, (_, i) => (i % 7 === 0 ? `b${i}` : `s${i % segments}`));
    const named = [...this.#of].map(([id, own]) => ({ id, rows: own.length }) as Segment);
    const batches = named.filter(({ id }) => id.startsWith("b")).map(({ id }) => id);
    const others = named.filter(({ id }) => id.startsWith("s"));
    const unsealed = batches.splice(0, 2).map((id) => ({ key: id, batches: [id], bytes: 1 }));
    const events = unsealed.length + batches.length;
    this.manifest = { segments: others, unsealed, batches, events };
  }

  async fold(job: FoldJob, { manifest, share }: Part): Promise<FoldedPart> {
    await Promise.resolve();
    const fold = foldOf(job, share);
    const read = rowReader(fold.columns);
    const ids = [
      ...manifest.segments.map(({ id }) => id),
      ...manifest.unsealed.flatMap(({ batches }) => batches),
      ...manifest.batches,
    ];
    const events = ids.flatMap((id) => this.#of.get(id) ?? []);
    for (const event of events) fold.add(read(event));
    const part = JSON.parse(JSON.stringify(fold.partial())) as unknown;
    return { part, events: events.length };
  }
}

const never = (signal: AbortSignal | undefined) =>
  new Promise<never>((_, reject) =>
    signal?.addEventListener("abort", () => reject(new Error("aborted"))),
  );

/** What another node does with each part: its work, nothing for ever, or it fails. */
const behaviours = ["works", "fails", "is silent", "works late", "works once"] as const;

class Node implements FoldingNode {
  readonly name: string;
  readonly asked: Part[] = [];
  readonly timeouts: number[] = [];
  aborted = 0;
  readonly #stored: Stored;
  readonly #job: FoldJob;
  readonly #behaviour: (typeof behaviours)[number];

  constructor(
    name: string,
    stored: Stored,
    job: FoldJob,
    behaviour: (typeof behaviours)[number] = "works",
  ) {
    this.name = name;
    this.#stored = stored;
    this.#job = job;
    this.#behaviour = behaviour;
  }

  async fold(part: Part, { signal, timeoutMs }: ReadLimits): Promise<FoldedPart> {
    this.asked.push(part);
    this.timeouts.push(timeoutMs);
    signal?.addEventListener("abort", () => (this.aborted += 1));
    if (this.#behaviour === "is silent") return never(signal);
    if (this.#behaviour === "fails") throw new Error("gone");
    if (this.#behaviour === "works once" && this.asked.length > 1) throw new Error("gone");
    for (let turn = 0; this.#behaviour === "works late" && turn < 30; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    return this.#stored.fold(this.#job, part);
  }
}

const limits: ReadLimits = { timeoutMs: 60_000 };
const sorted = (job: FoldJob, answer: unknown) => {
  if (job.kind !== "breakdown") return answer;
  const { groups, ...others } = answer as { readonly groups: readonly unknown[] };
  return { ...others, groups: groups.map((group) => JSON.stringify(group)).sort() };
};

test("the answer is that of one fold, whatever the other nodes do (any events, division and failures)", async () => {
  await fc.assert(
    fc.asyncProperty(
      actorsEvents(1_000, 60),
      fc.constantFrom(...jobs),
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.constantFrom(...behaviours), { maxLength: 4 }),
      fc.constantFrom("works" as const, "works late" as const),
      async (events, job, segments, nodes, ownWork) => {
        const stored = new Stored(events, segments);
        const own = new Node("own", stored, job, ownWork);
        const others = nodes.map((behaviour, i) => new Node(`n${i}`, stored, job, behaviour));
        const { manifest } = stored;
        const divided = await foldDivided(job, { manifest, own, others, limits, hedgeAfterMs: 1 });
        expect(sorted(job, divided.result)).toEqual(sorted(job, foldOver(foldOf(job), events)));
        expect(divided.events).toBe(events.length);
      },
    ),
    { numRuns: 300 },
  );
});

describe("parts", () => {
  const events = fc.sample(actorsEvents(1_000, 60), { numRuns: 60, seed: 7 }).flat();
  const [breakdown, funnel] = jobs as [FoldJob, FoldJob, FoldJob];
  const stored = new Stored(events, 60);
  const { manifest } = stored;
  const divided = async (job: FoldJob, [own, ...others]: readonly Node[]) => {
    await foldDivided(job, { manifest, own: own!, others, limits });
  };
  const nodesOf = (job: FoldJob, ...names: string[]) =>
    names.map((name) => new Node(name, stored, job));
  const homes = (nodes: readonly Node[]) =>
    new Map(
      nodes.flatMap(({ name, asked }) =>
        asked.flatMap((part) => part.manifest.segments.map(({ id }) => [id, name] as const)),
      ),
    );

  test("of a breakdown are of some segments each, the same for each node whoever asks", async () => {
    const nodes = nodesOf(breakdown, "a", "b", "c");
    await divided(breakdown, nodes);
    const segments = nodes.map(
      ({ asked }) => asked.flatMap((part) => part.manifest.segments).length,
    );
    expect(segments.reduce((sum, count) => sum + count)).toBe(manifest.segments.length);
    expect(Math.min(...segments)).toBeGreaterThan(10);
    const again = nodesOf(breakdown, "c", "a", "b");
    await divided(breakdown, again);
    expect(homes(again)).toEqual(homes(nodes));
    // Where a node is gone, its segments alone move.
    const fewer = nodesOf(breakdown, "a", "c");
    await divided(breakdown, fewer);
    for (const [id, name] of homes(fewer)) {
      if (homes(nodes).get(id) !== "b") expect(name).toBe(homes(nodes).get(id));
    }
  });

  test("of a funnel are of all segments, for a share of the users each", async () => {
    const nodes = nodesOf(funnel, "a", "b", "c");
    await divided(funnel, nodes);
    const asked = nodes.flatMap((node) => node.asked);
    expect(asked.map(({ share }) => share)).toEqual([0, 1, 2].map((part) => ({ part, of: 3 })));
    for (const part of asked) expect(part.manifest).toEqual(manifest);
  });

  test("have the rest of the question's time, and end where they are not needed any more", async () => {
    const [own] = nodesOf(breakdown, "a") as [Node];
    const silent = new Node("b", stored, breakdown, "is silent");
    await foldDivided(breakdown, { manifest, own, others: [silent], limits, hedgeAfterMs: 1 });
    expect(silent.aborted).toBe(1);
    expect(own.asked).toHaveLength(2);
    for (const ms of [...own.timeouts, ...silent.timeouts]) expect(ms).toBeLessThanOrEqual(60_000);
    expect(own.timeouts[1]).toBeLessThan(own.timeouts[0]!);
  });

  test("name the question's own limit where its time is over, and no other error's", async () => {
    const own: FoldingNode = {
      name: "a",
      fold: (_, { timeoutMs }) =>
        Promise.reject(new ServiceError("QUERY_TOO_EXPENSIVE", `more than ${timeoutMs}`)),
    };
    const failing = (timeoutMs: number) =>
      foldDivided(breakdown, { manifest, own, others: [], limits: { timeoutMs } });
    await expect(failing(0)).rejects.toMatchObject({
      type: "QUERY_TOO_EXPENSIVE",
      message: "it took longer than 0 ms and was stopped",
    });
    await expect(failing(60_000)).rejects.toThrow(/^more than /);
  });

  test("end with the question: where it is left, where this node fails, where the answer is too large", async () => {
    const leaving = new AbortController();
    const [silent, deaf] = ["a", "b"].map((name) => new Node(name, stored, breakdown, "is silent"));
    const left = foldDivided(breakdown, {
      ...{ manifest, own: silent!, others: [deaf!] },
      limits: { ...limits, signal: leaving.signal },
    });
    const outcome = left.catch((error: unknown) => error);
    await eventually(() => expect(deaf!.asked).toHaveLength(1));
    leaving.abort();
    expect(await outcome).toBeInstanceOf(Error);
    expect([silent!.aborted, deaf!.aborted]).toEqual([1, 1]);

    const broken = new Node("a", stored, breakdown, "fails");
    const waiting = new Node("b", stored, breakdown, "is silent");
    await expect(divided(breakdown, [broken, waiting])).rejects.toThrow("gone");
    expect(waiting.aborted).toBe(1);

    const few = { ...(breakdown as BreakdownJob), maxGroups: 1 } as FoldJob;
    const nodes = [breakdown, breakdown].map((job, i) => new Node(`n${i}`, stored, job));
    await expect(divided(few, nodes)).rejects.toThrow(FoldOverflow);
  });
});
