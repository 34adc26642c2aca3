import type { AnswerMeta } from "../answer-meta.ts";
import { type PropertyPath, hasElements, readPath } from "../../event/property-path.ts";
import {
  filterFields,
  filterOfParameters,
  openFilter,
  type OpenFilter,
} from "../reading/filter-parameters.ts";
import { firstInstant, lastInstant } from "../../event/instant.ts";
import { mailTypes, type MailJob } from "./fold.ts";
import type { MailNumbers, MailRow } from "./report.ts";
import type { OpenRange } from "../../event/filter.ts";
import {
  choice,
  described,
  whole,
  type Field,
  type Raw,
  readParameters,
} from "../reading/field.ts";

/** A checked question of `GET /api/v1/reports/mail`. */
export interface MailQuestion {
  /** The events that the report reads. */
  readonly filter: OpenFilter;
  readonly job: MailJob;
  /** The range of the question: when the mails were sent, or when something happened to them. */
  readonly range: OpenRange;
}

export interface MailAnswer {
  readonly data: readonly MailRow[];
  readonly total: MailNumbers;
  /** How many groups there are, also those that the answer leaves out. */
  readonly groups: number;
  readonly meta: AnswerMeta;
}

const groups: Readonly<Record<string, PropertyPath>> = {
  campaignId: ["metadata", "campaignId"],
  templateId: ["metadata", "templateId"],
  emailProvider: ["context", "emailProvider"],
  "context.emailProvider": ["context", "emailProvider"],
};

/** The property that mails are grouped by: each mail is in one group. */
const group: Field<PropertyPath | undefined> = {
  schema: {
    type: "string",
    description: `One of ${Object.keys(groups).join(", ")}, or a path such as metadata.segment or data.subject`,
    examples: ["campaignId"],
  },
  read(name, { pointer }, findings) {
    if (name === undefined) return undefined;
    if (typeof name === "string") {
      if (Object.hasOwn(groups, name)) return groups[name];
      const path = readPath(name);
      const isProperty =
        path !== undefined && path.length > 1 && ["data", "metadata"].includes(path[0]);
      if (isProperty && !hasElements(path)) return path;
    }
    const message = `groupBy must be one of ${Object.keys(groups).join(", ")}, or a path such as metadata.segment or data.subject`;
    findings.push({ pointer, code: "dimension", message });
    return undefined;
  },
};

/** The report reads certain types, and tells machines apart itself. */
const { type: _type, bot: _bot, ...filters } = filterFields;
const own = {
  groupBy: group,
  mails: described(
    choice(["active", "sent"], "active"),
    "Mails of the range: those to which something happened in it, or those sent in it",
  ),
  limit: whole({ min: 1, max: 1_000, otherwise: 100 }),
};

/** The parameters of a mail report. */
export const mailParameters = { ...own, ...filters };
const open = openFilter(Object.keys(own), [], ["type", "bot"]);

/** @throws ServiceError VALIDATION naming each parameter that is wrong and what is allowed */
export function readMailQuestion(raw: Raw): MailQuestion {
  return readParameters(
    raw,
    mailParameters,
    (values, findings) => {
      const filter = filterOfParameters(values, raw, findings);
      const { groupBy, limit, mails } = values;
      const { from, to, ...rest } = { ...filter, types: mailTypes };
      const range = { from, to };
      if (mails === "active")
        return { filter: { ...rest, from, to }, job: { kind: "mail", groupBy, limit }, range };
      // The report also covers what became of the mails after the range.
      const sentWithin = { from: from ?? firstInstant, to: to ?? lastInstant };
      return {
        filter: { ...rest, from },
        job: { kind: "mail", groupBy, limit, sentWithin },
        range,
      };
    },
    open,
  );
}
