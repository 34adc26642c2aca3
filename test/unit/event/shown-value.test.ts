import { NONE } from "../../../lib/counting/cells.ts";
import { valueOf } from "../../../lib/event/shown-value.ts";
import { eventOf } from "../../support/arbitraries.ts";

describe("valueOf", () => {
  test.each([
    ["a text", "pro", "pro"],
    ["an empty text", "", ""],
    ["a number", 4.5, "4.5"],
    ["zero", -0, "0"],
    ["true", true, "true"],
    ["false", false, "false"],
    ["null", null, NONE],
    ["an object", { a: 1 }, NONE],
    ["an array", ["a"], NONE],
  ])("of %s", (_, plan, value) => {
    expect(valueOf(eventOf({ data: { plan } }), "data.plan")).toBe(value);
  });

  test("of what is missing, or lies within what is no object", () => {
    expect(valueOf(eventOf({}), "data.plan")).toBe(NONE);
    expect(valueOf(eventOf({ data: "text" }), "data.length")).toBe(NONE);
    expect(valueOf(eventOf({ data: ["a"] }), "data.0")).toBe(NONE);
    expect(valueOf(eventOf({ data: null }), "data.plan.name")).toBe(NONE);
    expect(valueOf(eventOf({ context: {} }), "context.utm.source")).toBe(NONE);
  });

  test("sees own properties only", () => {
    const data = JSON.parse('{"own":{"__proto__":"mine"}}') as Record<string, never>;
    expect(valueOf(eventOf({ data }), "data.own.__proto__")).toBe("mine");
    const inherited = Object.create({ plan: "pro" }) as Record<string, never>;
    expect(valueOf(eventOf({ data: inherited }), "data.plan")).toBe(NONE);
    for (const name of ["data.__proto__", "data.constructor.name", "data.toString"]) {
      expect(valueOf(eventOf({ data: {} }), name)).toBe(NONE);
    }
  });

  test("finds the source and the context's depths", () => {
    const event = eventOf({ source: "mailer", context: { bot: false, utm: { source: "news" } } });
    expect(valueOf(event, "source")).toBe("mailer");
    expect(valueOf(event, "context.bot")).toBe("false");
    expect(valueOf(event, "context.utm.source")).toBe("news");
  });

  test("is whole, however long, and well formed", () => {
    const alike = `https://example.com/${"x".repeat(300)}`;
    const [one, other] = [`${alike}1`, `${alike}2`];
    expect(valueOf(eventOf({ data: { one } }), "data.one")).toBe(one);
    expect(valueOf(eventOf({ data: { other } }), "data.other")).toBe(other);
    expect(valueOf(eventOf({ data: { lone: "a\ud800b" } }), "data.lone")).toBe("a\ufffdb");
  });
});
