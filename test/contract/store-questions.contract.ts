import fc from "fast-check";
import { deltasOf } from "../../lib/analytics/delta.ts";
import { builtInDimensions } from "../../lib/analytics/dimensions.ts";
import { eventsPlanOf, planOf } from "../../lib/analytics/plan.ts";
import { readQueryQuestion } from "../../lib/analytics/query-question.ts";
import { toldRange } from "../../lib/analytics/told.ts";
import type { StoredEvent } from "../../lib/event/event.ts";
import { Asking } from "../../lib/store/asking.ts";
import { rollUp, rollUpAll, storeBatch } from "../../lib/store/protocol.ts";
import { queried } from "../../lib/store/queried.ts";
import type { EventStore } from "../../lib/store/store.ts";
import { eventsWithin, names, origin } from "../unit/analytics/arbitraries.ts";
import { generousBudget } from "../fixtures/budget.ts";
import { expectAgreement, recount } from "./recount.ts";
import type { OnStore, StoreTraits } from "./store-harness.ts";

const spanMs = 3 * 86_400_000;
const questionsPerSet = 20;

/** What happens to events of a project until they are asked about. */
const history = fc.record({
  events: eventsWithin(spanMs, 30),
  batches: fc.integer({ min: 1, max: 3 }),
  rolledUp: fc.constantFrom("not", "in part", "all"),
});

const property = fc.oneof(
  names.map((name) => `data.${name}`),
  fc.constantFrom("metadata.userId", "context.utm.source"),
);
const dimension = fc.oneof(
  fc.constantFrom(
    "type",
    "source",
    "context.browser",
    "context.bot",
    "utm.source",
    "time:day",
    "time:week",
    "time:hour",
  ),
  property,
);
const metric = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("count", "uniques") },
  fc
    .tuple(fc.constantFrom("sum", "avg", "min", "max", "p50", "p99"), property)
    .map(([op, of]) => `${op}:${of}`),
);
const value = fc.oneof(
  names,
  fc.boolean(),
  fc.integer({ min: -5, max: 5 }),
  fc.constant(null),
  fc.constant("(none)"),
);
const leaf = fc.oneof(
  fc.tuple(
    fc.constantFrom("is", "is_not"),
    fc.oneof(fc.constantFrom("type", "source", "context.browser", "context.bot"), property),
    fc.array(value, { minLength: 1, maxLength: 3 }),
  ),
  fc.tuple(
    fc.constantFrom("gt", "lte"),
    property,
    fc.oneof(names, fc.integer({ min: -5, max: 5 })),
  ),
  fc.tuple(
    fc.constantFrom("contains", "starts_with"),
    fc.oneof(fc.constant("type"), property),
    fc.constantFrom("a", "to"),
  ),
  fc.tuple(fc.constant("exists"), property, fc.boolean()),
);
const filters = fc.oneof(
  leaf,
  fc.tuple(fc.constantFrom("and", "or"), leaf, leaf),
  fc.tuple(fc.constant("not"), leaf),
  fc.tuple(
    fc.constant("and"),
    leaf,
    fc.tuple(fc.constant("not"), fc.tuple(fc.constant("or"), leaf, leaf)),
  ),
);
const instant = fc.integer({ min: origin - 3_600_000, max: origin + spanMs });

const body = fc.record(
  {
    metrics: fc.uniqueArray(metric, { minLength: 1, maxLength: 3 }),
    dimensions: fc
      .uniqueArray(dimension, { maxLength: 2 })
      .filter((all) => all.filter((one) => one.startsWith("time:")).length < 2),
    filters,
    range: fc
      .record({ from: instant, to: instant }, { requiredKeys: [] })
      .filter(({ from = 0, to = Infinity }) => from < to),
    timezone: fc.constantFrom("Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"),
    include: fc.constant(["totals"]),
    fill: fc.boolean(),
  },
  { requiredKeys: ["metrics"] },
);

/** Every question, both ways, against a few plain lines. */
export function questionsContract(onStore: OnStore, { runs = 30 }: StoreTraits): void {
  test(
    "questions are answered from rollups and from events as by a plain recount (any history, any question)",
    onStore(async (store) => {
      let sets = 0;
      await fc.assert(
        fc.asyncProperty(
          history,
          fc.array(body, { minLength: questionsPerSet, maxLength: questionsPerSet }),
          async (past, bodies) => {
            const project = `q${++sets}`;
            const stored = await live(store, project, past);
            const asking = askingOf(store, project);
            for (const one of bodies) {
              const question = readQueryQuestion(one);
              for (const choose of [planOf, byEvents]) {
                const { results, totals, told } = await queried(asking, question, choose);
                const { from, to } = told.range ?? toldRange({ from: 0, to: 0 });
                const range = { from: Date.parse(from), to: Date.parse(to) };
                const expected = recount(stored, question, range);
                expectAgreement(question, results, expected.rows);
                if (totals)
                  expectAgreement(
                    question,
                    [{ dimensions: [], metrics: totals }],
                    [expected.total],
                  );
              }
            }
          },
        ),
        { numRuns: runs },
      );
    }),
    300_000,
  );
}

const byEvents: typeof planOf = (question, _, spans) => eventsPlanOf(question, spans);

function askingOf(store: EventStore, project: string): Asking {
  const budget = generousBudget();
  return new Asking({
    store,
    project,
    rolledUp: builtInDimensions,
    until: origin + spanMs,
    budget,
  });
}

/** Store a history: out of order, each batch with events of the one before, some batches twice. */
async function live(
  store: EventStore,
  project: string,
  {
    events,
    batches,
    rolledUp,
  }: {
    readonly events: readonly StoredEvent[];
    readonly batches: number;
    readonly rolledUp: string;
  },
): Promise<readonly StoredEvent[]> {
  const own = events.map((event) => ({ ...event, project }));
  for (let b = 0; b < batches; b++) {
    const batch = `${project}-b${b}`;
    const some = own
      .filter((_, i) => i % batches === b || i % (b + 2) === 0)
      .map((event) => ({ ...event, batch }));
    if (some.length === 0) continue;
    const count = (of: readonly StoredEvent[]) => deltasOf(batch, project, of, builtInDimensions);
    const done = { batch, project, events: some, deltas: count(some) };
    for (let time = 0; time <= b % 2; time++) {
      await storeBatch(store, done, (of) => Promise.resolve(count(of)));
    }
    if (rolledUp === "in part" && b === 0) await rollUp(store, "minute", 5);
  }
  if (rolledUp === "all") await rollUpAll(store, 1_000);
  return own;
}
