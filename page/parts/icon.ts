import { html } from "./html.ts";

/** The strokes of each icon, in a box of 20 px. */
const paths = {
  now: "M3 10h3l2.5-6 3.5 12 2.5-6H17",
  trends: "M3 15l4.5-5 3.5 3 6-7M13 6h4v4",
  funnel: "M3 4h14l-5.2 6.2V16l-3.6-2v-3.8z",
  retention: "M16.5 8A7 7 0 1 0 17 11.5M17 4v4h-4",
  paths: "M4 10h3c4 0 3-5 6-5h3M7 10c4 0 3 5 6 5h3M14 3l2 2-2 2M14 13l2 2-2 2",
  mail: "M3 5.5h14v9H3zM3.5 6l6.5 5 6.5-5",
  events: "M7 5h10M7 10h10M7 15h10M3.2 5h.1M3.2 10h.1M3.2 15h.1",
  saved: "M5.5 3h9v14L10 13.5 5.5 17z",
  health:
    "M10 16.5S3.5 12.8 3.5 8.2A3.4 3.4 0 0 1 10 6.6a3.4 3.4 0 0 1 6.5 1.6c0 4.6-6.5 8.3-6.5 8.3z",
  more: "M4.5 10h.1M10 10h.1M15.5 10h.1",
  calendar: "M3.5 5h13v11.5h-13zM3.5 8.5h13M7 3v3M13 3v3",
  globe:
    "M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM3 10h14M10 3c-4 4.5-4 9.500 0 14M10 3c4 4.500 4 9.500 0 14",
  compare: "M3 13l4-4 3 2 6-6M3 17l4-3.500 3 1.500 6-4",
  down: "M5.500 8l4.500 4.500L14.500 8",
  up: "M5.500 12l4.500-4.500 4.500 4.500",
  left: "M12 5l-5 5 5 5",
  right: "M8 5l5 5-5 5",
  close: "M5.500 5.500l9 9M14.500 5.500l-9 9",
  check: "M4.500 10.500l3.500 3.500 7.500-8",
  alert: "M10 5.500v5.500M10 14.300v.1",
  plus: "M10 4.500v11M4.500 10h11",
  search: "M9 3.500a5.500 5.500 0 1 0 0 11 5.500 5.500 0 0 0 0-11zM13 13l4 4",
  link: "M8.500 11.500a3 3 0 0 0 4.300 0l2.700-2.700a3 3 0 0 0-4.300-4.300l-1 1M11.500 8.500a3 3 0 0 0-4.300 0l-2.700 2.700a3 3 0 0 0 4.300 4.300l1-1",
  terminal: "M4 6l4 4-4 4M10 14.500h6",
  table: "M3.500 4.500h13v11h-13zM3.500 8.200h13M3.500 11.800h13M8 8.200v7.300",
  download: "M10 3.500v9M6.500 9.500L10 13l3.500-3.500M4 16.500h12",
  bars: "M4.500 16.500V10M10 16.500V4.500M15.500 16.500V8",
  lines: "M3 14l4.500-5.500 4 3.500L17 5.500",
  pause: "M7 4.500v11M13 4.500v11",
  play: "M6.500 4.500l8.500 5.500-8.500 5.500z",
  key: "M12.500 3.500a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM9.700 10.300L3.500 16.500M6 14l1.800 1.800",
  percent:
    "M5 15.500l10-11M6.300 4.500a1.800 1.800 0 1 0 0 3.600 1.800 1.800 0 0 0 0-3.600zM13.700 11.900a1.800 1.800 0 1 0 0 3.600 1.800 1.800 0 0 0 0-3.600z",
  people:
    "M7.500 4.500a2.700 2.700 0 1 0 0 5.400 2.700 2.700 0 0 0 0-5.400zM2.500 16c.400-2.600 2.300-4 5-4s4.600 1.400 5 4M13 5a2.500 2.500 0 0 1 0 4.700M14.500 12.200c1.700.500 2.700 1.800 3 3.800",
  pin: "M7 3.500h6l-.8 5 2.300 2.700h-9l2.300-2.700zM10 11.200v5.300",
  copy: "M7.500 7.500h9v9h-9zM4.500 12.500h-1v-9h9v1",
  edit: "M4 16l.8-3.500L13 4.300l2.700 2.700-8.200 8.200z",
} as const;

export type IconName = keyof typeof paths;

/** Decoration: a text or a label beside it says what it means. */
export function Icon({ name, size = 20 }: { readonly name: IconName; readonly size?: number }) {
  return html`<svg
    class="icon"
    width=${size}
    height=${size}
    viewBox="0 0 20 20"
    fill="none"
    stroke="currentColor"
    stroke-width="1.6"
    stroke-linecap="round"
    stroke-linejoin="round"
    aria-hidden="true"
  >
    <path d=${paths[name]} />
  </svg>`;
}
