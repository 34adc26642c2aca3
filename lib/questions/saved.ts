import { ServiceError, type Finding } from "../errors.ts";
import { readBody } from "./reading/body.ts";
import {
  choice,
  described,
  fieldOf,
  instant,
  needed,
  timezone,
  type Raw,
} from "./reading/field.ts";
import { relativeRange, type Form } from "./reading/relative-range.ts";

/**
 * A question as its owner writes it down: its kind, and its body or parameters as a request would
 * have them.
 */
export interface QuestionToKeep {
  readonly kind: string;
  readonly question: Raw;
  /** Empty where there is none. */
  readonly description: string;
  /** How the page shows it: kept as it is, never read by the service. */
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
 * How questions of each kind are read, exactly as when they are asked. They throw ServiceError
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

/** The parts of a question to be kept. */
export function savedBody(kinds: readonly string[]) {
  return {
    kind: needed(choice(kinds)),
    question: needed(
      described(anyQuestion, "What would be asked: the body or the parameters of its kind"),
    ),
    description,
    view: described(view, "How it is shown: kept as it is, and read by nobody here"),
  };
}

/** The parameters of a saved question's results: another range than the one that is kept. */
export const savedResultsParameters = {
  from: instant,
  to: instant,
  range: relativeRange,
  timezone,
};

/**
 * Read `{"kind", "question", "description", "view"}`. The question is read as it will be when it is
 * asked.
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
      // A parameter's name, or a pointer into a body.
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

/** A question as it is asked when its range, or its zone, is given anew. */
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
  // Beside both, the reader refuses the relative one.
  if (hasEnds && range !== undefined) return { ...rest, ...zone, range: { last: range, ...ends } };
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
 * What must be so for a write to happen: nothing; none of this name; one of this name; or one whose
 * version is among these.
 */
export type Precondition = "any" | "absent" | "present" | { readonly versions: readonly string[] };
