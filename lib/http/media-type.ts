import { ServiceError } from "../errors.ts";

/** A `Content-Type` (RFC 9110, 8.3), in lower case. */
interface MediaType {
  readonly essence: string;
  readonly charset?: string;
}

/**
 * The media type of a body, one of those that are taken here. Case and parameters do not matter,
 * but a charset must be UTF-8.
 * @throws ServiceError `UNSUPPORTED_MEDIA_TYPE`, which names those that are taken
 */
export function requireMediaType<Accepted extends string>(
  contentType: string | undefined,
  accepted: readonly Accepted[],
): Accepted {
  // Most clients send it just so.
  const exact = accepted.find((type) => type === contentType);
  if (exact !== undefined) return exact;
  const { essence, charset } = parse(contentType ?? "");
  const type = accepted.find((candidate) => candidate === essence);
  if (type === undefined) {
    const given = contentType === undefined ? "is missing" : "is not supported here";
    throw unsupported(`The Content-Type ${given}; use ${accepted.join(", ")}`, accepted);
  }
  if (charset !== undefined && charset !== "utf-8" && charset !== "utf8") {
    throw unsupported("The charset must be UTF-8", accepted);
  }
  return type;
}

const parameter = /;[\t ]*([!#$%&'*+.^_`|~0-9a-z-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;"\s]*))[\t ]*/gy;

function parse(contentType: string): MediaType {
  const text = contentType.trim().toLowerCase();
  const end = text.indexOf(";");
  if (end < 0) return { essence: text };
  const essence = text.slice(0, end).trim();
  parameter.lastIndex = end;
  let charset: string | undefined;
  for (;;) {
    const match = parameter.exec(text);
    if (match === null) return { essence, charset };
    if (match[1] === "charset") charset ??= match[2] ?? match[3] ?? "";
  }
}

function unsupported(message: string, accept: readonly string[]): ServiceError {
  return new ServiceError("UNSUPPORTED_MEDIA_TYPE", message, { accept });
}
