import fc from "fast-check";
import { isPlainJson, mostJsonBytes, parseJson } from "../../../lib/event/plain-json.ts";
import { jsonValues } from "../../support/json-values.ts";

describe("a JSON text", () => {
  test.each([
    ["1e-400", Infinity],
    ["-1E-0400", -Infinity],
    [`0.${"0".repeat(400)}1`, Infinity],
    ["1e400", Infinity],
    ["0e-400", 0],
    ["0.0", 0],
    ["1e-300", 1e-300],
    ["5e-324", Infinity],
    ["-3.2e-310", -Infinity],
    ["[0,1e-400,-2.5e-400, 1e-400]", [0, Infinity, -Infinity, Infinity]],
    ['{"1e-400":1e-400,"a":"\\"1e-400"}', { "1e-400": Infinity, a: '"1e-400' }],
    ['["\\\\",1e-400,"\\\\\\"",1e-400]', ["\\", Infinity, '\\"', Infinity]],
    ['{"a":1e-400,"a":1}', { a: 1 }],
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

  /** Values whose numbers are `small` in their texts, and texts that look like such numbers. */
  const small = ["1e-400", "-5E-0324", `0.${"0".repeat(320)}1`, "0.5e-310"];
  const looks = fc.constantFrom('"1e-400', "\\1e-400\\", "-1e-400,", '\\"[1e-400]');
  const texts = fc.letrec<{ any: string }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(...small),
      fc.constantFrom("0", "-0.0", "0e-400", "1e-300", "true", "null"),
      looks.map((text) => JSON.stringify(text)),
      fc.array(tie("any")).map((items) => `[${items.join(" , ")}]`),
      fc
        .array(fc.tuple(looks, tie("any")))
        .map((all) => `{${all.map(([name, of]) => `${JSON.stringify(name)}:${of}`).join()}}`),
    ),
  })).any;

  test("has Infinity where a number is too small, and nothing else is changed", () => {
    const byReviver = ((_: string, value: unknown, { source = "" }: { source?: string } = {}) =>
      small.includes(source) ? Infinity * (source.startsWith("-") ? -1 : 1) : value) as (
      key: string,
      value: unknown,
    ) => unknown;
    fc.assert(
      fc.property(texts, (text) => {
        expect(parseJson(text)).toEqual(JSON.parse(text, byReviver));
      }),
      { numRuns: 1_000 },
    );
  });

  test("that is none is refused with the same words as JSON.parse has", () => {
    const messageOf = (parse: (text: string) => unknown, text: string) => {
      try {
        parse(text);
        return "";
      } catch (error) {
        return (error as Error).message;
      }
    };
    const part = fc.constantFrom("", "0", ".", "-", "e-400", '"', ",", "[", "\\", "1e-400");
    fc.assert(
      fc.property(texts, fc.nat(), fc.nat(6), part, (text, place, cut, put) => {
        const at = place % (text.length + 1);
        const broken = text.slice(0, at) + put + text.slice(at + cut);
        const told = messageOf((one) => JSON.parse(one) as unknown, broken);
        expect(messageOf(parseJson, broken)).toBe(told);
      }),
      { numRuns: 2_000 },
    );
  });

  test("may be nested as deep as a body is long, whatever its numbers and texts look like", () => {
    const deep = `${"[".repeat(30_000)}1e-400${"]".repeat(30_000)}`;
    for (const text of [`["1e-400",${deep}]`, deep]) {
      const value = parseJson(text);
      expect(isPlainJson(value, 32)).toBe(false);
    }
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

describe("a bound on the bytes of a value's JSON", () => {
  const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

  test("is at least what the JSON takes, whatever it holds", () => {
    fc.assert(
      fc.property(jsonValues(), (value) => {
        expect(mostJsonBytes(value, 32)).toBeGreaterThanOrEqual(bytesOf(value));
      }),
      { numRuns: 1_000 },
    );
  });

  test.each([
    ["escapes", { "\u0000\ud800": ["\u0000\u001f\udc00".repeat(50), '"\\\n'] }],
    ["long numbers", [-1.0000012345678902e-300, -0.0000012345678901234567, -(2 ** 53) + 1]],
    ["nothing", [[], {}, null, true, false, ""]],
  ])("is near to it for %s", (_of, value) => {
    const bytes = bytesOf(value);
    expect(mostJsonBytes(value, 32)).toBeGreaterThanOrEqual(bytes);
    expect(mostJsonBytes(value, 32)).toBeLessThan(6 * bytes + 30);
  });

  test("is none for a value that JSON would change", () => {
    for (const value of [undefined, NaN, 2 ** 53, { a: [1n] }, [[[]]], new Date(0)]) {
      expect(mostJsonBytes(value, 2)).toBe(-1);
      expect(isPlainJson(value, 2)).toBe(false);
    }
    expect(mostJsonBytes({ a: undefined }, 1)).toBeGreaterThanOrEqual(bytesOf({}));
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
