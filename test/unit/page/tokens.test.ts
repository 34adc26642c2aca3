import { readFileSync } from "node:fs";

/** The page's colours, by computing: WCAG 2.2 contrast, and distances in OKLab for three kinds of colour blindness. */
const css = readFileSync(new URL("../../../page/page.css", import.meta.url), "utf8");
const [, light = "", dark = ""] =
  /:root \{(.*?)\n\}.*?prefers-color-scheme: dark\) \{\s*:root \{(.*?)\}/s.exec(css) ?? [];

type Tokens = ReadonlyMap<string, string>;
function tokensOf(block: string): Tokens {
  return new Map(
    [...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/gi)].map(([, name = "", hex = ""]) => [
      name,
      hex,
    ]),
  );
}

const schemes = { light: tokensOf(light), dark: tokensOf(dark) };

type Rgb = readonly [number, number, number];
function linear(hex: string): Rgb {
  const channel = (at: number) => {
    const value = parseInt(hex.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

function contrast(one: string, other: string): number {
  const luminance = (hex: string) => {
    const [r, g, b] = linear(hex);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [a, b] = [luminance(one), luminance(other)];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

function times(matrix: readonly Rgb[], [x, y, z]: Rgb): Rgb {
  const [a, b, c] = matrix.map((row) => row[0] * x + row[1] * y + row[2] * z);
  return [a!, b!, c!];
}

/** Björn Ottosson, "A perceptual color space for image processing". */
function oklab(rgb: Rgb): Rgb {
  const lms = times(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    rgb,
  );
  return times(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    lms.map((value) => Math.cbrt(Math.max(0, value))) as unknown as Rgb,
  );
}

/** Machado, Oliveira and Fernandes 2009, at full strength. */
const blindness: Readonly<Record<string, readonly Rgb[]>> = {
  none: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function distance(one: string, other: string, kind: readonly Rgb[]): number {
  const clamped = (hex: string) =>
    times(kind, linear(hex)).map((value) => Math.min(1, Math.max(0, value))) as unknown as Rgb;
  const [a, b] = [oklab(clamped(one)), oklab(clamped(other))];
  return 100 * Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

/** Foreground, background, the least contrast in either scheme. */
const pairs: readonly (readonly [string, string, number])[] = [
  ["text", "surface", 7],
  ["text", "bg", 7],
  ["muted", "surface", 4.5],
  ["muted", "bg", 4.5],
  ["muted", "sunken", 4.5],
  ["muted", "hover", 4.5],
  ["faint", "surface", 4.5],
  ["line-strong", "surface", 3],
  ["line-strong", "bg", 3],
  ["zero", "surface", 3],
  ["accent-text", "surface", 4.5],
  ["accent-text", "bg", 4.5],
  ["accent-text", "accent-soft", 4.5],
  ["on-accent", "accent", 4.5],
  ["on-accent", "accent-text", 4.5],
  ["ok", "surface", 4.5],
  ["ok", "ok-soft", 4.5],
  ["warn", "surface", 4.5],
  ["warn", "warn-soft", 4.5],
  ["bad", "surface", 4.5],
  ["bad", "bad-soft", 4.5],
  ["surface", "bad", 4.5],
  ["surface", "warn", 4.5],
  ...["s1", "s2", "s3", "s4", "s5", "s6", "s0"].map((name) => [name, "surface", 3] as const),
  ...["s1", "s2", "s3", "s0"].map((name) => [name, "surface", 4.5] as const),
  ...[1, 2, 3, 4, 5].map((step) => ["text", `heat-${step}`, 4.5] as const),
  ["on-heat-6", "heat-6", 4.5],
  ["on-accent", "heat-7", 4.5],
];

describe.each(Object.entries(schemes))("the %s scheme", (_, tokens) => {
  test.each(pairs)("%s is read on %s, at least %d to 1", (front, back, least) => {
    expect(contrast(tokens.get(front)!, tokens.get(back)!)).toBeGreaterThanOrEqual(least);
  });

  test("the six colours of series differ, for colour-blind people too", () => {
    const series = ["s1", "s2", "s3", "s4", "s5", "s6"].map((name) => tokens.get(name)!);
    for (const [kind, matrix] of Object.entries(blindness)) {
      const least = kind === "none" ? 14 : 9;
      for (const [index, one] of series.entries()) {
        for (const other of series.slice(index + 1)) {
          expect(distance(one, other, matrix)).toBeGreaterThanOrEqual(least);
        }
      }
    }
  });
});

test("both schemes have the same tokens", () => {
  expect([...schemes.dark.keys()]).toEqual([...schemes.light.keys()]);
  expect(schemes.light.size).toBeGreaterThan(30);
});
