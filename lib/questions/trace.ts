/**
 * Where an event is: `counted` in every answer; `quarantined` or on its way out of there
 * (`replaying`); `dead`, in a dead letter; `erased`; or `unknown`: on the queue, or never accepted.
 */
export const traceStates = [
  "counted",
  "quarantined",
  "replaying",
  "dead",
  "erased",
  "unknown",
] as const;

/** What is known of an event's way. Instants are RFC 3339; `null` is what is not known, or not so. */
export interface EventTrace {
  readonly id: string;
  readonly state: (typeof traceStates)[number];
  /** When it was accepted, and when its batch was made for the queue. */
  readonly acceptedAt: string | null;
  readonly queuedAt: string | null;
  readonly batch: string | null;
  /** Of a stored event which rollups hold it; answers count it from its batch until then. */
  readonly rolledUp: {
    readonly minute: boolean;
    readonly hour: boolean;
    readonly day: boolean;
  } | null;
  /** When its erasure was asked for. */
  readonly erasedAt: string | null;
  /** The dead letter that holds it. */
  readonly deadLetter: string | null;
  /** What waits on the queue, where the event may be among that. */
  readonly queue: {
    readonly waiting: number;
    readonly oldestReceivedAt: string | null;
  } | null;
}

/** When a UUIDv7 was made; `null` of another id. */
export function madeAt(id: string): string | null {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7/i.exec(id) ?? [];
  if (high === undefined || low === undefined) return null;
  return new Date(Number.parseInt(high + low, 16)).toISOString();
}
