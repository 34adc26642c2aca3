import { Errors as MoleculerErrors } from "moleculer";
import ApiGateway from "moleculer-web";
import FastestValidator from "fastest-validator";
import fc from "fast-check";
import { catalogue, ServiceError, type ErrorType } from "../../../lib/errors.ts";
import type { ItemProblem } from "../../../lib/event/admit.ts";
import { errorOfItem, problemOf, problemUri, type Problem } from "../../../lib/http/problem.ts";

const usualHeaders = {
  "content-type": "application/problem+json",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};
const context = { instance: "/api/v1/events", requestId: "r1" };
const problem = (error: unknown): Problem => problemOf(error, context);
const types = Object.keys(catalogue) as ErrorType[];

/** What is left of an error after a transporter. */
const overTheWire = (error: object) => {
  const { name, message, type, code, data } = error as ServiceError;
  return Object.assign(new Error(message), { name, type, code, data });
};

describe("an error of the catalogue", () => {
  test.each(types)("%s keeps its status, also over the wire", (type) => {
    const error = new ServiceError(type, "what happened");
    const { status, title } = catalogue[type];
    for (const given of [problem(error), problem(overTheWire(error))]) {
      expect(given.status).toBe(status);
      expect(given.headers).toMatchObject({ "content-type": "application/problem+json" });
      expect(given.body).toEqual({
        type: problemUri(type),
        title,
        status,
        ...(status < 500 && { detail: "what happened" }),
        ...context,
      });
    }
  });

  test("shows its findings", () => {
    const errors = [{ pointer: "/a", code: "type", message: "wrong" }];
    expect(problem(new ServiceError("VALIDATION", "bad", { errors })).body.errors).toEqual(errors);
  });

  test("without words of its own says what its findings say", () => {
    const errors = [{ pointer: "/a", code: "type", message: "wrong" }];
    const detailOf = (type: ErrorType, found: typeof errors) =>
      problem(new ServiceError(type, undefined, { errors: found })).body.detail;
    expect(detailOf("VALIDATION", errors)).toBe("wrong");
    expect(detailOf("VALIDATION", [...errors, ...errors])).toBe(
      "2 things are wrong with the request",
    );
    expect(detailOf("VALIDATION", [])).toBeUndefined();
    expect(detailOf("INTERNAL", errors)).toBeUndefined();
  });

  test("has the headers that its status asks for", () => {
    const headers = (type: ErrorType, data = {}) =>
      problem(new ServiceError(type, "", data)).headers;
    expect(headers("METHOD_NOT_ALLOWED", { allow: ["GET", "HEAD"] })["allow"]).toBe("GET, HEAD");
    expect(headers("METHOD_NOT_ALLOWED")["allow"]).toBe("");
    expect(headers("UNAUTHORIZED")["www-authenticate"]).toBe("Bearer");
    expect(headers("UNSUPPORTED_MEDIA_TYPE", { accept: ["a/b"] })["accept"]).toBe("a/b");
    expect(
      headers("UNSUPPORTED_MEDIA_TYPE", { acceptEncoding: ["gzip", "br"] })["accept-encoding"],
    ).toBe("gzip, br");
    expect(headers("NOT_FOUND", { allow: ["GET"], retryAfter: 3 })).toEqual(usualHeaders);
  });

  test.each(types.filter((type) => [429, 503].includes(catalogue[type].status)))(
    "%s says when to come back",
    (type) => {
      const retryAfter = (data = {}) =>
        problem(new ServiceError(type, "", data)).headers["retry-after"];
      expect(Number(retryAfter())).toBeGreaterThanOrEqual(1);
      expect(retryAfter({ retryAfter: 30 })).toBe("30");
      expect(retryAfter({ retryAfter: 0.2 })).toBe("1");
      expect(retryAfter({ retryAfter: -5 })).toBe("1");
      expect(Number(retryAfter({ retryAfter: "soon" }))).toBeGreaterThanOrEqual(1);
      expect(Number(retryAfter({ retryAfter: Infinity }))).toBeGreaterThanOrEqual(1);
    },
  );
});

