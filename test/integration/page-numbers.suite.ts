import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { eventually } from "../support/eventually.ts";
import { answered, open, type Shown } from "../support/page.ts";

interface Answer {
  readonly results: readonly {
    readonly dimensions: readonly string[];
    readonly metrics: readonly (number | null)[];
  }[];
}

const whole = new Intl.NumberFormat("en-US");

/** What is shown, what is saved as a file and what a shell gets are the same numbers. */
export function numbersSuite(demo: () => Shown): void {
  /** Resolves once all of them are counted. */
  const post = async (
    events: readonly { readonly type: string; readonly [field: string]: unknown }[],
  ) => {
    const response = await fetch(`${demo().url}/api/v1/events/batch`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(events),
    });
    expect(response.status).toBe(202);
    const types = [...new Set(events.map(({ type }) => type))].join(",");
    await eventually(async () => {
      const counts = await fetch(`${demo().url}/api/v1/events/counts?type=${types}`);
      expect(((await counts.json()) as { total: number }).total).toBe(events.length);
    });
  };
  const rowsOf = async (page: Awaited<ReturnType<typeof open>>["page"], table: string) => {
    const rows = await page.locator(`${table} tbody tr`).allInnerTexts();
    return rows.map((row) => row.split("\t").map((cell) => cell.trim()));
  };

  test("the copied curl, run, and the CSV give the numbers that are shown; a cell that is a formula is guarded", async () => {
    await post([
      { id: "f1", type: "formula.sent", source: "test", data: { cell: "=1+1" } },
      { id: "f2", type: "formula.sent", source: "test", data: { cell: "=1+1" } },
      { id: "f3", type: "formula.sent", source: "test", data: { cell: 'a "b", c' } },
    ]);
    const path = "/trends?type=formula.sent&by=data.cell&range=7d&tz=UTC";
    const { page, close } = await open(demo(), path);
    await answered(page);
    await page.locator("main tbody tr", { hasText: "=1+1" }).waitFor();
    const shown = await rowsOf(page, "main");
    expect(shown.map((row) => [row[0], row.at(-1)])).toEqual([
      ["=1+1", "2"],
      ['a "b", c', "1"],
    ]);

    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "CSV" }).click();
    const csv = await readFile(await (await download).path(), "utf8");
    expect(csv).toBe(`data.cell,count\r\n'=1+1,2\r\n"a ""b"", c",1\r\n`);

    await page.getByRole("button", { name: "curl" }).click();
    const [command = ""] = await page.locator(".code-block pre").allInnerTexts();
    const { stdout } = await promisify(execFile)("sh", ["-c", command]);
    const { results } = JSON.parse(stdout) as Answer;
    expect(results.map(({ dimensions, metrics }) => [dimensions[0], metrics[0]])).toEqual([
      ["=1+1", 2],
      ['a "b", c', 1],
    ]);
    await close();
  });

  test("Events today is the API's count up to now, and is compared with yesterday up to the same time", async () => {
    const dayMs = 86_400_000;
    const question = async (range: unknown) => {
      const response = await fetch(`${demo().url}/api/v1/query`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ metrics: ["count"], range, timezone: "UTC" }),
      });
      return ((await response.json()) as Answer).results[0]?.metrics[0] ?? 0;
    };
    const compared: { readonly from: string; readonly to: string }[] = [];
    const { page, close } = await open(demo(), "/?tz=UTC", {
      before: (made) => {
        made.on("request", (request) => {
          if (!request.url().endsWith("/api/v1/query")) return;
          const { range } = request.postDataJSON() as { range: string | (typeof compared)[number] };
          if (typeof range === "object") compared.push(range);
        });
        return Promise.resolve();
      },
    });
    await answered(page);
    const tile = page.getByRole("region", { name: "Events today" });
    const before = await question("today");
    await post([
      { id: "today-1", type: "today.counted", source: "test" },
      { id: "today-2", type: "today.counted", source: "test" },
    ]);
    // Sooner than the question that is asked each minute.
    await eventually(async () => {
      const now = await question("today");
      expect(now).toBeGreaterThan(before);
      expect(await tile.locator(".figure").innerText()).toBe(whole.format(now));
    }, 40_000);

    // There may be none of yesterday at this time.
    await tile.getByText("yesterday by now").waitFor();
    const { from, to } = compared[0]!;
    expect(from).toMatch(/T00:00:00.000Z$/);
    const sinceThen = Date.now() - Date.parse(to);
    expect(sinceThen).toBeGreaterThanOrEqual(dayMs);
    expect(sinceThen).toBeLessThan(dayMs + 600_000);
    await close();
  });

  test.each([
    ["2025-10-26", 25, "02:00 (UTC+01:00)"],
    ["2026-03-29", 23, "01:00"],
  ])("%s has %d hours in Berlin, whose sum is the day's count", async (day, hours, hour) => {
    const from = Date.parse(`${day}T00:00:00+0${hours === 25 ? 2 : 1}:00`);
    await post(
      Array.from({ length: hours * 2 }, (_, half) => ({
        id: `${day}-${half}`,
        type: `clock.${hours}`,
        source: "test",
        timestamp: from + half * 1_800_000,
      })),
    );
    const path = `/trends?type=clock.${hours}&range=${day}..${day}&per=hour&tz=Europe/Berlin`;
    const { page, close } = await open(demo(), `${path}&shape=table`, { zone: "Asia/Tokyo" });
    await answered(page);
    await page.locator("main tbody tr").first().waitFor();
    const rows = await rowsOf(page, "main");
    expect(rows.map((row) => row.at(-1))).toEqual(new Array(hours).fill("2"));
    // The hour that the clock shows twice, or the last before one that it does not show.
    const at = rows.findIndex(([period]) => period?.endsWith(hour) === true);
    const before = hours === 25 ? "02:00 (UTC+02:00)" : "00:00";
    const after = "03:00";
    expect(rows[at - 1]?.[0]).toMatch(new RegExp(`${after}$`));
    expect(rows[at + 1]?.[0]?.endsWith(before)).toBe(true);
    expect(new Set(rows.map(([period]) => period)).size).toBe(hours);
    await page
      .getByText(`${whole.format(2 * hours)} events`)
      .first()
      .waitFor();
    await close();
  });

  test("the points of an hour that the clock shows twice open their own events", async () => {
    const from = Date.parse("2025-10-26T00:00:00+02:00");
    await post(
      Array.from({ length: 25 }, (_, hour) => ({
        ...{ id: `twice-${hour}`, type: "clock.twice", source: "test" },
        timestamp: from + hour * 3_600_000,
      })),
    );
    const path = "/trends?type=clock.twice&range=2025-10-26..2025-10-26&per=hour&tz=Europe/Berlin";
    const { page, close } = await open(demo(), path);
    for (const [place, range] of [
      [2, "2025-10-26T02:00+02:00..2025-10-26T02:00+01:00"],
      [3, "2025-10-26T02:00+01:00..2025-10-26T03:00+01:00"],
    ] as const) {
      await page.goto(demo().url + path);
      await page.locator(".plot canvas").waitFor();
      await answered(page);
      await page.locator(".plot").focus();
      await page.keyboard.press("Home");
      for (let step = 0; step < place; step++) await page.keyboard.press("ArrowRight");
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/events\?/);
      expect(new URL(page.url()).searchParams.get("range")).toBe(range);
      await answered(page);
      expect(await page.locator(".list-card .card-note").innerText()).toMatch(/^1 event\b/);
      expect(await page.locator(".notice").count()).toBe(0);
    }
    await close();
  });

  test("a row's users are not the sum of its days; a value opens what spells it, a marked one its kind alone", async () => {
    const dayMs = 86_400_000;
    const event = (id: string, days: number, plan: unknown) => ({
      id,
      type: "plan.used",
      source: "test",
      timestamp: Date.now() - days * dayMs,
      metadata: { userId: "one" },
      data: { plan },
    });
    await post([event("p1", 1, 10), event("p2", 2, "10"), event("p3", 3, "10")]);
    const { page, close } = await open(demo(), "/trends?type=plan.used&m=uniques&range=7d&tz=UTC");
    await answered(page);
    await page.locator("main tbody tr").first().waitFor();
    expect((await rowsOf(page, "main")).map((row) => row.at(-1))).toEqual(["1"]);
    for (const [value, count, told] of [
      ["10", "3 events", []],
      ["n:10", "1 event", []],
      ["s:10", "2 events", []],
      ["n:10,s:10", "3 events", []],
      [
        "n:10,n:20",
        "3 events",
        ["Texts, numbers and truth values that read alike are one here: plan is 10 or 20."],
      ],
    ] as const) {
      await page.goto(`${demo().url}/events?f=is,data.plan,${value}&range=7d&tz=UTC`);
      await answered(page);
      expect(await page.locator(".list-card .card-note").innerText()).toContain(count);
      expect(await page.locator(".notice").allInnerTexts()).toEqual(told);
    }
    await close();
  });

  test("each row opens its own events, whatever its text looks like", async () => {
    const values = ["1.0", 1, "n:abc", "s:x", "x", "12345678901234567890"];
    await post(
      values.map((plan, index) => ({
        ...{ id: `row-${index}`, type: "row.shown", source: "test", data: { plan } },
      })),
    );
    const path = "/trends?type=row.shown&by=data.plan&range=today&per=day&tz=UTC";
    const { page, close } = await open(demo(), path);
    const opened: string[] = [];
    for (const line of values.keys()) {
      await page.goto(demo().url + path);
      await page.locator(".plot canvas").waitFor();
      await answered(page);
      await page.locator(".plot").focus();
      await page.keyboard.press("ArrowLeft");
      for (let down = 0; down < line; down++) await page.keyboard.press("ArrowDown");
      const spoken = await page.locator(".chart [aria-live]").innerText();
      const [, name = ""] = /, ([^,]+) 1$/.exec(spoken) ?? [];
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/events\?/);
      await answered(page);
      await page.getByText(`plan is ${name}`, { exact: true }).first().waitFor();
      expect(await page.locator(".list-card .card-note").innerText()).toMatch(/^1 event\b/);
      opened.push(name);
    }
    expect(opened.toSorted()).toEqual(values.map(String).toSorted());
    await close();
  });

  test("rows are compared with their own numbers, however many are larger in the other range", async () => {
    const [day, before] = [2, 9].map((ago) => Date.now() - ago * 86_400_000);
    const event = (id: string, timestamp: number, key: string) => ({
      ...{ id: `other-${id}`, type: "row.compared", source: "test", timestamp, data: { key } },
    });
    await post([
      ...["kept", "new"].map((key) => event(key, day!, key)),
      event("kept-before", before!, "kept"),
      ...Array.from({ length: 120 }, (_, at) => event(`${at}`, before!, `large-${at % 60}`)),
    ]);
    const date = new Date(day!).toISOString().slice(0, 10);
    const path = `/trends?type=row.compared&by=data.key&range=${date}..${date}&cmp=weekdays&tz=UTC`;
    const { page, close } = await open(demo(), path);
    await answered(page);
    const rows = async () =>
      Object.fromEntries(
        (await rowsOf(page, "main")).map(([name = "", ...cells]) => [name, cells] as const),
      );
    await page.locator("main tbody tr", { hasText: "kept" }).waitFor();
    expect(await rows()).toEqual({ kept: ["1", "1", "0.0 %"], new: ["1", "0", "new"] });
    await page.getByText("2 events, 98.3 % less").first().waitFor();
    await page.goto(`${demo().url}${path}&m=avg:data.key`);
    await answered(page);
    expect(await rows()).toEqual({ kept: ["–", "–", "–"], new: ["–", "–", "–"] });
    await close();
  });

  test("lines of more rows than an answer has are whole", async () => {
    const types = Array.from({ length: 6 }, (_, at) => `long.${at}`);
    const from = Date.UTC(2026, 0, 1);
    await post(
      types.map((type) => ({ id: type, type, source: "test", timestamp: from, data: { type } })),
    );
    const search = `${types.map((type) => `type=${type}`).join("&")}&range=2026-01-01..2026-03-31`;
    const path = `/trends?${search}&per=hour&tz=UTC&shape=table`;
    const { page, close } = await open(demo(), path);
    await answered(page);
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "CSV" }).click();
    const csv = await readFile(await (await download).path(), "utf8");
    const lines = csv.trim().split("\r\n");
    expect(lines.length).toBe(1 + 90 * 24);
    expect(lines[1]).toMatch(/^2026-01-01T00:00:00(?:Z|\+00:00),1,1,1,1,1,1$/);
    expect(await page.locator(".exactness").first().innerText()).toMatch(/^Exact/);
    await close();
  });

  test("lines that lack rows say so", async () => {
    const { page, close } = await open(demo(), "/trends?range=7d&tz=UTC", {
      before: async (made) => {
        await made.route("**/api/v1/query", async (route) => {
          const { cursor: _, ...body } = route.request().postDataJSON() as {
            readonly cursor?: string;
            readonly dimensions?: readonly string[];
          };
          const { dimensions = [] } = body;
          const response = await route.fetch({ postData: body });
          const answer = (await response.json()) as { readonly meta: object };
          if (dimensions.length < 2) return route.fulfill({ json: answer });
          const meta = { ...answer.meta, rowsLeftOut: 12 };
          return route.fulfill({ json: { ...answer, meta, nextCursor: "more" } });
        });
      },
    });
    await page.getByText("Left out of the chart: 12 values · Exact").waitFor();
    await close();
  });

  test("an hour of today stands beside the same hour of a day that had 25", async () => {
    const hour = (at: number, from: string) => {
      const instant = Date.parse(from) + at * 3_600_000;
      const offset = instant < Date.parse("2026-10-25T01:00:00Z") ? 2 : 1;
      const wall = new Date(instant + offset * 3_600_000).toISOString().slice(0, 19);
      return `${wall}+0${offset}:00`;
    };
    const dayOf = (range: string, from: string, to: string, hours: number, first: number) => ({
      results: Array.from({ length: hours }, (_, at) => ({
        ...{ dimensions: [hour(at, from)], metrics: [first + at] },
      })),
      totals: [1],
      nextCursor: null,
      query: {
        metrics: ["count"],
        dimensions: ["time:hour"],
        range: { from, to },
        timezone: range,
      },
      meta: { asOf: to, lagMs: 0, exact: true, range: { from, to } },
    });
    const [before, from, to] = ["10-24T22", "10-25T23", "10-26T23"].map(
      (text) => `2026-${text}:00:00Z`,
    );
    const days = {
      today: dayOf("Europe/Berlin", from!, to!, 24, 0),
      yesterday: dayOf("Europe/Berlin", before!, from!, 25, 100),
    };
    const { page, close } = await open(demo(), "/?tz=Europe/Berlin", {
      before: async (made) => {
        await made.route("**/api/v1/query", (route) => {
          const { range } = route.request().postDataJSON() as { readonly range: unknown };
          const json = days[range as keyof typeof days];
          return json === undefined ? route.continue() : route.fulfill({ json });
        });
      },
    });
    await page.getByText("The same as a table").click();
    const rows = page.locator(".as-table tbody tr");
    await rows.first().waitFor();
    const shown = (await rowsOf(page, ".as-table")).map((row) => row.slice(1));
    expect(shown.slice(1, 5)).toEqual([
      ["1", "101"],
      ["2", "102"],
      ["3", "104"],
      ["4", "105"],
    ]);
    expect(shown.at(-1)).toEqual(["23", "124"]);
    await close();
  });

  test("what is not known is a dash, and zero is zero", async () => {
    await post([
      { id: "n1", type: "with.amount", source: "test", data: { amount: 3 } },
      { id: "n2", type: "without.amount", source: "test" },
    ]);
    const types = "type=with.amount&type=without.amount";
    const { page, close } = await open(
      demo(),
      `/trends?${types}&m=avg:data.amount&range=7d&tz=UTC`,
    );
    await answered(page);
    await page.locator("main tbody tr", { hasText: "without.amount" }).waitFor();
    const shown = await rowsOf(page, "main");
    expect(Object.fromEntries(shown.map((row) => [row[0], row.at(-1)]))).toEqual({
      "with.amount": "3",
      "without.amount": "–",
    });
    await close();
  });
}
