import { builtInDimensions, resolveDimension, rolledUp } from "../../../lib/counting/dimensions.ts";

describe("resolveDimension", () => {
  test("knows every built-in dimension by its public name", () => {
    for (const name of builtInDimensions) expect(resolveDimension(name)).toBe(name);
  });

  test("understands the short spellings", () => {
    expect(resolveDimension("utm.source")).toBe("context.utm.source");
    expect(resolveDimension("utm.campaign")).toBe("context.utm.campaign");
    expect(resolveDimension("referrer")).toBe("context.referrer");
  });

  test("takes paths into data, metadata and context, and nothing else", () => {
    expect(resolveDimension("data.plan")).toBe("data.plan");
    expect(resolveDimension("metadata.campaignId")).toBe("metadata.campaignId");
    for (const name of ["", "type", "id", "data", "data.", "data.$where", "__proto__", "data..a"]) {
      expect(resolveDimension(name)).toBeUndefined();
    }
  });

  test("configured dimensions join the built-in ones once", () => {
    expect(rolledUp(["data.plan", "context.os", "data.plan"])).toEqual([
      ...builtInDimensions,
      "data.plan",
    ]);
  });
});
