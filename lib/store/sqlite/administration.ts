import type { BatchId, EventId, ProjectId } from "../../event/event.ts";
import type { Act, ActStore, BegunAct } from "../acts.ts";
import type { HeldEvent } from "../../event/schemas/held.ts";
import type { QuarantinedEvent, QuarantineQuery, QuarantineStore } from "../quarantine.ts";
import type { CurrentSchema, KeptSchema, SchemaStore } from "../schemas.ts";
import type { KeyEnd, KeyStore, KeyUse, StoredKey } from "../keys.ts";
import type { SqliteThreads } from "./threads.ts";

/** The keys in the store's file, by its threads. */
export class SqliteKeys implements KeyStore {
  readonly #threads: SqliteThreads;

  constructor(threads: SqliteThreads) {
    this.#threads = threads;
  }

  add(key: StoredKey, limits: Parameters<KeyStore["add"]>[1]): Promise<"created" | "full"> {
    return this.#threads.write("addKey", key, limits);
  }

  list(project: ProjectId): Promise<readonly StoredKey[]> {
    return this.#threads.read("quick", "keys", project);
  }

  find(project: ProjectId, id: string): Promise<StoredKey | undefined> {
    return this.#threads.read("quick", "key", project, id);
  }

  end(project: ProjectId, id: string, end: KeyEnd): Promise<"ended" | "absent"> {
    return this.#threads.write("endKey", project, id, end);
  }

  used(uses: readonly KeyUse[]): Promise<void> {
    return this.#threads.write("usedKeys", uses);
  }

  version(): Promise<number> {
    return this.#threads.read("quick", "keysVersion");
  }

  holding(at: number): Promise<readonly StoredKey[]> {
    return this.#threads.read("quick", "holdingKeys", at);
  }
}

/** The acts in the store's file, by its threads. */
export class SqliteActs implements ActStore {
  readonly #threads: SqliteThreads;

  constructor(threads: SqliteThreads) {
    this.#threads = threads;
  }

  begin(act: BegunAct): Promise<void> {
    return this.#threads.write("beginAct", act);
  }

  end(project: ProjectId, id: string, outcome: "done" | "failed"): Promise<void> {
    return this.#threads.write("endAct", project, id, outcome);
  }

  list(project: ProjectId, page: Parameters<ActStore["list"]>[1]): Promise<readonly Act[]> {
    return this.#threads.read("quick", "acts", project, page);
  }
}

/** The schemas in the store's file, by its threads. */
export class SqliteSchemas implements SchemaStore {
  readonly #threads: SqliteThreads;

  constructor(threads: SqliteThreads) {
    this.#threads = threads;
  }

  put(schema: KeptSchema, limit: number): Promise<"kept" | "stale" | "full"> {
    return this.#threads.write("putSchema", schema, limit);
  }

  find(project: ProjectId, type: string): Promise<KeptSchema | undefined> {
    return this.#threads.read("quick", "schema", project, type);
  }

  current(project?: ProjectId): Promise<readonly CurrentSchema[]> {
    return this.#threads.read("quick", "currentSchemas", project);
  }

  version(): Promise<number> {
    return this.#threads.read("quick", "schemasVersion");
  }
}

/** The quarantine in the store's file, by its threads. */
export class SqliteQuarantine implements QuarantineStore {
  readonly #threads: SqliteThreads;

  constructor(threads: SqliteThreads) {
    this.#threads = threads;
  }

  list(query: QuarantineQuery): Promise<readonly QuarantinedEvent[]> {
    return this.#threads.read("quick", "quarantined", query);
  }

  find(project: ProjectId, id: EventId): Promise<QuarantinedEvent | undefined> {
    return this.#threads.read("quick", "inQuarantine", project, id);
  }

  count(): Promise<number> {
    return this.#threads.read("quick", "countQuarantine");
  }

  amend(event: HeldEvent, revision: number): Promise<boolean> {
    return this.#threads.write("amendHeld", event, revision);
  }

  release(project: ProjectId, id: EventId, batch: BatchId) {
    return this.#threads.write("releaseHeld", project, id, batch);
  }

  drop(project: ProjectId, id: EventId, at: number): Promise<"dropped" | "absent" | "replaying"> {
    return this.#threads.write("dropHeld", project, id, at);
  }
}
