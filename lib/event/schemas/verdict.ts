import type { Finding } from "../../errors.ts";
import type { AcceptedEvent, ProjectId, StoredEvent } from "../event.ts";
import type { HeldEvent } from "./held.ts";
import type { SchemaMode, TypeSchema, Violations } from "./schema.ts";

/** A project's schemas on their way to a thread, in memory that is not copied. */
export interface SchemasOfProject {
  readonly project: ProjectId;
  /** Other schemas have another. */
  readonly key: string;
  /** JSON of a list of `TypeSchema`. */
  readonly bytes: SharedArrayBuffer;
}

export function schemasOfProject(
  project: ProjectId,
  key: string,
  schemas: readonly TypeSchema[],
): SchemasOfProject {
  const json = new TextEncoder().encode(JSON.stringify(schemas));
  const bytes = new SharedArrayBuffer(json.byteLength);
  new Uint8Array(bytes).set(json);
  return { project, key, bytes };
}

/** What a schema says of an event that breaks it. */
export interface Verdict extends Pick<TypeSchema, "mode" | "version"> {
  readonly findings: readonly Finding[];
}

/** An event as it is kept apart, without findings where it breaks nothing. */
export interface JudgeDone {
  readonly held: HeldEvent;
  readonly mode: SchemaMode;
}

/** Events of a batch told apart by what their schemas say. */
export class Sorted {
  readonly events: StoredEvent[] = [];
  readonly broken: HeldEvent[] = [];
  readonly #violations = new Map<string, Violations>();

  add(event: StoredEvent, accepted: AcceptedEvent, verdict: Verdict | undefined): void {
    if (verdict !== undefined) {
      const { mode, version } = verdict;
      const key = `${version} ${event.type}`;
      const events = (this.#violations.get(key)?.events ?? 0) + 1;
      this.#violations.set(key, { type: event.type, mode, version, events });
    }
    if (verdict?.mode === "enforce") this.broken.push(heldOf(event, accepted, verdict));
    else this.events.push(event);
  }

  get violations(): readonly Violations[] {
    return [...this.#violations.values()];
  }
}

/** An event as it is kept apart. */
export function heldOf(
  event: StoredEvent,
  { undated, country }: AcceptedEvent,
  { version, findings }: Pick<Verdict, "version" | "findings">,
): HeldEvent {
  // In messages of earlier versions the address is looked up only when it is enriched.
  const found = event.metadata?.["ip"] === undefined ? undefined : (event.context.country ?? null);
  const known = country === undefined ? found : country;
  return {
    event,
    ...(undated !== undefined && { undated }),
    ...(known !== undefined && { country: known }),
    version,
    findings,
  };
}
