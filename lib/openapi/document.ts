import { catalogue, type ErrorType } from "../errors.ts";
import { eventSchema } from "../event/event-schema.ts";
import { filterSchema } from "../questions/reading/filter-body.ts";
import { jsonSchemaOf, type JsonSchema } from "../schema/rule.ts";
import { answers } from "./answers.ts";
import { answerHeaders, headersOf, type AnswerHeader } from "./headers.ts";
import type { Operation } from "./operation.ts";
import { operations } from "./operations.ts";

/** The errors that any request may meet. */
const always: readonly ErrorType[] = [
  "MALFORMED",
  "VALIDATION",
  "METHOD_NOT_ALLOWED",
  "REQUEST_TOO_SLOW",
  "URI_TOO_LONG",
  "EXPECTATION_FAILED",
  "MISDIRECTED",
  "HEADERS_TOO_LARGE",
  "INTERNAL",
  "NOT_IMPLEMENTED",
  "OVERLOADED",
  "SERVICE_UNAVAILABLE",
  "DRAINING",
];
const withKey: readonly ErrorType[] = ["UNAUTHORIZED", "TOO_MANY_REQUESTS"];
const withScope: readonly ErrorType[] = ["FORBIDDEN", ...withKey];

const conditions = {
  name: "conditions",
  in: "query",
  style: "form",
  explode: true,
  description: `Conditions on properties, each a parameter of its own: data.plan=pro. The schema has plain names alone, so that what is made of it is right; the service takes operators, quoted keys and instants as well: data.amount[gte]=10, data["http.status"]=200, timestamp[lt]=2026-01-31T00:00:00Z. At most 20.`,
  schema: {
    type: "object",
    patternProperties: { "^(data|metadata|context)\\.[A-Za-z0-9_]+$": { type: "string" } },
    additionalProperties: false,
  },
  example: { "data.plan": "pro" },
};

/** The description of the API (OpenAPI 3.1), made of the rules that check its requests. */
export function openApiDocument(): JsonSchema {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [route, operation] of Object.entries(operations)) {
    const [method = "", path = ""] = route.split(" ");
    (paths[path] ??= {})[method.toLowerCase()] = described(route, operation);
  }
  const schemas = Object.entries(answers).map(([name, { schema }]) => [name, schema]);
  return {
    openapi: "3.1.0",
    info: {
      title: "Maily analytics",
      version: "1",
      description: "Collects events, counts each once, and answers questions about them.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: {
        Event: jsonSchemaOf(eventSchema, true),
        Filter: filterSchema,
        ...(Object.fromEntries(schemas) as JsonSchema),
      },
      headers: answerHeaders,
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        key: { type: "apiKey", in: "header", name: "X-Api-Key" },
        basic: { type: "http", scheme: "basic", description: "The key is the user name" },
      },
    },
  };
}

function described(route: string, operation: Operation): JsonSchema {
  const { summary, description, scope, body, example } = operation;
  const content = Object.entries(body ?? {}).map(([type, schema], i) => [
    type,
    { schema, ...(i === 0 && example?.body !== undefined && { example: example.body }) },
  ]);
  return {
    operationId: route.replaceAll(/[^A-Za-z0-9]+(.?)/g, (_, next: string) => next.toUpperCase()),
    summary,
    ...(description !== undefined && { description }),
    parameters: parametersOf(operation),
    ...(body && {
      requestBody: {
        description: "It may be packed: Content-Encoding is gzip, deflate or br",
        required: true,
        content: Object.fromEntries(content) as JsonSchema,
      },
    }),
    // A service without keys is open on its own machine.
    security: scope === undefined ? [] : [{ bearer: [] }, { key: [] }, { basic: [] }, {}],
    ...(scope !== undefined && scope !== "any" && { "x-scope": scope }),
    responses: responsesOf(operation),
  };
}

function parametersOf({ path = {}, parameters = {}, filtered, headers = {}, example }: Operation) {
  return [
    ...Object.entries(path).map(([name, schema]) => ({
      name,
      in: "path",
      required: true,
      schema,
      ...(example?.path?.[name] !== undefined && { example: example.path[name] }),
    })),
    ...Object.entries(parameters).map(([name, { schema, required }]) => ({
      name,
      in: "query",
      ...(required && { required }),
      ...("description" in schema && { description: schema["description"] }),
      schema,
    })),
    ...(filtered === true ? [conditions] : []),
    ...Object.entries(headers).map(([name, schema]) => ({ name, in: "header", schema })),
  ];
}

function responsesOf({ answers: given, answerHeaders: own = [], problems = [], scope }: Operation) {
  const limit = scope === undefined ? [] : limitHeaders;
  const statuses = new Map<number, ErrorType[]>();
  const ofKeys = scope === undefined ? [] : scope === "any" ? withKey : withScope;
  for (const type of [...always, ...ofKeys, ...problems]) {
    const { status } = catalogue[type];
    statuses.set(status, [...new Set([...(statuses.get(status) ?? []), type])]);
  }
  const responses: Record<string, { description: string; headers?: object; content?: object }> = {};
  for (const [status, types] of statuses) responses[status] = problemOf(types, limit);
  for (const [status, answer] of Object.entries(given)) {
    responses[status] = {
      description: Number(status) < 400 ? "What was asked for" : "The state, or a problem",
      headers: headersOf([
        ...["X-Request-Id" as const, ...own, ...limit],
        ...problemHeaders(Number(status)),
      ]),
      ...(answer !== null && { content: { ...responses[status]?.content, ...contentOf(answer) } }),
    };
  }
  return responses;
}

function contentOf(answer: string | readonly string[]): object {
  if (typeof answer === "string") {
    return { "application/json": { schema: { $ref: `#/components/schemas/${answer}` } } };
  }
  return Object.fromEntries(
    answer.map((type) => [
      type,
      { schema: type === "application/json" ? { type: "object" } : { type: "string" } },
    ]),
  );
}

function problemOf(types: readonly ErrorType[], limit: readonly AnswerHeader[]) {
  const { status } = catalogue[types[0]!];
  // A caller that is not let in has no limit of its own.
  const isLetIn = status !== 401 && status !== 403;
  return {
    description: types.map((type) => `${type}: ${catalogue[type].title}`).join("; "),
    headers: headersOf(["X-Request-Id", ...problemHeaders(status), ...(isLetIn ? limit : [])]),
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
  };
}

const limitHeaders = ["RateLimit", "RateLimit-Policy"] as const;

/** The headers of problems of a status, which tell what would be right. */
function problemHeaders(status: number): readonly AnswerHeader[] {
  switch (status) {
    case 401:
      return ["WWW-Authenticate"];
    case 405:
      return ["Allow"];
    case 415:
      return ["Accept", "Accept-Encoding"];
    case 429:
    case 503:
      return ["Retry-After"];
    default:
      return [];
  }
}
