import { userOf } from "../../../lib/event/event.ts";

describe("userOf", () => {
  test.each([
    [{ userId: "u", anonymousId: "a" }, "u"],
    [{ anonymousId: "a" }, "a"],
    [{ userId: 7 }, "7"],
    [{ userId: 0, anonymousId: "a" }, "0"],
    [{ userId: null, anonymousId: "a" }, "a"],
    [{ userId: "", anonymousId: "a" }, "a"],
    [{ userId: { id: "u" } }, undefined],
    [{}, undefined],
    [undefined, undefined],
  ])("of %j", (metadata, user) => {
    expect(userOf({ metadata })).toBe(user);
  });
});
