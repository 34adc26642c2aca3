import type {
  JsonObject,
  ProposedSchema,
  QuarantineAnswer,
  ReplayedEvents,
  ShownQuarantined,
  ShownQuarantinedEvent,
  ShownSchema,
  ShownVersion,
} from "./answers.ts";
import { listed } from "./administration.ts";
import { jsonCall, type AskOptions, type Http } from "./http.ts";
import { pagesOf, type Pages } from "./pages.ts";
import { pathStep, queryString, type QuarantineQuestion, type SchemaToPut } from "./questions.ts";

/** What events of a type are to look like. Reading takes `events:read`, changing `admin`. */
export class Schemas {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  list(ask?: AskOptions): Promise<readonly ShownSchema[]> {
    return listed(this.#http, "/api/v1/schemas", ask);
  }

  /** @throws ProblemError `not-found` */
  async get(type: string, { signal }: AskOptions = {}): Promise<ShownSchema> {
    return (await this.#http.read<ShownSchema>({ path: schemaPath(type), signal })).body;
  }

  /** The newest first, those before a removal, too. @param limit 1 to 50, by default 50 */
  versions(type: string, limit?: number, ask?: AskOptions): Promise<readonly ShownVersion[]> {
    return listed(this.#http, `${schemaPath(type)}/versions${queryString({ limit })}`, ask);
  }

  /** A new version, also where it changes the mode alone. */
  async put(type: string, schema: SchemaToPut, { signal }: AskOptions = {}): Promise<ShownSchema> {
    const call = jsonCall("PUT", schemaPath(type), schema, signal);
    return (await this.#http.ask<ShownSchema>(call)).body;
  }

  async remove(type: string, { signal }: AskOptions = {}): Promise<void> {
    await this.#http.ask({ method: "DELETE", path: schemaPath(type), signal });
  }

  /**
   * A schema that the newest events of a type keep; it is proposed, not put.
   * @param events how many of them are looked at: 1 to 2,000, by default 1,000
   */
  async infer(
    type: string,
    { events, signal }: AskOptions & { readonly events?: number } = {},
  ): Promise<ProposedSchema> {
    const asked = { ...(events !== undefined && { events }) };
    const call = jsonCall("POST", `${schemaPath(type)}/infer`, asked, signal);
    return (await this.#http.read<ProposedSchema>(call)).body;
  }
}

/** Events that break the schema of their type and are kept apart. Needs the scope `admin`. */
export class Quarantine {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** Without the events themselves, the latest received first: asked for page by page while it is iterated. */
  list(
    question: QuarantineQuestion = {},
    { signal }: AskOptions = {},
  ): Pages<QuarantineAnswer, ShownQuarantined> {
    return pagesOf(async (cursor) => {
      const path = `/api/v1/quarantine${queryString({ ...question, ...(cursor && { cursor }) })}`;
      return (await this.#http.read<QuarantineAnswer>({ path, signal })).body;
    });
  }

  /** @throws ProblemError `not-found` */
  async get(id: string, { signal }: AskOptions = {}): Promise<ShownQuarantinedEvent> {
    const path = quarantinePath(id);
    return (await this.#http.read<ShownQuarantinedEvent>({ path, signal })).body;
  }

  /**
   * Mend an event by a merge patch (RFC 7396): `null` takes a property away. What it still breaks stands in `findings`.
   * @throws ProblemError `invalid-event` where no event could look like this
   */
  async patch(
    id: string,
    patch: JsonObject,
    { signal }: AskOptions = {},
  ): Promise<ShownQuarantinedEvent> {
    const call = jsonCall(
      "PATCH",
      quarantinePath(id),
      patch,
      signal,
      "application/merge-patch+json",
    );
    return (await this.#http.ask<ShownQuarantinedEvent>(call)).body;
  }

  /**
   * Let an event out, to be stored and counted once, however often this is asked.
   * @throws ProblemError 422 with `findings`, where it still breaks its schema
   */
  async replay(id: string, { signal }: AskOptions = {}): Promise<void> {
    await this.#http.ask({ method: "POST", path: `${quarantinePath(id)}/replay`, signal });
  }

  /** The same for all that a question finds, page by page. Those that still break their schema stay. */
  async replayAll(
    question: QuarantineQuestion = {},
    { signal }: AskOptions = {},
  ): Promise<Pick<ReplayedEvents, "replayed" | "broken">> {
    let [replayed, broken] = [0, 0];
    let cursor = question.cursor ?? null;
    do {
      const asked = queryString({ ...question, ...(cursor !== null && { cursor }) });
      const call = { method: "POST", path: `/api/v1/quarantine/replay${asked}`, signal } as const;
      const { body } = await this.#http.read<ReplayedEvents>(call);
      replayed += body.replayed;
      broken += body.broken;
      cursor = body.nextCursor;
    } while (cursor !== null);
    return { replayed, broken };
  }

  /** For good: the event is neither stored nor counted. */
  async drop(id: string, { signal }: AskOptions = {}): Promise<void> {
    await this.#http.ask({ method: "DELETE", path: quarantinePath(id), signal });
  }
}

const schemaPath = (type: string) => `/api/v1/schemas/${pathStep(type)}`;
const quarantinePath = (id: string) => `/api/v1/quarantine/${pathStep(id)}`;
