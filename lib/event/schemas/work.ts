import type { JsonObject } from "../event.ts";
import { isPlainObject } from "../plain-json.ts";
import {
  plainSize,
  schemaLists,
  schemaMaps,
  schemaWords,
  targetOf,
  type Members,
} from "./bounds.ts";

/** The most work of checking one event, in evaluations of a keyword: some 40 ms. */
const mostWork = 200_000;

/** The keyword that `metered` adds: the work of applying the schema that it stands in to a value. */
export const workKeyword = "work";

/** The work of applying a schema to a value, without what it applies to the values within. */
export interface Work {
  readonly perValue: number;
  /** For each character of a text: lengths are counted. */
  readonly perCharacter: number;
}

/** A schema whose work is less is not metered: an event has 32,768 values, and 65,536 characters. */
const leastMetered: Work = { perValue: 6, perCharacter: 3 };

/** The work of comparing with a name or a scalar, and of counting a character. */
const smallWork = 0.1;

/** Schemas that are applied to the same value as the one that they stand in. */
const inPlace = new Set("allOf anyOf oneOf not if then else dependentSchemas".split(" "));

const nothing: Work = { perValue: 0, perCharacter: 0 };

let left = 0;

/** Checking an event takes more work than one event is worth. */
class TooCostly extends Error {}

export function workOn(value: unknown, { perValue, perCharacter }: Work): number {
  return perValue + (typeof value === "string" ? perCharacter * value.length : 0);
}

/** @throws TooCostly */
export function spend(amount: number): void {
  left -= amount;
  if (left < 0) throw new TooCostly();
}

/**
 * Checks an event by a function that calls `spend`.
 * @returns `undefined` where it is too costly
 */
export function withinWork<T>(check: () => T): T | undefined {
  left = mostWork;
  try {
    return check();
  } catch (error) {
    if (error instanceof TooCostly) return undefined;
    throw error;
  }
}

/**
 * A schema that also tells, by `workKeyword`, the work of each part on a value that it is applied
 * to.
 * @param schema one in which `findUnbounded` finds nothing
 */
export function metered(schema: JsonObject): JsonObject {
  return new Metering(schema).copy(schema, true) as JsonObject;
}

class Metering {
  readonly #root: Members;
  readonly #known = new Map<unknown, Work>();

  constructor(root: Members) {
    this.#root = root;
  }

  /** @param isWhole whether it is applied to a value by itself, not beside the one it stands in */
  copy(schema: unknown, isWhole: boolean): unknown {
    if (!isPlainObject(schema)) return schema;
    const entries = Object.entries(schema).map(([word, under]): [string, unknown] => {
      const isOwn = !inPlace.has(word) && word !== "$defs";
      if (schemaWords.has(word)) return [word, this.copy(under, isOwn)];
      if (schemaLists.has(word)) return [word, this.#list(under, isOwn)];
      return [word, schemaMaps.has(word) ? this.#map(under, isOwn) : under];
    });
    const work = isWhole ? this.#workOf(schema) : nothing;
    if (work.perValue >= leastMetered.perValue || work.perCharacter >= leastMetered.perCharacter) {
      entries.push([workKeyword, work]);
    }
    return Object.fromEntries(entries);
  }

  #list(under: unknown, isOwn: boolean): unknown {
    return Array.isArray(under) ? under.map((one) => this.copy(one, isOwn)) : under;
  }

  #map(under: unknown, isOwn: boolean): unknown {
    if (!isPlainObject(under)) return under;
    const entries = Object.entries(under).map(([name, one]) => [name, this.copy(one, isOwn)]);
    return Object.fromEntries(entries) as object;
  }

  #workOf(schema: unknown): Work {
    if (!isPlainObject(schema)) return nothing;
    let work = this.#known.get(schema);
    if (work === undefined) {
      this.#known.set(schema, nothing);
      work = Object.entries(schema)
        .map(([word, under]) => this.#own(word, under))
        .reduce(sum, nothing);
      this.#known.set(schema, work);
    }
    return work;
  }

  #own(word: string, under: unknown): Work {
    if (word === "$ref") return this.#each([targetOf(this.#root, String(under))]);
    if (!inPlace.has(word)) return ownWork(word, under);
    return this.#each(schemaWords.has(word) ? [under] : Object.values(under as object));
  }

  #each(schemas: readonly unknown[]): Work {
    const own = { perValue: schemas.length, perCharacter: 0 };
    return schemas.map((schema) => this.#workOf(schema)).reduce(sum, own);
  }
}

function sum(a: Work, b: Work): Work {
  return {
    perValue: a.perValue + b.perValue,
    perCharacter: a.perCharacter + b.perCharacter,
  };
}

/** The work of a keyword in which no schema stands that is applied to the same value. */
function ownWork(word: string, under: unknown): Work {
  const isLength = word === "maxLength" || word === "minLength";
  return { perValue: 1 + namesIn(word, under), perCharacter: isLength ? smallWork : 0 };
}

/** The work of comparing an event's names and values with those of a keyword. */
function namesIn(word: string, under: unknown): number {
  if (word === "enum" && Array.isArray(under)) {
    const each = (one: unknown) => (typeof one === "object" ? plainSize(one) : smallWork);
    return under.reduce<number>((total, one) => total + each(one), 0);
  }
  const isOfNames = ["properties", "required", "dependentRequired"].includes(word);
  return isOfNames ? smallWork * Object.keys(under as object).length : 0;
}
