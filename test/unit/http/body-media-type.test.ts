import { ServiceError } from "../../../lib/errors.ts";
import { requireMediaType } from "../../../lib/http/body.ts";

const accepted = ["application/json", "application/x-ndjson"] as const;

function refusal(contentType: string | undefined): ServiceError {
  try {
    requireMediaType(contentType, accepted);
  } catch (error) {
    return error as ServiceError;
  }
  throw new Error("it was taken");
}

test.each([
  ["application/json", "application/json"],
  ["Application/JSON", "application/json"],
  ["application/json; charset=utf-8", "application/json"],
  ["application/json;charset=UTF-8", "application/json"],
  ['application/json ; Charset="UTF-8"', "application/json"],
  ['application/json; a="b;charset=latin1"; charset=utf8', "application/json"],
  ["application/json;", "application/json"],
  ["\tapplication/x-ndjson; version=1; charset=utf-8", "application/x-ndjson"],
])("%j is %s", (contentType, type) => {
  expect(requireMediaType(contentType, accepted)).toBe(type);
});

test.each([
  undefined,
  "",
  "text/plain",
  "application/jsonx",
  "json",
  "application/json, text/plain",
  "application/json; charset=latin1",
  "application/json; charset=utf-16",
  "application/json; charset=",
  'application/json; a="b; c=d"; charset="iso-8859-1"',
])("%j is refused, and what is taken is named", (contentType) => {
  const error = refusal(contentType);
  expect(error).toBeInstanceOf(ServiceError);
  expect(error.type).toBe("UNSUPPORTED_MEDIA_TYPE");
  expect(error.data.accept).toEqual(accepted);
});
