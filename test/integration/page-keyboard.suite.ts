import type { Page } from "playwright-core";
import { eventually } from "../support/eventually.ts";
import { answered, open, type Shown } from "../support/page.ts";

/** What keys do in lists, and where the focus is then. */
export function keyboardSuite(demo: () => Shown): void {
  const focused = (page: Page, what: string) =>
    page.evaluate<string | null>(`document.activeElement.${what}`);
  const ids = (page: Page) =>
    page.evaluate<string[]>(
      `[...document.querySelectorAll(".event-link")].map(({ dataset }) => dataset.event)`,
    );
  const openedId = (page: Page) => decodeURIComponent(new URL(page.url()).pathname.slice(8));
  /** The browser tells of an address that is changed beside the key that changes it. */
  const opens = (page: Page, id: string | undefined) =>
    eventually(() => expect(openedId(page)).toBe(id));

  test.each([1440, 1024, 390])(
    "at %d px an event that is opened and closed by keyboard never takes the focus away",
    async (width) => {
      const { page, close } = await open(demo(), "/events?type=email.sent&tz=UTC", { width });
      await answered(page);
      const [, second] = await ids(page);
      await page.locator(".event-link").nth(1).focus();
      await page.keyboard.press("Enter");
      await page.locator(".event-card").waitFor();
      await opens(page, second);
      // Where the list is gone, the focus is on the card that took its place.
      const place = width < 1_200 ? "H2" : "A";
      await eventually(async () => expect(await focused(page, "tagName")).toBe(place));
      await page.locator(".event-card").getByRole("button", { name: "Close" }).focus();
      await page.keyboard.press("Enter");
      await page.locator(".event-card").waitFor({ state: "detached" });
      await eventually(async () => expect(await focused(page, "dataset.event")).toBe(second));
      await close();
    },
  );

  test("J and K are single keys: off with them, and in their list; arrows walk all the same", async () => {
    const { page, close } = await open(demo(), "/events?type=email.sent&tz=UTC", {
      before: async (made) => {
        await made.addInitScript(`sessionStorage.setItem("maily-keys", "off")`);
      },
    });
    await answered(page);
    const [first, second, third] = await ids(page);
    await page.locator(".event-link").first().click();
    await page.locator(".event-card").waitFor();
    await opens(page, first);
    await page.keyboard.press("j");
    expect(openedId(page)).toBe(first);
    await page.keyboard.press("ArrowDown");
    await opens(page, second);
    await page.getByRole("button", { name: "Shortcuts" }).click();
    const help = page.getByRole("dialog", { name: "Shortcuts" });
    await help.getByText("The next event of a list, the one before").waitFor();
    await help.getByRole("checkbox").click();
    await page.keyboard.press("Escape");
    await help.waitFor({ state: "hidden" });
    await page.keyboard.press("j");
    await opens(page, third);
    await close();
  });

  test("Enter right after typing picks a hit of what was typed, not of the text before", async () => {
    const asked: (string | null)[] = [];
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const { page, close } = await open(demo(), "/trends?tz=UTC", {
      before: async (made) => {
        await made.route("**/api/v1/catalog/values?**search=**", async (route) => {
          const { searchParams } = new URL(route.request().url());
          asked.push(searchParams.get("search"));
          // Where typing is slow, its beginnings are searched for, too; they are held as well.
          if (searchParams.get("property") === "context.emailProvider") await released;
          await route.continue();
        });
      },
    });
    await answered(page);
    await page.keyboard.press("/");
    await page.locator("input:focus").waitFor();
    const list = page.locator(".panel:popover-open");
    await page.keyboard.type("context.emailProvider");
    await page.keyboard.press("Enter");
    await list.getByRole("option", { name: "is", exact: true }).waitFor();
    await page.locator("input:focus").waitFor();
    await page.keyboard.press("Enter");
    const options = list.getByRole("option");
    await options.nth(1).waitFor();
    await page.locator("input:focus").waitFor();
    const [largest, next] = await list.locator("[role=option] .name").allInnerTexts();
    await page.keyboard.type(next!);
    await page.keyboard.press("Enter");
    await eventually(() => expect(asked).toContain(next));
    expect(await list.locator("[role=option].picked").count()).toBe(0);
    release();
    await list.locator("[role=option].picked", { hasText: next! }).waitFor();
    await list.getByRole("button", { name: "Apply" }).click();
    await page.waitForURL(/[?&]f=/);
    const { searchParams } = new URL(page.url());
    expect(searchParams.get("f")).toBe(`is,context.emailProvider,${next}`);
    expect(next).not.toBe(largest);
    await close();
  });
}
