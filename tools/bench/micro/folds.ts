import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import type { Cell, Fold } from "../../../lib/questions/fold.ts";
import { funnelFold } from "../../../lib/questions/sequences/funnel.ts";

/**
 * How long folds take for the events alone, without reading them: `node tools/bench/micro/folds.ts
 * [--events 1000000] [--users 100000] [--rounds 5] [--scattered]`. Events of 5 types, spread over
 * 30 days, type after type in the order of time. Users come and go as visitors do or, with
 * `--scattered`, each event is of a random one. The fastest and the median round of each in CPU
 * time, and the memory that is held when the last event was added.
 */
const { values } = parseArgs({
  options: {
    events: { type: "string", default: "1000000" },
    users: { type: "string", default: "100000" },
    rounds: { type: "string", default: "5" },
    scattered: { type: "boolean", default: false },
  },
});
const total = Number(values.events);
const users = Number(values.users);
const rounds = Number(values.rounds);
const types = ["shop.home", "shop.add_to_cart", "shop.cart", "shop.shipping", "shop.payment"];
const start = Date.UTC(2024, 0, 1);
const spanMs = 30 * 86_400_000;

const steps = types.map((type) => ({ type }));
const range = { from: start, to: start + spanMs };
const folds: Readonly<Record<string, () => Fold<unknown>>> = {
  "funnel of 5 steps, 7 days": () =>
    funnelFold({
      kind: "funnel",
      steps,
      windowMs: spanMs / 4,
      by: "user",
      strictlyLater: false,
      range,
    }),
  "the same by 20 values": () =>
    funnelFold({
      kind: "funnel",
      steps,
      windowMs: spanMs / 4,
      by: "user",
      strictlyLater: false,
      range,
      breakdown: ["data", "plan"],
    }),
};

console.log(`${total} events, ${users} users; load before: ${loadavg()[0]!.toFixed(2)}`);
for (const [name, fold] of Object.entries(folds)) measure(name, fold);

function measure(name: string, open: () => Fold<unknown>): void {
  const times: { add: number; finish: number }[] = [];
  let heldMb = 0;
  for (let round = 0; round < rounds; round++) {
    const fold = open();
    const cells = fold.columns.map((column) => {
      if ("path" in column) return "value";
      return "field" in column ? column.field : "meets";
    });
    const row: Cell[] = [];
    let add = 0;
    // Rows are made beforehand, a page at a time, so that making them is not measured.
    for (let from = 0; from < total; from += 10_000) {
      const page = Array.from({ length: Math.min(10_000, total - from) }, (_, i) => {
        const at = ((from + i) * types.length) / total;
        return cells.map((column) => cellOf(column, at));
      });
      const before = cpuMs();
      for (const made of page) {
        for (let i = 0; i < made.length; i++) row[i] = made[i];
        fold.add(row);
      }
      add += cpuMs() - before;
    }
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    heldMb = Math.round((heapUsed + arrayBuffers) / 1e6);
    const before = cpuMs();
    fold.finish();
    times.push({ add, finish: cpuMs() - before });
  }
  times.sort((a, b) => a.add + a.finish - b.add - b.finish);
  const shown = ({ add, finish }: { add: number; finish: number }) =>
    `${Math.round(add + finish)} ms (add ${Math.round(add)}, finish ${Math.round(finish)})`;
  const middle = times[Math.floor(rounds / 2)]!;
  console.log(`${name}: ${shown(times[0]!)}; median ${shown(middle)}; ${heldMb} MB`);
}

/** CPU time of this thread: others may be at work on the machine. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** Texts are new each time and in one piece, as they are from a database. */
function text(content: string): string {
  return Buffer.from(content).toString("latin1");
}

/** @param at the number of the type, and how far its events are told */
function cellOf(column: string, at: number): Cell {
  const type = Math.floor(at);
  switch (column) {
    case "user": {
      const visitor = (at - type) * users + Math.random() * 60;
      return text(`user-${Math.floor(values.scattered ? Math.random() * users : visitor)}`);
    }
    case "type":
      return text(types[type]!);
    case "timestamp":
      return start + Math.floor((at - type) * spanMs);
    case "value":
      return text(`plan${Math.floor(Math.random() * 20)}`);
    default:
      return Math.random() < 0.5 ? 1 : 0;
  }
}