describe("an error of Moleculer", () => {
  const data = { action: "query.counts", nodeID: "node-7", service: "query" };
  const web = (
    ApiGateway as unknown as { Errors: Record<string, new (...args: unknown[]) => Error> }
  ).Errors;
  const webError = (name: string, ...args: unknown[]) =>
    new (web[name] as new (...args: unknown[]) => Error)(...args);
  const named = (name: string, ...args: unknown[]) =>
    new (MoleculerErrors as unknown as Record<string, new (...args: unknown[]) => Error>)[name]!(
      ...args,
    );

  test.each<[string, Error, ErrorType]>([
    ["ServiceNotFoundError", named("ServiceNotFoundError", data), "SERVICE_UNAVAILABLE"],
    ["ServiceNotAvailableError", named("ServiceNotAvailableError", data), "SERVICE_UNAVAILABLE"],
    ["RequestTimeoutError", named("RequestTimeoutError", data), "SERVICE_UNAVAILABLE"],
    ["RequestSkippedError", named("RequestSkippedError", data), "SERVICE_UNAVAILABLE"],
    ["RequestRejectedError", named("RequestRejectedError", data), "SERVICE_UNAVAILABLE"],
    ["QueueIsFullError", named("QueueIsFullError", data), "SERVICE_UNAVAILABLE"],
    ["BrokerDisconnectedError", named("BrokerDisconnectedError"), "SERVICE_UNAVAILABLE"],
    ["ValidationError", named("ValidationError", "query.counts", null, []), "VALIDATION"],
    ["MaxCallLevelError", named("MaxCallLevelError", data), "INTERNAL"],
    ["NotFoundError", webError("NotFoundError"), "NOT_FOUND"],
    ["NotFoundError", webError("NotFoundError", "NO_SUCH", data), "NOT_FOUND"],
    ["BadRequestError", webError("BadRequestError", "ODD", data), "MALFORMED"],
    [
      "InvalidRequestBodyError",
      webError("InvalidRequestBodyError", "node-7", "query.counts"),
      "MALFORMED",
    ],
    ["UnAuthorizedError", webError("UnAuthorizedError", "NO_TOKEN"), "UNAUTHORIZED"],
    ["ForbiddenError", webError("ForbiddenError"), "FORBIDDEN"],
    ["PayloadTooLarge", webError("PayloadTooLarge"), "TOO_LARGE"],
    ["RateLimitExceeded", webError("RateLimitExceeded"), "TOO_MANY_REQUESTS"],
    ["ServiceUnavailableError", webError("ServiceUnavailableError"), "SERVICE_UNAVAILABLE"],
    ["InvalidResponseTypeError", webError("InvalidResponseTypeError", "x"), "INTERNAL"],
  ])("%s has a place in the catalogue, and shows no node or action", (name, error, type) => {
    expect(error.name).toBe(name);
    for (const given of [problem(error), problem(overTheWire(error))]) {
      expect(given.body.type).toBe(problemUri(type));
      expect(JSON.stringify(given)).not.toMatch(/query\.counts|node-7/);
      if (given.status === 503 || given.status === 429)
        expect(given.headers["retry-after"]).toMatch(/^\d+$/);
    }
  });

  test.each([
    ["entity.parse.failed", 400],
    ["entity.too.large", 413],
    ["encoding.unsupported", 415],
    ["charset.unsupported", 415],
  ])("body-parser's %s is a %d", (type, status) => {
    expect(problem(Object.assign(new Error("x"), { type, status })).status).toBe(status);
  });

  test("a name alone does not make one", () => {
    expect(problem(new DOMException("gone", "NotFoundError")).status).toBe(500);
  });

  test("a broken rule of parameters is a finding", () => {
    const validator = new (FastestValidator as unknown as typeof FastestValidator.default)();
    const check = validator.compile({
      limit: { type: "number", max: 5 },
      range: { type: "object", props: { from: "string", zone: { type: "enum", values: ["a"] } } },
      steps: {
        type: "array",
        items: { type: "object", strict: true, props: { type: { type: "string", min: 2 } } },
      },
      $$strict: true,
    });
    const broken = check({
      limit: 9,
      range: { from: 1, zone: "b" },
      steps: [{ type: "a", x: 1, "y/z": 2 }],
      other: 1,
    });
    const error = named("ValidationError", "Parameters validation error!", null, broken);
    const places = (given: Problem) =>
      given.body.errors?.map(({ code, pointer }) => `${code} ${pointer}`);
    expect(places(problem(error))).toEqual([
      "out_of_range /limit",
      "type /range/from",
      "choice /range/zone",
      "length /steps/0/type",
      "unknown_field /steps/0/x",
      "unknown_field /steps/0/y~1z",
      "unknown_field /other",
    ]);
    const inQuery = places(problemOf(error, { ...context, parameters: "query" }));
    expect([inQuery?.[0], inQuery?.at(-1)]).toEqual([
      "out_of_range limit",
      "unknown_parameter other",
    ]);
  });
});

