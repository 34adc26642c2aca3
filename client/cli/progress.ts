import { grouped } from "./table.ts";

/** The progress of an import. */
export interface Progress {
  readonly doneBytes: number;
  /** `undefined` where it is unknown, as for a pipe. */
  readonly totalBytes: number | undefined;
  readonly lines: number;
  /** The recent rate, per second. */
  readonly linesPerSecond: number;
  readonly bytesPerSecond: number;
}

const barWidth = 24;

/** A bar, the rate and the time left, in one line. */
export function progressText(progress: Progress): string {
  const { doneBytes, totalBytes, lines, linesPerSecond, bytesPerSecond } = progress;
  const rate = `${grouped(lines)} lines  ${grouped(Math.round(linesPerSecond))}/s`;
  if (totalBytes === undefined) return rate;
  const share = totalBytes === 0 ? 1 : Math.min(1, doneBytes / totalBytes);
  const full = Math.floor(share * barWidth);
  const bar = `[${"#".repeat(full)}${".".repeat(barWidth - full)}]`;
  const left = bytesPerSecond > 0 ? (totalBytes - doneBytes) / bytesPerSecond : Infinity;
  return `${bar} ${Math.floor(share * 100)} %  ${rate}  ${timeText(left)} left`;
}

/** Seconds as 1:02:03 or 2:03. */
export function timeText(seconds: number): string {
  if (!Number.isFinite(seconds)) return "-:--";
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [whole / 3_600, (whole % 3_600) / 60, whole % 60].map(Math.floor);
  const two = (part: number) => String(part).padStart(2, "0");
  return hours! > 0 ? `${hours}:${two(minutes!)}:${two(rest!)}` : `${minutes}:${two(rest!)}`;
}

interface Sample {
  readonly atMs: number;
  readonly lines: number;
  readonly bytes: number;
}

const windowMs = 10_000;

/** Measures the rate of the last ten seconds. */
export class Pace {
  #samples: Sample[];

  constructor(start: Sample) {
    this.#samples = [start];
  }

  measure(now: Sample): Pick<Progress, "linesPerSecond" | "bytesPerSecond"> {
    this.#samples.push(now);
    // One older sample stays, so that the window is never empty.
    while (this.#samples.length > 2 && now.atMs - this.#samples[1]!.atMs >= windowMs) {
      this.#samples.shift();
    }
    const { atMs, lines, bytes } = this.#samples[0]!;
    const seconds = Math.max(0.001, (now.atMs - atMs) / 1_000);
    return {
      linesPerSecond: (now.lines - lines) / seconds,
      bytesPerSecond: (now.bytes - bytes) / seconds,
    };
  }
}
