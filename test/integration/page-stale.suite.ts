import { readFile } from "node:fs/promises";
import type { Page, Route } from "playwright-core";
import { answered, open, type Shown } from "../support/page.ts";

/** Numbers whose question is no longer the one in the address: the new one was not answered. */
export function staleSuite(demo: () => Shown): void {
  /** Opens a view, and refuses what the test says from then on. */
  const opened = async (path: string, api: string, isRefused: (route: Route) => boolean) => {
    const watched = await open(demo(), path, {
      before: async (page) => {
        await page.route(api, (route) =>
          isRefused(route)
            ? route.fulfill({ status: 422, json: { title: "Refused by the test" } })
            : route.continue(),
        );
      },
    });
    await answered(watched.page);
    return watched;
  };
  const pick = async (page: Page, chip: string, choice: string) => {
    await page.getByRole("button", { name: chip, exact: true }).click();
    const choices = page.locator(".panel:popover-open");
    await choices
      .getByText(new RegExp(`^${choice}`))
      .first()
      .click();
    await page.getByText("Refused by the test").first().waitFor();
  };
  const title = (page: Page) => page.locator("main .card h2").first().innerText();

  test("trends of a metric that is refused stay those of events, in each text and in the file", async () => {
    const { page, close } = await opened("/trends?range=7d&tz=UTC", "**/api/v1/query", (route) =>
      (route.request().postData() ?? "").includes("uniques"),
    );
    const note = await page.locator("main .card-note").first().innerText();
    expect(note).toMatch(/^[\d,]+ events$/);
    await pick(page, "Metric: Events", "Users");
    expect(await title(page)).toBe("Events");
    expect(await page.locator("main .card-note").first().innerText()).toBe(note);
    expect(await page.locator("main thead").innerText()).toMatch(/^Type\s+Events\b/);
    expect(await page.locator(".plot canvas").count()).toBe(1);
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "CSV" }).click();
    const csv = await readFile(await (await download).path(), "utf8");
    expect(csv).toMatch(/^type,count\r\n/);
    await close();
  });

  test("no chart of another question stands over the rows of this one", async () => {
    const { page, close } = await opened("/trends?range=7d&tz=UTC", "**/api/v1/query", (route) =>
      /uniques.*"time:/.test(route.request().postData() ?? ""),
    );
    await pick(page, "Metric: Events", "Users");
    await page.locator("main .card h2", { hasText: "Users" }).waitFor();
    expect(await page.locator("main thead").innerText()).toMatch(/^Type\s+Users\b/);
    expect(await page.locator(".plot").count()).toBe(0);
    await close();
  });

  test.each([
    [
      "/funnel?step=email.sent&step=email.opened&by=context.emailProvider&tz=UTC",
      "**/query/funnel",
      ["Break down by: mailbox provider", "nothing"],
      "mailbox provider",
    ],
    [
      "/retention?first=email.opened&tz=UTC",
      "**/query/retention",
      ["Who is counted: users", "mails"],
      "Users",
    ],
    [
      "/paths?after=email.sent&actor=user&tz=UTC",
      "**/query/paths",
      ["Whose events: users", "mails"],
      " users",
    ],
    [
      "/mail?tz=UTC",
      "**/reports/mail**",
      ["Which mails: whatever happened then", "the mails sent then"],
      "All mails of this range",
    ],
  ] as const)(
    "%s keeps its words where another question is refused",
    async (path, api, to, kept) => {
      let isRefusing = false;
      const { page, close } = await opened(path, api, () => isRefusing);
      const texts = async () => [
        ...(await page.locator("main .card h2").allInnerTexts()),
        ...(await page.locator("main .card-note").allInnerTexts()),
        ...(await page.locator("main thead").allInnerTexts()),
      ];
      const before = await texts();
      expect(before.join("\n")).toContain(kept);
      isRefusing = true;
      await pick(page, to[0], to[1]);
      expect(await texts()).toEqual(before);
      await close();
    },
  );
}
