import { readdirSync, readFileSync } from "node:fs";

/**
 * Linux counts a thread's time in ticks of this length, whatever the kernel's own (proc(5),
 * `_SC_CLK_TCK`).
 */
const tickMs = 10;

/**
 * What each kind of thread of a process has used of a processor so far, by the thread's name, with
 * its niceness where it gives way, milliseconds. Linux only.
 */
export function threadTimes(pid: number): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    let stat: string;
    try {
      stat = readFileSync(`/proc/${pid}/task/${task}/stat`, "utf8");
    } catch {
      // It ended meanwhile.
      continue;
    }
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const nice = fields[16] === "0" ? "" : `+${fields[16]}`;
    const name = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")")) + nice;
    const ms = (Number(fields[11]) + Number(fields[12])) * tickMs;
    times.set(name, (times.get(name) ?? 0) + ms);
  }
  return times;
}

/** What was used between two looks, most first; what used nothing is left out. */
export function usedBetween(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): readonly (readonly [name: string, ms: number])[] {
  return [...after]
    .map(([name, ms]) => [name, ms - (before.get(name) ?? 0)] as const)
    .filter(([, ms]) => ms > 0)
    .sort(([, a], [, b]) => b - a);
}
