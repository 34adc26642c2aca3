import { parse } from "content-type";
import { ServiceError } from "../errors.ts";

/**
 * The media type of a body, one of the accepted ones. Case and parameters do not matter, but a
 * charset must be UTF-8.
 * @throws ServiceError `UNSUPPORTED_MEDIA_TYPE`, which names the accepted types
 */
export function requireMediaType<Accepted extends string>(
  contentType: string | undefined,
  accepted: readonly Accepted[],
): Accepted {
  // Most clients send exactly this text.
  const exact = accepted.find((type) => type === contentType);
  if (exact !== undefined) return exact;
  const { type: given, parameters } = parse(contentType ?? "");
  const type = accepted.find((candidate) => candidate === given);
  if (type === undefined) {
    const trouble = contentType === undefined ? "is missing" : "is not supported here";
    throw unsupported(`The Content-Type ${trouble}; use ${accepted.join(", ")}`, accepted);
  }
  const charset = parameters["charset"]?.toLowerCase();
  if (charset !== undefined && charset !== "utf-8" && charset !== "utf8") {
    throw unsupported("The charset must be UTF-8", accepted);
  }
  return type;
}

function unsupported(message: string, accept: readonly string[]): ServiceError {
  return new ServiceError("UNSUPPORTED_MEDIA_TYPE", message, { accept });
}
