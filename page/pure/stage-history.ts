/** The state of a stage at some time. */
export interface Sample {
  readonly state: "ok" | "degraded" | "down";
  readonly lagMs: number;
}

interface Stage {
  readonly name: string;
  readonly state: Sample["state"];
  readonly lagMs?: number;
}

export const sampleMs = 10_000;
/** Ten minutes. */
const slotCount = 60;

/**
 * The samples by stage, then by the number of their ten seconds; kept as long as the tab is open.
 */
const seen = new Map<string, Map<number, Sample>>();

const badness = { ok: 0, degraded: 1, down: 2 } as const;

/** Keeps the worst sample of each ten seconds. */
export function remember({ name, state, lagMs = 0 }: Stage, now: number): void {
  const slots = seen.get(name) ?? new Map<number, Sample>();
  seen.set(name, slots);
  const slot = Math.floor(now / sampleMs);
  const before = slots.get(slot);
  slots.set(slot, {
    state: before !== undefined && badness[before.state] > badness[state] ? before.state : state,
    lagMs: Math.max(lagMs, before?.lagMs ?? 0),
  });
  for (const old of slots.keys()) if (old <= slot - slotCount) slots.delete(old);
}

/** The last ten minutes, the oldest first; `undefined` where the tab was not looking. */
export function samples(name: string, now: number): readonly (Sample | undefined)[] {
  const slots = seen.get(name);
  const last = Math.floor(now / sampleMs);
  return Array.from({ length: slotCount }, (_, index) => slots?.get(last - slotCount + 1 + index));
}

/** "Always working", or the other states of the time. */
export function inWords(history: readonly (Sample | undefined)[]): string {
  const states = new Set(history.map((sample) => sample?.state));
  if (states.has("down")) return "Was down";
  return states.has("degraded") ? "Was slower" : "Always working";
}
