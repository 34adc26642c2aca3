import { randomUUIDv7 } from "node:crypto";
import { errorType, type ErrorType } from "../lib/errors.ts";
import { defaultProject } from "../lib/event/event.ts";
import { defineMixin, type TypedContext } from "../lib/moleculer.ts";
import { actorKinds, type Actor } from "../lib/questions/audit-log.ts";
import { madeAt } from "../lib/questions/trace.ts";
import type { BegunAct } from "../lib/store/acts.ts";
import type { Storing } from "./store.mixin.ts";

/** The parts of a call's context that name its caller. */
export type ActContext = Pick<TypedContext<unknown>, "meta" | "nodeID">;

/** An act and its object. `BegunAct` says what the fields must not hold. */
export type PlannedAct = Pick<BegunAct, "what" | "target"> & Partial<Pick<BegunAct, "details">>;

/** Errors after which the outcome of an act is unknown. */
const unclear: ReadonlySet<ErrorType> = new Set([
  "INTERNAL",
  "OUTCOME_UNKNOWN",
  "STORE_UNAVAILABLE",
  "SERVICE_UNAVAILABLE",
]);

export interface Administering {
  /**
   * Performs an administrative act and records it in the audit log before it begins and again when
   * it ends: nothing is done without a record of its caller. Throws what `perform` throws.
   * @throws ServiceError STORE_UNAVAILABLE where the act cannot be recorded; nothing was done then
   */
  administered<T>(ctx: ActContext, act: PlannedAct, perform: () => Promise<T>): Promise<T>;
}

/**
 * Gives a service `this.administered(ctx, act, perform)`: acts that `GET /api/v1/audit-log` lists.
 */
export function ActsMixin() {
  return defineMixin<{ needs: Storing }>()({
    methods: {
      async administered<T>(
        { meta, nodeID }: ActContext,
        { what, target, details = {} }: PlannedAct,
        perform: () => Promise<T>,
      ): Promise<T> {
        const { requestId } = meta;
        const project = meta.project ?? defaultProject;
        const actor = isActor(meta.actor)
          ? meta.actor
          : ({ kind: "node", id: nodeID ?? "" } as const);
        const id = randomUUIDv7();
        const { acts } = this.store;
        await acts.begin({
          id,
          project,
          at: Date.parse(madeAt(id)!),
          actor,
          what,
          target,
          details,
          ...(typeof requestId === "string" && { requestId }),
        });
        const end = (outcome: "done" | "failed") =>
          acts.end(project, id, outcome).catch((error: unknown) => {
            this.logger.warn(
              { err: error, what, act: id, requestId },
              "the outcome of an act is not recorded",
            );
          });
        try {
          const result = await perform();
          await end("done");
          return result;
        } catch (error) {
          if (!unclear.has(errorType(error))) await end("failed");
          throw error;
        }
      },
    },
  });
}

/** Other nodes set the actor themselves, perhaps wrongly. */
function isActor(given: unknown): given is Actor {
  const { kind, id, name = "" } = (given ?? {}) as Readonly<Record<string, unknown>>;
  const isKind = (actorKinds as readonly unknown[]).includes(kind);
  return isKind && typeof id === "string" && typeof name === "string";
}
