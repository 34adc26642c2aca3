/**
 * `node tools/demo/screenshot.ts [URL] [FILE] [ZONE]`: the picture of the page that the README shows,
 * of a demo that runs (`npm run demo`), by Debian's Chromium. A zone where it is evening shows a day.
 */
import { chromium } from "playwright-core";

const [url = "http://127.0.0.1:4000", file = "docs/page.png", zone = "Europe/Berlin"] =
  process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox"],
});
try {
  const page = await browser.newPage({
    viewport: { width: 1440, height: 884 },
    colorScheme: "light",
    reducedMotion: "reduce",
  });
  await page.goto(`${url}/?tz=${zone}`);
  // The bars of the last minute are there with the first frame of the live numbers.
  await page.getByText("Everything accepted is counted").waitFor({ timeout: 180_000 });
  await page.waitForTimeout(5_000);
  await page.screenshot({ path: file });
  console.log(`The picture is in ${file}`);
} finally {
  await browser.close();
}
