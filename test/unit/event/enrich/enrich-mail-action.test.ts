import { mailFetcherOf, clientReader } from "../../../../lib/event/enrich/user-agent.ts";
import { enrich, isMailAction } from "../../../../lib/event/enrich/enrich.ts";
import type { AcceptedEvent, EventContext, JsonObject } from "../../../../lib/event/event.ts";

const agents = {
  appleRelay: "Mozilla/5.0",
  gmailPrefetch:
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0",
  gmailProxy:
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
  yahooProxy: "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
  barracuda: "Barracuda Sentinel (EE)",
  office: "Microsoft Office Existence Discovery",
  proofpoint: "Mozilla/5.0 (compatible; Proofpoint/2.0)",
  headless:
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36",
  library: "python-requests/2.31.0",
  appleMail:
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
  outlook: "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.16227; Pro)",
  edge: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/51.0.2704.79 Safari/537.36 Edge/12.246",
  iphone:
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
};

const tools = { clientOf: clientReader(), countryOf: () => undefined, fullIp: false };

function contextOf(type: string, metadata: JsonObject): EventContext {
  const event: AcceptedEvent = {
    id: "e1",
    type,
    source: "mailer",
    timestamp: 1_700_000_000_000,
    receivedAt: 1_700_000_000_000,
    metadata,
  };
  return enrich(event, { batch: "b1", project: "default" }, tools).context;
}

describe("isMailAction", () => {
  test.each([
    ["email.opened"],
    ["email.clicked"],
    ["mail.opened"],
    ["Email.Opened"],
    ["email.open"],
    ["email.click"],
    ["email_opened"],
    ["emailOpened"],
    ["email:link-clicked"],
    ["newsletter/opened"],
    ["org.maily.email.link.clicked"],
  ])("%s is one", (type) => {
    expect(isMailAction(type, false)).toBe(true);
  });

  test.each([
    ["email.sent"],
    ["email.delivered"],
    ["email.unsubscribed"],
    ["email.opened.first"],
    ["opened"],
    ["menu.opened"],
    ["button.clicked"],
    ["page.viewed"],
    ["gmailish.opened"],
    ["reopened"],
  ])("%s is none", (type) => {
    expect(isMailAction(type, false)).toBe(false);
  });

  test("with a recipient any open or click is one", () => {
    expect(isMailAction("welcome.opened", true)).toBe(true);
    expect(isMailAction("link.clicked", true)).toBe(true);
    expect(isMailAction("email.sent", true)).toBe(false);
  });
});

describe("mailFetcherOf", () => {
  test.each([
    [agents.appleRelay, "prefetch"],
    ["Mozilla/4.0", "prefetch"],
    [agents.gmailPrefetch, "prefetch"],
    [agents.gmailProxy, "proxy"],
    [agents.yahooProxy, "proxy"],
    [agents.barracuda, "scanner"],
    [agents.office, "scanner"],
    [agents.proofpoint, "scanner"],
    [agents.appleMail, undefined],
    [agents.outlook, undefined],
    [agents.edge, undefined],
    [agents.iphone, undefined],
    ["Mozilla/5.0 (iPhone)", undefined],
  ])("%s: %s", (userAgent, fetcher) => {
    expect(mailFetcherOf(userAgent)).toBe(fetcher);
  });
});

describe("machines and people", () => {
  const machines = [
    "appleRelay",
    "gmailPrefetch",
    "gmailProxy",
    "yahooProxy",
    "barracuda",
    "office",
    "proofpoint",
    "headless",
    "library",
  ] as const;

  test.each(machines)("%s opens and clicks as a machine", (name) => {
    expect(contextOf("email.opened", { userAgent: agents[name] }).machine).toBe(true);
    expect(contextOf("email.clicked", { userAgent: agents[name] }).machine).toBe(true);
  });

  test.each(["appleMail", "outlook", "edge", "iphone"] as const)("%s is a person", (name) => {
    expect(contextOf("email.opened", { userAgent: agents[name] })).toMatchObject({
      machine: false,
      bot: false,
    });
  });

  test.each(["appleRelay", "gmailPrefetch", "gmailProxy", "yahooProxy"] as const)(
    "%s stands before a person: no bot, and its browser is nobody's",
    (name) => {
      expect(contextOf("email.opened", { userAgent: agents[name] })).toEqual({
        device: "other",
        bot: false,
        machine: true,
      });
    },
  );

  test.each(["barracuda", "proofpoint", "headless", "library"] as const)("%s is a bot", (name) => {
    expect(contextOf("email.clicked", { userAgent: agents[name] })).toMatchObject({
      device: "bot",
      bot: true,
    });
  });

  test("outside of mails, what would be a relay is a script", () => {
    const context = contextOf("page.viewed", { userAgent: agents.appleRelay });
    expect(context).toMatchObject({ device: "bot", bot: true });
    expect(context).not.toHaveProperty("machine");
  });

  test("nothing betrays a machine where there is no user agent", () => {
    expect(contextOf("email.opened", {})).toEqual({ machine: false });
    expect(contextOf("email.opened", { userAgent: "" })).toEqual({ machine: false });
    expect(contextOf("email.opened", { userAgent: 5 })).toEqual({ machine: false });
  });

  test("other events have no such flag", () => {
    expect(contextOf("email.sent", { userAgent: agents.library })).not.toHaveProperty("machine");
    expect(contextOf("menu.opened", { userAgent: agents.library })).not.toHaveProperty("machine");
    expect(contextOf("menu.opened", { recipient: "a@b.example" }).machine).toBe(false);
  });
});
