import type { AnswerMeta } from "../answer-meta.ts";
import { ServiceError } from "../../errors.ts";
import type { PropertyPath } from "../../event/property-path.ts";
import {
  filterParameters,
  filterProperties,
  isFilterParameter,
  readEventFilter,
  type OpenFilter,
} from "../reading/filter-parameters.ts";
import { hasElements, readPath } from "../../event/property-path.ts";
import { firstInstant, lastInstant } from "../../event/instant.ts";
import { mailTypes, type MailJob } from "./fold.ts";
import type { MailNumbers, MailRow } from "./report.ts";
import type { OpenRange } from "../../event/filter.ts";
import {
  readChoice,
  readInteger,
  refuseUnknown,
  type Findings,
  type Raw,
} from "../reading/parameters.ts";

/** What `GET /api/v1/reports/mail` asks, checked. */
export interface MailQuestion {
  /** Which events it is about. */
  readonly filter: OpenFilter;
  readonly job: MailJob;
  /** When the mails were sent, or something happened to them: as it was asked for. */
  readonly range: OpenRange;
}

export interface MailAnswer {
  readonly data: readonly MailRow[];
  readonly total: MailNumbers;
  /** How many groups there are, those that are not told among them. */
  readonly groups: number;
  readonly meta: AnswerMeta;
}

const groups: Readonly<Record<string, PropertyPath>> = {
  campaignId: ["metadata", "campaignId"],
  templateId: ["metadata", "templateId"],
  emailProvider: ["context", "emailProvider"],
  "context.emailProvider": ["context", "emailProvider"],
};
const limits = { min: 1, max: 1_000, otherwise: 100 };
const own = ["groupBy", "mails", "limit"];

/** The report is about certain types, and tells machines apart itself. */
const notOurs = ["type", "bot"];
const known = [
  ...own,
  ...filterParameters.filter((name) => !notOurs.includes(name)),
  ...filterProperties,
];

/** @throws ServiceError VALIDATION naming each parameter that is wrong and what is allowed */
export function readMailQuestion(raw: Raw): MailQuestion {
  const findings: Findings = [];
  const isKnown = (name: string) =>
    own.includes(name) || (isFilterParameter(name) && !notOurs.includes(name));
  refuseUnknown(raw, isKnown, known, findings);
  const filter = readEventFilter(raw, findings);
  const groupBy = readGroup(raw["groupBy"], findings);
  const limit = readInteger(raw, "limit", limits, findings);
  const mails = readChoice(raw, "mails", ["active", "sent"], findings) ?? "active";
  if (findings.length > 0) throw new ServiceError("VALIDATION", undefined, { errors: findings });
  const { from, to, ...rest } = { ...filter, types: mailTypes };
  const range = { from, to };
  if (mails === "active")
    return { filter: { ...rest, from, to }, job: { kind: "mail", groupBy, limit }, range };
  // What became of the mails since then is told, too.
  const sentWithin = { from: from ?? firstInstant, to: to ?? lastInstant };
  return { filter: { ...rest, from }, job: { kind: "mail", groupBy, limit, sentWithin }, range };
}

function readGroup(name: unknown, findings: Findings): PropertyPath | undefined {
  if (name === undefined) return undefined;
  if (typeof name === "string") {
    if (Object.hasOwn(groups, name)) return groups[name];
    const path = readPath(name);
    const isProperty =
      path !== undefined && path.length > 1 && ["data", "metadata"].includes(path[0]);
    // Each mail is in one group.
    if (isProperty && !hasElements(path)) return path;
  }
  findings.push({
    pointer: "groupBy",
    code: "dimension",
    message: `groupBy must be one of ${Object.keys(groups).join(", ")}, or a path such as metadata.segment or data.subject`,
  });
  return undefined;
}
