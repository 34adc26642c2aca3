import { ServiceError, type Finding } from "../errors.ts";
import { readBody } from "./reading/body.ts";
import {
  checkOrder,
  choice,
  described,
  fieldOf,
  instant,
  needed,
  readParameters,
  timezone,
  type Raw,
} from "./reading/field.ts";
import { asParameters, readWithRange, relativeRange, type Form } from "./reading/relative-range.ts";

/** A question as its owner writes it: its kind, and the body or parameters of a request. */
export interface QuestionToKeep {
  readonly kind: string;
  readonly question: Raw;
  /** Empty where it has none. */
  readonly description: string;
  /** How the page shows it. The service keeps it unchanged and never reads it. */
  readonly view?: Raw;
}

/** A saved question as the API shows it. */
export interface ShownQuestion extends Partial<QuestionToKeep> {
  readonly name: string;
  readonly kind: string;
  readonly description: string;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly savedAt: string;
}

/**
 * The readers of each kind of question, the same ones that answers use. They throw ServiceError
 * VALIDATION.
 */
export type QuestionKinds = Readonly<Record<string, { read(question: Raw): unknown }>>;

/** The name of a saved question. */
const name = fieldOf<string>({
  rule: { type: "string", pattern: "^[A-Za-z0-9._:@/+-]{1,128}$" },
  code: "name",
  message: () => "a question's name is 1 to 128 of A-Za-z0-9._:@/+-",
});
export const savedNameSchema = name.schema;

/** @throws ServiceError VALIDATION */
export function readQuestionName(given: unknown): string {
  const errors: Finding[] = [];
  const read = name.read(given ?? null, { pointer: "name", name: "name" }, errors);
  if (read === undefined) throw new ServiceError("VALIDATION", undefined, { errors });
  return read;
}

const maxDescriptionLength = 1_024;
const maxViewBytes = 2_048;
const anyQuestion = fieldOf<Raw>({
  rule: { type: "object" },
  code: "object",
  message: (name) => `${name} must be an object: what would be asked`,
});
const description = fieldOf<string>(
  {
    rule: { type: "string", max: maxDescriptionLength },
    code: "text",
    message: (name) => `${name} must be a text of at most ${maxDescriptionLength} characters`,
  },
  "",
);

const view = fieldOf<Raw>({
  rule: { type: "object" },
  meaning: (value: Raw) =>
    Buffer.byteLength(JSON.stringify(value)) <= maxViewBytes ? value : undefined,
  code: "view",
  message: (name) => `${name} must be an object of at most ${maxViewBytes} bytes of JSON`,
});

/** The body of a request to save a question. */
export function savedBody(kinds: readonly string[]) {
  return {
    kind: needed(choice(kinds)),
    question: needed(
      described(anyQuestion, "What would be asked: the body or the parameters of its kind"),
    ),
    description,
    view: described(
      view,
      `How it is shown: at most ${maxViewBytes} bytes of JSON, kept as they are and read by nobody here`,
    ),
  };
}

/** The parameters of a saved question's results: another range than the saved one. */
export const savedResultsParameters = {
  from: instant,
  to: instant,
  range: relativeRange,
  timezone,
};

/**
 * Reads `{"kind", "question", "description", "view"}`, the question with the reader that answers
 * use.
 * @throws ServiceError VALIDATION with all findings, their pointers into the body
 */
export function readQuestionToKeep(body: unknown, kinds: QuestionKinds): QuestionToKeep {
  return readBody(body, savedBody(Object.keys(kinds)), (values, findings) => {
    const { kind = "", question = {}, description, view } = values;
    const kept = { kind, question, description, ...(view !== undefined && { view }) };
    if (findings.length === 0) findings.push(...findingsOf(kept, kinds));
    return kept;
  });
}

function findingsOf({ kind, question }: QuestionToKeep, kinds: QuestionKinds): readonly Finding[] {
  try {
    kinds[kind]?.read(question);
    return [];
  } catch (error) {
    if (!(error instanceof ServiceError) || error.type !== "VALIDATION") throw error;
    return (error.data.errors ?? []).map(({ pointer, ...finding }) => ({
      ...finding,
      // The pointer is a parameter's name, or a pointer into a body.
      pointer: `/question${pointer === "" || pointer.startsWith("/") ? pointer : `/${pointer}`}`,
    }));
  }
}

/** Another range for a question, as parameters. */
export interface OtherRange {
  readonly from?: unknown;
  readonly to?: unknown;
  readonly range?: unknown;
  readonly timezone?: unknown;
}

/**
 * Checks another range by itself, so that what is wrong is told of the parameters that were sent.
 * @param now epoch milliseconds
 * @throws ServiceError VALIDATION
 */
export function checkOtherRange(given: OtherRange, now: number): void {
  readWithRange(asParameters, { ...given }, now, (raw) =>
    readParameters(raw, savedResultsParameters, ({ from, to }, findings) => {
      checkOrder({ from, to }, { pointer: "to" }, findings);
    }),
  );
}

/** Replaces the range of a question, or its zone. */
export function withRange({ by }: Form, question: Raw, given: OtherRange): Raw {
  const { from, to, range, timezone } = given;
  const { from: ownFrom, to: ownTo, range: ownRange, ...rest } = question;
  const zone = timezone !== undefined && { timezone };
  const ends = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  const hasEnds = Object.keys(ends).length > 0;
  if (!hasEnds && range === undefined) return { ...question, ...zone };
  const other = range !== undefined && { range };
  if (by === "parameters") {
    const own = hasEnds && ownRange === undefined && { from: ownFrom, to: ownTo };
    return withoutAbsent({ ...rest, ...zone, ...own, ...ends, ...other });
  }
  const own = isRelative(ownRange) ? {} : (ownRange as object | undefined);
  return { ...rest, ...zone, ...(hasEnds ? { range: { ...own, ...ends } } : other) };
}

function isRelative(range: unknown): boolean {
  return typeof range === "string" || (range instanceof Object && Object.hasOwn(range, "last"));
}

function withoutAbsent(raw: Raw): Raw {
  return Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== undefined));
}

/**
 * The condition of a write: none; no question of this name exists; one exists; or one of these
 * versions does.
 */
export type Precondition = "any" | "absent" | "present" | { readonly versions: readonly string[] };
