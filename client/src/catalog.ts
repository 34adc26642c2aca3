import type { CatalogProperties, CatalogTypes, CatalogValues } from "./answers.ts";
import type { AskOptions, Http } from "./http.ts";
import {
  queryString,
  type PropertiesQuestion,
  type TypesQuestion,
  type ValuesQuestion,
} from "./questions.ts";

/** Lists what questions can be about: for pickers, and for exploring. */
export class Catalog {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** The types, the most frequent first, each with its number of events in the range. */
  types(question: TypesQuestion = {}, ask?: AskOptions): Promise<CatalogTypes> {
    return this.#read("types", question, ask);
  }

  /** The properties that events have, the most frequent first, with the kinds of their values. */
  properties(question: PropertiesQuestion = {}, ask?: AskOptions): Promise<CatalogProperties> {
    return this.#read("properties", question, ask);
  }

  /** The values of a property, the most frequent first. */
  values(question: ValuesQuestion, ask?: AskOptions): Promise<CatalogValues> {
    return this.#read("values", question, ask);
  }

  async #read<Answer>(name: string, question: object, ask: AskOptions = {}): Promise<Answer> {
    const path = `/api/v1/catalog/${name}${queryString(question)}`;
    return (await this.#http.read<Answer>({ path, signal: ask.signal })).body;
  }
}
