import { hash } from "node:crypto";
import type { EventId } from "./event.ts";

/** RFC 9562, any version, in lower case. */
const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/;

/** The last digits of a UUID, which tell the events of a call apart: more than a call may have. */
const ownDigits = 3;
const ownAt = 36 - ownDigits;
const ownEnd = 16 ** ownDigits;

/**
 * The ids of those events of one call that come without one, by their places in the call. They
 * follow from the call's id alone: a call that is delivered twice gives the same ids, and its caller
 * knows them without an answer.
 *
 * The first place has the call's own id, each further one a UUID that differs from it in the last 12
 * bits: they count on, and go round. Calls of this service have UUIDv7s. Where another node's call
 * has an id that is no UUID, a UUIDv8 made of its SHA-256 stands in its place.
 * @param call `ctx.id`: no other call has it
 */
export function givenIds(call: string): (place: number) => EventId {
  let idAt: ((place: number) => EventId) | undefined;
  return (place) => (idAt ??= countingFrom(call))(place);
}

function countingFrom(call: string): (place: number) => EventId {
  const first = uuid.test(call) ? call : hashedUuid(call);
  const shared = first.slice(0, ownAt);
  const start = Number.parseInt(first.slice(ownAt), 16);
  // The digit before the own ones keeps their leading zeros, and is cut off.
  return (place) => shared + (ownEnd + ((start + place) % ownEnd)).toString(16).slice(1);
}

/** A UUIDv8 (RFC 9562, 5.8) of the hash of a text. */
function hashedUuid(text: string): string {
  const digits = hash("sha256", text);
  const variant = ((Number.parseInt(digits[16]!, 16) & 0x3) | 0x8).toString(16);
  const parts = [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `8${digits.slice(13, 16)}`,
    `${variant}${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ];
  return parts.join("-");
}

/** The places of the events among the inputs of a call that come without an id. */
export function placesWithoutId(inputs: readonly unknown[]): readonly number[] {
  const places: number[] = [];
  for (const [place, input] of inputs.entries()) {
    const isEvent = typeof input === "object" && input !== null && !Array.isArray(input);
    if (isEvent && (input as { readonly id?: unknown }).id == null) places.push(place);
  }
  return places;
}
