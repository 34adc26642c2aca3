import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { eventually } from "./eventually.ts";
import { analyticsClient } from "../../tools/analytics-client.ts";
import { backfill, countAccepted } from "../../tools/demo/backfill.ts";
import { mailEvents } from "../../tools/demo/mail-events.ts";
import { installed } from "../../tools/servers/installed.ts";
import { freePort } from "../../tools/servers/free-ports.ts";
import { startService, whenReady, type RunningService } from "../../tools/service-process.ts";

/** A service with two weeks of a mail sender's events, and a browser to look at its page. */
export interface Shown {
  readonly browser: Browser;
  readonly url: string;
  /** The same service at another origin, whose pages may call it at `url`. */
  readonly otherUrl: string;
  /** For pages of one kind the same context: what they load the first time is kept. */
  context(look: Look): Promise<BrowserContext>;
  /** Closes what a test left open, so that it holds no connection of the next one's. */
  closePages(): Promise<void>;
  /** Ends the service, does something, and starts it again where it was. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

const dayMs = 86_400_000;
const mails = 1_500;

export async function showDemo(): Promise<Shown> {
  const dataDir = mkdtempSync(join(tmpdir(), "page-"));
  const port = await freePort();
  const otherUrl = `http://localhost:${port}`;
  const begin = async (): Promise<RunningService> => {
    const logFile = join(dataDir, "log");
    const env = { LOG_LEVEL: "warn", CORS_ORIGINS: otherUrl };
    const started = startService({ port, dataDir, logFile, env });
    await whenReady(started);
    return started;
  };
  let service = await begin();
  const client = analyticsClient(service.url);
  const to = Date.now();
  const range = { from: to - 14 * dayMs, to };
  const { acceptedBy } = await backfill(client, mailEvents({ seed: 7, mails, ...range }));
  // Tests compare with what is there: all of it must be counted.
  await countAccepted(client, range, acceptedBy);
  const browser = await chromium.launch({
    executablePath: installed("chromium"),
    args: ["--no-sandbox"],
  });
  const contexts = new Map<string, Promise<BrowserContext>>();
  return {
    browser,
    url: service.url,
    otherUrl,
    context({ width, scheme, zone }) {
      const kind = `${width} ${scheme} ${zone}`;
      const made =
        contexts.get(kind) ??
        browser.newContext({
          viewport: { width, height: 900 },
          colorScheme: scheme,
          timezoneId: zone,
          locale: "en-US",
          hasTouch: width < 720,
        });
      contexts.set(kind, made);
      return made;
    },
    async closePages() {
      const pages = browser.contexts().flatMap((context) => context.pages());
      await Promise.all(pages.map((page) => page.close()));
    },
    async restart(meanwhile) {
      await service.stop();
      await meanwhile?.();
      service = await begin();
    },
    async close() {
      await browser.close();
      await service.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export interface Look {
  readonly width: number;
  readonly scheme: "light" | "dark";
  readonly zone: string;
}

/** A page and what went wrong on it: messages of its console, requests to other origins, breaches of its policy. */
export interface Watched {
  readonly page: Page;
  readonly faults: string[];
  readonly close: () => Promise<void>;
}

/** Runs in the browser, so it is a text: the compiler knows no DOM here. */
const watchScript = `
  globalThis.seen = { shift: 0, breaches: [], moved: [] };
  addEventListener("securitypolicyviolation", (event) => seen.breaches.push(event.violatedDirective));
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.hadRecentInput) continue;
      seen.shift += entry.value;
      for (const { node, previousRect: from, currentRect: to } of entry.sources) {
        const name = node?.className || node?.nodeName;
        seen.moved.push(name + ": " + [from.x, from.y, from.width, from.height].map(Math.round) + " to " + [to.x, to.y, to.width, to.height].map(Math.round));
      }
    }
  }).observe({ type: "layout-shift", buffered: true });
`;

export async function open(
  { url, context }: Pick<Shown, "url" | "context">,
  path: string,
  options: Partial<Look> & { readonly before?: (page: Page) => Promise<void> } = {},
): Promise<Watched> {
  const { width = 1440, scheme = "light", zone = "Europe/Berlin", before } = options;
  const page = await (await context({ width, scheme, zone })).newPage();
  // Others are at work beside it.
  page.setDefaultTimeout(60_000);
  const faults: string[] = [];
  page.on("console", (message) => faults.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`error: ${error.stack ?? error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith("blob:"))
      faults.push(`request: ${request.url()}`);
  });
  await page.addInitScript({ content: watchScript });
  await before?.(page);
  await page.goto(url + path);
  await page.locator("h1").waitFor();
  return { page, faults, close: () => page.close() };
}

/** Of what went wrong on a page its own errors, without the browser's lines about refusals. */
export function thrown(faults: readonly string[]): readonly string[] {
  return faults.filter((fault) => /^error: (?!Failed to load resource)/.test(fault));
}

/**
 * Waits for what follows from what was drawn last: a question that a reader changes is asked, and
 * the focus moved, after the next frame. A page that is being left has another one after it.
 */
async function drawn(page: Page): Promise<void> {
  // Where nobody looks there may be no frame; then the page itself waits for 35 ms.
  const next = `new Promise((done) => {
    const then = () => setTimeout(done);
    requestAnimationFrame(then);
    setTimeout(then, 100);
  })`;
  await eventually(() => page.evaluate(next));
}

/** Until every question that the view asks has an answer. */
export async function answered(page: Page): Promise<void> {
  await drawn(page);
  await page.locator("main .card:visible").first().waitFor();
  await page.locator('main .card[aria-busy="true"]').first().waitFor({ state: "detached" });
  await page.locator("main .waiting").first().waitFor({ state: "detached" });
}

export interface Seen {
  readonly shift: number;
  /** What moved, from where to where: x, y, width, height. */
  readonly moved: readonly string[];
  readonly breaches: readonly string[];
  /** How far the page scrolls sideways. */
  readonly sideways: number;
}

export function seen(page: Page): Promise<Seen> {
  return page.evaluate<Seen>(`({
    ...seen,
    sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  })`);
}

const axeSource = readFileSync(
  createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8",
);

/**
 * Serious and critical findings of axe, each as a line. Its script is run by the debugger: the policy
 * would not load it. A table's first twenty rows stand for the others, which are made by the same
 * code: to look at a hundred takes a second of the processor.
 */
export async function axeFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(axeSource);
  const context = { exclude: "tbody > tr:nth-child(n + 21)" };
  const options = { resultTypes: ["violations"], preload: false };
  return page.evaluate<
    string[]
  >(`axe.run(${JSON.stringify(context)}, ${JSON.stringify(options)}).then(({ violations }) =>
    violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, nodes }) => nodes.map(({ target, failureSummary }) => id + ": " + target.join(" ") + " " + failureSummary)),
  )`);
}
