import { readCountsQuestion, type CountsQuestion } from "../analytics/counts-question.ts";
import { readMailQuestion, type MailQuestion } from "../analytics/mail-question.ts";
import type { OpenFilter } from "../analytics/event-filter.ts";
import type { FoldJob, FoldKind, FoldResult } from "../analytics/folds.ts";
import { funnelFilter, readFunnelJob } from "../analytics/funnel-question.ts";
import { pathsFilter, readPathsJob } from "../analytics/paths-question.ts";
import type { OpenRange } from "../analytics/question-body.ts";
import { rollupPlanOf } from "../analytics/plan.ts";
import { readQueryQuestion, type QueryQuestion } from "../analytics/query-question.ts";
import type { Raw } from "../analytics/read-question.ts";
import { readRetentionJob, retentionFilter } from "../analytics/retention-question.ts";
import { exactness, toldRange, type Exactness, type Told } from "../analytics/told.ts";
import type { Asking } from "./asking.ts";
import { closedRange } from "./closed-range.ts";
import { counted, crossesDimensions, type Counted } from "./counted.ts";
import { mailReported, type MailReported } from "./mail-reported.ts";
import { queried, type Queried } from "./queried.ts";

/** Every kind of question whose answer is cached. Both are plain data. */
export interface Questions {
  readonly counts: { readonly question: CountsQuestion; readonly answer: Counted };
  readonly mail: { readonly question: MailQuestion; readonly answer: MailReported };
  readonly run: { readonly question: QueryQuestion; readonly answer: Queried };
  readonly funnel: Folded<"funnel">;
  readonly retention: Folded<"retention">;
  readonly paths: Folded<"paths">;
}

/** A question that is the job of a fold over the events. */
interface Folded<K extends FoldKind> {
  readonly question: FoldJob<K>;
  readonly answer: FoldResult<K> & Answer;
}

export type QuestionKind = keyof Questions;
export type Question<K extends QuestionKind> = Questions[K]["question"];

/** What every answer has beside its numbers. */
export interface Answer {
  /** Becomes part of `meta`. */
  readonly told: Told;
}

interface Kind<Q, A extends Answer> {
  /** @throws ServiceError VALIDATION with everything that is wrong */
  read(raw: Raw, rolledUp: readonly string[]): Q;
  /** What the answer depends on: no event outside of it changes it. */
  rangeOf(question: Q): OpenRange;
  /** Whether events have to be read for it in any case, when it is their project's turn. */
  takesTurn(question: Q, rolledUp: readonly string[]): boolean;
  answer(asking: Asking, question: Q): Promise<A>;
}

export const kinds: {
  readonly [K in QuestionKind]: Kind<Questions[K]["question"], Questions[K]["answer"]>;
} = {
  counts: {
    read: readCountsQuestion,
    rangeOf: ({ from, to }) => ({ from, to }),
    takesTurn: crossesDimensions,
    answer: counted,
  },
  mail: {
    read: readMailQuestion,
    rangeOf: ({ filter: { from, to } }) => ({ from, to }),
    takesTurn: () => true,
    answer: mailReported,
  },
  run: {
    read: readQueryQuestion,
    rangeOf: ({ range: { from, to }, compare }) => (compare ? { to } : { from, to }),
    takesTurn: (question, rolledUp) => rollupPlanOf(question, rolledUp) === undefined,
    answer: queried,
  },
  funnel: folded<"funnel">(readFunnelJob, funnelFilter, valuesCut),
  retention: folded<"retention">(readRetentionJob, retentionFilter, valuesCut),
  paths: folded<"paths">(readPathsJob, pathsFilter, ({ paths, pathsLeftOut }) => ({
    ...exactness(pathsLeftOut > 0 ? ["rowsLeftOut"] : []),
    rows: paths.length,
    rowsLeftOut: pathsLeftOut,
  })),
};

function valuesCut({ valuesLeftOut = 0 }: { readonly valuesLeftOut?: number }): Exactness {
  return exactness(valuesLeftOut > 0 ? ["valuesCut"] : []);
}

function folded<K extends FoldKind>(
  read: (raw: Raw) => FoldJob<K>,
  filterOf: (job: FoldJob<K>) => OpenFilter,
  cutOf: (result: FoldResult<K>) => Omit<Told, "source">,
): Kind<FoldJob<K>, FoldResult<K> & Answer> {
  return {
    read,
    rangeOf: (job) => {
      const { from, to } = filterOf(job);
      return { from, to };
    },
    takesTurn: () => true,
    async answer(asking, job) {
      const filter = filterOf(job);
      const range = await closedRange(asking, filter, filter.types);
      const { result } = await asking.analyze(filter, job);
      const told = { ...cutOf(result), source: "events" as const };
      return { ...result, told: { ...told, ...(range && { range: toldRange(range) }) } };
    },
  };
}
