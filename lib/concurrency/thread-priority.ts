import { readlinkSync } from "node:fs";
import { getPriority, setPriority } from "node:os";
import { basename } from "node:path";

/** Enough to give way to the event loop on a busy core, and to use whatever it leaves. */
const niceness = 10;

/**
 * Lower the scheduling priority of the calling thread, for work that can wait: where cores are few,
 * a worker thread with a backlog would otherwise take as much time as the thread that answers HTTP,
 * and collecting would slow down because of what was collected before.
 *
 * Linux only: there priorities belong to threads (setpriority(2), notes) and /proc/thread-self
 * names the calling one. Elsewhere, and where it is not allowed, nothing happens.
 */
export function lowerThreadPriority(): void {
  try {
    const thread = Number(basename(readlinkSync("/proc/thread-self")));
    // A process that was started with less gets no more.
    if (getPriority(thread) < niceness) setPriority(thread, niceness);
  } catch {
    // A thread of ordinary priority works as well.
  }
}
