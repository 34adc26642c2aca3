/**
 * Browsers that bowser mistakes for the browser that they are built on, or whose version it reads
 * from another part of the user agent (`Version/4.0` of Android's WebView): the name, and a pattern
 * with the browser's own version.
 */
export const ownBrowsers: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["UC Browser", /\bUC?Browser\/([\d.]+)/],
  ["NAVER Whale Browser", /\bWhale\/([\d.]+)/],
  ["MIUI Browser", /\bMiuiBrowser\/([\d.]+)/],
  ["Mint Browser", /\bMint Browser\/([\d.]+)/],
  ["Huawei Browser", /\b(?:Huawei|HONOR)Browser\/([\d.]+)/i],
  ["OPPO Browser", /\bOppoBrowser\/([\d.]+)/i],
  ["Opera Mini", /\bOpera Mini\/([\d.]+)/],
  ["Opera Touch", /\bOPT\/([\d.]+)/],
  ["Opera GX", /\bOPX\/([\d.]+)/],
  ["DuckDuckGo", /\bDuckDuckGo\/([\d.]+)/],
  ["Coc Coc", /\bcoc_coc_browser\/([\d.]+)/],
  ["360 Browser", /\b(?:QihooBrowser|QHBrowser)\/([\d.]+)/],
  ["Quark", /\bQuark\/([\d.]+)/],
  ["Baidu", /\b(?:baiduboxapp|baidubrowser|BIDUBrowser)[/ ]([\d.]+)/i],
  ["Sogou Browser", /\bSogouMobileBrowser\/([\d.]+)|\bSE (\d+)\.X MetaSr\b/],
  ["Seznam Browser", /\bSznProhlizec\/([\d.]+)/],
  ["Avast Secure Browser", /\bAvast\/([\d.]+)/],
  ["AVG Secure Browser", /\bAVG\/([\d.]+)/],
  ["Phoenix Browser", /\bPHX\/([\d.]+)/],
  ["Waterfox", /\bWaterfox\/G?([\d.]+)/],
  ["Focus", /\b(?:Focus|Klar)\/([\d.]+)/],
  ["Konqueror", /\bKonqueror\/([\d.]+)/],
];
