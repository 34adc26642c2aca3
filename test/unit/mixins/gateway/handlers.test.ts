import type { ServerResponse } from "node:http";
import { maxNesting } from "../../../../lib/event/limits.ts";
import type { Routed } from "../../../../mixins/gateway/edge.ts";
import { takeJson } from "../../../../mixins/gateway/handlers.ts";

const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

function taken(body: string): Promise<unknown> {
  const edge = { takeBody: () => Promise.resolve(Buffer.from(body)) };
  const request = { query: {}, headers: { "content-type": "application/json" } };
  const limits = { wireBytes: 1_024, inflatedBytes: 1_024 };
  return takeJson(edge, request as unknown as Routed, {} as ServerResponse, limits);
}

test("a body holds data, a schema or a question that is nested as deep as one may be, and no deeper", async () => {
  const deepest = `{"data":${nested(maxNesting)}}`;
  expect(await taken(deepest)).toEqual(JSON.parse(deepest));
  const pointer = `/data${"/0".repeat(maxNesting)}`;
  await expect(taken(`{"data":${nested(maxNesting + 1)}}`)).rejects.toMatchObject({
    type: "VALIDATION",
    data: { errors: [{ pointer, code: "too_deep" }] },
  });
});
