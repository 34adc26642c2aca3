import type { Condition, Predicate } from "../event/filter.ts";
import type { EventId, ProjectId, StoredEvent } from "../event/event.ts";
import type { PropertyPath } from "../event/property-path.ts";

/** A stored event's identity across projects; its entity's `_id` is `project:id`. */
export interface EntityKey {
  readonly project: ProjectId;
  readonly id: EventId;
}

/** A query of moleculer-db, in the store's own terms. */
export interface EntityQuery {
  readonly where: readonly Condition[];
  /** Events to leave out: none of these may be met. */
  readonly unless?: readonly Predicate[];
  /** Finds only these. */
  readonly keys?: readonly EntityKey[];
  readonly sort: readonly SortKey[];
  readonly offset: number;
  readonly limit: number;
}

export interface SortKey {
  readonly path: PropertyPath;
  readonly descending: boolean;
}

/** The reads that moleculer-db's actions need, of all projects' events. */
export interface EntityReads {
  /** The events that meet a query. Without `sort` the store chooses the order. */
  findEntities(query: EntityQuery): Promise<readonly StoredEvent[]>;

  /** How many events meet a query, whatever its limit and offset are. */
  countEntities(query: EntityQuery): Promise<number>;

  /** The events of some keys, in the order of the keys, each once; missing ones are absent. */
  entitiesByKey(keys: readonly EntityKey[]): Promise<readonly StoredEvent[]>;
}
