import fc from "fast-check";
import { isPlainJson, parseJson } from "../../../lib/event/plain-json.ts";
import { jsonValues } from "../../support/json-values.ts";

describe("a JSON text", () => {
  test.each([
    ["1e-400", NaN],
    ["-1E-0400", NaN],
    [`0.${"0".repeat(400)}1`, NaN],
    ["1e400", Infinity],
    ["0e-400", 0],
    ["0.0", 0],
    ["1e-300", 1e-300],
    ["5e-324", NaN],
    ["-3.2e-310", NaN],
    ['"1e-400"', "1e-400"],
    ['{"a":"1e-400","b":0}', { a: "1e-400", b: 0 }],
  ])("%s has the value %p", (text, value) => {
    expect(parseJson(text)).toEqual(value);
  });

  test("is read as JSON.parse reads it where no number is too small", () => {
    fc.assert(
      fc.property(jsonValues(), (value) => {
        const text = JSON.stringify(value);
        expect(parseJson(text)).toEqual(value);
        // The same by way of the texts of its numbers.
        expect(parseJson(`["1e-400",${text}]`)).toEqual(["1e-400", value]);
      }),
    );
  });

  test("that is taken gives each of its numbers back as it was written", () => {
    const digits = fc.stringMatching(/^-?[1-9][0-9]{0,24}$/);
    const scientific = fc
      .tuple(fc.stringMatching(/^-?[1-9](\.[0-9]{1,12})?$/), fc.integer({ min: -420, max: 420 }))
      .map(([mantissa, exponent]) => `${mantissa}e${exponent}`);
    let [taken, refused] = [0, 0];
    fc.assert(
      fc.property(fc.oneof(digits, scientific), (text) => {
        const value = parseJson(`[${text}]`);
        if (!isPlainJson(value, 1)) {
          refused++;
          return;
        }
        taken++;
        const back = JSON.stringify((value as readonly unknown[])[0]);
        expect(decimal(back)).toEqual(decimal(text));
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(taken, refused)).toBeGreaterThan(100);
  });
});

/** A decimal number as its digits and the exponent of the last one, without trailing zeros. */
function decimal(text: string): readonly [digits: bigint, exponent: number] {
  const [mantissa = "", exponent = "0"] = text.toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  let digits = BigInt(whole + fraction);
  let last = Number(exponent) - fraction.length;
  while (digits !== 0n && digits % 10n === 0n) {
    digits /= 10n;
    last++;
  }
  return [digits, last];
}
