import fc from "fast-check";
import type { Json, StoredEvent } from "../../lib/event/event.ts";
import type { Condition, Predicate, Scalar } from "../../lib/event/filter.ts";
import type { PropertyPath } from "../../lib/event/property-path.ts";
import { asJson, event, minute } from "./store-harness.ts";

/** None with a backslash: once it has parsed one, V8's JSON.parse reads it for others (nodejs/node#63785). */
export const keys = [
  "plan",
  "a.b",
  "",
  "__proto__",
  "constructor",
  "$where",
  "é😀",
  "0",
  "\u0000",
  '"',
  "[0]",
  "\ud800",
];
export const texts = [
  "",
  "a",
  "ab",
  "b",
  "A",
  "1",
  "true",
  "null",
  "(none)",
  "\ufffd",
  "é",
  "\u0000",
  "\ud800",
  "😀",
  "\ude00",
  "\uffff",
  "\ue000",
  "a😀",
  "\u0001",
  "\u0002",
  "\u0003$",
  "$a",
  "$",
  '"',
  "%",
  "a_",
];
export const numbers = [
  0,
  1,
  -1,
  0.1,
  10,
  2 ** 53,
  2 ** 53 + 2,
  2 ** 60,
  1e21,
  1e300,
  1e308,
  -1e308,
  Number.MAX_VALUE,
  1e-310,
  5e-324,
  19.99,
];

const key = fc.constantFrom(...keys);
const each = fc.constant(null);
const text = fc.constantFrom(...texts);
const number = fc.oneof(
  fc.constantFrom(...numbers),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const scalar: fc.Arbitrary<Scalar> = fc.oneof(text, number, fc.boolean(), fc.constant(null));

/** JSON of few keys and values, so that conditions often meet it. */
const { value: json } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    fc.array(tie("value"), { maxLength: 2 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
}));

/** Up to 40 events of project `p`, of two instants. */
export const events = fc
  .array(
    fc.record(
      {
        data: json,
        metadata: fc.dictionary(key, json, { maxKeys: 3, noNullPrototype: true }),
        source: text.filter((it) => it !== ""),
        correlationId: text,
        timestamp: fc.constantFrom(minute, minute + 1),
      },
      { requiredKeys: ["source", "timestamp"] },
    ),
    { minLength: 1, maxLength: 40 },
  )
  .map((parts) =>
    parts.map((part, i) => event(`e${100 + i}`, asJson(part) as Partial<StoredEvent>)),
  );

export const path: fc.Arbitrary<PropertyPath> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom("data", "metadata"), key) },
  fc.tuple(fc.constantFrom("data", "metadata"), key, key),
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom("data", "metadata"), key, each) },
  fc.tuple(fc.constantFrom("data", "metadata"), key, each, fc.oneof(key, each)),
  fc.constant<PropertyPath>(["data", null]),
  fc.tuple(fc.constant("data"), each, key),
  fc.constantFrom<PropertyPath[]>(
    ["data"],
    ["context"],
    ["id"],
    ["type"],
    ["source"],
    ["correlationId"],
    ["timestamp"],
    ["receivedAt"],
    ["project"],
    ["batch"],
    ["hash"],
    ["type", "length"],
    ["timestamp", "0"],
    ["source", null],
    ["nothing"],
    ["__proto__"],
  ),
);

const ofColumns: fc.Arbitrary<Scalar> = fc.constantFrom(
  "mail.opened",
  "e100",
  "e101",
  "p",
  minute,
  minute + 1,
);
const operand = fc.oneof({ weight: 4, arbitrary: scalar }, ofColumns);

const shown = fc.oneof(
  fc.constantFrom("(none)", "(none)", "10", "0", "1e+21", "false", "\ufffd", `${minute}`, "01"),
  number.map(String),
);

const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({
    path,
    op: fc.constantFrom("is" as const, "is_not" as const),
    values: fc.array(operand, { maxLength: 3 }),
  }),
  fc.record({
    path,
    op: fc.constant("shown_as" as const),
    values: fc.array(fc.oneof(text, shown), { maxLength: 3 }),
  }),
  fc.record({
    path,
    op: fc.constantFrom("contains" as const, "starts_with" as const),
    value: text,
  }),
  fc.record({
    path,
    op: fc.constantFrom("gt" as const, "gte" as const, "lt" as const, "lte" as const),
    value: fc.oneof(text, number, fc.constant(minute)),
  }),
  fc.record({ path, op: fc.constant("exists" as const), value: fc.boolean() }),
);

/** Conditions, alone and joined. */
export const { predicate } = fc.letrec<{ predicate: Predicate }>((tie) => ({
  predicate: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 4, arbitrary: condition },
    fc.record({
      op: fc.constantFrom("and" as const, "or" as const),
      of: fc.array(tie("predicate"), { maxLength: 3 }),
    }),
    fc.record({ op: fc.constant("not" as const), of: tie("predicate") }),
  ),
}));
