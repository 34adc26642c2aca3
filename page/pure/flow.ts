/** A path of the API's answer: the types that came next, how often and of how many users. */
export interface Path {
  readonly types: readonly string[];
  readonly count: number;
  readonly users: number;
}

export const end = "(end)";
const more = "\u0000more";
const rest = "\u0000rest";

export type NodeKind = "type" | "end" | "more" | "rest";

export interface FlowNode {
  readonly id: string;
  readonly column: number;
  readonly kind: NodeKind;
  readonly name: string;
  readonly count: number;
  readonly x: number;
  readonly y: number;
  readonly height: number;
}

export interface FlowLink {
  readonly id: string;
  readonly from: FlowNode;
  readonly to: FlowNode;
  readonly count: number;
  /** The y of its upper edge at both ends. */
  readonly y0: number;
  readonly y1: number;
  readonly thickness: number;
}

export interface Flow {
  readonly nodes: readonly FlowNode[];
  readonly links: readonly FlowLink[];
  /** Each path as the ids of its nodes, to highlight those through one node. */
  readonly ways: readonly { readonly nodes: readonly string[]; readonly count: number }[];
}

interface Size {
  readonly width: number;
  readonly height: number;
  /** The first column that is shown, and how many. */
  readonly first: number;
  readonly columns: number;
  /** The width of the last column's labels. */
  readonly labels: number;
}

export const nodeWidth = 8;
const mostNodes = 6;
const gap = 10;
/** A label has two lines. */
const slot = 38;
const top = 4;

/**
 * Lays out nodes and ribbons of the paths: a column for each step, with at most six types, the
 * others in one node "9 more". A path that is shorter than requested ends in "(end)". Paths that
 * the answer left out go to a node of their own.
 * @param total all paths, also those left out
 */
export function flowOf(
  after: string,
  paths: readonly Path[],
  total: number,
  length: number,
  size: Size,
): Flow {
  const steps = paths.map(({ types, count }) => ({ types: withEnd(types, length), count }));
  const frequent = Array.from({ length }, (_, step) => mostFrequent(steps, step));
  const moreTypes = Array.from({ length }, (_, step) => othersOf(steps, step, frequent[step]!));
  const ways = steps.map(({ types, count }) => ({
    nodes: [
      idOf(0, after),
      ...types.map((type, step) => idOf(step + 1, frequent[step]!.has(type) ? type : more)),
    ],
    count,
  }));
  const left = total - paths.reduce((sum, { count }) => sum + count, 0);
  const all = left > 0 ? [...ways, { nodes: [idOf(0, after), idOf(1, rest)], count: left }] : ways;
  const nodes = placed(countsOf(all, after, moreTypes), size);
  return { nodes, links: ribbons(all, nodes), ways: all };
}

/** The part of each link that belongs to paths through this node. */
export function litBy(flow: Flow, node: string): ReadonlyMap<string, number> {
  const lit = new Map<string, number>();
  for (const { nodes, count } of flow.ways) {
    if (!nodes.includes(node)) continue;
    for (let step = 1; step < nodes.length; step++) {
      const id = linkId(nodes[step - 1]!, nodes[step]!);
      lit.set(id, (lit.get(id) ?? 0) + count);
    }
  }
  return lit;
}

/** The outline of a ribbon of this thickness along a link, as an SVG path. */
export function ribbon({ from, to, y0, y1 }: FlowLink, thickness: number): string {
  const x0 = from.x + nodeWidth;
  const x1 = to.x;
  const middle = (x0 + x1) / 2;
  const bend = (fromY: number, toX: number, toY: number) =>
    `C${n(middle)} ${n(fromY)} ${n(middle)} ${n(toY)} ${n(toX)} ${n(toY)}`;
  return [
    `M${n(x0)} ${n(y0)}${bend(y0, x1, y1)}`,
    `L${n(x1)} ${n(y1 + thickness)}${bend(y1 + thickness, x0, y0 + thickness)}Z`,
  ].join("");
}

function n(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function withEnd(types: readonly string[], length: number): readonly string[] {
  return types.length < length ? [...types, end] : types;
}

type Steps = readonly { readonly types: readonly string[]; readonly count: number }[];

function byType(steps: Steps, step: number): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const { types, count } of steps) {
    const type = types[step];
    if (type !== undefined) counts.set(type, (counts.get(type) ?? 0) + count);
  }
  return [...counts].sort(([, one], [, other]) => other - one);
}

function mostFrequent(steps: Steps, step: number): ReadonlySet<string> {
  const types = byType(steps, step).map(([type]) => type);
  const named = types.filter((type) => type !== end);
  return new Set([...named.slice(0, mostNodes), ...(types.includes(end) ? [end] : [])]);
}

