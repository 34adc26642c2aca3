import { getHeapStatistics } from "node:v8";

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
