/**
 * The state of an event: `counted` in every answer; `quarantined`, or leaving quarantine
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

/**
 * An event's way, as far as it is known. Instants are RFC 3339; `null` where unknown, or not
 * reached.
 */
export interface EventTrace {
  readonly id: string;
  readonly state: (typeof traceStates)[number];
  /** When it was accepted, and when its batch was made for the queue. */
  readonly acceptedAt: string | null;
  readonly queuedAt: string | null;
  readonly batch: string | null;
  /** Which rollups hold a stored event; until then answers count it from its batch. */
  readonly rolledUp: {
    readonly minute: boolean;
    readonly hour: boolean;
    readonly day: boolean;
  } | null;
  /**
   * When its erasure was requested; where it may wait on the queue, that of an earlier event with
   * its id.
   */
  readonly erasedAt: string | null;
  /** The dead letter that holds it. */
  readonly deadLetter: string | null;
  /** The state of the queue, where the event may wait on it. */
  readonly queue: {
    readonly waiting: number;
    readonly oldestReceivedAt: string | null;
  } | null;
}

/** The instant at which a UUIDv7 was made; `null` for another id. */
export function madeAt(id: string): string | null {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7/i.exec(id) ?? [];
  if (high === undefined || low === undefined) return null;
  return new Date(Number.parseInt(high + low, 16)).toISOString();
}
