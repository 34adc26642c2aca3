import type { Page } from "playwright-core";
import { eventually } from "../support/eventually.ts";
import { answered, open, seen, type Shown } from "../support/page.ts";

/** What a browser does when another tab comes to the front, and back. */
async function turnAway(page: Page, hidden: boolean): Promise<void> {
  const state = hidden ? "hidden" : "visible";
  await page.evaluate(`
    Object.defineProperty(document, "visibilityState", { configurable: true, value: "${state}" });
    document.dispatchEvent(new Event("visibilitychange"));
  `);
}

/** The page while events come, while nobody looks, and while the gateway is away. */
export function livePageSuite(demo: () => Shown): void {
  const post = async (ids: readonly string[], type: string) => {
    const response = await fetch(`${demo().url}/api/v1/events/batch`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(ids.map((id) => ({ id, type, source: "test" }))),
    });
    expect(response.status).toBe(202);
  };
  const streams = async (): Promise<number> => {
    const text = await (await fetch(`${demo().url}/metrics`)).text();
    return Number(/^analytics_live_clients (\d+)$/m.exec(text)?.[1] ?? 0);
  };
  const latest = (page: Page, type: string) => page.locator(".latest-row", { hasText: type });

  test("an event that is posted is seen and counted without a reload, and nothing moves", async () => {
    const { page, faults, close } = await open(demo(), "/");
    await answered(page);
    await eventually(async () => expect(await streams()).toBe(2));
    // Some of it is there for a second alone, which a busy machine may miss: then it happens again.
    let times = 0;
    await eventually(async () => {
      times += 1;
      const within = { timeout: 5_000 };
      const found = [
        latest(page, "just.happened").first().waitFor(within),
        page.getByText("most: just.happened").waitFor(within),
        // Three came at once, and two rows a second are shown.
        page.getByText("2 of 3 shown").waitFor(within),
      ];
      await post(
        [1, 2, 3].map((n) => `seen-${times}-${n}`),
        "just.happened",
      );
      await Promise.all(found);
    }, 60_000);
    expect(await page.locator(".latest-row").count()).toBe(14);
    const { shift, moved } = await seen(page);
    expect([shift < 0.01, shift, moved]).toEqual([true, shift, moved]);
    expect(faults).toEqual([]);
    await close();
    await eventually(async () => expect(await streams()).toBe(0));
  });

  test("what was drawn before is not kept: the heap does not grow with events", async () => {
    const { page, close } = await open(demo(), "/");
    await answered(page);
    const session = await page.context().newCDPSession(page);
    const { result } = await session.send("Runtime.evaluate", { expression: "Object.prototype" });
    const objects = async (): Promise<number> => {
      const prototypeObjectId = result.objectId!;
      const found = await session.send("Runtime.queryObjects", { prototypeObjectId });
      const objectId = found.objects.objectId!;
      const functionDeclaration = "function () { return this.length; }";
      const returned = await session.send("Runtime.callFunctionOn", {
        objectId,
        functionDeclaration,
      });
      await session.send("Runtime.releaseObject", { objectId });
      return returned.result.value as number;
    };
    const rounds = async (from: number, to: number) => {
      for (let round = from; round < to; round++) {
        await post([`round-${round}`], `round.${round}`);
        await latest(page, `round.${round}`).first().waitFor();
      }
    };
    await eventually(async () => expect(await streams()).toBe(2));
    await rounds(0, 3);
    const before = await objects();
    await rounds(3, 9);
    // All that is drawn is made of some two thousand; a round drew a third of it.
    expect((await objects()) - before).toBeLessThan(1_500);
    await close();
  });

  test("a hidden tab holds no stream, and goes on where it was; four tabs of Now, and a fifth still loads", async () => {
    const lastIds: (string | undefined)[] = [];
    const first = await open(demo(), "/", {
      before: (page) => {
        page.on("request", (request) => {
          if (request.url().endsWith("/events/stream"))
            lastIds.push(request.headers()["last-event-id"]);
        });
        return Promise.resolve();
      },
    });
    await eventually(async () => expect(await streams()).toBe(2));
    await post(["known"], "before.hiding");
    await latest(first.page, "before.hiding").waitFor();
    await turnAway(first.page, true);
    await eventually(async () => expect(await streams()).toBe(0));
    await post(["unseen"], "while.hidden");

    const tabs = [first];
    for (let tab = 2; tab <= 5; tab++) {
      tabs.push(await open(demo(), "/"));
      await answered(tabs.at(-1)!.page);
      await eventually(async () => expect(await streams()).toBe(2));
      await turnAway(tabs.at(-1)!.page, true);
    }
    await turnAway(first.page, false);
    await latest(first.page, "while.hidden").waitFor();
    expect(lastIds).toEqual([undefined, expect.stringMatching(/^\d+\.\d+-/)]);
    for (const { close } of tabs) await close();
  });

  test("streams that a gateway refuses for a moment are opened again, and the loss is over with them", async () => {
    let isAway = true;
    const { page, close } = await open(demo(), "/?tz=UTC", {
      before: async (made) => {
        for (const path of ["**/api/v1/live", "**/api/v1/events/stream"])
          await made.route(path, (route) =>
            isAway ? route.fulfill({ status: 502, body: "" }) : route.continue(),
          );
        // An answer to anything else would end the loss as well.
        await made.route("**/health", () => undefined);
      },
    });
    await answered(page);
    await page.getByText("yesterday by now").waitFor();
    await page.getByText(/Connection lost\. Trying again/).waitFor();
    await turnAway(page, true);
    isAway = false;
    await turnAway(page, false);
    await page.getByText(/^Connected again\./).waitFor();
    await eventually(async () => expect(await streams()).toBe(2));
    await close();
  });

  test("a stream that the service refuses is told with the reason, and asked for when it says", async () => {
    let asked = 0;
    const { page, close } = await open(demo(), "/?tz=UTC", {
      before: async (made) => {
        await made.route("**/api/v1/live", (route) => {
          asked++;
          return route.fulfill({ status: 429, headers: { "Retry-After": "60" }, body: "{}" });
        });
      },
    });
    await answered(page);
    const words = "Live events are not sent now: Too many questions at once.";
    await page.getByText(new RegExp(`${words} Trying again in (5[0-7]) s`)).waitFor();
    expect(asked).toBe(1);
    expect(await page.locator(".foot .state").innerText()).toContain("All counted");
    await page.getByRole("link", { name: "Saved" }).click();
    await page.locator(".notices").getByText(words).waitFor({ state: "detached" });
    await close();
  });

  test("a restart of the gateway is told, and nothing that came meanwhile is missed", async () => {
    const lastIds: (string | undefined)[] = [];
    const { page, close } = await open(demo(), "/", {
      before: (made) => {
        made.on("request", (request) => {
          if (request.url().endsWith("/events/stream"))
            lastIds.push(request.headers()["last-event-id"]);
        });
        return Promise.resolve();
      },
    });
    await answered(page);
    await post(["still-there"], "before.restart");
    await latest(page, "before.restart").waitFor();
    await demo().restart(async () => {
      await page.getByText(/Connection lost\. Trying again/).waitFor();
      await page.getByText("As it was before the connection was lost").waitFor();
      expect(await page.locator(".foot .state").innerText()).toContain("Not reached");
    });
    // Sent before the page is back: it waits longer each time.
    await post(["meanwhile"], "during.restart");
    // The words are there for some seconds.
    await Promise.all([
      latest(page, "during.restart").waitFor(),
      page.getByText("Connected again, nothing missed.").waitFor(),
    ]);
    expect(lastIds[0]).toBeUndefined();
    expect(lastIds.at(-1)).toMatch(/^\d+\.\d+-/);
    await eventually(async () => expect(await streams()).toBe(2));
    await close();
  });

  test("what was told of the pipeline is not shown as its state once health is refused", async () => {
    let isRefused = false;
    const { page, close } = await open(demo(), "/pipeline", {
      before: async (made) => {
        // A second of the page's waits is 10 ms here.
        await made.addInitScript(
          "const later = setTimeout; globalThis.setTimeout = (act, ms) => later(act, ms / 100);",
        );
        await made.route("**/api/v1/live", (route) => route.fulfill({ status: 403, body: "{}" }));
        await made.route("**/health", (route) =>
          isRefused
            ? route.fulfill({ status: 503, contentType: "text/html", body: "<h1>Away</h1>" })
            : route.fulfill({ json: { status: "ok", stages: { ingest: { state: "ok" } } } }),
        );
      },
    });
    const side = page.locator(".foot .state");
    await page.getByText("It works.").waitFor();
    await side.getByText("All counted").waitFor();
    isRefused = true;
    await side.getByText("Not known").waitFor();
    await page.getByText("Not known.", { exact: true }).waitFor();
    await page.getByText("As it was told last.").waitFor();
    expect(await page.getByText("It works.").count()).toBe(0);
    await page.reload();
    await side.getByText("Not known").waitFor();
    await close();
  });

  test.each(["/", "/trends?tz=UTC"])(
    "%s of a project without events says how to send one, and sees it come, whatever failed meanwhile",
    async (path) => {
      let isEmpty = true;
      const failures = [500, 503, 503];
      const none = { asOf: new Date().toISOString(), lagMs: 0, exact: true };
      const { page, close } = await open(demo(), path, {
        before: async (made) => {
          await made.route("**/api/v1/catalog/types", (route) =>
            isEmpty ? route.fulfill({ json: { data: [], meta: none } }) : route.continue(),
          );
          await made.route("**/api/v1/query", async (route) => {
            if (!isEmpty) return route.continue();
            const { dimensions = [] } = route.request().postDataJSON() as {
              dimensions?: readonly string[];
            };
            const answer = (await (await route.fetch()).json()) as {
              readonly results: readonly object[];
            };
            // Periods without events are rows, too.
            const results = dimensions.some((dimension) => dimension.startsWith("time:"))
              ? answer.results.map((row) => ({ ...row, metrics: [0] }))
              : [];
            await route.fulfill({ json: { ...answer, results, totals: [0] } });
          });
          await made.route("**/api/v1/events?**", (route) => {
            const listens = new URL(route.request().url()).search === "?limit=1";
            const status = listens ? failures.shift() : undefined;
            if (status !== undefined) return route.fulfill({ status, json: { title: "Away" } });
            return isEmpty
              ? route.fulfill({
                  json: { data: [], page: { nextCursor: null }, total: 0, meta: none },
                })
              : route.continue();
          });
        },
      });
      await page.getByText("No events yet.").first().waitFor();
      expect(await page.locator(".first-event pre").first().innerText()).toContain(
        `'${demo().url}/api/v1/events'`,
      );
      await eventually(() => expect(failures).toEqual([]));
      isEmpty = false;
      await page.getByText("No events yet.").first().waitFor({ state: "detached" });
      await close();
    },
  );
}
