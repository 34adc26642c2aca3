import type { Needed } from "../keys/configured.ts";
import type { ErrorType } from "../errors.ts";
import { eventSchema } from "../event/event-schema.ts";
import { bodySchemaOf } from "../questions/reading/body.ts";
import type { Fields } from "../questions/reading/field.ts";
import { jsonSchemaOf, type JsonSchema } from "../schema/rule.ts";
import type { AnswerName } from "./answers.ts";
import type { AnswerHeader } from "./headers.ts";

/** The route of one operation. */
export interface Operation {
  readonly summary: string;
  /** What the other parts cannot say. */
  readonly description?: string;
  /** The scope that the key must have; absent: the route needs no key. */
  readonly scope?: Needed;
  /** Parts of the path. */
  readonly path?: Readonly<Record<string, JsonSchema>>;
  readonly parameters?: Fields;
  /** Whether parameters may be conditions on properties, such as `data.plan=pro`. */
  readonly filtered?: boolean;
  readonly headers?: Readonly<Record<string, JsonSchema>>;
  /** By media type. */
  readonly body?: Readonly<Record<string, JsonSchema>>;
  /** A body and parameters that a reader can try. */
  readonly example?: { readonly body?: object; readonly path?: Readonly<Record<string, string>> };
  /** By status: an answer of JSON, or media types of texts. */
  readonly answers: Readonly<Record<number, AnswerName | readonly string[] | null>>;
  readonly answerHeaders?: readonly AnswerHeader[];
  readonly problems?: readonly ErrorType[];
}

export const event = { $ref: "#/components/schemas/Event" };
export const text = { type: "string" };
export const id = jsonSchemaOf(eventSchema.properties.id);
export const ask = ["UNSUPPORTED_MEDIA_TYPE", "TOO_LARGE"] as const;
export const read = ["QUERY_TOO_EXPENSIVE", "TOO_MANY_REQUESTS", "STORE_UNAVAILABLE"] as const;
export const jsonBody = (body: Fields) => ({ "application/json": bodySchemaOf(body) });