function othersOf(steps: Steps, step: number, frequent: ReadonlySet<string>): number {
  return byType(steps, step).filter(([type]) => !frequent.has(type)).length;
}

function idOf(column: number, type: string): string {
  return `${column} ${type}`;
}

function linkId(from: string, to: string): string {
  return `${from}\u0001${to}`;
}

type Counted = Pick<FlowNode, "id" | "column" | "kind" | "name" | "count">;

function countsOf(
  ways: Flow["ways"],
  after: string,
  moreTypes: readonly number[],
): readonly Counted[] {
  const counts = new Map<string, number>([[idOf(0, after), 0]]);
  for (const { nodes, count } of ways) {
    for (const id of nodes) counts.set(id, (counts.get(id) ?? 0) + count);
  }
  return [...counts]
    .map(([id, count]): Counted => {
      const column = Number(id.slice(0, id.indexOf(" ")));
      const type = id.slice(id.indexOf(" ") + 1);
      const others = moreTypes[column - 1] ?? 0;
      if (type === more) return { id, column, kind: "more", name: `${others} more`, count };
      if (type === rest) return { id, column, kind: "rest", name: "other paths", count };
      return { id, column, kind: column > 0 && type === end ? "end" : "type", name: type, count };
    })
    .sort(
      (one, other) =>
        one.column - other.column || rank(one) - rank(other) || other.count - one.count,
    );
}

/** Types come first, then the ends of paths. */
function rank({ kind }: Counted): number {
  return { type: 0, more: 1, end: 2, rest: 3 }[kind];
}

/** Places columns beside each other, with nodes as high as their counts and room for each label. */
function placed(nodes: readonly Counted[], size: Size): readonly FlowNode[] {
  const { first, columns, width, height, labels } = size;
  const shown = nodes.filter(({ column }) => column >= first && column < first + columns);
  const groups = Array.from({ length: columns }, (_, at) =>
    shown.filter(({ column }) => column === first + at),
  );
  const room = height - top * 2;
  const scale = Math.min(
    ...groups.map((group) =>
      fitting(
        group.map(({ count }) => count),
        room,
      ),
    ),
  );
  const step = columns < 2 ? 0 : (width - labels - nodeWidth) / (columns - 1);
  return groups.flatMap((group, at) => {
    let y = top;
    return group.map((node): FlowNode => {
      const own = Math.max(2, node.count * scale);
      const result = { ...node, x: at * step, y, height: own };
      y += taken(own);
      return result;
    });
  });
}

function taken(height: number): number {
  return Math.max(slot, height + gap);
}

/** The largest scale by which a column fits. */
function fitting(counts: readonly number[], room: number): number {
  const largest = Math.max(0, ...counts);
  if (largest === 0) return 0;
  let [low, high] = [0, room / largest];
  for (let round = 0; round < 30; round++) {
    const scale = (low + high) / 2;
    const sum = counts.reduce((all, count) => all + taken(Math.max(2, count * scale)), 0) - gap;
    if (sum <= room) low = scale;
    else high = scale;
  }
  return low;
}

/** Ribbons leave and arrive in the order of the nodes at their other end. */
function ribbons(ways: Flow["ways"], nodes: readonly FlowNode[]): readonly FlowLink[] {
  const place = new Map(nodes.map((node, index) => [node.id, { node, index }]));
  const counts = new Map<string, { readonly from: string; readonly to: string; count: number }>();
  for (const { nodes: ids, count } of ways) {
    for (let step = 1; step < ids.length; step++) {
      const [from, to] = [ids[step - 1]!, ids[step]!];
      if (!place.has(from) || !place.has(to)) continue;
      const link = counts.get(linkId(from, to)) ?? { from, to, count: 0 };
      link.count += count;
      counts.set(linkId(from, to), link);
    }
  }
  const left = new Map<string, number>();
  const arrived = new Map<string, number>();
  return [...counts.values()]
    .sort(
      (one, other) =>
        place.get(one.from)!.index - place.get(other.from)!.index ||
        place.get(one.to)!.index - place.get(other.to)!.index,
    )
    .map(({ from, to, count }): FlowLink => {
      const [start, target] = [place.get(from)!.node, place.get(to)!.node];
      const thickness = start.count === 0 ? 0 : (start.height * count) / start.count;
      const y0 = start.y + (left.get(from) ?? 0);
      const y1 = target.y + (arrived.get(to) ?? 0);
      left.set(from, (left.get(from) ?? 0) + thickness);
      arrived.set(to, (arrived.get(to) ?? 0) + thickness);
      return { id: linkId(from, to), from: start, to: target, count, y0, y1, thickness };
    });
}
