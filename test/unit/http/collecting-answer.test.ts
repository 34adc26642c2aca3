import {
  batchAnswer,
  eventAnswer,
  readResultsChoice,
  waitOf,
} from "../../../lib/http/collecting.ts";
import type { ItemResult } from "../../../lib/event/admit.ts";

const accepted: ItemResult = { index: 0, id: "a/b", status: "accepted", receivedAt: 0 };
const rejected: ItemResult = {
  index: 1,
  status: "rejected",
  error: {
    type: "/problems/invalid-event",
    errors: [{ pointer: "/type", code: "required", message: "type is required" }],
  },
};

describe("waitOf", () => {
  test.each([
    [undefined, undefined],
    ["respond-async", undefined],
    ["wait=5", 5_000],
    ["respond-async, wait=10", 10_000],
    ["Wait = 2", 2_000],
    ["wait=0", 0],
    ["wait=9999", 30_000],
    [`wait=${"9".repeat(400)}`, 30_000],
    ["waiting=5", undefined],
    ["wait=soon", undefined],
  ])("Prefer: %s", (prefer, waitMs) => {
    expect(waitOf({ prefer })).toBe(waitMs);
  });
});

describe("readResultsChoice", () => {
  test("a batch takes results, an event takes nothing", () => {
    expect(readResultsChoice("", ["errors", "all"])).toBeUndefined();
    expect(readResultsChoice("results=all", ["errors", "all"])).toBe("all");
    for (const [search, allowed] of [
      ["results=none", ["errors", "all"]],
      ["x=1", ["errors", "all"]],
      ["results=all", []],
    ] as const) {
      expect(() => readResultsChoice(search, allowed)).toThrow(
        expect.objectContaining({ type: "VALIDATION" }) as Error,
      );
    }
  });
});

describe("eventAnswer", () => {
  test.each([
    ["pending", 202, "accepted"],
    ["stored", 201, "stored"],
    ["duplicate", 200, "duplicate"],
  ] as const)("an outcome of %s is a %i", (outcome, status, name) => {
    const answer = eventAnswer({ results: [accepted], outcomes: { "a/b": outcome } }, 1_000);
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body)).toEqual({
      id: "a/b",
      status: name,
      receivedAt: "1970-01-01T00:00:00.000Z",
    });
    expect(answer.headers).toMatchObject({
      Location: "/api/v1/events/a%2Fb",
      "Preference-Applied": "wait=1",
    });
  });

  test("a conflict and a rejection are errors", () => {
    expect(() => eventAnswer({ results: [accepted], outcomes: { "a/b": "conflict" } })).toThrow(
      expect.objectContaining({ type: "ID_CONFLICT" }) as Error,
    );
    expect(() => eventAnswer({ results: [rejected] })).toThrow(
      expect.objectContaining({ type: "INVALID_EVENT" }) as Error,
    );
  });
});

describe("batchAnswer", () => {
  test.each([
    [[accepted], 202],
    [[accepted, rejected], 207],
    [[rejected], 422],
  ])("%#: the status tells whether all, some or none were accepted", (results, status) => {
    expect(batchAnswer(results, "errors").status).toBe(status);
  });

  test("lists the rejected ones, or all", () => {
    const listed = (choice: "errors" | "all") =>
      (JSON.parse(batchAnswer([accepted, rejected], choice).body) as { results: unknown[] }).results
        .length;
    expect([listed("errors"), listed("all")]).toEqual([1, 2]);
  });
});
