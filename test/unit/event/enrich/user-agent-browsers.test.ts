import { readSoftware } from "../../../../lib/event/enrich/user-agent.ts";
import { readPage } from "../../../../lib/event/enrich/page.ts";

const android =
  "Mozilla/5.0 (Linux; Android 13; M2101K6G) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/112.0.5615.136";
const windows =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0";
const safari = "Mobile Safari/537.36";

test.each([
  [`${android} UCBrowser/13.4.0.1306 ${safari}`, "UC Browser", "13.4"],
  [
    "Mozilla/5.0 (Linux; U; Android 9; en-US; SM-J400F) AppleWebKit/534.30 (KHTML, like Gecko) Version/4.0 UCBrowser/11.4.8.1012 U3/0.8.0 Mobile Safari/534.30",
    "UC Browser",
    "11.4",
  ],
  [`${windows} UBrowser/7.0.185.1002 Safari/537.36`, "UC Browser", "7.0"],
  [`${windows} Whale/3.24.223.18 Safari/537.36`, "NAVER Whale Browser", "3.24"],
  [`${android} Whale/3.0.1.2 Crosswalk/28.110.0.2 ${safari}`, "NAVER Whale Browser", "3.0"],
  [`${android} ${safari} XiaoMi/MiuiBrowser/14.5.0-gn`, "MIUI Browser", "14.5"],
  [`${android} ${safari} XiaoMi/Mint Browser/3.9.3`, "Mint Browser", "3.9"],
  [`${android} HuaweiBrowser/14.0.2.300 ${safari}`, "Huawei Browser", "14.0"],
  [`${android} ${safari} HeyTapBrowser/45.9.0.1`, "HeyTap Browser", "45.9"],
  [`${android} ${safari} VivoBrowser/20.3.1.0`, "Vivo Browser", "20.3"],
  [`${windows} coc_coc_browser/120.0.148 Safari/537.36`, "Coc Coc", "120.0"],
  [`${android} ${safari} DuckDuckGo/5`, "DuckDuckGo", "5"],
  [`${windows} Safari/537.36 SE 2.X MetaSr 1.0`, "Sogou Browser", "2"],
  [
    "Opera/9.80 (Android; Opera Mini/68.0.2254/191.303; U; en) Presto/2.12.423 Version/12.16",
    "Opera Mini",
    "68.0",
  ],
  [`${windows} Safari/537.36`, "Chrome", "120.0"],
  [`${windows} Safari/537.36 OPR/106.0.0.0`, "Opera", "106.0"],
])("%s", (userAgent, browser, browserVersion) => {
  expect(readSoftware(userAgent)).toMatchObject({ browser, browserVersion });
});

test.each([
  ["?utm_source=mail&amp;utm_medium=email&amp;utm_campaign=spring"],
  ["?amp;utm_source=mail&AMP;utm_medium=email&amp;amp;utm_campaign=spring"],
  ["?utm_source=mail&utm_medium=email&utm_campaign=spring&amp;utm_campaign=later"],
])("a link that was not unescaped is read as it was meant: %s", (search) => {
  expect(readPage(`https://shop.example/${search}`)?.utm).toEqual({
    source: "mail",
    medium: "email",
    campaign: "spring",
  });
});
