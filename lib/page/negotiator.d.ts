declare module "negotiator" {
  import type { IncomingHttpHeaders } from "node:http";

  /** What of `Accept-Encoding` is used here; @types/negotiator lacks `preferred`. */
  export default class Negotiator {
    constructor(request: { readonly headers: IncomingHttpHeaders });
    /**
     * The best of `available`, of equals the one that stands first in `preferred`; `undefined`
     * where none is taken.
     */
    encoding(
      available: readonly string[],
      options: { readonly preferred: readonly string[] },
    ): string | undefined;
  }
}
