import { whole, type Raw, readParameters } from "../reading/field.ts";

/** A batch message that failed for good. */
export interface DeadBatch {
  readonly id: string;
  /** The project of its events; `null` where the message is no batch. */
  readonly project: string | null;
  readonly reason: string;
  readonly attempts: number;
  /** RFC 3339. */
  readonly diedAt: string;
  readonly receivedAt: string;
  readonly sizeBytes: number;
}

/** A dead letter with its message: JSON, where it is a batch. */
export type ShownDeadBatch = DeadBatch & { readonly body: string };

export const deadLettersParameters = {
  limit: whole({ min: 1, max: 1_000, otherwise: 100 }),
};

/** @throws ServiceError VALIDATION naming each parameter that is wrong and what is allowed */
export function readDeadLettersQuestion(raw: Raw): { readonly limit: number } {
  return readParameters(raw, deadLettersParameters, ({ limit }) => ({ limit }));
}
