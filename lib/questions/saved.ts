import { ServiceError, type Finding } from "../errors.ts";
import { readBody } from "./reading/body.ts";
import type { Findings, Raw } from "./reading/parameters.ts";

/** A question as its owner writes it down: which kind, and what is asked, as it would be asked. */
export interface QuestionToKeep {
  readonly kind: string;
  readonly question: Raw;
  /** Empty where there is none. */
  readonly description: string;
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

/** How questions of each kind are read, exactly as when they are asked. They throw ServiceError VALIDATION. */
export type QuestionKinds = Readonly<Record<string, { read(question: Raw): unknown }>>;

const nameForm = /^[A-Za-z0-9._:@/+-]{1,128}$/;
const maxDescriptionLength = 1_024;

/** @throws ServiceError VALIDATION */
export function readQuestionName(name: unknown): string {
  if (typeof name === "string" && nameForm.test(name)) return name;
  const message = "a question's name is 1 to 128 of A-Za-z0-9._:@/+-";
  throw new ServiceError("VALIDATION", undefined, {
    errors: [{ pointer: "name", code: "name", message }],
  });
}

/**
 * Read `{"kind", "question", "description"}`. The question is read as it will be when it is asked.
 * @throws ServiceError VALIDATION with all findings, their pointers into the body
 */
export function readQuestionToKeep(body: unknown, kinds: QuestionKinds): QuestionToKeep {
  return readBody(body, ["kind", "question", "description"], (raw, findings) => {
    const kept = {
      kind: readKind(raw["kind"], kinds, findings),
      question: readObject(raw["question"], findings),
      description: readDescription(raw["description"], findings),
    };
    if (findings.length === 0) findings.push(...findingsOf(kept, kinds));
    return kept;
  });
}

function readKind(kind: unknown, kinds: QuestionKinds, findings: Findings): string {
  if (typeof kind === "string" && Object.hasOwn(kinds, kind)) return kind;
  const message = `kind must be one of ${Object.keys(kinds).join(", ")}`;
  findings.push({ pointer: "/kind", code: "choice", message });
  return "";
}

function readObject(question: unknown, findings: Findings): Raw {
  if (typeof question === "object" && question !== null && !Array.isArray(question)) {
    return question as Raw;
  }
  const message = "question must be an object: what would be asked";
  findings.push({ pointer: "/question", code: "object", message });
  return {};
}

function readDescription(description: unknown, findings: Findings): string {
  if (description === undefined) return "";
  if (typeof description === "string" && description.length <= maxDescriptionLength) {
    return description;
  }
  const message = `description must be a text of at most ${maxDescriptionLength} characters`;
  findings.push({ pointer: "/description", code: "text", message });
  return "";
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

/** Kinds that are asked by parameters, `from` and `to` among them; the others have a `range`. */
const asParameters = ["counts", "mail"];

/** A question as it is asked when `from` or `to` are given anew. */
export function withRange(
  { kind, question }: Pick<QuestionToKeep, "kind" | "question">,
  { from, to }: { readonly from?: unknown; readonly to?: unknown },
): Raw {
  const given = { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  if (Object.keys(given).length === 0) return question;
  if (asParameters.includes(kind)) return { ...question, ...given };
  return { ...question, range: { ...(question["range"] as object | undefined), ...given } };
}

/**
 * What must be so for a write to happen: nothing; none of this name; one of this name; or one whose version is
 * among these.
 */
export type Demand = "any" | "absent" | "present" | { readonly versions: readonly string[] };
