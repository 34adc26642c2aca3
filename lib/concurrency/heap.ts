import { getHeapStatistics } from "node:v8";

/**
 * How much of a thread's heap one piece of work may bring into use, with what lies beside the heap.
 */
const fullFrom = 0.75;

/**
 * Whether this thread's heap is nearly full: then the work that fills it stops, before the thread
 * (or the process) is ended for it. Costs some microseconds.
 */
export function heapIsFull(): boolean {
  const { used_heap_size, external_memory, heap_size_limit } = getHeapStatistics();
  return used_heap_size + external_memory > fullFrom * heap_size_limit;
}
