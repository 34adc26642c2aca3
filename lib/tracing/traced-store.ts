import type { EventStore } from "../store/store.ts";
import type { Traceparent } from "./traceparent.ts";
import type { Tracing } from "./tracing.ts";

/** The store's verbs for the steps of a batch. */
const steps = new Set<PropertyKey>(["keepWhole", "append", "putDeltas", "markDirty"]);

/**
 * Wraps a store so that each step of a batch is a span; returns the store itself where the batch is
 * not traced.
 */
export function tracedStore<Store extends EventStore>(
  store: Store,
  tracing: Tracing,
  parent: Traceparent | undefined,
): Store {
  if (parent === undefined) return store;
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      const method = (value as (...args: readonly unknown[]) => Promise<unknown>).bind(target);
      if (!steps.has(name)) return method;
      return (...args: readonly unknown[]) =>
        tracing.run(`store ${String(name)}`, { parent }, () => method(...args));
    },
  });
}
