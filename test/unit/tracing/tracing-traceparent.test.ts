import { readTraceparent, writeTraceparent } from "../../../lib/tracing/tracing.ts";

const trace = "4bf92f3577b34da6a3ce929d0e0e4736";
const span = "00f067aa0ba902b7";

test("a traceparent reads back as it was written; of its flags only the one that is known", () => {
  const text = `00-${trace}-${span}-01`;
  expect(writeTraceparent(readTraceparent(text)!)).toBe(text);
  expect(readTraceparent(`00-${trace}-${span}-fe`)).toMatchObject({ traceFlags: 0 });
  expect(readTraceparent(`01-${trace}-${span}-01-more`)).toMatchObject({ traceId: trace });
});

test.each([
  undefined,
  "",
  `00-${trace}-${span}`,
  `00-${trace}-${span}-01-more`,
  `ff-${trace}-${span}-01`,
  `00-${"0".repeat(32)}-${span}-01`,
  `00-${trace}-${"0".repeat(16)}-01`,
  `00-${trace.toUpperCase()}-${span}-01`,
  `00-${trace}-${span}-01, 00-${trace}-${span}-01`,
])("%s is none", (text) => {
  expect(readTraceparent(text)).toBeUndefined();
});
