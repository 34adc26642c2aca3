import { type PropertyPath, type Segment, each } from "./property-path.ts";
import type { EventContext, Json, JsonObject, StoredEvent } from "./event.ts";
import { instantText } from "./instant.ts";

/** An event as the API shows it. */
export interface PublicEvent {
  readonly id: string;
  readonly type: string;
  readonly data?: Json;
  /** RFC 3339, UTC, milliseconds. */
  readonly timestamp: string;
  readonly source: string;
  readonly correlationId?: string;
  readonly metadata?: JsonObject;
  readonly receivedAt: string;
  readonly project: string;
  readonly context: EventContext;
}

/** The stored event without the fields that only the protocol needs. */
export function publicEvent(event: Omit<StoredEvent, "batch" | "hash">): PublicEvent {
  return {
    id: event.id,
    type: event.type,
    data: event.data,
    timestamp: instantText(event.timestamp),
    source: event.source,
    correlationId: event.correlationId,
    metadata: event.metadata,
    receivedAt: instantText(event.receivedAt),
    project: event.project,
    context: event.context,
  };
}

type Properties = Record<string, unknown>;

/**
 * Keeps only the properties at these paths, nested as in the event; missing ones are absent. `id`
 * is always kept. Where a path leads to the elements of a list, each element stands in its place,
 * empty where it has none of the properties.
 */
export function selectFields(
  event: PublicEvent,
  paths: readonly PropertyPath[],
): Partial<PublicEvent> {
  const selected = Object.create(null) as Record<string, unknown>;
  selected["id"] = event.id;
  for (const path of paths) copy(event as unknown as Properties, selected, path);
  return selected;
}

function copy(from: Properties, to: Properties, [key, ...rest]: readonly Segment[]): void {
  if (typeof key !== "string" || !Object.hasOwn(from, key)) return;
  const copied = copyOf(from[key], Object.hasOwn(to, key) ? to[key] : undefined, rest);
  if (copied !== undefined) to[key] = copied;
}

/** Copies what lies at a path of a value, together with earlier copies from it. */
function copyOf(value: unknown, before: unknown, path: readonly Segment[]): unknown {
  const [segment, ...rest] = path;
  if (segment === undefined) return value;
  if (typeof value !== "object" || value === null) return before;
  if (Array.isArray(value) !== (segment === each)) return before;
  if (segment === each) {
    const known = Array.isArray(before) ? (before as unknown[]) : [];
    return (value as unknown[]).map((element, i): unknown => {
      const inner = copyOf(element, known[i], rest);
      if (inner !== undefined) return inner;
      return Array.isArray(element) ? [] : Object.create(null);
    });
  }
  const inner = (before ?? Object.create(null)) as Properties;
  copy(value as Properties, inner, path);
  return inner;
}
