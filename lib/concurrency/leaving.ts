const leaving = new WeakMap<object, AbortSignal>();

/**
 * Remembers, for a context, the signal that its caller has left: code that makes calls within this
 * context uses it.
 */
export function keepLeaving(context: object, left: AbortSignal): void {
  leaving.set(context, left);
}

/**
 * The signal that is aborted once the caller has left; `undefined` where this process cannot know
 * that.
 */
export function leavingOf(context: object): AbortSignal | undefined {
  return leaving.get(context);
}
