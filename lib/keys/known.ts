import type { Scope } from "./configured.ts";

/** The properties of a valid key that gateways need. */
export interface KnownKey {
  readonly id: string;
  readonly project: string;
  readonly name: string;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly scopes: readonly Scope[];
  /** Epoch milliseconds; absent: valid until somebody revokes it. */
  readonly endsAt?: number;
  /** The last recorded use. */
  readonly usedAt?: number;
}

/** The valid keys of all projects. */
export interface KnownKeys {
  /** Grows with each change. */
  readonly version: number;
  /** Absent where the caller has this version already. */
  readonly keys?: readonly KnownKey[];
}
