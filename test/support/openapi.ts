import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { openApiDocument } from "../../lib/openapi/document.ts";

interface Described {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
  readonly headers?: Readonly<Record<string, object>>;
}

interface Operation {
  readonly responses: Readonly<Record<string, Described>>;
}

/** The document as it is told to those who ask: plain JSON. */
export const document = JSON.parse(JSON.stringify(openApiDocument())) as {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
};

const ajv = new Ajv2020({ strict: false, allErrors: true });
(addFormats as unknown as (ajv: Ajv2020) => void)(ajv);
ajv.addSchema({ $id: "/openapi.json", ...document });

const routes = Object.entries(document.paths)
  .map(([path, methods]) => ({
    path,
    methods,
    form: new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`),
    parts: path.split("{").length,
  }))
  // A route of fixed words comes before one with parts.
  .sort((a, b) => a.parts - b.parts);

/** Headers that tell a caller what it may do: an answer with one is described with it. */
const telling = ["Accept", "Accept-Encoding", "RateLimit", "RateLimit-Policy", "WWW-Authenticate"];

/** What an answer has that the document does not say; empty where all is said, or the route is none of the document's. */
export async function undocumented(
  method: string,
  url: string,
  response: Response,
): Promise<readonly string[]> {
  const { pathname } = new URL(url);
  const route = routes.find(({ form }) => form.test(pathname));
  const name = method === "HEAD" ? "get" : method.toLowerCase();
  const operation = route?.methods[name];
  // What is not there is a problem of the edge: 404, 405, 501.
  if (route === undefined || operation === undefined) return [];
  const what = `${method} ${pathname} ${response.status}`;
  const described = operation.responses[String(response.status)];
  if (described === undefined) return [`${what}: the status is not documented`];
  const untold = telling.filter(
    (header) => response.headers.has(header) && described.headers?.[header] === undefined,
  );
  if (untold.length > 0) return untold.map((header) => `${what}: ${header} is not documented`);
  const type = response.headers.get("content-type")?.split(";")[0];
  if (method === "HEAD" || type === undefined) return [];
  const content = described.content?.[type];
  if (content === undefined) return [`${what}: ${type} is not documented`];
  if (!/json$/.test(type) || type === "application/x-ndjson") return [];
  const pointer = [
    "paths",
    route.path,
    name,
    "responses",
    response.status,
    "content",
    type,
    "schema",
  ]
    .map((part) => String(part).replaceAll("~", "~0").replaceAll("/", "~1"))
    .map(encodeURIComponent)
    .join("/");
  const check = ajv.getSchema(`/openapi.json#/${pointer}`);
  if (check === undefined) throw new Error(`no schema at ${pointer}`);
  if (check(await response.clone().json())) return [];
  return (check.errors ?? []).map((error) => `${what}: ${error.instancePath} ${error.message}`);
}
