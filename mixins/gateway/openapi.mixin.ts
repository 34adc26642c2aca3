import type { IncomingMessage, ServerResponse } from "node:http";
import { defineMixin } from "../../lib/moleculer.ts";
import { docsHeaders, docsPage } from "../../lib/openapi/docs-page.ts";
import { openApiDocument } from "../../lib/openapi/document.ts";

export interface Describing {
  sendDocument(request: IncomingMessage, response: ServerResponse): void;
  sendDocs(request: IncomingMessage, response: ServerResponse): void;
}

/**
 * Gives the gateway the description of its API, for machines and as a page. Each is made on the
 * first request.
 */
export function OpenApiMixin() {
  let document: string | undefined;
  let page: string | undefined;
  return defineMixin()({
    methods: {
      sendDocument(_request: IncomingMessage, response: ServerResponse): void {
        document ??= JSON.stringify(openApiDocument());
        response.writeHead(200, { "Content-Type": "application/json; charset=utf-8" });
        response.end(document);
      },

      sendDocs(_request: IncomingMessage, response: ServerResponse): void {
        page ??= docsPage(openApiDocument());
        response.writeHead(200, docsHeaders);
        response.end(page);
      },
    },
  });
}
