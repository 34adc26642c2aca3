import type { IncomingMessage } from "node:http";

type Headers = Readonly<Record<string, string>>;

/** The headers of an answer that a page may read, besides those that every page may read. */
const exposed = [
  "Accept",
  "Accept-Encoding",
  "Allow",
  "As-Of",
  "Because",
  "Content-Disposition",
  "ETag",
  "Location",
  "Preference-Applied",
  "RateLimit",
  "RateLimit-Policy",
  "Retry-After",
  "WWW-Authenticate",
  "X-Request-Id",
].join(", ");

/** The headers that a page may send, besides those that every page may send. */
const taken =
  /^(?:accept|authorization|content-encoding|content-type|if-match|if-none-match|last-event-id|prefer|x-api-key|x-request-id|ce-[a-z0-9]+)$/;

const preflightSeconds = 7_200;

/**
 * Decides which pages of other origins may call the API (the Fetch standard's CORS protocol). Pages
 * set keys as headers themselves, so the browser's own credentials (cookies, stored passwords) are
 * never allowed.
 */
export class Cors {
  readonly #origins: ReadonlySet<string>;
  readonly #any: boolean;

  /** @param origins such as `https://app.example`; or `*` alone, for every page */
  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
    this.#any = this.#origins.has("*");
  }

  /**
   * The headers of any answer, refusals included: they say whether the calling page may read it.
   */
  headersFor({ headers: { origin } }: IncomingMessage): Headers {
    const shared: Headers = this.#any ? {} : { Vary: "Origin" };
    const allowed = this.#allowed(origin);
    return allowed === undefined
      ? shared
      : {
          ...shared,
          "Access-Control-Allow-Origin": allowed,
          "Access-Control-Expose-Headers": exposed,
        };
  }

  /**
   * The headers of the answer to a preflight; none where the request is no preflight, or comes from
   * an origin that may not call.
   */
  preflightHeaders({ headers }: IncomingMessage, methods: readonly string[]): Headers {
    const wanted = headers["access-control-request-method"];
    const vary = ["Access-Control-Request-Method", "Access-Control-Request-Headers"];
    const shared = { Vary: [...(this.#any ? [] : ["Origin"]), ...vary].join(", ") };
    if (wanted === undefined || this.#allowed(headers.origin) === undefined) return shared;
    const fields = (headers["access-control-request-headers"] ?? "")
      .split(",")
      .map((name) => name.trim().toLowerCase())
      .filter((name) => taken.test(name));
    return {
      ...shared,
      "Access-Control-Allow-Methods": methods.join(", "),
      ...(fields.length > 0 && { "Access-Control-Allow-Headers": fields.join(", ") }),
      "Access-Control-Max-Age": String(preflightSeconds),
    };
  }

  #allowed(origin: string | undefined): string | undefined {
    if (origin === undefined) return undefined;
    if (this.#any) return "*";
    return this.#origins.has(origin) ? origin : undefined;
  }
}
