import {
  countedRange,
  readPropertiesQuestion,
  readTypesQuestion,
  readValuesQuestion,
  type PropertiesQuestion,
  type TypesQuestion,
  type ValuesQuestion,
} from "../questions/catalog/question.ts";
import { readCountsQuestion, type CountsQuestion } from "../questions/counts.ts";
import { readMailQuestion, type MailQuestion } from "../questions/mail/question.ts";
import type { OpenFilter } from "../questions/reading/filter-parameters.ts";
import type { FoldJob, FoldKind, FoldResult } from "../questions/folds.ts";
import { funnelFilter, readFunnelJob } from "../questions/sequences/funnel.ts";
import { pathsFilter, readPathsJob } from "../questions/sequences/paths.ts";
import type { OpenRange } from "../event/filter.ts";
import { rollupPlanOf } from "./plan.ts";
import { readQueryQuestion, type QueryQuestion } from "../questions/query/question.ts";
import type { Raw } from "../questions/reading/field.ts";
import { asBody, asParameters, type Form } from "../questions/reading/relative-range.ts";
import { readRetentionJob, retentionFilter } from "../questions/sequences/retention.ts";
import { exactness, metaRange, type Exactness, type OwnMeta } from "../questions/answer-meta.ts";
import {
  answerProperties,
  answerTypes,
  answerValues,
  rolledUpAs,
  type PropertiesAnswer,
  type TypesAnswer,
  type ValuesAnswer,
} from "./catalog.ts";
import type { QuestionReads } from "./reads.ts";
import { closedRange } from "./range.ts";
import { answerCounts, crossesDimensions, type Counted } from "./counts.ts";
import { answerQuery, type Queried } from "./query.ts";
import type { MailReport } from "../questions/mail/report.ts";

/** Every kind of question whose answer is cached: its question and its answer, both plain data. */
export interface Questions {
  readonly counts: { readonly question: CountsQuestion; readonly answer: Counted };
  readonly mail: { readonly question: MailQuestion; readonly answer: MailReported };
  readonly run: { readonly question: QueryQuestion; readonly answer: Queried };
  readonly funnel: Folded<"funnel">;
  readonly retention: Folded<"retention">;
  readonly paths: Folded<"paths">;
  readonly catalogTypes: { readonly question: TypesQuestion; readonly answer: TypesAnswer };
  readonly catalogProperties: {
    readonly question: PropertiesQuestion;
    readonly answer: PropertiesAnswer;
  };
  readonly catalogValues: { readonly question: ValuesQuestion; readonly answer: ValuesAnswer };
}

/** A question that is itself the job of a fold. */
interface Folded<K extends FoldKind> {
  readonly question: FoldJob<K>;
  readonly answer: FoldResult<K> & Answer;
}

export type QuestionKind = keyof Questions;
export type Question<K extends QuestionKind> = Questions[K]["question"];

/** What every answer has besides its numbers. */
export interface Answer {
  /** Becomes part of `meta`. */
  readonly ownMeta: OwnMeta;
}

interface Kind<Q, A extends Answer> {
  readonly form: Form;
  /** @throws ServiceError VALIDATION with everything that is wrong */
  read(raw: Raw, rolledUp: readonly string[]): Q;
  /** What the answer depends on: no event outside of it changes it. */
  rangeOf(question: Q): OpenRange;
  /**
   * Whether answering always reads events, so that the question has to wait for its project's turn.
   */
  takesTurn(question: Q, rolledUp: readonly string[]): boolean;
  answer(reads: QuestionReads, question: Q): Promise<A>;
}

export const kinds: {
  readonly [K in QuestionKind]: Kind<Questions[K]["question"], Questions[K]["answer"]>;
} = {
  counts: {
    form: asParameters,
    read: readCountsQuestion,
    rangeOf: openRange,
    takesTurn: crossesDimensions,
    answer: answerCounts,
  },
  mail: {
    form: asParameters,
    read: readMailQuestion,
    rangeOf: ({ filter }) => openRange(filter),
    takesTurn: () => true,
    answer: mailReported,
  },
  run: {
    form: asBody,
    read: readQueryQuestion,
    rangeOf: ({ range: { from, to }, compare }) => (compare ? { to } : { from, to }),
    takesTurn: (question, rolledUp) => rollupPlanOf(question, rolledUp) === undefined,
    answer: answerQuery,
  },
  funnel: folded<"funnel">(readFunnelJob, funnelFilter, valuesCut),
  retention: folded<"retention">(readRetentionJob, retentionFilter, valuesCut),
  paths: folded<"paths">(readPathsJob, pathsFilter, ({ paths, pathsLeftOut }) => ({
    ...exactness(pathsLeftOut > 0 ? ["rowsLeftOut"] : []),
    rows: paths.length,
    rowsLeftOut: pathsLeftOut,
  })),
  catalogTypes: {
    form: { ...asParameters, otherwise: countedRange },
    read: readTypesQuestion,
    // First and last events are looked up without a range.
    rangeOf: () => ({}),
    takesTurn: () => false,
    answer: answerTypes,
  },
  catalogProperties: {
    form: asParameters,
    read: readPropertiesQuestion,
    rangeOf: openRange,
    takesTurn: () => true,
    answer: answerProperties,
  },
  catalogValues: {
    form: asParameters,
    read: readValuesQuestion,
    rangeOf: openRange,
    takesTurn: (question, rolledUp) => rolledUpAs(question, rolledUp) === undefined,
    answer: answerValues,
  },
};

/** The kinds that can be saved under a name: all but those of the catalogue. */
export const savedKinds = ["counts", "mail", "run", "funnel", "retention", "paths"] as const;

/** Picks the range from a question. */
function openRange({ from, to }: OpenRange): OpenRange {
  return { from, to };
}

function valuesCut({ valuesLeftOut = 0 }: { readonly valuesLeftOut?: number }): Exactness {
  return exactness(valuesLeftOut > 0 ? ["valuesCut"] : []);
}

function folded<K extends FoldKind>(
  read: (raw: Raw) => FoldJob<K>,
  filterOf: (job: FoldJob<K>) => OpenFilter,
  cutOf: (result: FoldResult<K>) => Omit<OwnMeta, "source">,
): Kind<FoldJob<K>, FoldResult<K> & Answer> {
  return {
    form: asBody,
    read,
    rangeOf: (job) => openRange(filterOf(job)),
    takesTurn: () => true,
    async answer(reads, job) {
      const filter = filterOf(job);
      const range = await closedRange(reads, filter, filter.types);
      const { result } = await reads.analyze(filter, job);
      const ownMeta = { ...cutOf(result), source: "events" as const };
      return { ...result, ownMeta: { ...ownMeta, ...(range && { range: metaRange(range) }) } };
    },
  };
}

/** A mail report before its `meta` is added. */
interface MailReported extends Omit<MailReport, "rows"> {
  readonly data: MailReport["rows"];
  readonly ownMeta: OwnMeta;
}

/** Answers a question about mails from their events. */
async function mailReported(
  reads: QuestionReads,
  { filter, job, range }: MailQuestion,
): Promise<MailReported> {
  const closed = await closedRange(reads, range, filter.types);
  const { rows, total, groups } = (await reads.analyze(filter, job)).result;
  const rowsLeftOut = groups - rows.length;
  const ownMeta = {
    ...exactness(rowsLeftOut > 0 ? ["rowsLeftOut"] : []),
    source: "events" as const,
    rows: rows.length,
    rowsLeftOut,
    ...(closed && { range: metaRange(closed) }),
  };
  return { data: rows, total, groups, ownMeta };
}
