import { undocumented } from "../support/openapi.ts";

/** For each e2e test: every answer to `fetch` is compared with the API's description. */
const plain = globalThis.fetch;

globalThis.fetch = async (input, init) => {
  const response = await plain(input, init);
  const { url, method } = new Request(input, { method: init?.method ?? "GET" });
  const found = await undocumented(init?.method ?? method, url, response);
  if (found.length > 0) throw new Error(`the description of the API lacks:\n${found.join("\n")}`);
  return response;
};
