import type { IncomingMessage } from "node:http";
import { Cors } from "../../../lib/http/cors.ts";
import { RateLimit } from "../../../lib/rate-limit/rate-limit.ts";
import { document } from "../../support/openapi.ts";

test("a page of another origin may read every header that the API's description names", () => {
  const limit = new RateLimit("reads", 1);
  const limits = Object.keys(limit.headers("caller"));
  limit.close();
  const described = Object.values(document.paths)
    .flatMap((methods) => Object.values(methods))
    .flatMap(({ responses }) => Object.values(responses))
    .flatMap(({ headers = {} }) => Object.keys(headers));
  const request = { headers: { origin: "https://app.example" } } as IncomingMessage;
  const { "Access-Control-Expose-Headers": exposed } = new Cors(["*"]).headersFor(request);
  const names = exposed!.split(", ");
  expect([...described, ...limits].filter((name) => !names.includes(name))).toEqual([]);
  expect(names).toContain("Because");
});
