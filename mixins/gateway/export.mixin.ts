import type { ServerResponse } from "node:http";
import { readTimeoutMs } from "../../lib/call-limits.ts";
import type { Config } from "../../lib/config.ts";
import { checkSubjectParameters, type ExportPage } from "../../lib/questions/lists/export.ts";
import type { Raw } from "../../lib/questions/reading/field.ts";
import { errorType, ServiceError } from "../../lib/errors.ts";
import type { EventText } from "../../lib/event/event-text.ts";
import { preferred } from "../../lib/http/headers.ts";
import { sendPages } from "../../lib/http/sending.ts";
import { defineMixin, limitCalls } from "../../lib/moleculer.ts";
import type { Sending } from "./answers-under-way.mixin.ts";
import type { Edge, Routed } from "./edge.ts";

export interface ExportEdge {
  exportEvents(request: Routed, response: ServerResponse): Promise<void>;
  /** Exports the events of the person that the path names. */
  exportSubject(request: Routed, response: ServerResponse): Promise<void>;
}

type Format = EventText["format"];

const mediaTypes = { ndjson: "application/x-ndjson", csv: "text/csv" } as const;
const formats = Object.keys(mediaTypes) as Format[];

/** The approximate size of a page. */
const pageBytes = 524_288;

/**
 * Gives the gateway `this.exportEvents`, the answer to an export: pages of `query.export`, each
 * fetched when the client took the one before. A stream as an action's result would push at the
 * store's pace, even over the message broker, and pile up here before a slow client.
 */
export function ExportEdgeMixin({ queryTimeoutMs }: Config) {
  const pageMs = readTimeoutMs(queryTimeoutMs);
  return defineMixin<{
    needs: Pick<Edge, "isHead" | "checkHolds"> & Pick<Sending, "holdRoom">;
  }>()({
    methods: {
      exportEvents(request: Routed, response: ServerResponse): Promise<void> {
        return this.sendExport(request, response, (params) =>
          request.$ctx.call("query.export", params),
        );
      },

      exportSubject(request: Routed, response: ServerResponse): Promise<void> {
        const userId = String(request.$params["userId"]);
        checkSubjectParameters(request.query);
        return this.sendExport(request, response, (params) =>
          request.$ctx.call("query.exportSubject", { ...params, userId }),
        );
      },

      async sendExport(
        request: Routed,
        response: ServerResponse,
        page: (params: Raw) => Promise<ExportPage>,
      ): Promise<void> {
        const format = formatOf(request);
        const read = async (cursor?: string): Promise<ExportPage> => {
          const { identity } = request;
          if (identity !== undefined) this.checkHolds(identity);
          limitCalls(request.$ctx, pageMs);
          return page({ ...request.$params, format, ...(cursor !== undefined && { cursor }) });
        };
        // Room for the page that is being sent, and for the one after it.
        this.holdRoom(request, response, 2 * pageBytes);
        // Errors of the question and absent services show before the response begins.
        const first = await read();
        response.writeHead(200, headersOf(format, first, new Date()));
        if (this.isHead(request)) {
          response.end();
          return;
        }
        async function* pages(): AsyncGenerator<string, void> {
          for (let page = first; ; page = await read(page.nextCursor)) {
            if (page.text !== "") yield page.text;
            if (page.nextCursor === null) return;
          }
        }
        try {
          await sendPages(request, response, pages());
        } catch (error) {
          if (errorType(error) === "CALLER_LEFT") return;
          const requestId = request.headers["x-request-id"];
          this.logger.warn({ err: error, requestId }, "an export broke off");
        }
      },
    },
  });
}

/** @throws ServiceError NOT_ACCEPTABLE */
function formatOf({ $params, headers }: Routed): Format {
  const named = formats.filter((format) => format === $params["format"]);
  // The action refuses an unknown format and says what is allowed.
  const offered = named.length > 0 || $params["format"] !== undefined ? named : formats;
  if (offered.length === 0) return $params["format"] as Format;
  const type = preferred(
    headers.accept,
    offered.map((format) => mediaTypes[format]),
  );
  const format = offered.find((each) => mediaTypes[each] === type);
  if (format !== undefined) return format;
  const types = offered.map((each) => mediaTypes[each]).join(" and ");
  throw new ServiceError("NOT_ACCEPTABLE", `There is ${types} here, which Accept does not take`);
}

function headersOf(
  format: Format,
  { asOf, because }: ExportPage,
  now: Date,
): Record<string, string> {
  const stamp = now.toISOString().replace(/\.\d+/, "").replaceAll(":", "-");
  const parameters = format === "csv" ? "; charset=utf-8; header=present" : "; charset=utf-8";
  return {
    "content-type": mediaTypes[format] + parameters,
    "content-disposition": `attachment; filename="events-${stamp}.${format}"`,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(asOf !== null && { "as-of": asOf }),
    // Says why the export is incomplete: an export has no `meta`.
    ...(because !== undefined && { because: because.join(", ") }),
  };
}
