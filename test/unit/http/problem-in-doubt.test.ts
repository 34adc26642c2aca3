import { ServiceError } from "../../../lib/errors.ts";
import { problemOf } from "../../../lib/http/problem.ts";

const problem = (error: unknown) =>
  problemOf(error, { instance: "/api/v1/events", requestId: "r" });

test("where it is not known whether events were kept, the ids that they were given are told, and nothing else of the data", () => {
  const ids = [{ index: 2, id: "given" }];
  const error = new ServiceError("OUTCOME_UNKNOWN", undefined, { ids });
  const { status, headers, body } = problem(error);
  expect(status).toBe(503);
  expect(Number(headers["retry-after"])).toBeGreaterThan(0);
  expect(body).toMatchObject({ type: "/problems/outcome-unknown", ids });
  expect(problem(new ServiceError("QUEUE_FULL", undefined, { ids })).body).not.toHaveProperty(
    "ids",
  );
});
