import type { Json } from "./event.ts";

/** A condition, or several joined: `and` of none holds always, `or` of none never. */
export type Predicate =
  | Condition
  | { readonly op: "and"; readonly of: readonly Predicate[] }
  | { readonly op: "or"; readonly of: readonly Predicate[] }
  | { readonly op: "not"; readonly of: Predicate };

/**
 * A comparison of one property. `is` and `is_not` take several values (any of them, none of them);
 * a missing property is `is_not` anything and fails every other operator but `exists` false.
 * `gt gte lt lte` compare numbers with numbers and strings with strings (by code unit), nothing else.
 * `contains` and `starts_with` are about strings and mind the case. `shown_as` takes the texts under which
 * values are shown (`shownValue`): `10` for 10 and "10", `(none)` for what is missing, null, an object or an array.
 *
 * Of a path to the elements of a list one of them must meet it. `is_not` and `exists` false are the opposites of
 * `is` and `exists` true: then none of them does. What is no list has no elements, and is shown as `(none)`.
 */
export type Condition =
  | {
      readonly path: PropertyPath;
      readonly op: "is" | "is_not";
      readonly values: readonly Scalar[];
    }
  | {
      readonly path: PropertyPath;
      readonly op: "shown_as";
      readonly values: readonly string[];
    }
  | { readonly path: PropertyPath; readonly op: "contains" | "starts_with"; readonly value: string }
  | {
      readonly path: PropertyPath;
      readonly op: "gt" | "gte" | "lt" | "lte";
      readonly value: number | string;
    }
  | { readonly path: PropertyPath; readonly op: "exists"; readonly value: boolean };

/**
 * Segments from the event's top, for example `["data", "plan"]`. Never empty; a key may hold any character.
 * With `null` the path leads to every element of the list that stands there: `["data", "items", null, "sku"]`.
 */
export type PropertyPath = readonly [string, ...Segment[]];

export type Segment = string | null;

export type Scalar = Extract<Json, string | number | boolean | null>;
