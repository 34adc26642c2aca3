import type { DatabaseSync } from "node:sqlite";
import { LRUCache } from "lru-cache";
import { matches, type Condition } from "../../event/filter.ts";
import type { StoredEvent } from "../../event/event.ts";
import { fromColumn } from "../rows.ts";

/**
 * SQL functions that say whether a body, or a text column, meets a condition (as JSON). Each call
 * costs a parse and a call of JavaScript.
 */
export const meetsBody = "meets_body";
export const meetsText = "meets_text";

const maxConditions = 100;

/** Adds the conditions to a connection that SQL itself cannot express. */
export function addConditionFunctions(db: DatabaseSync): void {
  const conditions = new LRUCache<string, Condition>({ max: maxConditions });
  const conditionOf = (json: string): Condition => {
    const known = conditions.get(json);
    if (known !== undefined) return known;
    const condition = JSON.parse(json) as Condition;
    conditions.set(json, condition);
    return condition;
  };
  db.function(meetsBody, { deterministic: true }, (body, condition) =>
    Number(matches(JSON.parse(body as string) as StoredEvent, conditionOf(condition as string))),
  );
  db.function(meetsText, { deterministic: true }, (column, json) => {
    const condition = conditionOf(json as string);
    const text = column === null ? undefined : fromColumn(column as string);
    return Number(matches({ [condition.path[0]]: text }, condition));
  });
}
