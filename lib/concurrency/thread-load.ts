import { getHeapStatistics } from "node:v8";
import { readlinkSync } from "node:fs";
import { getPriority, setPriority } from "node:os";
import { basename } from "node:path";

/**
 * The share of a thread's heap, with the memory beside the heap, that one piece of work may fill.
 */
const fullFrom = 0.75;

/**
 * Whether this thread's heap is nearly full. Work that fills it stops then, before the thread or
 * the process is ended for it. Costs some microseconds.
 */
export function heapIsFull(): boolean {
  const { used_heap_size, external_memory, heap_size_limit } = getHeapStatistics();
  return used_heap_size + external_memory > fullFrom * heap_size_limit;
}

/**
 * Low enough to give way to the event loop on a busy core (423 to 1,024 parts of it), and high
 * enough that a backlog goes where 90 % of the cores are in use. At 10 (110 parts) processing
 * waited for a core most of the time, and events were counted 2 s after their 202 at a rate at
 * which it now takes 0.1 s (docs/measurements.md).
 */
const niceness = 4;

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
