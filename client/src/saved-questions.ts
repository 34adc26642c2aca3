import type { ShownQuestion } from "./answers.ts";
import { jsonCall, type AskOptions, type Answered, type Http } from "./http.ts";
import { pathStep, queryString, type QuestionToSave, type RangeParameters } from "./questions.ts";

/** A saved question, and the version that was read. */
export interface SavedQuestion extends ShownQuestion {
  /** For `ifMatch`: only this version is changed. */
  readonly version: string;
}

/** The condition of a change; otherwise it is refused (`precondition-failed`). */
export interface Precondition {
  /** Only this version; `*` for any existing one. */
  readonly ifMatch?: string;
  /** Only where the name is free. */
  readonly ifNoneMatch?: "*";
}

/** The saved questions of a project. Changing them needs the scope `admin`. */
export class SavedQuestions {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** Lists them by name, without their bodies. */
  async list({ signal }: AskOptions = {}): Promise<readonly ShownQuestion[]> {
    const call = { path: "/api/v1/queries", signal };
    return (await this.#http.read<{ readonly data: readonly ShownQuestion[] }>(call)).body.data;
  }

  /** @throws ProblemError `not-found` */
  async get(name: string, { signal }: AskOptions = {}): Promise<SavedQuestion> {
    return versioned(await this.#http.read({ path: pathOf(name), signal }));
  }

  /**
   * Saves a question under a name, in place of an existing one. The service reads it as an answer
   * would.
   */
  async put(
    name: string,
    question: QuestionToSave,
    { signal, ...condition }: AskOptions & Precondition = {},
  ): Promise<SavedQuestion> {
    const call = jsonCall("PUT", pathOf(name), question, signal);
    const headers = { ...call.headers, ...headersOf(condition) };
    return versioned(await this.#http.ask({ ...call, headers }));
  }

  /** @throws ProblemError `not-found` */
  async remove(
    name: string,
    { signal, ...condition }: AskOptions & Precondition = {},
  ): Promise<void> {
    const headers = headersOf(condition);
    await this.#http.ask({ method: "DELETE", path: pathOf(name), headers, signal });
  }

  /**
   * Answers a saved question. @typeParam Answer that of its kind, such as `CountsAnswer`
   * @param range replaces the saved range
   */
  async results<Answer extends object>(
    name: string,
    range: RangeParameters = {},
    { signal }: AskOptions = {},
  ): Promise<Answer> {
    const path = `${pathOf(name)}/results${queryString(range)}`;
    return (await this.#http.read<Answer>({ path, signal })).body;
  }
}

function pathOf(name: string): string {
  return `/api/v1/queries/${pathStep(name)}`;
}

function headersOf({ ifMatch, ifNoneMatch }: Precondition): Record<string, string> {
  return {
    ...(ifMatch !== undefined && { "If-Match": ifMatch }),
    ...(ifNoneMatch !== undefined && { "If-None-Match": ifNoneMatch }),
  };
}

function versioned({ body, headers }: Answered<ShownQuestion>): SavedQuestion {
  return { ...body, version: headers.get("etag") ?? "" };
}
