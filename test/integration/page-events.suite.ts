import { eventually } from "../support/eventually.ts";
import { answered, open, type Shown } from "../support/page.ts";

/** The list of events, and what is found by its field. */
export function eventsSuite(demo: () => Shown): void {
  test("a page of the list before comes into no other list, whose own pages follow it", async () => {
    let isHeld = true;
    const { page, faults, close } = await open(demo(), "/events?range=30d&tz=UTC", {
      before: async (made) => {
        // The page of the list before is under way for as long as somebody wants it.
        await made.route("**/api/v1/events?*cursor=*", (route) =>
          isHeld ? undefined : route.continue(),
        );
      },
    });
    await answered(page);
    const rows = page.locator(".event-row");
    expect(await rows.count()).toBe(100);
    const asked = page.waitForRequest(/cursor=/);
    const cancelled = page.waitForEvent("requestfailed", (request) =>
      request.url().includes("cursor="),
    );
    await page.getByRole("button", { name: "Show 100 more" }).click();
    await asked;
    await page.getByRole("button", { name: "Order: newest first" }).click();
    await page.getByText("oldest first").click();
    await cancelled;
    await answered(page);
    isHeld = false;
    expect(await rows.count()).toBe(100);
    const next = page.waitForResponse(/order=asc.*cursor=/);
    await page.getByRole("button", { name: "Show 100 more" }).click();
    expect((await next).status()).toBe(200);
    await page.getByText("200 events shown").waitFor();
    const instants = await page.evaluate<string[]>(
      `[...document.querySelectorAll(".event-link time")].map((time) => time.dateTime)`,
    );
    expect(instants.length).toBe(200);
    expect(instants).toEqual(instants.toSorted());
    expect(faults).toEqual([]);
    await close();
  });

  test("the file is said to have what is shown, and curl asks for all of it", async () => {
    const path = "/events?type=email.sent&range=30d&tz=UTC";
    const { page, close } = await open(demo(), path);
    await answered(page);
    await page.getByRole("button", { name: "CSV of 100 shown" }).waitFor();
    await page.getByRole("button", { name: "curl" }).click();
    const [command = ""] = await page.locator(".code-block pre").allInnerTexts();
    const [, address = ""] = /'(http[^']+)'/.exec(command) ?? [];
    const lines = (await (await fetch(address)).text()).trim().split("\r\n");
    const note = await page.locator(".list-total").innerText();
    expect(`${(lines.length - 1).toLocaleString("en-US")} events`).toBe(note);
    await close();
  });

  test("the list is followed within its range, and not where that is over", async () => {
    const streams: URLSearchParams[] = [];
    const { page, close } = await open(demo(), "/events?range=24h&tz=UTC&follow=1", {
      before: (made) => {
        made.on("request", (request) => {
          const { pathname, searchParams } = new URL(request.url());
          if (pathname.endsWith("/events/stream")) streams.push(searchParams);
        });
        return Promise.resolve();
      },
    });
    await answered(page);
    await page.getByRole("button", { name: "Following" }).waitFor();
    await eventually(() =>
      expect(streams.map((one) => [one.get("range"), one.get("timezone")])).toEqual([
        ["24h", "UTC"],
      ]),
    );
    await page.goto(`${demo().url}/events?range=yesterday&tz=UTC&follow=1`);
    await answered(page);
    expect(await page.getByRole("button", { name: /Follow/ }).count()).toBe(0);
    expect(streams.length).toBe(1);
    await close();
  });

  test("an anonymous id that is searched for shows its events, also those of a number", async () => {
    const sent = await fetch(`${demo().url}/api/v1/events/batch`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(
        [
          { anonymousId: "visitor-7" },
          { userId: null, anonymousId: "visitor-7" },
          { userId: "7007" },
        ].map((metadata, at) => ({ id: `find-${at}`, type: "found", source: "test", metadata })),
      ),
    });
    expect(sent.status).toBe(202);
    await eventually(async () => {
      const stored = await fetch(`${demo().url}/api/v1/events?type=found`);
      expect(((await stored.json()) as { readonly data: readonly object[] }).data.length).toBe(3);
    });
    const { page, close } = await open(demo(), "/events?tz=UTC");
    await answered(page);
    for (const [id, count, filter] of [
      ["visitor-7", /^2 events$/, "is,metadata.anonymousId,visitor-7"],
      ["7007", /^1 event$/, "is,metadata.userId,s:7007"],
    ] as const) {
      await page.getByLabel("Find by id, mail or user").fill(id);
      await page.keyboard.press("Enter");
      await page.locator(".list-total", { hasText: count }).waitFor();
      expect(new URL(page.url()).searchParams.getAll("f")).toEqual([filter]);
    }
    await close();
  });

  test("a search that could not ask says why, and finds nothing only where all was asked", async () => {
    let status = 503;
    const { page, close } = await open(demo(), "/events?tz=UTC", {
      before: async (made) => {
        await made.route(/\/api\/v1\/events(\/nobody|\?(userId|correlationId)=)/, (route) =>
          route.fulfill({ status, json: { title: "Refused" } }),
        );
      },
    });
    await answered(page);
    await page.getByLabel("Find by id, mail or user").fill("nobody");
    await page.keyboard.press("Enter");
    await page.getByText("The service cannot answer right now.").waitFor();
    expect(await page.getByText("There is no event").count()).toBe(0);
    status = 404;
    await page.keyboard.press("Enter");
    await page.getByText("There is no event, mail or user of this id.").waitFor();
    expect(await page.getByText("The service cannot answer right now.").count()).toBe(0);
    await close();
  });

  test("words of addresses are no ids: nothing is streamed or exported for them", async () => {
    const paths: string[] = [];
    const { page, close } = await open(demo(), "/events?tz=UTC", {
      before: (made) => {
        made.on("request", (request) => paths.push(new URL(request.url()).pathname));
        return Promise.resolve();
      },
    });
    await answered(page);
    for (const word of ["stream", "export", "counts", ".."]) {
      const searched = page.waitForResponse(/userId=/);
      await page.getByLabel("Find by id, mail or user").fill(word);
      await page.keyboard.press("Enter");
      await searched;
      await page.getByText("There is no event, mail or user of this id.").waitFor();
    }
    await page.goto(`${demo().url}/events/counts?tz=UTC`);
    await page.getByText("There is no event with this id in this project.").waitFor();
    await answered(page);
    expect(paths).toContain("/api/v1/events");
    const reserved = /^\/api\/v1\/(events\/(stream|export|counts)?)?$/;
    expect(paths.filter((path) => reserved.test(path))).toEqual([]);
    await close();
  });
}
