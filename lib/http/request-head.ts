import type { IncomingMessage } from "node:http";
import { ServiceError } from "../errors.ts";

/** The rules for the head of a request. */
interface HeadRules {
  readonly maxHeaders: number;
  /** The longest target of a request, in bytes. */
  readonly maxUrlBytes: number;
  /**
   * Whether only names of this machine are served. This refuses pages of other names that resolve
   * to it (DNS rebinding).
   */
  readonly localOnly: boolean;
}

type Head = Pick<IncomingMessage, "method" | "url" | "rawHeaders" | "httpVersion">;

const localNames = new Set(["localhost", "127.0.0.1", "[::1]"]);
const absoluteForm = /^https?:\/\/([^/?#]*)(.*)$/i;
/** A name, an IPv4 address or an IPv6 one in brackets, and a port (RFC 3986, 3.2.2). */
const authority = /^(\[[0-9a-f:.]+\]|[\w.~!$&'()*+,;=%-]*)(?::\d*)?$/i;

/**
 * Checks what Node leaves unchecked, and reads the target of a request (RFC 9112, 3.2): a path with
 * its query, or `*`. In absolute form the target's authority replaces the `Host` header.
 * @throws ServiceError MALFORMED, URI_TOO_LONG, HEADERS_TOO_LARGE, MISDIRECTED
 */
export function readTarget(
  { method, url = "", rawHeaders, httpVersion }: Head,
  rules: HeadRules,
): string {
  if (rawHeaders.length > rules.maxHeaders * 2) {
    const message = `A request may have at most ${rules.maxHeaders} header fields`;
    throw new ServiceError("HEADERS_TOO_LARGE", message);
  }
  if (url.length > rules.maxUrlBytes) throw tooLong(rules.maxUrlBytes);
  if (url.includes("#")) throw malformed("The request's target has a fragment");
  const host = hostIn(rawHeaders);
  if (host === undefined && httpVersion !== "1.0") throw malformed("The Host header is missing");
  if (url.startsWith("/")) {
    checkHost(host, rules);
    return url;
  }
  if (url === "*" && method === "OPTIONS") {
    checkHost(host, rules);
    return url;
  }
  const [, named, rest = ""] = absoluteForm.exec(url) ?? [];
  if (named === undefined || named === "") throw malformed("The request's target is no path");
  checkHost(named, rules);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

export function tooLong(maxUrlBytes: number): ServiceError {
  return new ServiceError("URI_TOO_LONG", `An address may have at most ${maxUrlBytes} bytes`);
}

/** The path as the client sent it: moleculer-web rewrites `url` while it routes. */
export function pathOf(request: IncomingMessage & { readonly originalUrl?: string }): string {
  return (request.originalUrl ?? request.url ?? "/").split("?", 1)[0] ?? "/";
}

/** The host, which may come only once. Of several Node would silently take the first. */
function hostIn(rawHeaders: readonly string[]): string | undefined {
  let host: string | undefined;
  let contentType: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (name.length === 4 && name.toLowerCase() === "host") {
      if (host !== undefined) throw malformed("The Host header is there twice");
      host = rawHeaders[at + 1];
    } else if (name.length === 12 && name.toLowerCase() === "content-type") {
      if (contentType !== undefined) throw malformed("The Content-Type header is there twice");
      contentType = rawHeaders[at + 1];
    }
  }
  return host;
}

function checkHost(host: string | undefined, { localOnly }: HeadRules): void {
  // Only HTTP/1.0, which no browser speaks, allows a request without a host.
  if (host === undefined) return;
  const name = authority.exec(host)?.[1];
  if (name === undefined) throw malformed("The request's host is no name or address");
  if (localOnly && !localNames.has(name.toLowerCase())) {
    const message = "Without keys this service answers only as localhost, 127.0.0.1 and [::1]";
    throw new ServiceError("MISDIRECTED", message);
  }
}

function malformed(message: string): ServiceError {
  return new ServiceError("MALFORMED", message);
}
