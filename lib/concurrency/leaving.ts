const leaving = new WeakMap<object, AbortSignal>();

/**
 * Keeps the signal that the caller of a context has left, for code that calls something within that
 * context here.
 */
export function keepLeaving(context: object, left: AbortSignal): void {
  leaving.set(context, left);
}

/** Aborted once the caller has left; `undefined` where nobody here would know. */
export function leavingOf(context: object): AbortSignal | undefined {
  return leaving.get(context);
}
