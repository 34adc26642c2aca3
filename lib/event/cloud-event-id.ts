import { hash } from "node:crypto";
import type { EventId } from "./event.ts";

/** RFC 9562, any version. */
const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
/** Crockford's base 32 of 48 bits of time and 80 random bits. */
const ulid = /^[0-7][\dA-HJKMNP-TV-Z]{25}$/i;

/**
 * The identity of a CloudEvent, which is its `source` and `id` together (CloudEvents 1.0, "id"). An
 * id that is a UUID or ULID is no other event's, whatever the source, and stands as it is. Any
 * other, of any text, becomes one made of both: `ce-` and the SHA-256 of the two in base64url. The
 * same two always make the same id.
 */
export function cloudEventId(source: string, id: string): EventId {
  if (uuid.test(id) || ulid.test(id)) return id;
  return `ce-${hash("sha256", JSON.stringify([source, id]), "base64url")}`;
}
