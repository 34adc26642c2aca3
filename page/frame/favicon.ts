import type { StageState } from "../api/answers.ts";

/**
 * The icon of the browser's tab has a red dot where somebody must act. The usual icon is a picture:
 * a browser gives one in SVG a document of its own, on the main thread of the first load.
 */
export function showFavicon(state: StageState | undefined): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  if (link === null) return;
  const file = state === "down" ? "icon-down.svg" : "icon.png";
  const to = link.href.replace(/[^/]*$/, file);
  if (link.href !== to) link.href = to;
}
