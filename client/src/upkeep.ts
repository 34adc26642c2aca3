import type { ShownJob, ShownRetention } from "./answers.ts";
import { jsonCall, type AskOptions, type Http } from "./http.ts";
import type { AuditToBegin, RebuildToBegin, RetentionToPut } from "./questions.ts";

/** How long events and counts are kept. Needs the scope `admin`. */
export class DataRetention {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  async get({ signal }: AskOptions = {}): Promise<ShownRetention> {
    return (await this.#http.read<ShownRetention>({ path: "/api/v1/retention", signal })).body;
  }

  /** In place of what held before. What is older is dropped, for good. */
  async put(ages: RetentionToPut, { signal }: AskOptions = {}): Promise<ShownRetention> {
    const call = jsonCall("PUT", "/api/v1/retention", ages, signal);
    return (await this.#http.ask<ShownRetention>(call)).body;
  }
}

/** Compares counts with the events, and counts anew, by jobs. Needs the scope `admin`. */
export class Counting {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** Compare counts with the events they are of; what differs is counted anew, unless `repair` is false. */
  async audit(audit: AuditToBegin = {}, { signal }: AskOptions = {}): Promise<ShownJob> {
    return (await this.#http.ask<ShownJob>(jsonCall("POST", "/api/v1/audits", audit, signal))).body;
  }

  /** Count a range anew, as after a change of what is rolled up. */
  async rebuild(range: RebuildToBegin, { signal }: AskOptions = {}): Promise<ShownJob> {
    const call = jsonCall("POST", "/api/v1/rollups/rebuild", range, signal);
    return (await this.#http.ask<ShownJob>(call)).body;
  }
}
