import { hash, randomUUID } from "node:crypto";
import type { Message } from "amqplib";
import type { DeadLetter, OutgoingMessage } from "../queue.ts";
import type { Parcel } from "./publisher.ts";

/**
 * The headers of a message: `receivedAt` (epoch milliseconds) and `attempt` always, `reason` of the
 * last failure on a retry, and `reason`, `attempts` and `diedAt` on a dead letter. The message's id
 * never changes.
 */

/** Makes the message of a first attempt. */
export function firstAttempt({ body, receivedAt }: OutgoingMessage, id: string = randomUUID()) {
  return { id, body, headers: { receivedAt, attempt: 1 } } satisfies Parcel;
}

/** Makes the same message, one attempt later. */
export function nextAttempt(message: Message, reason: string): Parcel {
  return {
    id: idOf(message),
    body: message.content,
    headers: {
      receivedAt: receivedAtOf(message),
      attempt: attemptOf(message) + 1,
      reason: cut(reason),
    },
  };
}

/** Makes a dead letter of the message. */
export function deadLetter(message: Message, reason: string, diedAt: number): Parcel {
  const attempts = attemptOf(message);
  return {
    id: idOf(message),
    body: message.content,
    headers: {
      receivedAt: receivedAtOf(message),
      attempt: attempts,
      attempts,
      reason: cut(reason),
      diedAt,
    },
  };
}

/** Makes a dead letter that was never delivered. */
export function deadAtOnce(
  message: OutgoingMessage,
  reason: string,
  diedAt: number,
  id: string = randomUUID(),
): Parcel {
  const { receivedAt } = message;
  const headers = { receivedAt, attempt: 0, attempts: 0, reason: cut(reason), diedAt };
  return { id, body: message.body, headers };
}

/** Makes the same dead letter with another message. */
export function withBody({ id, body: _, ...rest }: DeadLetter, body: Uint8Array): Parcel {
  return { id, body, headers: { ...rest, attempt: rest.attempts } };
}

/** Reads a message of the dead queue, even one that the broker itself has put there. */
export function toDeadLetter(message: Message): DeadLetter {
  const [death] = deathsOf(message);
  return {
    id: idOf(message),
    reason: text(message, "reason") ?? `the broker gave it up: ${death?.reason ?? "unknown"}`,
    attempts: number(message, "attempts") ?? attemptOf(message),
    diedAt: number(message, "diedAt") ?? (death?.time?.value ?? 0) * 1_000,
    receivedAt: receivedAtOf(message),
    body: bodyOf(message),
  };
}

export function attemptOf(message: Message): number {
  return number(message, "attempt") ?? 1;
}

/** 0 for a message without our headers. */
export function receivedAtOf(message: Message): number {
  return number(message, "receivedAt") ?? 0;
}

/** When the message was received, or the broker's own time at the end of its last delay. */
export function dueSinceOf(message: Message): number {
  const endedAt = (deathsOf(message)[0]?.time?.value ?? 0) * 1_000;
  return Math.max(receivedAtOf(message), endedAt);
}

/** The message's id; for a message of others a fingerprint. */
export function idOf({ properties, content }: Message): string {
  const id: unknown = properties.messageId;
  return typeof id === "string" ? id : fingerprintOf(content);
}

export function fingerprintOf(body: Uint8Array): string {
  return hash("sha256", body);
}

/** A copy that owns its memory: the client's buffer is a piece of what it read from the socket. */
export function bodyOf(message: Message): Uint8Array<ArrayBuffer> {
  return new Uint8Array(message.content);
}

/** The broker ends a connection that sends more headers than fit into one frame. */
function cut(reason: string): string {
  return reason.slice(0, 1_000);
}

interface Death {
  readonly reason?: string;
  /** Epoch seconds. */
  readonly time?: { readonly value?: number };
}

function deathsOf(message: Message): readonly Death[] {
  const deaths: unknown = message.properties.headers?.["x-death"];
  return Array.isArray(deaths) ? (deaths as readonly Death[]) : [];
}

function number(message: Message, header: string): number | undefined {
  const value: unknown = message.properties.headers?.[header];
  return typeof value === "number" ? value : undefined;
}

function text(message: Message, header: string): string | undefined {
  const value: unknown = message.properties.headers?.[header];
  return typeof value === "string" ? value : undefined;
}
