import type { PropertyPath } from "../store/store.ts";
import type { EventContext, Json, JsonObject, StoredEvent } from "./event.ts";

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

/** The stored form without what only the protocol needs. */
export function publicEvent(event: StoredEvent): PublicEvent {
  return {
    id: event.id,
    type: event.type,
    data: event.data,
    timestamp: new Date(event.timestamp).toISOString(),
    source: event.source,
    correlationId: event.correlationId,
    metadata: event.metadata,
    receivedAt: new Date(event.receivedAt).toISOString(),
    project: event.project,
    context: event.context,
  };
}

type Properties = Record<string, unknown>;

/** Only the properties at these paths, nested as they are in the event; missing ones are absent. `id` is always kept. */
export function selectFields(
  event: PublicEvent,
  paths: readonly PropertyPath[],
): Partial<PublicEvent> {
  const selected = Object.create(null) as Record<string, unknown>;
  selected["id"] = event.id;
  for (const path of paths) copy(event as unknown as Record<string, unknown>, selected, path);
  return selected;
}

function copy(from: Properties, to: Properties, [key, ...rest]: readonly string[]): void {
  if (key === undefined || !Object.hasOwn(from, key)) return;
  const value = from[key];
  if (rest.length === 0) {
    to[key] = value;
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const inner = (Object.hasOwn(to, key) ? to[key] : Object.create(null)) as Properties;
  copy(value as Properties, inner, rest);
  to[key] = inner;
}
