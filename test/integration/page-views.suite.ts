import type { Page } from "playwright-core";
import { eventually } from "../support/eventually.ts";
import { answered, open, thrown, type Shown } from "../support/page.ts";

interface FunnelStep {
  readonly type: string;
  readonly users: number;
  readonly conversion: number;
  readonly stepConversion: number;
}

interface MailNumbers {
  readonly group: string | null;
  readonly sent: number;
  readonly delivered: number;
  readonly rates: Readonly<Record<string, number | null>>;
}

const whole = new Intl.NumberFormat("en-US");
const rate = (share: number | null): string => {
  if (share === null) return "–";
  const digits = share !== 0 && share < 0.01 ? 2 : 1;
  return `${(share * 100).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })} %`;
};
/** Texts in one line each. Words for screen readers stand in a box of their own, so a browser breaks the line before them. */
const texts = async (page: Page, selector: string): Promise<readonly string[]> => {
  const all = await page.locator(selector).allInnerTexts();
  return all.map((text) => text.replace(/\s+/g, " ").replaceAll(" ,", ",").trim());
};

/** What each view shows, and what can be done there. */
export function viewsSuite(demo: () => Shown): void {
  /** A view, with the question that it asked and the answer that it shows. */
  async function asks<Answer>(view: string, address: string) {
    const watched = await open(demo(), "/pipeline");
    const { page } = watched;
    const heard = page.waitForResponse((response) => response.url().includes(address));
    await page.goto(demo().url + view);
    const response = await heard;
    const answer = (await response.json()) as Answer;
    await answered(page);
    return { ...watched, answer, body: response.request().postData() };
  }

  test("a funnel shows the API's numbers, and each step by keyboard moves with the focus", async () => {
    const steps = ["email.sent", "email.delivered", "email.clicked"];
    const search = steps.map((step) => `step=${step}`).join("&");
    const { page, answer, close } = await asks<{ readonly steps: readonly FunnelStep[] }>(
      `/funnel?${search}&tz=UTC`,
      "/query/funnel",
    );
    expect(await texts(page, ".funnel-count strong")).toEqual(
      answer.steps.map(({ users }) => whole.format(users)),
    );
    expect((await texts(page, ".funnel-count span")).slice(1)).toEqual(
      answer.steps.slice(1).map(({ conversion }) => rate(conversion)),
    );
    const [, next, last] = answer.steps;
    const words = (await texts(page, ".funnel-onward"))[1];
    expect(words).toContain(`${rate(last!.stepConversion)} go on, half of them within `);
    expect(words).toContain(`${whole.format(next!.users - last!.users)} do not.`);

    await page.locator(".step-move").first().focus();
    await page.keyboard.press("Alt+ArrowDown");
    await page.waitForURL(/step=email.delivered&step=email.sent&step=email.clicked/);
    await eventually(async () => {
      const focused = await page.evaluate("document.activeElement.getAttribute('aria-label')");
      expect(focused).toMatch(/^Step 2, email.sent/);
    });
    await answered(page);
    const moved = await texts(page, ".funnel-count strong");
    const address = page.url().slice(demo().url.length);
    const fresh = await asks(address, "/query/funnel");
    expect(await texts(fresh.page, ".funnel-count strong")).toEqual(moved);
    await fresh.close();
    await close();
  });

  test.each([1, 0])("every view opens for a project with %d types", async (count) => {
    const refused: string[] = [];
    const { page, faults, close } = await open(demo(), "/pipeline?tz=UTC", {
      before: async (made) => {
        await made.route("**/api/v1/catalog/types", async (route) => {
          const answer = (await (await route.fetch()).json()) as { readonly data: object[] };
          const data = answer.data.slice(0, count).map((type) => ({ ...type, type: "order.paid" }));
          await route.fulfill({ json: { ...answer, data } });
        });
        made.on("response", (response) => {
          if (response.status() >= 400) refused.push(response.url());
        });
      },
    });
    for (const view of ["/trends", "/funnel", "/retention", "/paths", "/mail"]) {
      await page.goto(`${demo().url}${view}?tz=UTC`);
      await answered(page);
      expect([view, await page.locator(".problem").count()]).toEqual([view, 0]);
    }
    expect(refused).toEqual([]);
    if (count === 1) {
      await page.goto(`${demo().url}/funnel?tz=UTC`);
      await page.getByText("Choose a second step.").waitFor();
      await page.getByRole("button", { name: "Step", exact: true }).click();
      await page.getByRole("combobox").fill("email.sent");
      await page.keyboard.press("Enter");
      await page.waitForURL(/step=order.paid&step=email.sent/);
      await answered(page);
      expect(await page.getByText("Choose a second step.").count()).toBe(0);
    }
    expect(faults).toEqual([]);
    await close();
  });

  test.each([
    ["/funnel?step=email.sent&step=email.clicked", "/query/funnel"],
    ["/paths?after=email.sent", "/query/paths"],
    ["/retention?first=email.sent&per=month", "/query/retention"],
    ["/mail?mails=sent", "/reports/mail"],
  ])("%s answers any range: all time, days, times of the clock", async (view, address) => {
    const { page, close } = await open(demo(), "/pipeline");
    const day = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10);
    const ranges = ["all", `${day(9)}..${day(3)}`, `${day(9)}T09:30..${day(3)}T12:00`, "7d"];
    for (const range of ranges) {
      const heard = page.waitForResponse((response) => response.url().includes(address));
      await page.goto(`${demo().url}${view}&range=${range}&tz=Europe/Berlin`);
      expect([range, (await heard).status()]).toEqual([range, 200]);
      await answered(page);
      expect(await page.locator(".problem").count()).toBe(0);
    }
    await close();
  });

  test("retention stripes what is not over and leaves it out of the mean", async () => {
    const { page, answer, close } = await asks<{
      readonly cohorts: readonly { readonly size: number; readonly returned: readonly number[] }[];
    }>(
      "/retention?first=email.opened&back=email.opened&per=day&range=7d&tz=UTC",
      "/query/retention",
    );
    const cohorts = answer.cohorts.filter(({ size }) => size > 0);
    expect(cohorts.length).toBeGreaterThan(3);
    const rows = page.locator(".cohorts tbody tr:not(.cohorts-all)");
    expect(await rows.count()).toBe(answer.cohorts.length);
    // Today is not over: the last cell of each row.
    expect(await page.locator(".cohorts .is-open").count()).toBe(cohorts.length);
    const over = answer.cohorts.filter(({ returned }) => returned.length > 2);
    const sum = (of: (cohort: (typeof over)[number]) => number) =>
      over.reduce((all, cohort) => all + of(cohort), 0);
    const mean = (sum(({ returned }) => returned[1]!) / sum(({ size }) => size)) * 100;
    const all = await texts(page, ".cohorts-all td");
    expect(all[0]).toBe(whole.format(answer.cohorts.reduce((size, one) => size + one.size, 0)));
    expect(all[2]).toBe(`${Math.round(mean)} %`);

    await page.getByRole("button", { name: "People" }).click();
    await page.waitForURL(/shape=people/);
    const first = await texts(page, ".cohorts tbody tr:nth-child(2) .heat");
    expect(first.map((text) => text.replace(/, not over$/, ""))).toEqual(
      answer.cohorts[0]!.returned.map((returned) => whole.format(returned)),
    );
    await page.locator(".cohorts [data-tip][tabindex='0']").focus();
    await page.keyboard.press("ArrowRight");
    await page.getByText(/come back 1 day later/).waitFor();
    await close();
  });

  test("the table of paths equals the answer, and so do the nodes", async () => {
    const { page, answer, close } = await asks<{
      readonly paths: readonly { readonly types: readonly string[]; readonly count: number }[];
      readonly total: { readonly count: number };
    }>("/paths?after=email.delivered&tz=UTC", "/query/paths");
    const rows = await texts(page, ".flow-list tbody tr");
    const [first] = answer.paths;
    expect(rows[0]).toContain(
      `${whole.format(first!.count)} ${whole.format(first!.count)} ${rate(first!.count / answer.total.count)}`,
    );
    const opened = answer.paths
      .filter(({ types }) => types[0] === "email.opened")
      .reduce((sum, { count }) => sum + count, 0);
    const node = page.getByRole("img", { name: /^Step 1, email.opened/ });
    expect(await node.getAttribute("aria-label")).toContain(`: ${whole.format(opened)}, `);
    await node.hover();
    expect(await page.locator(".ribbon.lit").count()).toBeGreaterThan(0);
    await close();
  });

  test("the mail report shows the API's numbers, and warns of short ranges", async () => {
    const { page, answer, close } = await asks<{
      readonly data: readonly MailNumbers[];
      readonly total: MailNumbers;
    }>("/mail?by=context.emailProvider&tz=UTC", "/reports/mail");
    const {
      delivery,
      bounce,
      open: opened,
      openWithMachines,
      click,
      complaint,
    } = answer.total.rates;
    const figures = await texts(page, ".mail-figure-value");
    const alarm = complaint! < 0.001 ? "" : complaint! < 0.003 ? ", many" : ", too many";
    expect(figures).toEqual([
      ...[rate(delivery!), rate(bounce!), `${rate(opened!)} to ${rate(openWithMachines!)}`],
      ...[rate(click!), `${rate(complaint!)}${alarm}`],
    ]);
    const rows = await texts(page, ".mail-table tbody tr");
    expect(rows.length).toBe(answer.data.length);
    for (const [index, { group, sent, delivered, rates }] of answer.data.entries()) {
      const numbers = `${whole.format(sent)} ${whole.format(delivered)} ${rate(rates["delivery"]!)}`;
      expect(rows[index]).toContain(`${group ?? "(without mailbox provider)"} ${numbers}`);
    }
    await page.goto(`${demo().url}/mail?range=today&tz=UTC`);
    await page.getByRole("button", { name: "Show only mails sent then" }).click();
    await page.waitForURL(/mails=sent/);
    await close();
  });

  test("a question is saved, stands on the board with its answer, and is not changed over another change", async () => {
    const { page, close } = await open(demo(), "/funnel?step=email.sent&step=email.clicked&tz=UTC");
    await answered(page);
    const share = (await texts(page, ".funnel-count span"))[1];
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByLabel("Name").fill("who-clicks");
    await page.keyboard.press("Enter");
    await page.getByText("Saved as who-clicks.").waitFor();
    await page.goto(`${demo().url}/saved?tz=UTC`);
    const tile = page.locator(".saved-tile", { hasText: "who-clicks" });
    await tile.locator(".saved-tile-number").waitFor();
    expect(await tile.locator(".saved-tile-number").innerText()).toBe(share);

    await page.goto(`${demo().url}/saved/who-clicks?tz=UTC&edit=1`);
    await page.getByLabel("What it asks").fill("Mine");
    const address = `${demo().url}/api/v1/queries/who-clicks`;
    const { kind, question } = (await (await fetch(address)).json()) as Record<string, unknown>;
    await fetch(address, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ kind, question, description: "Theirs" }),
    });
    await page.keyboard.press("Enter");
    await page.getByText("Somebody changed it meanwhile.").waitFor();
    expect(await texts(page, ".saved-conflict dd")).toEqual(["Theirs", "Mine"]);
    await page.getByRole("button", { name: "Save yours" }).click();
    await page.locator(".saved-one > p", { hasText: "Mine" }).waitFor();
    await close();
  });

  test("a question that somebody removed meanwhile is told as gone when it is saved", async () => {
    const address = `${demo().url}/api/v1/queries/gone-soon`;
    await fetch(address, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ kind: "counts", question: { interval: "day" } }),
    });
    const { page, faults, close } = await open(demo(), "/saved/gone-soon?tz=UTC&edit=1");
    await page.getByLabel("What it asks").fill("Mine");
    await fetch(address, { method: "DELETE" });
    await page.keyboard.press("Enter");
    await page.getByText("There is nothing of this name in this project.").waitFor();
    expect(thrown(faults)).toEqual([]);
    await close();
  });

  test("a saved mail question keeps all values of its filters", async () => {
    const { page, answer, close } = await asks<{ readonly data: readonly MailNumbers[] }>(
      "/mail?by=context.emailProvider&tz=UTC",
      "/reports/mail",
    );
    const [first, second] = answer.data.filter(({ group }) => group !== null);
    const filter = `is,context.emailProvider,${first!.group},${second!.group}`;
    await page.goto(`${demo().url}/mail?by=context.emailProvider&f=${filter}&tz=UTC`);
    await answered(page);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByLabel("Name").fill("two-providers");
    await page.keyboard.press("Enter");
    await page.getByText("Saved as two-providers.").waitFor();
    const saved = await fetch(`${demo().url}/api/v1/queries/two-providers/results`);
    const { data } = (await saved.json()) as { readonly data: readonly MailNumbers[] };
    const groups = [first, second].map((one) => one!.group);
    expect(data.map(({ group }) => group).toSorted()).toEqual(groups.toSorted());
    await close();
  });

  test("Health says which stage is down and what to do, also by the icon of the tab", async () => {
    const { page, close } = await open(demo(), "/pipeline", {
      before: async (made) => {
        await made.route("**/api/v1/live", (route) => route.fulfill({ status: 403, body: "{}" }));
        await made.route("**/health", (route) =>
          route.fulfill({
            status: 503,
            json: {
              status: "down",
              stages: {
                ingest: { state: "ok" },
                processor: {
                  state: "down",
                  reason: "the store is away",
                  backlog: 3,
                  lagMs: 42_000,
                },
              },
            },
          }),
        );
      },
    });
    await page.getByText("Somebody must act.").waitFor();
    await page.getByText("Stuck at the processor: the oldest event has waited 42 s.").waitFor();
    const stage = page.locator(".stage-card.down");
    expect(await stage.innerText()).toMatch(/3 batches[\s\S]*Bring the database back/);
    await eventually(async () => {
      const icon = await page.locator('link[rel="icon"]').getAttribute("href");
      expect(icon).toMatch(/icon-down\.svg$/);
    });
    await close();
  });

  test("one click in the calendar is that day, and a text that is no range is not applied", async () => {
    const { page, close } = await open(demo(), "/trends?range=7d&tz=UTC");
    await answered(page);
    const day = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10);
    const picker = page.getByRole("button", { name: /^Range: / });
    const apply = page.getByRole("button", { name: "Apply" });
    const field = page.getByLabel("Days or times");
    await picker.click();
    await page.locator(`[data-date="${day}"]`).click();
    expect(await field.inputValue()).toBe(`${day}..${day}`);
    await apply.click();
    await page.waitForURL((url) => url.searchParams.get("range") === `${day}..${day}`);
    await answered(page);
    await picker.click();
    await field.fill("2026-13-01..2026-13-02");
    await page.getByText(/^Such as /).waitFor();
    expect(await apply.isDisabled()).toBe(true);
    await page.keyboard.press("Enter");
    expect(new URL(page.url()).searchParams.get("range")).toBe(`${day}..${day}`);
    await field.fill("2026-11-01 to 2026-11-03");
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.searchParams.get("range") === "2026-11-01..2026-11-03");
    await close();
  });

  test.each([
    ["a view", "**/api/v1/query/funnel", { steps: null, meta: {} }],
    ["the frame", "**/api/v1/keys/self", {}],
  ])("a fault in %s is told, and another address is drawn", async (place, path, json) => {
    const { page, faults, close } = await open(demo(), "/pipeline");
    await page.route(path, (route) => route.fulfill({ json }));
    await page.goto(`${demo().url}/funnel?step=email.sent&step=email.clicked&tz=UTC`);
    await page.getByText("This could not be drawn.").waitFor();
    await eventually(() => expect(faults.join("\n")).toContain("TypeError"));
    await page.unroute(path);
    if (place === "a view") await page.getByRole("link", { name: "Trends" }).click();
    else await page.getByRole("link", { name: "Open Now" }).click();
    await answered(page);
    expect(await page.getByText("This could not be drawn.").count()).toBe(0);
    await close();
  });

  test("what of an address cannot be meant is told, and removed by a click", async () => {
    const path =
      "/trends?range=2026-02-30..2026-03-01&tz=Mars/Base&f=garbage&odd=1&by=&per=fortnight";
    const { page, close } = await open(demo(), path, { zone: "Europe/Berlin" });
    await answered(page);
    const told = await page.locator(".notice").allInnerTexts();
    expect(told.map((text) => text.replace(/\s+/g, " ").replace(/ Remove$/, ""))).toEqual([
      "Not known here and ignored: odd.",
      "2026-02-30..2026-03-01 is no range. Shown instead: last 30 days. No filter, and left out: garbage. Not understood, and left out: per=fortnight. There is no zone Mars/Base. Shown instead: Europe/Berlin.",
    ]);
    await page.getByRole("button", { name: "Remove", exact: true }).last().click();
    await page.getByRole("button", { name: "Remove", exact: true }).click();
    await page.locator(".notice").first().waitFor({ state: "detached" });
    expect(new URL(page.url()).search).toBe("?tz=Europe/Berlin");
    await page.goto(`${demo().url}/trends?range=2026-10-28T25:00..2026-10-28T26:00&tz=UTC`);
    await answered(page);
    await page
      .getByText("2026-10-28T25:00..2026-10-28T26:00 is no range. Shown instead: last 30 days.")
      .waitFor();
    await page.goto(`${demo().url}/?f=is,context.machine,false`);
    await page.getByText("Filters do not apply here: these are all events.").waitFor();
    await close();
  });
}
