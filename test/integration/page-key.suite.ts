import type { Page, Route } from "playwright-core";
import { eventually } from "../support/eventually.ts";
import { answered, open, thrown, type Shown } from "../support/page.ts";

/** What the page shows where another project's key takes the place of one, in the same tab. */
export function keySuite(demo: () => Shown): void {
  const callerOf = (project: string) => ({
    kind: "key",
    project,
    scopes: ["events:read", "live:read", "admin"],
    expiresAt: null,
  });
  /** Answers for the key `one` as the service does, unless `ofOne` does; for `two` by `ofTwo`. */
  const withKeys =
    (
      ofOne: (route: Route, path: string) => Promise<boolean>,
      ofTwo: (route: Route, path: string) => Promise<void>,
    ) =>
    async (page: Page) => {
      // Only until the reader forgets it: the tab keeps what it holds.
      await page.addInitScript(`sessionStorage.setItem("maily-key", "one")`);
      await page.route("**/api/v1/**", async (route) => {
        const { authorization, ...headers } = route.request().headers();
        const { pathname } = new URL(route.request().url());
        if (authorization === undefined)
          return route.fulfill({ status: 401, json: { title: "No key" } });
        const isOne = authorization === "Bearer one";
        if (isOne && (await ofOne(route, pathname))) return;
        if (pathname === "/api/v1/keys/self")
          return route.fulfill({ json: callerOf(isOne ? "one" : "two") });
        return isOne ? route.continue({ headers }) : ofTwo(route, pathname);
      });
    };
  const changeKey = async (page: Page) => {
    await page.getByRole("button", { name: "Forget key" }).click();
    await page.getByLabel("Key", { exact: true }).fill("two");
    await page.keyboard.press("Enter");
    await page.locator(".foot .project", { hasText: "two" }).waitFor();
  };

  test("nothing of the project before is shown after the key was changed", async () => {
    const none = { asOf: new Date().toISOString(), lagMs: 0, exact: true };
    const { page, close } = await open(demo(), "/trends?tz=UTC&cmp=previous", {
      before: withKeys(
        () => Promise.resolve(false),
        (route, path) =>
          path.startsWith("/api/v1/catalog/")
            ? route.fulfill({ json: { data: [], meta: none } })
            : route.fulfill({ status: 500, json: { title: "Internal" } }),
      ),
    });
    await page.locator(".foot .project", { hasText: "one" }).waitFor();
    await answered(page);
    await page.locator("main tbody tr", { hasText: "email.sent" }).waitFor();
    await page.getByText(/^Compared with/).waitFor();
    await changeKey(page);
    await page.getByText("Something went wrong here.").waitFor();
    expect(await page.locator("main tbody tr").count()).toBe(0);
    expect(await page.getByText(/^Compared with/).count()).toBe(0);
    expect(await page.locator("body").innerText()).not.toMatch(/\d events/);
    await page.getByRole("button", { name: "Type", exact: true }).click();
    await page.getByText("No type of this name.").waitFor();
    await close();
  });

  test("a key can be entered where the browser keeps nothing for pages, and lasts for the page", async () => {
    const { page, faults, close } = await open(demo(), "/trends?tz=UTC", {
      before: async (made) => {
        await made.addInitScript(`Object.defineProperty(globalThis, "sessionStorage", {
          get() { throw new DOMException("blocked", "SecurityError"); },
        })`);
        await made.route("**/api/v1/**", (route) => {
          const { authorization, ...headers } = route.request().headers();
          return authorization === "Bearer kept"
            ? route.continue({ headers })
            : route.fulfill({ status: 401, json: { title: "No key" } });
        });
      },
    });
    const field = page.getByLabel("Key", { exact: true });
    await field.fill("kept");
    await page.keyboard.press("Enter");
    await answered(page);
    await page.locator("main tbody tr").first().waitFor();
    await page.getByRole("button", { name: "Forget key" }).click();
    await field.waitFor();
    expect(thrown(faults)).toEqual([]);
    await close();
  });

  test("what a key may do is asked again where it could not be told", async () => {
    const failures = [502, 503];
    const { page, close } = await open(demo(), "/trends?tz=UTC", {
      before: async (made) => {
        await made.route("**/api/v1/keys/self", (route) => {
          const status = failures.shift();
          return status === undefined
            ? route.fulfill({ json: callerOf("one") })
            : route.fulfill({ status, headers: { "Retry-After": "0" }, body: "<h1>Away</h1>" });
        });
      },
    });
    await page.getByRole("link", { name: "Admin" }).waitFor();
    expect(failures).toEqual([]);
    await close();
  });

  test("late answers to the key before neither change the caller nor drop the key", async () => {
    const self = "/api/v1/keys/self";
    const types = "/api/v1/catalog/types";
    const held: { readonly path: string; readonly answer: () => Promise<void> }[] = [];
    const { page, close } = await open(demo(), "/trends?tz=UTC", {
      before: withKeys(
        (route, path) => {
          if (path !== self && path !== types) return Promise.resolve(false);
          const late =
            path === self ? { json: callerOf("one") } : { status: 401, json: { title: "Revoked" } };
          held.push({ path, answer: () => route.fulfill(late) });
          return Promise.resolve(true);
        },
        (route) => route.fulfill({ status: 500, json: { title: "Internal" } }),
      ),
    });
    await page.locator("main tbody tr").first().waitFor();
    await eventually(() =>
      expect(held.map(({ path }) => path)).toEqual(expect.arrayContaining([self, types])),
    );
    await changeKey(page);
    const late = page.waitForResponse((response) => response.status() === 401);
    await Promise.all(held.map(({ answer }) => answer()));
    await late;
    await page.getByRole("button", { name: "Try again" }).first().click();
    await page.getByText("Something went wrong here.").waitFor();
    expect(await page.locator(".foot .project").innerText()).toContain("two");
    expect(await page.locator(".key-form").count()).toBe(0);
    await close();
  });
}
