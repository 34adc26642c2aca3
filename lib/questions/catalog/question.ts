import type { OpenRange } from "../../event/filter.ts";
import type { PropertyPath } from "../../event/property-path.ts";
import type { AnswerMeta } from "../answer-meta.ts";
import {
  checkOrder,
  described,
  text,
  whole,
  type Field,
  type Findings,
  type Raw,
  readParameters,
} from "../reading/field.ts";
import { filterFields, types } from "../reading/filter-parameters.ts";
import { readProperty } from "../reading/filter-body.ts";
import type { PropertyRow } from "./properties.ts";
import type { Shown, ValueRow } from "./values.ts";

/** A checked question of `GET /api/v1/catalog/types`; the range is that of the counts. */
export interface TypesQuestion extends OpenRange {
  readonly limit: number;
}

/** A checked question of `GET /api/v1/catalog/properties`. */
export interface PropertiesQuestion extends OpenRange {
  readonly types?: readonly string[];
  readonly limit: number;
}

/** A checked question of `GET /api/v1/catalog/values`. */
export interface ValuesQuestion extends OpenRange, Shown {
  readonly path: PropertyPath;
  readonly types?: readonly string[];
}

export interface TypeRow {
  readonly type: string;
  /** How many events of the type lie in the range. */
  readonly count: number;
  /**
   * The timestamps (RFC 3339) of its first and last event, over all time; `null` where these cannot
   * be read any more.
   */
  readonly firstSeen: string | null;
  readonly lastSeen: string | null;
}

export interface CatalogTypes {
  readonly data: readonly TypeRow[];
  readonly meta: AnswerMeta;
}

export interface CatalogProperties {
  readonly data: readonly PropertyRow[];
  /** How many events were looked at. */
  readonly events: number;
  readonly meta: AnswerMeta;
}

export interface CatalogValues {
  readonly data: readonly ValueRow[];
  /** How many events were looked at, also those without a value. */
  readonly events: number;
  readonly meta: AnswerMeta;
}

/** The range of the counts of types where the question names none. */
export const countedRange = "30d";

/** Reads the property whose values are listed. */
const property: Field<PropertyPath | undefined> = {
  schema: {
    type: "string",
    description: "The property whose values are told: its name as filters have it",
    examples: ["data.plan"],
  },
  required: true,
  read: (name, { pointer }, findings) => readProperty(name, pointer, findings),
};

const { from, to, range, timezone } = filterFields;
const limit = described(whole({ min: 1, max: 1_000, otherwise: 100 }), "The most rows");
export const typesParameters = { from, to, range, timezone, limit };
export const propertiesParameters = { type: types, ...typesParameters };
export const valuesParameters = {
  property,
  search: described(text, "Only values that contain this, in any case"),
  ...propertiesParameters,
};

/** @throws ServiceError VALIDATION naming each parameter that is wrong and what is allowed */
export function readTypesQuestion(raw: Raw): TypesQuestion {
  return readParameters(raw, typesParameters, (values, findings) => ({
    ...rangeOf(values, findings),
    limit: values.limit,
  }));
}

/** @throws ServiceError VALIDATION, as `readTypesQuestion` */
export function readPropertiesQuestion(raw: Raw): PropertiesQuestion {
  return readParameters(raw, propertiesParameters, (values, findings) => ({
    types: values.type,
    ...rangeOf(values, findings),
    limit: values.limit,
  }));
}

/** @throws ServiceError VALIDATION, as `readTypesQuestion` */
export function readValuesQuestion(raw: Raw): ValuesQuestion {
  return readParameters(raw, valuesParameters, (values, findings) => ({
    // A question without a property was refused before this.
    path: values.property ?? ["type"],
    types: values.type,
    search: values.search,
    ...rangeOf(values, findings),
    limit: values.limit,
  }));
}

function rangeOf({ from, to }: OpenRange, findings: Findings): OpenRange {
  checkOrder({ from, to }, { pointer: "to" }, findings);
  return { from, to };
}
