const text = { type: "string" };

/** The headers of answers that the API's description tells. */
export const answerHeaders = {
  Accept: { description: "Of a 415: the media types that the route takes", schema: text },
  "Accept-Encoding": { description: "Of a 415: the content codings of bodies", schema: text },
  Allow: { description: "The methods of the address", schema: text },
  "As-Of": {
    description: "Every event that was accepted before this instant is in the export",
    schema: { type: "string", format: "date-time" },
  },
  Because: {
    description: "Why events may be missing from the export: damaged, erasing, retention",
    schema: text,
  },
  "Content-Disposition": { description: "The name of the file", schema: text },
  ETag: { description: "The tag of this version, for If-Match and If-None-Match", schema: text },
  Location: { description: "The address of what was accepted or made", schema: text },
  "Preference-Applied": { description: "The seconds of Prefer: wait that hold", schema: text },
  RateLimit: {
    description: `What the caller has left, where a limit is set: "reads";r=99;t=1 (draft-ietf-httpapi-ratelimit-headers-10); t is the seconds until the whole quota is there`,
    schema: text,
  },
  "RateLimit-Policy": {
    description: `The limit, where one is set: "reads";q=100;w=10 is 100 requests, or events, in 10 s`,
    schema: text,
  },
  "Retry-After": { description: "Seconds to wait before the next attempt", schema: text },
  "WWW-Authenticate": { description: "Bearer: the scheme of keys", schema: text },
  "X-Request-Id": { description: "The request's id, in the log, too", schema: text },
} as const;

export type AnswerHeader = keyof typeof answerHeaders;

/** References to these headers, by name. */
export function headersOf(
  names: readonly AnswerHeader[],
): Readonly<Record<string, { readonly $ref: string }>> {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}
