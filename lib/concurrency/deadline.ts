/**
 * Does work until a deadline at the most; at the deadline the work's signal is aborted and the
 * caller is answered, whatever the work does then.
 * @param outer aborts the work's signal too
 * @throws what the work throws; `late()` at the deadline
 */
export async function endingWithin<T>(
  ms: number,
  late: () => Error,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const over = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const error = late();
    over.reject(error);
    deadline.abort(error);
  }, ms);
  const signals = [deadline.signal, ...(outer === undefined ? [] : [outer])];
  try {
    return await Promise.race([work(AbortSignal.any(signals)), over.promise]);
  } finally {
    clearTimeout(timer);
  }
}
