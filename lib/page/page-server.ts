import { readdir, stat } from "node:fs/promises";
import type {
  IncomingHttpHeaders,
  IncomingMessage,
  OutgoingHttpHeaders,
  ServerResponse,
} from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import Negotiator from "negotiator";
import { ServiceError } from "../errors.ts";
import { namesTag } from "../http/headers.ts";
import type { BuiltPage, Encoded } from "./build-page.ts";
import { keptPageFile, readKeptPage } from "./kept-page.ts";
import type { PageView } from "./page-paths.ts";

const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
const workerFile = new URL(`../../workers/page.worker${extension}`, import.meta.url);
const pageFolder = fileURLToPath(new URL("../../page", import.meta.url));

/** Allows only what this origin serves, and no text that becomes code or markup. */
const policy = [
  "default-src 'none'",
  ...["script", "style", "img", "font", "connect"].map((what) => `${what}-src 'self'`),
  ...["base-uri", "form-action", "frame-ancestors"].map((what) => `${what} 'none'`),
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const documentHeaders = {
  "Content-Security-Policy": policy,
  "Cache-Control": "no-cache",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
} as const;

/**
 * Sends the page from memory. A build takes a second or two on a thread of its own; it is kept, so
 * later processes only read it. A build that fails is an error for this request, and the next one
 * tries again. After a change of a file in the folder the next document belongs to a new build.
 */
export class PageServer {
  readonly #folder: string;
  #page: Promise<BuiltPage> | undefined;
  #madeOf = "";

  constructor(folder: string = pageFolder) {
    this.#folder = folder;
  }

  /** Builds the page before anybody asks for it, or reads the kept one. */
  async prepare(): Promise<void> {
    await this.#current();
  }

  /** The document of a view. */
  async sendDocument(
    view: PageView,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const page = await this.#current();
    send(request, response, page.documents.get(view)!, {
      ...documentHeaders,
      ETag: `"${page.hash}-${view}"`,
    });
  }

  /**
   * Sends a file below `/page/<hash>/`.
   * @throws ServiceError NOT_FOUND
   */
  async sendFile(
    hash: string,
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const page = await this.#built();
    const file = hash === page.hash ? page.files.get(path) : undefined;
    if (file === undefined) throw new ServiceError("NOT_FOUND", "There is nothing at this address");
    send(request, response, file, {
      "Cache-Control": "public, max-age=31536000, immutable",
      ETag: `"${hash}"`,
    });
  }

  /** The page of the present folder. */
  async #current(): Promise<BuiltPage> {
    const now = await stateOf(this.#folder);
    if (now !== this.#madeOf) this.#page = undefined;
    this.#madeOf = now;
    return this.#built();
  }

  #built(): Promise<BuiltPage> {
    this.#page ??= readOrBuild(this.#folder).catch((error: unknown) => {
      this.#page = undefined;
      throw error;
    });
    return this.#page;
  }
}

/** A text that changes with each change of a file, by names and times. */
async function stateOf(folder: string): Promise<string> {
  const names = await readdir(folder, { recursive: true });
  const times = await Promise.all(
    names.map(async (name) => `${name} ${(await stat(join(folder, name))).mtimeMs}`),
  );
  return times.join("\n");
}

async function readOrBuild(folder: string): Promise<BuiltPage> {
  return (await readKeptPage(await keptPageFile(folder))) ?? (await buildOnThread(folder));
}

function buildOnThread(folder: string): Promise<BuiltPage> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(workerFile, { name: "page", workerData: folder });
    worker.unref();
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", () => reject(new Error("the page's thread ended without a page")));
  });
}

function send(
  { headers }: IncomingMessage,
  response: ServerResponse,
  file: Encoded,
  own: OutgoingHttpHeaders & { readonly ETag: string },
): void {
  const shared = { ...own, Vary: "Accept-Encoding" };
  if (namesTag(headers["if-none-match"], own.ETag)) {
    response.writeHead(304, shared).end();
    return;
  }
  const [encoding, bytes] = encodingFor(headers, file);
  response.writeHead(200, {
    ...shared,
    "Content-Type": file.type,
    "Content-Length": bytes.byteLength,
    ...(encoding !== undefined && { "Content-Encoding": encoding }),
  });
  response.end(bytes);
}

/**
 * Chooses the encoding that the client prefers (RFC 9110, 12.5.3), of equals the smallest; none
 * where it accepts none of these.
 */
function encodingFor(
  headers: IncomingHttpHeaders,
  { br, gzip, identity }: Encoded,
): readonly [encoding: string | undefined, bytes: Uint8Array] {
  const offered = new Map(
    Object.entries({ br, gzip }).filter((entry): entry is [string, Uint8Array] => !!entry[1]),
  );
  const names = [...offered.keys(), "identity"];
  const encoding = new Negotiator({ headers }).encoding(names, { preferred: names }) ?? "identity";
  const bytes = offered.get(encoding);
  return bytes === undefined ? [undefined, identity] : [encoding, bytes];
}
