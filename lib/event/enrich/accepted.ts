import type { AcceptedEvent, BatchMessage } from "../event.ts";

/**
 * One event of a batch, checked for what enrichment and counting rely on. A message from the queue
 * has a checked envelope only, and one bad event must be found without the others.
 * @throws Error that names the position and the fault, and nothing of the content
 */
export function acceptedAt(message: BatchMessage, index: number): AcceptedEvent {
  const event: unknown = message.events[index];
  const fault = faultOf(event);
  if (fault !== undefined) throw new Error(`event ${index} of the batch ${fault}`);
  return event as AcceptedEvent;
}

function faultOf(event: unknown): string | undefined {
  if (!isRecord(event)) return "is no object";
  const unnamed = ["id", "type", "source"].find((field) => !isName(event[field]));
  if (unnamed !== undefined) return `has no ${unnamed}`;
  const undated = ["timestamp", "receivedAt"].find((field) => !Number.isFinite(event[field]));
  if (undated !== undefined) return `has no ${undated} in milliseconds`;
  const { metadata } = event;
  return metadata === undefined || isRecord(metadata)
    ? undefined
    : "has metadata that is no object";
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
