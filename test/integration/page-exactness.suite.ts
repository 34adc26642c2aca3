import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { answered, open, type Shown } from "../support/page.ts";

/** What the page says of numbers that are not the true ones, or not yet there. */
export function exactnessSuite(demo: () => Shown): void {
  const rowsOf = async (page: Page, table: string) => {
    const rows = await page.locator(`${table} tbody tr`).allInnerTexts();
    return rows.map((row) => row.split("\t").map((cell) => cell.trim()));
  };

  test("numbers that are not the true ones have their sign, and each answer's reason is told", async () => {
    const { page, close } = await open(
      demo(),
      "/trends?range=7d&m=uniques&cmp=weekdays&per=day&shape=table&tz=UTC",
      {
        before: async (made) => {
          await made.route("**/api/v1/query", async (route) => {
            const response = await route.fetch();
            const answer = (await response.json()) as { readonly meta: object };
            const { range } = route.request().postDataJSON() as { readonly range: object };
            // The other range is the one with ends.
            const because = "from" in range ? ["retention", "sketch"] : ["sketch"];
            await route.fulfill({ json: { ...answer, meta: { ...answer.meta, because } } });
          });
        },
      },
    );
    await answered(page);
    const note = page.locator("main .card-note").first();
    await page.getByText("Of the range before: What is older than it is kept is missing").waitFor();
    expect(await note.innerText()).toMatch(/^≈ [\d,]+ users/);
    const [, ...periods] = (await rowsOf(page, "main"))[1]!;
    expect(periods.length).toBeGreaterThan(2);
    for (const cell of periods) expect(cell).toMatch(/^≈ [\d,]+$/);
    await page.getByRole("button", { name: "Line" }).click();
    await page.locator(".plot canvas").waitFor();
    await answered(page);
    for (const [, total, before] of await rowsOf(page, "main"))
      expect([total, before]).toEqual([expect.stringMatching(/^≈/), expect.stringMatching(/^≈/)]);
    await page.locator(".plot").focus();
    await page.keyboard.press("Home");
    expect(await page.locator(".tooltip b").first().innerText()).toMatch(/^≈/);
    expect(await page.locator(".chart [aria-live]").innerText()).toContain("≈");
    await close();
  });

  test.each([
    ["/trends?shape=table&per=day&range=DAYS&tz=UTC", /,$/],
    ["/?tz=Etc/GMT+12", /^[^,]+,,/],
    ["/retention?first=email.opened&per=day&range=DAYS&tz=UTC", /,$/],
  ])("the file of %s has no numbers of what has not begun", async (path, blank) => {
    const day = (days: number) =>
      new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
    // By this zone's clock the day has some hours left.
    const zone = new Date().getUTCHours() < 20 ? "UTC" : "Etc/GMT+12";
    const address = path
      .replace("DAYS", `${day(-2)}..${day(2)}`)
      .replace("Etc/GMT+12", encodeURIComponent(zone));
    const { page, close } = await open(demo(), address);
    await answered(page);
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "CSV" }).click();
    const csv = await readFile(await (await download).path(), "utf8");
    const lines = csv.trimEnd().split("\r\n").slice(1);
    expect(lines.length).toBeGreaterThan(2);
    expect(lines.at(-1)).toMatch(blank);
    expect(lines[0]).toMatch(/,\d/);
    await close();
  });
}
