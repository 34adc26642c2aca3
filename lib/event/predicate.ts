import type { Predicate, PropertyPath } from "./filter.ts";
import { matches } from "./condition.ts";
import type { StoredEvent } from "./event.ts";

/** Whether an event meets a predicate: the reference for every store's own translation. Never throws. */
export function meets(event: Partial<StoredEvent>, predicate: Predicate): boolean {
  switch (predicate.op) {
    case "and":
      return predicate.of.every((part) => meets(event, part));
    case "or":
      return predicate.of.some((part) => meets(event, part));
    case "not":
      return !meets(event, predicate.of);
    default:
      return matches(event, predicate);
  }
}

/** The properties that a predicate is about, in its order; one may occur several times. */
export function pathsIn(predicate: Predicate): readonly PropertyPath[] {
  if (predicate.op === "and" || predicate.op === "or") return predicate.of.flatMap(pathsIn);
  return predicate.op === "not" ? pathsIn(predicate.of) : [predicate.path];
}
