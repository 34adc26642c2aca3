import type { Scope } from "./configured.ts";

/** What a gateway needs to know of a key that holds. */
export interface KnownKey {
  readonly id: string;
  readonly project: string;
  readonly name: string;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly scopes: readonly Scope[];
  /** Epoch milliseconds; absent: until somebody takes it. */
  readonly endsAt?: number;
  /** When it was used last, as far as uses were recorded. */
  readonly usedAt?: number;
}

/** The keys of all projects that hold. */
export interface KnownKeys {
  /** Grows with each change. */
  readonly version: number;
  /** Absent: those of this version are known. */
  readonly keys?: readonly KnownKey[];
}
