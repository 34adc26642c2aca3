import type { ProjectId } from "../event/event.ts";

/** Keeps the created keys, each as its SHA-256 alone. Writes are durable when they resolve. */
export interface KeyStore {
  /**
   * Adds a new key; `full` where the project has `limit` of them that have not ended. It removes
   * those that ended before `forgetBefore`.
   */
  add(
    key: StoredKey,
    limits: { readonly limit: number; readonly forgetBefore: number },
  ): Promise<"created" | "full">;

  /** All keys of a project, ended ones too, the oldest first. */
  list(project: ProjectId): Promise<readonly StoredKey[]>;

  find(project: ProjectId, id: string): Promise<StoredKey | undefined>;

  /**
   * Ends a key at an instant, whatever end it had; an earlier end stays. A revoked key (`revoked`)
   * is invalid at once; that stays, too.
   */
  end(project: ProjectId, id: string, end: KeyEnd): Promise<"ended" | "absent">;

  /**
   * Records when keys were used; a later recorded use stays, unless it is later by `useAheadMs`. It
   * skips missing keys.
   */
  used(uses: readonly KeyUse[]): Promise<void>;

  /**
   * A number that grows with each change of the valid keys of any project, by the time the change
   * is finished.
   */
  version(): Promise<number>;

  /** The keys of all projects that are valid at an instant, by id. */
  holding(at: number): Promise<readonly StoredKey[]>;
}

/** A use that was recorded so much later than another was recorded before the clock was set back. */
export const useAheadMs = 3_600_000;

export interface KeyEnd {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly revoked: boolean;
}

export interface KeyUse {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

export interface StoredKey {
  readonly id: string;
  readonly project: ProjectId;
  readonly name: string;
  /** Hexadecimal. */
  readonly sha256: string;
  /** The first characters, by which a person recognizes the key. */
  readonly hint: string;
  /** Separated by spaces. */
  readonly scopes: string;
  /** The key that this one replaces. */
  readonly replaces?: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** The key is invalid from then on; absent: valid until somebody revokes it. */
  readonly endsAt?: number;
  readonly revoked: boolean;
  readonly usedAt?: number;
}
