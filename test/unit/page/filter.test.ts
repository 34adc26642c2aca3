import fc from "fast-check";
import { meetsFilter, meets, type Scalar } from "../../../lib/event/filter.ts";
import type { StoredEvent } from "../../../lib/event/event.ts";
import { shownValue } from "../../../lib/event/shown-value.ts";
import type { Finding } from "../../../lib/errors.ts";
import { readPredicate } from "../../../lib/questions/reading/filter-body.ts";
import { readEventFilter } from "../../../lib/questions/reading/filter-parameters.ts";
import { filtersOfBody } from "../../../page/pure/body-filters.ts";
import {
  alikeValues,
  bodyFilter,
  bodyFilters,
  filterInWords,
  filterOfRow,
  filterValue,
  operators,
  readFilter,
  writeFilter,
  type Filter,
  valueName,
} from "../../../page/pure/filter.ts";
import { exactValue } from "../../../page/pure/exact-value.ts";
import { listFilters } from "../../../page/pure/list-filters.ts";
import { parameterObject } from "../../../page/pure/parameter-object.ts";

const fields = ["type", "source", "correlationId"];

/** An event with a property; `undefined`: without it. */
function eventOf(plan: unknown, own: Partial<StoredEvent> = {}): StoredEvent {
  const data = plan === undefined ? {} : { plan };
  return { id: "e", type: "plan.used", source: "shop", timestamp: 1, data, ...own } as StoredEvent;
}

/** Whether an event meets filters of a body, as the API reads them. */
function meetsBody(event: StoredEvent, filters: readonly Filter[]): boolean {
  const findings: Finding[] = [];
  const predicate = readPredicate(bodyFilters(filters), "", findings);
  expect(findings).toEqual([]);
  return meets(event, predicate!);
}

/** Whether an event is in the list of filters, as the API reads its parameters. */
function isListed(event: StoredEvent, filters: readonly Filter[]): boolean {
  const findings: Finding[] = [];
  const { parameters } = listFilters(filters, fields);
  const filter = readEventFilter(parameterObject(parameters), findings);
  expect(findings).toEqual([]);
  return meetsFilter(event, filter);
}

test("a value stands for its text and for what it spells, a marked one for its kind alone", () => {
  const of = (value: string) => bodyFilter({ op: "is", property: "data.plan", values: [value] });
  expect(of("10")).toEqual(["is", "data.plan", ["10", 10]]);
  expect(of("n:10")).toEqual(["is", "data.plan", [10]]);
  expect(of("s:10")).toEqual(["is", "data.plan", ["10"]]);
  expect(of("b:true")).toEqual(["is", "data.plan", [true]]);
  expect(of("pro")).toEqual(["is", "data.plan", ["pro"]]);
  expect(bodyFilter(filterOfRow("data.plan", "(none)"))).toEqual([
    "shown_as",
    "data.plan",
    ["(none)"],
  ]);
  expect(bodyFilters([], ["a"])).toEqual(["is", "type", ["a"]]);
});

test("filters of a body are those that it was written from; what nests more is none of the page's", () => {
  const filters = [
    { op: "is", property: "data.plan", values: ["pro", "10", "n:7", "s:8", "true"] },
    { op: "is_not", property: "data.b", values: ["b:false", "s:n:5", "n:0"] },
    { op: "exists", property: "metadata.userId", values: ["false"] },
    { op: "contains", property: "data.url", values: ["/a", "/b"] },
    { op: "gte", property: "data.amount", values: ["12.5"] },
    { op: "lt", property: "data.version", values: ["s:12.5", "b"] },
    { op: "is", property: "data.c", values: ["null", "s:n:5", "n:abc"] },
    { op: "shown_as", property: "data.plan", values: ["(none)", "10"] },
  ] as const;
  expect(filtersOfBody(bodyFilters(filters))).toEqual(filters);
  for (const filter of filters) expect(filtersOfBody(bodyFilter(filter))).toEqual([filter]);
  expect(filtersOfBody(undefined)).toEqual([]);
  for (const nested of [
    ["not", ["is", "type", "a"]],
    ["or", ["is", "data.a", "1"], ["is", "data.b", "1"]],
    ["and", ["is", "data.a", "1"], ["and", ["is", "data.b", "1"], ["is", "data.c", "1"]]],
    ["is", "data.a", null],
    "is",
  ]) {
    expect(filtersOfBody(nested)).toBeUndefined();
  }
});

