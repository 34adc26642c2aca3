import type { ProjectId } from "../event/event.ts";

/**
 * Keeps who may do what: the keys that were given, each as its SHA-256 alone. Writes are durable
 * when they resolve.
 */
export interface KeyStore {
  /**
   * Keep a new key; `full` where the project has `limit` of them that have not ended. Those that
   * ended before `forgetBefore` go.
   */
  add(
    key: StoredKey,
    limits: { readonly limit: number; readonly forgetBefore: number },
  ): Promise<"created" | "full">;

  /** All of a project, the ended ones too, the oldest first. */
  list(project: ProjectId): Promise<readonly StoredKey[]>;

  find(project: ProjectId, id: string): Promise<StoredKey | undefined>;

  /**
   * A key holds no longer than until an instant, whatever it was given for; an earlier end stays.
   * Where somebody took it (`revoked`), it holds no more at once; that stays, too.
   */
  end(project: ProjectId, id: string, end: KeyEnd): Promise<"ended" | "absent">;

  /**
   * When keys were used; what is known to be later stays. A key that is not there is passed over.
   */
  used(uses: readonly KeyUse[]): Promise<void>;

  /**
   * A number that grows with each change of which keys hold, whatever the project, by the time the
   * change is finished.
   */
  version(): Promise<number>;

  /** The keys of all projects that hold at an instant, by id. */
  holding(at: number): Promise<readonly StoredKey[]>;
}

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
  /** The first characters, by which a person tells keys apart. */
  readonly hint: string;
  /** By space. */
  readonly scopes: string;
  /** The key that this one came in place of. */
  readonly replaces?: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** From then on it does not hold; absent: it does until somebody takes it. */
  readonly endsAt?: number;
  readonly revoked: boolean;
  readonly usedAt?: number;
}
