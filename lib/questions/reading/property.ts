/** The operators of a condition, in the order in which error texts list them. */
export const operators = [
  "is",
  "is_not",
  "contains",
  "starts_with",
  "gt",
  "gte",
  "lt",
  "lte",
  "exists",
  "shown_as",
] as const;
export type Operator = (typeof operators)[number];
