import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { eventually } from "../support/eventually.ts";
import type { Shown } from "../support/page.ts";

const root = join(import.meta.dirname, "../..");

/** Notes by which ways the page asked to send, where the next page of this origin finds it. */
const noteSending = `
  for (const [of, way] of [[navigator, "sendBeacon"], [globalThis, "fetch"]]) {
    const send = of[way].bind(of);
    of[way] = (...parameters) => {
      const note = parameters[1]?.keepalive === true ? "kept alive" : way;
      sessionStorage.setItem("sent", (sessionStorage.getItem("sent") ?? "") + note + ";");
      return send(...parameters);
    };
  }
`;

/**
 * A page of somebody's shop at an origin, that has the client as it is written. It stands in what
 * the service itself serves: from a page of the test's making Chromium asks before a request goes to
 * this machine.
 */
async function shop(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  await page.addInitScript({ content: noteSending });
  await page.route(`${url}/client/**`, (route) => {
    const path = join(root, new URL(route.request().url()).pathname);
    const body = stripTypeScriptTypes(readFileSync(path, "utf8"));
    return route.fulfill({ contentType: "text/javascript", body });
  });
  await page.goto(`${url}/health/live`);
  return page;
}

/** What a browser sends for a page that is being left. */
export function clientInPagesSuite(demo: () => Shown): void {
  const isStored = async (id: string) =>
    (await fetch(`${demo().url}/api/v1/events/${id}`)).status === 200;

  test.each([
    ["sendBeacon", "the service's origin", {}],
    // A beacon takes no key.
    ["kept alive", "the service's origin, with a key", { key: "none-is-asked-for" }],
    // To another origin a beacon brings what no page may send.
    ["kept alive", "another origin", {}],
  ])(
    "what a page tracked arrives though it is left at once (by %s, of %s)",
    async (way, from, key) => {
      const { browser, url, otherUrl } = demo();
      const origin = from === "another origin" ? otherUrl : url;
      const page = await shop(browser, origin);
      const options = {
        url,
        source: "shop",
        // Nothing leaves but by the page's last request.
        batchesAtOnce: 0,
        ...key,
      };
      const id = await page.evaluate<string>(`
        import("/client/src/index.ts").then(({ AnalyticsClient }) => {
          const client = new AnalyticsClient(${JSON.stringify(options)});
          return client.track({ type: "cart.left", data: { items: 3 } });
        })
      `);
      expect(await isStored(id)).toBe(false);
      // Whoever looks at requests keeps them from outliving their page.
      await page.unrouteAll();
      await page.goto(`${origin}/health/ready`);
      await eventually(async () => expect(await isStored(id)).toBe(true), 60_000);
      expect(await page.evaluate(`sessionStorage.getItem("sent")`)).toContain(`${way};`);
      await page.close();
    },
    120_000,
  );
}
