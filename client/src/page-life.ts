import { byteLength, type Http } from "./http.ts";
import type { Outbox } from "./outbox.ts";

/** The parts of the platform that this file uses: a browser has the first part, Node the second. */
interface Platform {
  readonly addEventListener?: (name: string, listener: () => void) => void;
  readonly removeEventListener?: (name: string, listener: () => void) => void;
  readonly document?: {
    readonly visibilityState?: string;
    readonly addEventListener: (name: string, listener: () => void) => void;
    readonly removeEventListener: (name: string, listener: () => void) => void;
  };
  readonly location?: { readonly origin: string };
  readonly navigator?: { readonly sendBeacon?: (url: string, body: Blob) => boolean };
  readonly process?: {
    readonly once?: (name: "beforeExit", listener: () => void) => void;
    readonly off?: (name: "beforeExit", listener: () => void) => void;
  };
}

/**
 * Sends tracked events when a page is hidden or left, or a Node process has nothing else to do.
 * @returns a function that stops this
 */
export function endWith(outbox: Outbox, http: Http, exitWithinMs: number): () => void {
  const platform = globalThis as Platform;
  return platform.document === undefined
    ? endWithProcess(platform, outbox, exitWithinMs)
    : endWithPage(platform, platform.document, outbox, http);
}

function endWithProcess({ process }: Platform, outbox: Outbox, withinMs: number): () => void {
  if (process?.once === undefined || withinMs === 0) return () => undefined;
  const end = () => {
    if (outbox.stats.waiting + outbox.stats.underWay > 0) void outbox.close(withinMs);
  };
  process.once("beforeExit", end);
  return () => process.off?.("beforeExit", end);
}

function endWithPage(
  platform: Platform,
  document: NonNullable<Platform["document"]>,
  outbox: Outbox,
  http: Http,
): () => void {
  // A hidden page may never be shown again, and on some phones gets no further event.
  const hide = () => {
    if (document.visibilityState === "hidden") void outbox.flush();
  };
  const leave = () => sendLast(platform, outbox, http);
  document.addEventListener("visibilitychange", hide);
  platform.addEventListener?.("pagehide", leave);
  return () => {
    document.removeEventListener("visibilitychange", hide);
    platform.removeEventListener?.("pagehide", leave);
  };
}

/**
 * Sends unconfirmed events once more, so that they arrive although the page is gone; as many as
 * browsers send. They stay in the queue: where the page comes back they are sent again with the
 * same ids, and count once.
 */
function sendLast(platform: Platform, outbox: Outbox, http: Http): void {
  const lines = linesWithin(http.keepaliveRoom, outbox.unconfirmed());
  if (lines.length === 0) return;
  const type = "application/x-ndjson";
  const path = "/api/v1/events/batch";
  const body = lines.join("\n");
  if (sendBeacon(platform, http, path, new Blob([body], { type }))) return;
  const headers = { "Content-Type": type };
  http.ask({ method: "POST", path, headers, body, keepalive: true }).catch(() => undefined);
}

function linesWithin(most: number, lines: readonly string[]): readonly string[] {
  const fitting: string[] = [];
  let bytes = 0;
  for (const line of lines) {
    bytes += byteLength(line) + 1;
    if (bytes > most) break;
    fitting.push(line);
  }
  return fitting;
}

/**
 * Sends a beacon, which also old browsers complete. It takes no headers, so not the key; and to
 * another origin it brings the user's credentials, which the service lets no page send.
 * @returns false where it cannot be sent
 */
function sendBeacon(
  { navigator, location }: Platform,
  http: Http,
  path: string,
  body: Blob,
): boolean {
  const url = http.addressOf(path);
  if (navigator?.sendBeacon === undefined || http.headers["Authorization"] !== undefined) {
    return false;
  }
  return new URL(url).origin === location?.origin && navigator.sendBeacon(url, body);
}
