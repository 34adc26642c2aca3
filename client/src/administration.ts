import type {
  AuditLog,
  DeadBatch,
  GivenKey,
  ShownAct,
  ShownDeadBatch,
  ShownJob,
  ShownKey,
} from "./answers.ts";
import { exported, type Export } from "./export.ts";
import { jsonCall, type AskOptions, type Http } from "./http.ts";
import { pagesOf, type Pages } from "./pages.ts";
import { pathStep, queryString, type ErasureFilters, type KeyToGive } from "./questions.ts";
import { delay, StayingAlive } from "./waiting.ts";

/** Whether an event that is accepted later may have an erased id again; by default it is refused. */
export interface ErasureOptions extends AskOptions {
  readonly ids?: "refused" | "reusable";
}

/**
 * Erases events and persons, by jobs that the service carries out. Needs the scope `admin`.
 * Requests are not repeated automatically, but a job that was begun twice does no harm.
 */
export class Erasing {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** Erases one event, even one that is not stored yet. */
  event(id: string, options?: ErasureOptions): Promise<ShownJob> {
    return this.#begin(`events/${pathStep(id)}`, {}, options);
  }

  /**
   * Erases the stored events that meet a filter; every event of the project only with `confirm:
   * "all"`.
   * @throws TypeError where a filter is an empty list
   */
  events(filters: ErasureFilters, options?: ErasureOptions): Promise<ShownJob> {
    return this.#begin("events", filters, options);
  }

  /** Erases a person with all events, also those not stored yet. */
  subject(userId: string, options?: ErasureOptions): Promise<ShownJob> {
    return this.#begin(`subjects/${pathStep(userId)}`, {}, options);
  }

  /** Exports all events of a person, to hand them out before they are erased. */
  subjectExport(
    userId: string,
    { format = "ndjson", signal }: AskOptions & { readonly format?: "ndjson" | "csv" } = {},
  ): Promise<Export> {
    const path = `/api/v1/subjects/${pathStep(userId)}/export?format=${format}`;
    return exported(this.#http, path, signal);
  }

  async #begin(
    what: string,
    filters: object,
    { ids, signal }: ErasureOptions = {},
  ): Promise<ShownJob> {
    const path = `/api/v1/${what}${queryString({ ...filters, ids })}`;
    return (await this.#http.ask<ShownJob>({ method: "DELETE", path, signal })).body;
  }
}

/** What was begun: erasures, audits, rebuilt rollups. Needs the scope `admin`. */
export class Jobs {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** @throws ProblemError `not-found` */
  async get(id: string, { signal }: AskOptions = {}): Promise<ShownJob> {
    const path = `/api/v1/jobs/${pathStep(id)}`;
    return (await this.#http.read<ShownJob>({ path, signal })).body;
  }

  /** The newest first. @param limit 1 to 100, by default 20 */
  list(limit?: number, ask?: AskOptions): Promise<readonly ShownJob[]> {
    return listed(this.#http, `/api/v1/jobs${queryString({ limit })}`, ask);
  }

  /** Resolves when a job is done: looks once a second. */
  async finished(id: string, ask: AskOptions = {}): Promise<ShownJob> {
    return new StayingAlive().while(async () => {
      for (;;) {
        const job = await this.get(id, ask);
        if (job.status === "done") return job;
        await delay(1_000, ask.signal);
      }
    });
  }
}

/** Creates, replaces and revokes keys. Needs the scope `admin`. */
export class Keys {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  list(ask?: AskOptions): Promise<readonly ShownKey[]> {
    return listed(this.#http, "/api/v1/keys", ask);
  }

  /** @throws ProblemError `not-found` */
  async get(id: string, { signal }: AskOptions = {}): Promise<ShownKey> {
    return (await this.#http.read<ShownKey>({ path: keyPath(id), signal })).body;
  }

  /**
   * Creates a key. Only this answer holds it. The request is not repeated automatically: each
   * attempt would leave a key that nobody has seen.
   */
  create(key: KeyToGive, ask?: AskOptions): Promise<GivenKey> {
    return this.#post("/api/v1/keys", key, ask);
  }

  /**
   * Replaces a key by a new one; the old one stays valid for `overlapSeconds`: by default a day.
   */
  rotate(
    id: string,
    given: { readonly overlapSeconds?: number } & Pick<KeyToGive, "expiresAt"> = {},
    ask?: AskOptions,
  ): Promise<GivenKey> {
    return this.#post(`${keyPath(id)}/rotate`, given, ask);
  }

  async revoke(id: string, { signal }: AskOptions = {}): Promise<void> {
    await this.#http.ask({ method: "DELETE", path: keyPath(id), signal });
  }

  async #post(path: string, body: object, { signal }: AskOptions = {}): Promise<GivenKey> {
    return (await this.#http.ask<GivenKey>(jsonCall("POST", path, body, signal))).body;
  }
}

/** Dead letters: batches that failed for good. Needs the scope `admin`. */
export class DeadLetters {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** The oldest first. @param limit 1 to 1,000, by default 100 */
  list(limit?: number, ask?: AskOptions): Promise<readonly DeadBatch[]> {
    return listed(this.#http, `/api/v1/dead-letters${queryString({ limit })}`, ask);
  }

  /** @throws ProblemError `not-found` */
  async get(id: string, { signal }: AskOptions = {}): Promise<ShownDeadBatch> {
    return (await this.#http.read<ShownDeadBatch>({ path: deadPath(id), signal })).body;
  }

  /** Puts a dead letter back on the queue, as a first attempt. */
  async replay(id: string, { signal }: AskOptions = {}): Promise<void> {
    await this.#http.ask({ method: "POST", path: `${deadPath(id)}/replay`, signal });
  }

  /** Removes a dead letter for good: its events are neither stored nor counted. */
  async remove(id: string, { signal }: AskOptions = {}): Promise<void> {
    await this.#http.ask({ method: "DELETE", path: deadPath(id), signal });
  }
}

/** The administrative acts, the newest first. Needs the scope `admin`. */
export function auditLogOf(
  http: Http,
  { limit }: { readonly limit?: number } = {},
  { signal }: AskOptions = {},
): Pages<AuditLog, ShownAct> {
  return pagesOf(async (cursor) => {
    const path = `/api/v1/audit-log${queryString({ limit, cursor })}`;
    return (await http.read<AuditLog>({ path, signal })).body;
  });
}

/** @throws ProblemError */
export async function listed<T>(http: Http, path: string, { signal }: AskOptions = {}) {
  return (await http.read<{ readonly data: readonly T[] }>({ path, signal })).body.data;
}

const keyPath = (id: string) => `/api/v1/keys/${pathStep(id)}`;
const deadPath = (id: string) => `/api/v1/dead-letters/${pathStep(id)}`;
