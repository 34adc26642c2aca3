import { readlinkSync } from "node:fs";
import { getPriority, setPriority } from "node:os";
import { basename } from "node:path";

/** Low enough to give way to the event loop on a busy core, and still to use what it leaves. */
const niceness = 10;

/**
 * Lowers the scheduling priority of the calling thread, for work that can wait. Where cores are
 * few, a worker thread with a backlog would otherwise take as much time as the thread that answers
 * HTTP, and earlier events would slow down the collecting of new ones.
 * Linux only: there priorities belong to threads (setpriority(2), notes) and /proc/thread-self
 * names the calling one. Elsewhere, and where it is not allowed, nothing happens.
 */
export function lowerThreadPriority(): void {
  try {
    const thread = Number(basename(readlinkSync("/proc/thread-self")));
    // A process that was started with a lower priority keeps it.
    if (getPriority(thread) < niceness) setPriority(thread, niceness);
  } catch {
    // Without the permission the thread works at ordinary priority.
  }
}
