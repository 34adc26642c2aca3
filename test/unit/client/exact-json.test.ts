import fc from "fast-check";
import { faultIn, staysSame } from "../../../client/cli/exact-json.ts";
import { UsageError } from "../../../client/cli/exit-codes.ts";
import { jsonOf } from "../../../client/cli/options.ts";
import { isExactNumber, numberOf } from "../../../lib/event/plain-json.ts";
import { jsonValues } from "../../support/json-values.ts";

test("a text whose numbers all stay the same has no fault", () => {
  fc.assert(
    fc.property(jsonValues(4), fc.constantFrom(undefined, 2), (value, space) => {
      expect(faultIn(JSON.stringify(value, undefined, space))).toBeUndefined();
    }),
  );
});

test("a number that would change is found at its place, whatever stands around it", () => {
  const mark = "~here~";
  const changed = fc.constantFrom("1e400", "-9007199254740993", "1e-400", `0.${"0".repeat(320)}1`);
  const place = fc.array(
    fc.oneof(
      jsonValues(1).map((beside) => [beside]),
      fc.string(),
    ),
    {
      maxLength: 5,
    },
  );
  fc.assert(
    fc.property(place, changed, (steps, number) => {
      let [value, pointer]: [unknown, string] = [mark, ""];
      for (const step of steps) {
        if (typeof step === "string") {
          value = Object.fromEntries([
            [`${step},"`, [7]],
            [step, value],
            [`${step}]`, "1e400"],
          ]);
          pointer = `/${step.replaceAll("~", "~0").replaceAll("/", "~1")}${pointer}`;
        } else {
          value = [...step, value, {}];
          pointer = `/${step.length}${pointer}`;
        }
      }
      const text = JSON.stringify(value).replace(JSON.stringify(mark), number);
      expect(faultIn(text)?.pointer).toBe(pointer);
    }),
  );
});

test("the numbers that stay the same are those that the service takes", () => {
  const decimal = fc.stringMatching(/^-?(0|[1-9]\d{0,20})(\.\d{1,20})?([eE][+-]?\d{1,3})?$/);
  fc.assert(
    fc.property(decimal, (text) => {
      expect([text, staysSame(text)]).toEqual([text, isExactNumber(numberOf(text))]);
    }),
    { numRuns: 1_000 },
  );
});

test("an option that holds JSON is refused by its name and the place in it", () => {
  expect(jsonOf("--data", '{"x":[1,2.5]}')).toEqual({ x: [1, 2.5] });
  expect(jsonOf("file.json", '\ufeff{"x":1}')).toEqual({ x: 1 });
  const refused = (text: string) => () => jsonOf("--data", text);
  expect(refused("{")).toThrow(UsageError);
  expect(refused("{")).toThrow("--data is not JSON: ");
  expect(refused('{"x":[1,1e400]}')).toThrow("--data /x/1: the number 1e400 is beyond 2^53 or");
  expect(refused("1e-400")).toThrow("--data: the number 1e-400 is ");
  expect(refused('{"x":9007199254740993}')).toThrow(UsageError);
  expect(refused("[".repeat(9_000) + "]".repeat(9_000))).toThrow(/nested too deep$/);
});