test("a value of the catalogue means its kind alone where another kind reads the same", () => {
  const values = [{ value: "10" }, { value: "pro" }, { value: "10" }];
  expect(alikeValues(values)).toEqual(new Set(["10"]));
  expect(filterValue("10", "number", "is", true)).toBe("n:10");
  expect(filterValue("10", "text", "is", true)).toBe("s:10");
  expect(filterValue("true", "boolean", "is", true)).toBe("b:true");
  expect(filterValue("pro", "text", "is", false)).toBe("pro");
  const is = (value: string) => bodyFilter({ op: "is", property: "data.a", values: [value] });
  for (const text of ["n:10", "(none)", "\\(none)"]) {
    const shown = /\(none\)$/.test(text) ? `\\${text}` : text;
    expect(is(filterValue(shown, "text", "is", false))).toEqual(["is", "data.a", [text]]);
  }
  // Rows and parts of texts know no kinds.
  expect(filterValue("\\(none)", "text", "shown_as", false)).toBe("\\(none)");
  expect(filterValue("10", "number", "shown_as", true)).toBe("10");
  expect(filterValue("n:10", "text", "contains", true)).toBe("n:10");
});

const plainTexts = ["pro", "10", "1.0", "-7.5", "1e3", "true", "null", "", " 7", "0x10", "1e-400"];
const longNumbers = ["9007199254740993", "12345678901234567890", "1e400", "+1", "1.", "Infinity"];

test("a value spells what the API reads in it", () => {
  const agrees = (text: string) => {
    const { where } = readEventFilter({ "data.plan": text }, []);
    const body = bodyFilter({ op: "is", property: "data.plan", values: [text] });
    const [condition] = where as readonly { readonly values: readonly Scalar[] }[];
    expect(body).toEqual(["is", "data.plan", condition!.values]);
  };
  [...plainTexts, ...longNumbers].forEach(agrees);
  const number = fc.double({ noDefaultInfinity: true, noNaN: true }).map(String);
  fc.assert(fc.property(fc.oneof(number, fc.stringMatching(/^[-+.\deEx ]{1,6}$/)), agrees));
});

test("a mark that its kind cannot follow is a part of the text", () => {
  for (const text of ["n:abc", "n:0x10", "n:1e400", "b:x", "b:"]) {
    const filter = { op: "is", property: "data.plan", values: [text] } as const;
    expect(bodyFilter(filter)).toEqual(["is", "data.plan", [text]]);
    expect(filterInWords(filter)).toBe(`plan is ${text}`);
  }
});

test("orders compare with a number where a value spells one, else with a text", () => {
  const of = (value: string) => bodyFilter({ op: "gt", property: "data.a", values: [value] })[2];
  expect(["10", "n:10", "s:10", "true", "null", "0x10"].map(of)).toEqual([
    ...[10, 10, "10", "true", "null", "0x10"],
  ]);
});

const scalar: fc.Arbitrary<unknown> = fc.constantFrom(
  ...["pro", "10", 10, "1.0", 1, true, "true", null, "null", "(none)", "\\(none)", "(other)"],
  ...["n:10", "n:abc", "s:x", "b:x", "b:true", "x", "9", 9, "20", 20, undefined, ["pro"], {}],
);

test("a row opens exactly its events, and the value of an event those with this value alone", () => {
  fc.assert(
    fc.property(scalar, scalar, (one, other) => {
      const row = readFilter(writeFilter(filterOfRow("data.plan", shownValue(one))))!;
      const isOfRow = shownValue(one) === shownValue(other);
      expect(meetsBody(eventOf(other), [row])).toBe(isOfRow);
      expect(isListed(eventOf(other), [row])).toBe(isOfRow);
      if (one === undefined || typeof one === "object") return;
      const exact = exactValue(one as string | number | boolean);
      const filter = { op: "is", property: "data.plan", values: [exact] } as const;
      expect(meetsBody(eventOf(other), [filter])).toBe(one === other);
    }),
  );
});

test("a row that looks like a marked value is told whole", () => {
  expect(filterInWords(filterOfRow("data.plan", "n:10"))).toBe("plan is n:10");
  expect(filterInWords(filterOfRow("data.plan", "(none)"))).toBe("plan is not set");
  expect(filterInWords({ op: "is", property: "data.plan", values: ["n:10", "s:10"] })).toBe(
    "plan is 10",
  );
});

