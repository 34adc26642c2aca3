import { catalogue, ServiceError, tooMany, type ErrorType } from "../../../lib/errors.ts";
import { refusalOf } from "../../../lib/http/problem.ts";

/** As it comes from another node: without its class. */
const fromAfar = (error: ServiceError) => ({ ...error, message: error.message });

test.each([
  "reads_waiting",
  "answers_under_way",
  "bodies_in_flight",
  "erasures_open",
  "live_clients",
] as const)("a refusal for %s is told by its finding, here and from another node", (limit) => {
  const error = tooMany(limit, "too many", 2);
  expect([refusalOf(error), refusalOf(fromAfar(error))]).toEqual([limit, limit]);
});

test("a finding that names no such limit adds no label", () => {
  const errors = [{ pointer: "", code: "constructor", message: "" }];
  expect(refusalOf(new ServiceError("TOO_MANY_REQUESTS", "", { errors }))).toBe("rate");
  expect(refusalOf(new ServiceError("TOO_LARGE", "", { errors }))).toBe("too_large");
});

test("what is refused by a limit has one of its statuses, and nothing else counts as such", () => {
  const types = Object.keys(catalogue) as ErrorType[];
  const limited = types.filter((type) => refusalOf(new ServiceError(type)) !== undefined);
  const statuses = new Set(limited.map((type) => catalogue[type].status));
  expect(statuses).toEqual(new Set([408, 413, 414, 422, 429, 431, 503]));
  for (const type of ["INVALID_EVENT", "QUEUE_FULL", "VALIDATION", "INTERNAL"] as const) {
    expect(limited).not.toContain(type);
  }
  expect([undefined, null, "text", {}].map(refusalOf)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
