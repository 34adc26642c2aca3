import type { Finding } from "../../errors.ts";
import type { AcceptedEvent, ProjectId, StoredEvent } from "../event.ts";
import type { HeldEvent } from "./held.ts";
import type { SchemaMode, TypeSchema, Violations } from "./schema.ts";

/** A project's schemas on their way to a thread, in memory that both threads share. */
export interface SchemasOfProject {
  readonly project: ProjectId;
  /** Names the content: other schemas have another key. */
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

/** The verdict on an event that breaks its schema. */
export interface Verdict extends Pick<TypeSchema, "mode" | "version"> {
  readonly findings: readonly Finding[];
}

/** A judged event; without findings where it keeps its schema. */
export interface JudgeDone {
  readonly held: HeldEvent;
  readonly mode: SchemaMode;
}

/** The events of a batch, sorted by the verdicts of their schemas. */
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

/** Makes the quarantine entry of an event. */
export function heldOf(
  event: StoredEvent,
  { undated, country }: AcceptedEvent,
  { version, findings }: Pick<Verdict, "version" | "findings">,
): HeldEvent {
  // Events in messages of earlier versions get their country only during enrichment.
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
