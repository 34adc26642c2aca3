import { Validator } from "@seriousme/openapi-schema-validator";
import { docsPage } from "../../../lib/openapi/docs-page.ts";
import { openApiDocument } from "../../../lib/openapi/document.ts";
import { readConfig } from "../../../lib/config.ts";
import { apiGateway } from "../../../services/api-gateway.service.ts";

const document = JSON.parse(JSON.stringify(openApiDocument())) as {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
};

interface Route {
  readonly name: string;
  readonly path: string;
  readonly aliases: Readonly<Record<string, unknown>>;
}

interface DescribedOperation {
  readonly responses: Readonly<
    Record<number, { readonly headers: Readonly<Record<string, { readonly $ref: string }>> }>
  >;
}

test("the description is OpenAPI 3.1", async () => {
  const { valid, errors } = await new Validator().validate(document);
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
});

test("it tells every route of the gateway, and no other", () => {
  const { settings } = apiGateway(readConfig({}));
  const routes = (settings as { routes: Route[] }).routes.filter(({ name }) => name !== "page");
  const served = routes.flatMap(({ path, aliases }) =>
    Object.keys(aliases).map((alias) => {
      const [method, rest] = alias.split(" ");
      return `${method} ${path === "/" ? "" : path}${rest}`.replaceAll(/:(\w+)/g, "{$1}");
    }),
  );
  const told = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  // The collecting routes stand in front of the others.
  expect(told.sort()).toEqual(
    [...served, "POST /api/v1/events", "POST /api/v1/events/batch"].sort(),
  );
});

test("answers name the headers by which a caller learns what it may do, each described once", () => {
  const { paths, components } = document as unknown as {
    readonly paths: Record<string, Record<string, DescribedOperation>>;
    readonly components: { readonly headers: Record<string, { readonly description: string }> };
  };
  const answersOf = (path: string, method: string) => paths[path]![method]!.responses;
  const namesOf = (path: string, method: string, status: number) =>
    Object.keys(answersOf(path, method)[status]!.headers);
  const limit = ["RateLimit", "RateLimit-Policy"];
  for (const status of [202, 400, 415, 429, 503]) {
    expect(namesOf("/api/v1/events", "post", status)).toEqual(expect.arrayContaining(limit));
  }
  expect(namesOf("/api/v1/events", "post", 401)).toEqual(["X-Request-Id", "WWW-Authenticate"]);
  expect(namesOf("/api/v1/query", "post", 415)).toEqual(
    expect.arrayContaining(["Accept", "Accept-Encoding"]),
  );
  expect(namesOf("/health", "get", 503)).toEqual(["X-Request-Id", "Retry-After"]);
  for (const methods of Object.values(paths)) {
    for (const { responses } of Object.values(methods)) {
      for (const { headers } of Object.values(responses)) {
        for (const [name, { $ref }] of Object.entries(headers)) {
          expect($ref).toBe(`#/components/headers/${name}`);
          expect(components.headers[name]?.description).toEqual(expect.any(String));
        }
      }
    }
  }
});

test("the page has every route and schema, and nothing that would run", () => {
  const page = docsPage(document);
  for (const path of Object.keys(document.paths)) expect(page).toContain(path);
  expect(page).not.toMatch(/<script|onclick|javascript:/i);
});
