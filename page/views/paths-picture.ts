import { h } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { address, change } from "../frame/router.ts";
import { html, type VNode } from "../parts/html.ts";
import { Icon } from "../parts/icon.ts";
import { Tips } from "../parts/tips.ts";
import { readParameter } from "../pure/parameters.ts";
import {
  flowOf,
  litBy,
  nodeWidth,
  ribbon,
  type Flow,
  type FlowNode,
  type Path,
} from "../pure/flow.ts";
import { number, percent } from "../pure/format.ts";

/** The measured width of an element, so that a picture is drawn at its size and never scaled. */
function useWidth() {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    setWidth(box.current!.clientWidth);
    const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  return [box, width] as const;
}

export function Picture({
  paths,
  total,
  after,
  length,
}: {
  readonly paths: readonly Path[];
  /** Of all paths, also those that are not shown. */
  readonly total: number;
  readonly after: string;
  readonly length: number;
}): VNode {
  const [box, width] = useWidth();
  const [at, setAt] = useState<string>();
  const isNarrow = width > 0 && width < 560;
  const columns = isNarrow ? 2 : length + 1;
  const first = isNarrow
    ? Math.min(Number(readParameter(address.value, "column") ?? 0), length - 1)
    : 0;
  const height = isNarrow || width >= 900 ? 420 : 360;
  const labels = isNarrow ? Math.floor(width / 2) - 8 : Math.min(190, Math.floor(width / columns));
  const size = { width, height, first, columns, labels };
  const flow = flowOf(after, paths, total, length, size);
  const step = columns < 2 ? width : (width - labels - nodeWidth) / (columns - 1);
  return html`<div class="flow" ref=${box}>
    ${isNarrow && length > 1 && h(Mover, { first, length })}
    ${
      !isNarrow &&
      html`<div class="flow-heads" aria-hidden="true">
        ${Array.from(
          { length: columns },
          (_, index) =>
            html`<span key=${index} style=${{ left: `${index * step}px` }}
              >${index === 0 ? "Start" : `Step ${index}`}</span
            >`,
        )}
      </div>`
    }
    <div class="flow-place" style=${{ height: `${height}px` }}>
      ${
        width > 0 &&
        h(
          Tips,
          {
            label: "Paths. The same numbers are in the table below. Arrow keys read them.",
            onAt: setAt,
          },
          h(Drawing, {
            flow,
            at,
            width,
            height,
            total,
            room: Math.min(step, labels + nodeWidth) - nodeWidth - 16,
          }),
        )
      }
    </div>
  </div>`;
}

/** Moves the columns: a phone shows two at a time. */
function Mover({ first, length }: { readonly first: number; readonly length: number }): VNode {
  const to = (column: number) =>
    change({ column: column === 0 ? undefined : String(column) }, { replace: true });
  return html`<div class="flow-mover">
    <button
      type="button"
      class="icon-button"
      aria-label="Steps before"
      disabled=${first === 0}
      onClick=${() => to(first - 1)}
    >
      ${h(Icon, { name: "left" })}
    </button>
    <span>${first === 0 ? "Start" : `Step ${first}`} to step ${first + 1}</span>
    <button
      type="button"
      class="icon-button"
      aria-label="Steps after"
      disabled=${first >= length - 1}
      onClick=${() => to(first + 1)}
    >
      ${h(Icon, { name: "right" })}
    </button>
  </div>`;
}

function Drawing({
  flow,
  at,
  width,
  height,
  total,
  room,
}: {
  readonly flow: Flow;
  readonly at: string | undefined;
  readonly width: number;
  readonly height: number;
  readonly total: number;
  /** The width of a label. */
  readonly room: number;
}): VNode {
  const lit = at === undefined ? undefined : litBy(flow, at);
  return html`<svg
    class=${`flow-picture${lit === undefined ? "" : " is-lit"}`}
    width=${width}
    height=${height}
  >
    ${flow.links.map(
      (link) => html`<path key=${link.id} class="ribbon" d=${ribbon(link, link.thickness)} />`,
    )}
    ${flow.links.map((link) => {
      const count = lit?.get(link.id) ?? 0;
      if (count === 0) return null;
      return html`<path
        key=${`lit ${link.id}`}
        class="ribbon lit"
        d=${ribbon(link, (link.thickness * count) / link.count)}
      />`;
    })}
    ${flow.nodes.map((node) => h(Node, { key: node.id, node, total, room }))}
  </svg>`;
}

/** The beginning of a name that fits: the tip has the whole name. */
function clipped(text: string, room: number): string {
  const letters = Math.max(6, Math.floor(room / 7));
  return text.length <= letters ? text : `${text.slice(0, letters - 1)}…`;
}

function Node({
  node: { id, column, kind, name, count, x, y, height },
  total,
  room,
}: {
  readonly node: FlowNode;
  readonly total: number;
  readonly room: number;
}): VNode {
  const share = percent(count / total);
  const place = column === 0 ? "Start" : `Step ${column}`;
  const tip = `${place}, ${name}: ${number(count)}, ${share} of all paths`;
  return html`<g
    class=${`flow-node ${kind}`}
    role="img"
    aria-label=${tip}
    data-tip=${tip}
    data-id=${id}
  >
    <rect
      class="flow-target"
      x=${x}
      y=${y}
      width=${nodeWidth + 8 + Math.max(0, room)}
      height=${Math.max(34, height)}
    />
    <rect class="flow-bar" x=${x} y=${y} width=${nodeWidth} height=${height} rx="2" />
    <text x=${x + nodeWidth + 8} y=${y + 12} class="flow-name">${clipped(name, room)}</text>
    <text x=${x + nodeWidth + 8} y=${y + 28} class="flow-count">${number(count)} · ${share}</text>
  </g>`;
}
