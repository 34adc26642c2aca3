import type { Routed } from "./edge.ts";
import type { ServerResponse } from "node:http";
import { defineMixin } from "../../lib/moleculer.ts";
import { pageViews, type PageView } from "../../lib/page/page-paths.ts";
import { PageServer } from "../../lib/page/page-server.ts";

/** What PageMixin gives to `this`, as handlers. */
interface ShowsPage {
  page: PageServer;
}

type PageHandler = (
  this: ShowsPage,
  request: Routed,
  response: ServerResponse,
  fail: (error: unknown) => void,
) => void;

/** Gives a service the page at `/` (page/README.md): `pageAliases` are its addresses. */
export function PageMixin() {
  return defineMixin<{ state: ShowsPage }>()({
    created() {
      this.page = new PageServer();
    },
    events: {
      // The page is made once the process is ready, so that its first visitor does not wait for it.
      async "$broker.started"() {
        await this.page.prepare().catch((error: unknown) => {
          this.logger.warn({ err: error }, "page could not be made ready ahead");
        });
      },
    },
  });
}

/**
 * The page's aliases: a document for each view, and the files that documents name. Any other
 * address is a 404.
 */
export const pageAliases: Readonly<Record<string, PageHandler>> = {
  ...Object.fromEntries(
    Object.entries(pageViews).map(([path, view]) => [`GET ${path}`, documentHandler(view)]),
  ),
  "GET /page/:hash/:file": fileHandler(),
  "GET /page/:hash/:folder/:file": fileHandler(),
};

function documentHandler(view: PageView): PageHandler {
  return function sendDocument(request, response, fail) {
    this.page.sendDocument(view, request, response).catch(fail);
  };
}

function fileHandler(): PageHandler {
  return function sendFile(request, response, fail) {
    const { hash = "", folder, file = "" } = request.$params as Partial<Record<string, string>>;
    const path = folder === undefined ? file : `${folder}/${file}`;
    this.page.sendFile(hash, path, request, response).catch(fail);
  };
}
