import type { Page } from "playwright-core";
import { keyPattern } from "../../lib/keys/key-text.ts";
import { eventually } from "../support/eventually.ts";
import { answered, axeFindings, open, type Shown } from "../support/page.ts";

/** What admins do, and what the page shows to who is none. */
export function adminSuite(demo: () => Shown): void {
  const self = async (key: string) => {
    const headers = { Authorization: `Bearer ${key}` };
    const response = await fetch(`${demo().url}/api/v1/keys/self`, { headers });
    const { name, scopes } = (await response.json()) as { name?: string; scopes?: string[] };
    return { status: response.status, name, scopes };
  };
  const withKey = (key: string) => ({
    before: async (page: Page) => {
      await page.addInitScript(`sessionStorage.setItem("maily-key", "${key}")`);
    },
  });
  const shownKey = async (page: Page) => {
    const key = await page.locator(".given-key pre").innerText();
    expect(key).toMatch(keyPattern);
    await page.getByRole("button", { name: "I have kept it" }).click();
    await page.locator(".given-key").waitFor({ state: "detached" });
    expect(await page.content()).not.toContain(key);
    return key;
  };

  test("a key is made and shown once, replaced, and revoked by its name; the log says so", async () => {
    const { page, faults, close } = await open(demo(), "/admin?tz=UTC");
    await answered(page);
    await page.getByRole("button", { name: "New key" }).click();
    await page.getByLabel("What it is for").fill("reader");
    await page.getByLabel(/^Send events/).uncheck();
    await page.getByLabel(/^Read events/).check();
    await page.getByLabel("What it is for").press("Enter");
    const key = await shownKey(page);
    expect(await self(key)).toEqual({ status: 200, name: "reader", scopes: ["events:read"] });

    await page.getByRole("button", { name: "Replace reader" }).click();
    await page.getByLabel("The old one is still valid").selectOption("not at all");
    await page.getByRole("button", { name: "Make the new key" }).click();
    const next = await shownKey(page);
    expect([(await self(key)).status, (await self(next)).status]).toEqual([401, 200]);

    await page.getByRole("button", { name: "Revoke reader" }).click();
    const dialog = page.getByRole("dialog", { name: "Revoke reader?" });
    expect(await axeFindings(page)).toEqual([]);
    await dialog.locator("input:focus").waitFor();
    await page.keyboard.type("read");
    const revoke = dialog.getByRole("button", { name: "Revoke", exact: true });
    expect(await revoke.isDisabled()).toBe(true);
    await page.keyboard.type("er");
    await page.keyboard.press("Enter");
    await dialog.waitFor({ state: "detached" });
    expect(await page.evaluate("document.activeElement.tagName")).toBe("H1");
    expect((await self(next)).status).toBe(401);
    await page.getByText("0 valid keys").waitFor();

    await page.getByRole("link", { name: "Audit log" }).click();
    await page.getByText("Revoked a key").waitFor();
    const rows = await page.locator("main tbody tr").allInnerTexts();
    expect(rows.slice(0, 3).map((row) => row.split("\t")[2]?.trim())).toEqual([
      "Revoked a key",
      "Replaced a key",
      "Made a key",
    ]);
    expect(faults).toEqual([]);
    await close();
  });

  test("a key is shown its project and what it may do, and told what its scopes lack", async () => {
    const created = await fetch(`${demo().url}/api/v1/keys`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ name: "only reads", scopes: ["events:read"] }),
    });
    const { key } = (await created.json()) as { key: string };
    const { page, close } = await open(demo(), "/trends?tz=UTC", withKey(key));
    await answered(page);
    await page.locator(".foot .project", { hasText: "default" }).waitFor();
    const views = page.getByRole("navigation", { name: "Views" });
    await views.getByRole("link", { name: "Health" }).waitFor();
    expect(await views.getByRole("link", { name: "Admin" }).count()).toBe(0);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("that takes a key with the scope admin").waitFor();
    await page.goto(`${demo().url}/admin?tz=UTC`);
    await page
      .getByText("This key may not administer the project. It needs the scope admin.")
      .waitFor();
    await page.goto(`${demo().url}/?tz=UTC`);
    await page.getByText("This key may not watch live: it needs live:read.").first().waitFor();
    await close();
  });

  test("dead letters are shown with their reason, replayed, and removed by their id", async () => {
    const letter = (id: string) => ({
      id,
      project: "default",
      reason: `reason ${id}`,
      attempts: 3,
      diedAt: "2026-11-20T10:00:00Z",
      receivedAt: "2026-11-20T09:59:00Z",
      sizeBytes: 2_048,
    });
    const letters = new Set(["7", "8", "9"]);
    const acts: string[] = [];
    const { page, faults, close } = await open(demo(), "/admin?show=dead&tz=UTC", {
      before: async (made) => {
        await made.route("**/api/v1/dead-letters**", (route) => {
          const { pathname } = new URL(route.request().url());
          const [id = "", act] = pathname.split("/").slice(4);
          const method = route.request().method();
          if (id === "") return route.fulfill({ json: { data: [...letters].map(letter) } });
          if (method === "GET") return route.fulfill({ json: { ...letter(id), body: '{"a":1}' } });
          acts.push(act ?? method);
          letters.delete(id);
          return method === "DELETE"
            ? route.fulfill({ status: 204 })
            : route.fulfill({ json: { replayed: id } });
        });
      },
    });
    await page.getByText("reason 8").waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole("button", { name: "Show dead letter 8" }).click();
    expect(await page.getByLabel("The message").innerText()).toBe('{\n  "a": 1\n}');
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Replay dead letter 7" }).click();
    await page.getByText("reason 7").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Remove dead letter 8" }).click();
    await page.locator("dialog input:focus").waitFor();
    await page.keyboard.type("8");
    await page.keyboard.press("Enter");
    await page.getByText("reason 8").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Replay it" }).click();
    await page.getByText("No dead letters.").waitFor();
    await eventually(() => expect(acts).toEqual(["replay", "DELETE", "replay"]));
    expect(faults).toEqual([]);
    await close();
  });

  test("all of the quarantine is replayed, and what a mended event is sent for is what was changed", async () => {
    const findings = [{ pointer: "/data/extra", code: "schema", message: "is not allowed" }];
    const held = {
      type: "order.paid",
      receivedAt: "2026-11-20T10:00:00Z",
      state: "held",
      findings,
    };
    const event = { id: "q1", type: "order.paid", data: { amount: "3", extra: 1 }, source: "test" };
    const pages = [
      { replayed: 100, broken: 1, nextCursor: "more" },
      { replayed: 5, broken: 2, nextCursor: null },
    ];
    const asked: (string | null)[] = [];
    let patch: unknown;
    const { page, faults, close } = await open(demo(), "/admin?show=quarantine&tz=UTC", {
      before: async (made) => {
        await made.route("**/api/v1/quarantine**", (route) => {
          const data = [{ ...held, id: "q1" }];
          return route.fulfill({ json: { data, page: { nextCursor: "older" } } });
        });
        await made.route("**/api/v1/quarantine/q1", (route) => {
          const body: unknown = route.request().postDataJSON();
          if (body === null) return route.fulfill({ json: { ...held, id: "q1", event } });
          patch = body;
          return route.fulfill({ json: { ...held, id: "q1", findings: [], event } });
        });
        await made.route("**/api/v1/quarantine/replay**", (route) => {
          asked.push(new URL(route.request().url()).searchParams.get("cursor"));
          return route.fulfill({ json: pages[asked.length - 1] });
        });
      },
    });
    await page.getByRole("button", { name: "Replay those that keep it now" }).click();
    const told = "105 events replayed, 3 still break their schema.";
    await page.locator("main").getByText(told).waitFor();
    expect(await page.locator("[role=status]").first().innerText()).toBe(told);
    expect(asked).toEqual([null, "more"]);

    await page.getByRole("button", { name: "Mend q1" }).click();
    const mended = { ...event, data: { amount: 3 } };
    await page.getByLabel("The event").fill(JSON.stringify(mended));
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.locator("main").getByText("Saved: order.paid keeps its schema now").waitFor();
    expect(patch).toEqual({ data: { amount: 3, extra: null } });
    expect(faults).toEqual([]);
    await close();
  });

  test("a schema is set on the page; an event that breaks it is found, mended, replayed, and stored", async () => {
    const call = async (method: string, path: string, body?: object) => {
      const response = await fetch(`${demo().url}/api/v1${path}`, {
        method,
        ...(body !== undefined && {
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify(body),
        }),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    const amount = { type: "object", properties: { amount: { type: "number" } } };
    const schema = { type: "object", properties: { data: amount } };
    const setting = await open(demo(), "/admin?show=schemas&tz=UTC");
    await setting.page.getByText("No type has a schema.").waitFor();
    await setting.page.getByRole("button", { name: "Add a schema" }).click();
    await setting.page.getByLabel("Type", { exact: true }).fill("email.sent");
    await setting.page.getByRole("button", { name: "Propose from the newest events" }).click();
    await setting.page.getByText(/^The newest [\d,]+ events of this type keep it\.$/).waitFor();
    expect(await axeFindings(setting.page)).toEqual([]);
    await setting.page.getByLabel("Type", { exact: true }).fill("page.checked");
    await setting.page.getByLabel("An event that breaks it").selectOption("enforce");
    await setting.page.getByLabel("JSON Schema of the event").fill(JSON.stringify(schema));
    await setting.page.getByRole("button", { name: "Add", exact: true }).click();
    const set = setting.page.locator("main tbody tr", { hasText: "page.checked" });
    await set.getByText("Enforce").waitFor();
    const source = { type: "page.checked", source: "test" };
    // Processors learn of a schema after a moment.
    const id = await eventually(async () => {
      await call("POST", "/events", { ...source, data: { amount: "3" } });
      const { data } = (await call("GET", "/quarantine")).body as { data: { id: string }[] };
      expect(data.length).toBeGreaterThan(0);
      return data[0]!.id;
    });
    await setting.page.reload();
    await set.getByRole("link", { name: /^\d+ events?$/ }).waitFor();
    await setting.page.goto(`${demo().url}/events?tz=UTC`);
    await setting.page.getByLabel("Find by id, mail or user").fill(id);
    await setting.page.keyboard.press("Enter");
    await setting.page.getByText("There is no event with this id in this project.").waitFor();
    await setting.page.getByText("In quarantine: it breaks the schema of its type").click();
    const { page, close } = setting;
    const row = page.locator("main tbody tr", { hasText: id });
    await row.getByText("/data/amount").waitFor();
    expect(await axeFindings(page)).toEqual([]);
    await page.getByRole("button", { name: `Mend ${id}` }).click();
    const field = page.getByLabel("The event");
    const event = JSON.parse(await field.inputValue()) as object;
    await field.fill(JSON.stringify({ ...event, data: { amount: 3 } }));
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await row.getByText("nothing any more: replay it").waitFor();
    await page.getByRole("button", { name: `Replay ${id}` }).click();
    await row.waitFor({ state: "detached" });
    await eventually(async () => {
      const stored = await call("GET", `/events/${id}`);
      expect(stored).toMatchObject({ status: 200, body: { data: { amount: 3 } } });
    });
    await page.goto(`${demo().url}/events/${id}?tz=UTC`);
    await page.getByText(/^Counted/).waitFor();
    // The browser itself tells that an event was not found.
    expect(setting.faults.filter((fault) => !fault.includes("404"))).toEqual([]);
    await close();
  });
}