describe("anything else", () => {
  test.each([
    new Error("connect ECONNREFUSED 10.0.0.7:27017"),
    Object.assign(new Error("secret"), { type: "constructor", code: 404, data: { errors: [{}] } }),
    new TypeError("secret"),
    "secret",
    null,
    undefined,
    7,
    { message: "secret", errors: ["secret"] },
  ])("%p is a 500 that tells nothing", (error) => {
    expect(problem(error)).toEqual({
      status: 500,
      headers: usualHeaders,
      body: {
        type: "/problems/internal",
        title: catalogue.INTERNAL.title,
        status: 500,
        ...context,
      },
    });
  });

  test("never shows the inside of a 5xx of the catalogue either", () => {
    const error = new ServiceError("STORE_UNAVAILABLE", "connect ECONNREFUSED 10.0.0.7", {
      errors: [{ pointer: "", code: "a", message: "10.0.0.7" }],
    });
    expect(JSON.stringify(problem(error))).not.toContain("10.0.0.7");
  });

  test("becomes a problem, whatever its fields are", () => {
    const field = fc.oneof(
      fc.anything(),
      fc.constantFrom<unknown>(...types, "ValidationError", "VALIDATION_ERROR"),
    );
    const error = fc.record(
      { name: field, type: field, code: field, message: field, data: field },
      { requiredKeys: [] },
    );
    const fields = fc.record({
      errors: field,
      retryAfter: field,
      allow: fc.oneof(field, fc.array(fc.string())),
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          error,
          fc.tuple(error, fields).map(([one, data]) => ({ ...one, data })),
        ),
        (thrown) => {
          const { status, headers, body } = problem(thrown);
          expect(body.status).toBe(status);
          expect(Object.values(headers).every((value) => /^[\x20-\x7e]*$/.test(value))).toBe(true);
          expect(JSON.parse(JSON.stringify(body))).toEqual(body);
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe("the refusal of one event", () => {
  const finding = { pointer: "/type", code: "required", message: "type is required" };

  test.each<[ItemProblem, number]>([
    ["/problems/invalid-event", 422],
    ["/problems/validation", 400],
    ["/problems/too-large", 413],
    ["/problems/id-conflict", 409],
    ["/problems/malformed", 400],
  ])("%s answers a request of its own with %d", (type, status) => {
    const given = problem(errorOfItem({ type, errors: [finding] }));
    expect(given.status).toBe(status);
    expect(given.body).toMatchObject({ type, detail: "type is required", errors: [finding] });
  });

  test("with several findings says how many", () => {
    const error = errorOfItem({ type: "/problems/invalid-event", errors: [finding, finding] });
    expect(error.message).toBe("2 things are wrong with the event");
  });
});
