import { eventually } from "../support/eventually.ts";
import { answered, open, seen, type Shown } from "../support/page.ts";

const dayMs = 86_400_000;

/** Events that few senders have: none of their numbers and names may be lost or break the page. */
export function oddSuite(demo: () => Shown): void {
  /** Resolves once all of them are counted. */
  const post = async (type: string, events: readonly object[]) => {
    const response = await fetch(`${demo().url}/api/v1/events/batch`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(events.map((event) => ({ type, source: "test", ...event }))),
    });
    expect(response.status).toBe(202);
    await eventually(async () => {
      const counts = await fetch(`${demo().url}/api/v1/events/counts?type=${type}`);
      expect(((await counts.json()) as { total: number }).total).toBe(events.length);
    });
  };
  const shown = async (path: string, width = 1440) => {
    const { page, close } = await open(demo(), path, { width });
    await answered(page);
    return { page, close };
  };

  test("sums and averages of 0, and events without users, are shown as what they are", async () => {
    await post("odd.sum", [
      { data: { amount: 5, ratio: 0.0004 } },
      { data: { amount: -5, ratio: 0.0002 } },
    ]);
    for (const [metric, text] of [
      ["sum:data.amount", "0"],
      ["uniques", "0"],
      ["avg:data.ratio", "0.0003"],
    ] as const) {
      const { page, close } = await shown(`/trends?type=odd.sum&m=${metric}&range=7d&tz=UTC`);
      const row = page.locator("main tbody tr", { hasText: "odd.sum" });
      await row.locator("td").getByText(text, { exact: true }).waitFor();
      await close();
    }
    for (const path of ["/funnel?step=odd.sum&step=odd.sum", "/retention?first=odd.sum"]) {
      const { page, close } = await shown(`${path}&range=7d&tz=UTC`);
      await page.getByText("No users match.").waitFor();
      await close();
    }
  });

  test("all time cuts no period: those that are over are whole", async () => {
    const timestamp = Date.now() - 100 * dayMs;
    await post("odd.old", [
      { timestamp, metadata: { userId: "o1" } },
      { timestamp: timestamp + 40 * dayMs, metadata: { userId: "o1" } },
    ]);
    const { page, close } = await shown("/trends?type=odd.old&range=all&shape=table&tz=UTC");
    await page.locator("main tbody tr").nth(1).waitFor();
    expect(await page.getByText("not all of it").count()).toBe(0);
    await close();
    const retention = await shown("/retention?first=odd.old&range=all&per=month&tz=UTC");
    await retention.page.locator(".cohorts-all").waitFor();
    expect(await retention.page.locator("tbody .is-open").count()).toBe(0);
    await retention.close();
  });

  test.each([
    [720, `/funnel?step=${"a".repeat(128)}&step=b;is,data.v,${"x".repeat(200)}&tz=UTC`],
    [390, `/trends?type=none&f=is,data.v,${"x".repeat(200)}&tz=UTC`],
    [720, "/trends?tz=UTC"],
  ])("at %d px %s stays within the window and its cards", async (width, path) => {
    const { page, close } = await shown(path, width);
    expect((await seen(page)).sideways).toBe(0);
    const beyond =
      await page.evaluate<number>(`Math.max(0, ...[...document.querySelectorAll(".card-head")].map(
      ({ scrollWidth, clientWidth }) => scrollWidth - clientWidth,
    ))`);
    expect(beyond).toBe(0);
    await close();
  });
}
