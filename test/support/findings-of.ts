import { ServiceError, type Finding } from "../../lib/errors.ts";

/** What a reader of questions finds wrong; empty where it reads. Throws what is no finding. */
export function findingsOf(read: () => unknown): readonly Finding[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ServiceError && error.type === "VALIDATION") {
      return error.data.errors ?? [];
    }
    throw error;
  }
  return [];
}

/** Their pointers alone. */
export const pointersOf = (read: () => unknown) => findingsOf(read).map(({ pointer }) => pointer);
