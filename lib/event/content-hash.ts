import { hash } from "node:crypto";
import { readAddress, type Address } from "./enrich/ip.ts";
import type { AcceptedEvent, Json, JsonObject } from "./event.ts";

/**
 * The hash of what a client sent: type, data, source, correlation id, metadata, and the
 * timestamp where the client gave one. Not the id, nor what was added on the way. Two events of one
 * id with equal hashes are a repeat, with different ones a conflict.
 *
 * The order of keys does not matter at any depth; any other change does, with one exception: of
 * `metadata.ip` counts the network that may be stored and not the rest, or the 256 addresses behind
 * a stored `192.0.2.0` could be tried against the hash.
 *
 * Recursive over the depth of the content, which admission bounds.
 * @param addressOf `readAddress`, or a reader that remembers
 * @returns the first 132 bits of a SHA-256, base64url, 22 characters
 */
export function contentHash(
  event: AcceptedEvent,
  addressOf: (ip: unknown) => Address | undefined = readAddress,
): string {
  const { type, source, data, correlationId } = event;
  const timestamp = event.undated === true ? undefined : event.timestamp;
  const metadata = storable(event.metadata, addressOf);
  const content = { type, source, data, correlationId, metadata, timestamp };
  return hash("sha256", JSON.stringify(ordered(content)), "base64url").slice(0, 22);
}

type Members = { readonly [key: string]: Json | Members | undefined };

/** The metadata with only the storable part of the address. */
function storable(
  metadata: JsonObject | undefined,
  addressOf: (ip: unknown) => Address | undefined,
): Members | undefined {
  if (metadata === undefined || !Object.hasOwn(metadata, "ip")) return metadata;
  return { ...metadata, ip: addressOf(metadata["ip"])?.truncated };
}

/**
 * One value for all orders of keys: an object becomes the list `[1, key, value, key, value, ...]`
 * in order of its keys, an array the list `[0, ...items]`. A single JSON.stringify of that takes
 * half the time of writing sorted JSON bit by bit, and this is the dearest step of enrichment.
 */
function ordered(value: Json | Members): Json {
  if (typeof value !== "object" || value === null) return value;
  const list: Json[] = [];
  if (isList(value)) {
    list.push(0);
    for (const item of value) list.push(ordered(item));
    return list;
  }
  list.push(1);
  for (const key of sortedKeys(value)) {
    const member = value[key];
    if (member !== undefined) list.push(key, ordered(member));
  }
  return list;
}

/** With more keys than this, `sort` is faster than inserting one by one. */
const maxInserted = 32;

/** The keys in the order of their code units. `sort` takes four times as long for a few keys. */
function sortedKeys(value: object): readonly string[] {
  const keys = Object.keys(value);
  if (keys.length > maxInserted) return keys.sort();
  for (let at = 1; at < keys.length; at++) {
    const key = keys[at]!;
    let to = at;
    for (; to > 0 && keys[to - 1]! > key; to--) keys[to] = keys[to - 1]!;
    keys[to] = key;
  }
  return keys;
}

function isList(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
