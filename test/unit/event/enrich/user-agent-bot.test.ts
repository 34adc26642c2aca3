import crawlers from "crawler-user-agents";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { isBot, deviceOf } from "../../../../lib/event/enrich/user-agent.ts";

interface Profile {
  readonly userAgent: string;
  readonly weight: number;
  readonly deviceCategory: "mobile" | "desktop" | "tablet";
}

/** Real browsers, as measured on the web, with the share of traffic that each has. */
const profiles = JSON.parse(
  readFileSync(
    join(dirname(createRequire(import.meta.url).resolve("user-agents")), "user-agents.json"),
    "utf8",
  ),
) as readonly Profile[];

const crawlerAgents = crawlers.flatMap(({ instances }) => instances);

describe("isBot", () => {
  test("recognises at least 99.7 % of known crawlers", () => {
    const missed = crawlerAgents.filter((userAgent) => !isBot(userAgent));
    expect(crawlerAgents.length).toBeGreaterThan(2_000);
    expect(1 - missed.length / crawlerAgents.length).toBeGreaterThanOrEqual(0.997);
  });

  test("takes none of 10,000 real browsers for one", () => {
    expect(profiles.length).toBeGreaterThanOrEqual(10_000);
    expect(profiles.filter(({ userAgent }) => isBot(userAgent))).toEqual([]);
  });

  test.each([
    ["curl/8.4.0"],
    ["Wget/1.21.3"],
    ["python-requests/2.31.0"],
    ["Python/3.11 aiohttp/3.9.1"],
    ["Go-http-client/1.1"],
    ["okhttp/4.12.0"],
    ["axios/1.6.2"],
    ["node"],
    ["undici"],
    ["Java/17.0.2"],
    ["Apache-HttpClient/4.5.14 (Java/17.0.2)"],
    ["GuzzleHttp/7"],
    ["Dart/3.1 (dart:io)"],
    ["PostmanRuntime/7.36.0"],
    [
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 Safari/537.36",
    ],
    [
      "Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1",
    ],
    [
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Puppeteer",
    ],
    ["Mozilla/5.0 (compatible; Barracuda Sentinel)"],
    ["Mozilla/5.0"],
  ])("%s is a machine", (userAgent) => {
    expect(isBot(userAgent)).toBe(true);
  });

  test.each([
    ["Outlook-iOS/723.4027091.prod.iphone (4.28.0)"],
    ["Outlook-Android/2.0"],
    ["YahooMobileMail/1.0 (Android Mail; 7.42.1) (sailfish; Google; Pixel 7; 13; 1920x1080)"],
    ["Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.16227; Pro)"],
    ["Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:115.0) Gecko/20100101 Thunderbird/115.6.0"],
    ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"],
  ])("%s is a person's mail program", (userAgent) => {
    expect(isBot(userAgent)).toBe(false);
  });
});

describe("deviceOf", () => {
  test("agrees with the measured device of at least 99.5 % of real traffic", () => {
    let all = 0;
    let agreed = 0;
    for (const { userAgent, weight, deviceCategory } of profiles) {
      all += weight;
      if (deviceOf(userAgent, false) === deviceCategory) agreed += weight;
    }
    expect(agreed / all).toBeGreaterThanOrEqual(0.995);
  });

  test.each([
    ["tv", "Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 TV Safari/537.36"],
    ["tv", "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 Chrome/87.0 WebAppManager"],
    [
      "tv",
      "Mozilla/5.0 (Linux; Android 9; AFTMM Build/PS7633; wv) Chrome/112.0 Mobile Safari/537.36",
    ],
    ["tv", "Mozilla/5.0 (Linux; Android 12; BRAVIA 4K VH2) Chrome/120 Safari/537.36"],
    [
      "tv",
      "Mozilla/5.0 (CrKey armv7l 1.5.16041) AppleWebKit/537.36 Chrome/31.0.1650.0 Safari/537.36",
    ],
    ["tv", "Roku4640X/DVP-7.70 (297.70E04154A)"],
    [
      "tv",
      "Mozilla/5.0 (PlayStation; PlayStation 5/6.50) AppleWebKit/605.1.15 (KHTML, like Gecko)",
    ],
    ["tv", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) Edge/20.02"],
    [
      "tablet",
      "Mozilla/5.0 (iPad; CPU OS 17_2 like Mac OS X) Version/17.2 Mobile/15E148 Safari/604.1",
    ],
    ["tablet", "Mozilla/5.0 (Linux; Android 13; SM-X906B) Chrome/120.0.0.0 Safari/537.36"],
    [
      "tablet",
      "Mozilla/5.0 (Linux; U; Android 4.4.2; en-us; KFTT Build/KOT49H) Silk/3.13 Safari/537.36",
    ],
    ["mobile", "Mozilla/5.0 (Linux; Android 13; Pixel 7) Chrome/120.0.0.0 Mobile Safari/537.36"],
    [
      "mobile",
      "Mozilla/5.0 (Phone; OpenHarmony 5.0) Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1 Mobile",
    ],
    [
      "mobile",
      "Opera/9.80 (J2ME/MIDP; Opera Mini/7.1.32052/29.3709; U; en) Presto/2.8.119 Version/11.10",
    ],
    ["mobile", "Mozilla/5.0 (Windows Phone 10.0; Android 6.0.1; Lumia 950) Edge/15.15063"],
    ["mobile", "Dalvik/2.1.0 (Linux; U; Android 13; SM-G991B Build/TP1A.220624.014)"],
    [
      "mobile",
      "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) YJApp-IOS jp.co.yahoo.ipn.appli/4.7",
    ],
    [
      "desktop",
      "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/120.0 Safari/537.36",
    ],
    ["desktop", "Mozilla/5.0 (X11; OpenBSD amd64; rv:120.0) Gecko/20100101 Firefox/120.0"],
    ["desktop", "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Tablet PC 2.0)"],
    ["other", "MyApp/1 CFNetwork/1404.0.5 Darwin/22.3.0"],
    ["other", ""],
  ] as const)("%s: %s", (device, userAgent) => {
    expect(deviceOf(userAgent, false)).toBe(device);
    expect(deviceOf(userAgent, true)).toBe("bot");
  });
});
