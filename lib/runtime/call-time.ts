import type { Context } from "moleculer";

/** The parts of a context by which Moleculer reckons the time left for its calls. */
type Timed = Pick<Context, "options" | "startHrTime">;

/**
 * Gives all calls that are made from a context, one after the other, one time limit together; the
 * time begins now. Each call gets what is left of it and hands that on to the calls that it makes
 * itself. At the limit the caller is answered, whatever hangs.
 */
export function limitCalls(context: Timed, ms: number): void {
  context.options.timeout = ms;
  context.startHrTime = process.hrtime();
}

/** Gives a limited context more time, for example that in which a client sent its body. */
export function extendLimit(context: Timed, ms: number): void {
  context.options.timeout = context.options.timeout! + ms;
}
