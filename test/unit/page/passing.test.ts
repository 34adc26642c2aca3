import { isPassing as isPassingForClients } from "../../../client/src/waiting.ts";
import { ProblemError } from "../../../client/src/errors.ts";
import { isPassing } from "../../../page/pure/passing.ts";

test("the page repeats what the client library repeats, and what no answer came to", () => {
  const statuses = Array.from({ length: 200 }, (_, at) => 400 + at);
  const repeated = statuses.filter((status) =>
    isPassingForClients(
      new ProblemError({ type: "about:blank", title: "", status, instance: "", requestId: "" }),
    ),
  );
  expect(statuses.filter(isPassing)).toEqual(repeated);
  expect(repeated).toEqual(expect.arrayContaining([408, 425, 429, 500, 502, 503, 504, 520]));
  expect(isPassing(0)).toBe(true);
});