const value = fc.constantFrom(
  ...["pro", "10", "n:10", "s:10", "n:20", "20", "b:true", "true", "s:pro", "n:abc", "1.0", "null"],
);
const anyFilter: fc.Arbitrary<Filter> = fc.oneof(
  fc.record({
    op: fc.constantFrom(...operators.filter((op) => op !== "exists")),
    property: fc.constant("data.plan"),
    values: fc.array(value, { minLength: 1, maxLength: 3 }),
  }),
  fc.record({
    op: fc.constant("exists" as const),
    property: fc.constant("data.plan"),
    values: fc.constantFrom(["true"], ["false"]),
  }),
  fc.record({
    op: fc.constantFrom("is", "is_not", "shown_as", "contains"),
    property: fc.constantFrom("type", "source", "correlationId"),
    values: fc.array(fc.constantFrom("shop", "plan.used", "m1", "n:1", "(none)"), { minLength: 1 }),
  }),
);

test("a list is refused no filters, and has the events that meet them unless it says otherwise", () => {
  fc.assert(
    fc.property(fc.array(anyFilter, { minLength: 1, maxLength: 4 }), scalar, (filters, plan) => {
      const { mixed, left } = listFilters(filters, fields);
      for (const own of [{}, { correlationId: "m1" }]) {
        const event = eventOf(plan, own);
        const listed = isListed(event, filters);
        if (mixed.length === 0 && left.length === 0) expect(listed).toBe(meetsBody(event, filters));
      }
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ["is,data.plan,n:10", "data.plan[gte]=10 data.plan[lte]=10", ""],
  ["is,data.plan,s:10", "data.plan[shown_as]=10 data.plan[starts_with]=10", ""],
  ["is,data.plan,s:pro", "data.plan=pro", ""],
  ["is,data.plan,n:10,s:10", "data.plan=10", ""],
  ["is,data.plan,n:10,n:20", "data.plan=10 data.plan=20", "mixed"],
  ["is,data.plan,b:true", "data.plan=true", "mixed"],
  ["is,data.tags[],n:10", "data.tags[]=10", "mixed"],
  ["is_not,data.plan,s:10", "data.plan[is_not]=10", "mixed"],
  ["shown_as,data.plan,n:10,s:x", "data.plan[shown_as]=n:10 data.plan[shown_as]=s:x", ""],
  ["contains,data.plan,s:x", "data.plan[contains]=s:x", ""],
  ["contains,data.url,/a,/b", "", "left"],
  ["gt,data.n,n:3", "data.n[gt]=3", ""],
  ["lte,data.n,abc", "data.n[lte]=abc", ""],
  ["gt,data.n,s:10", "", "left"],
  ["gt,data.n,10,abc", "", "left"],
  ["is,source,shop,web", "source=shop source=web", ""],
  ["shown_as,source,\\(none)", "source=(none)", ""],
  ["is_not,source,shop", "", "left"],
  ["is,correlationId,m1,m2", "", "left"],
  ["shown_as,correlationId,(none)", "", "left"],
])("%s in an address is %s", (text, expected, said) => {
  const { parameters, mixed, left } = listFilters([readFilter(text)!], fields);
  expect(parameters.map((pair) => pair.join("=")).join(" ")).toBe(expected);
  expect([mixed.length, left.length]).toEqual([Number(said === "mixed"), Number(said === "left")]);
});

test("two filters of one property are joined by and", () => {
  const contains = (text: string): Filter => ({
    op: "contains",
    property: "data.url",
    values: [text],
  });
  const filters = ["/a", "/b", "/c"].map(contains);
  const { parameters, left } = listFilters(filters, fields);
  expect(parameters).toEqual([
    ["data.url[contains]", "/a"],
    ['data["url"][contains]', "/b"],
  ]);
  expect(left).toEqual(filters.slice(2));
});

test("repeated parameters are lists of an object", () => {
  expect(
    parameterObject<string | number>([
      ["limit", 100],
      ["data.plan", "a"],
      ["data.plan", "b"],
      ["source", "shop"],
    ]),
  ).toEqual({ limit: 100, "data.plan": ["a", "b"], source: "shop" });
});

test.each([
  "exists,data.plan,maybe",
  "exists,data.plan,",
  "contains,data.plan,",
  "starts_with,data.plan,a,",
])("%s is no filter", (text) => {
  expect(readFilter(text)).toBeUndefined();
});

test("a value that is a text without letters has a name", () => {
  expect(valueName("")).toBe("empty text");
  expect(filterInWords(filterOfRow("data.plan", ""))).toBe("plan is empty text");
  expect(filterInWords({ op: "is", property: "data.plan", values: ["s:", "(none)"] })).toBe(
    "plan is empty text or (none)",
  );
  expect(readFilter("is,data.plan,")).toEqual({ op: "is", property: "data.plan", values: [""] });
});
