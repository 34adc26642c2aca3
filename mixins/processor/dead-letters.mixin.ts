import { Ticker } from "../../lib/concurrency/ticker.ts";
import type { Actions, DeadHolding } from "../../lib/contracts.ts";
import { endingWithin } from "../../lib/concurrency/callers.ts";
import { callLimits } from "../../lib/call-limits.ts";
import { ServiceError } from "../../lib/errors.ts";
import { decodeBatch, projectOfBatch } from "../../lib/event/batch-message.ts";
import type { AcceptedEvent, ProjectId } from "../../lib/event/event.ts";
import { defineMixin, type TypedContext } from "../../lib/moleculer.ts";
import type { DeadBatch, ShownDeadBatch } from "../../lib/questions/lists/dead-letters.ts";
import { listBytes, type DeadLetter, type DurableQueue } from "../../lib/queue/queue.ts";
import { hiddenOf } from "../../lib/store/hidden.ts";
import { finishGone, withoutErased } from "../../lib/store/erased-batch.ts";
import type { ActContext, Administering } from "../acts.mixin.ts";
import type { Storing } from "../store.mixin.ts";

type Which = Actions["processor.dead.show"]["params"];
type Asked<A extends keyof Actions> = Pick<
  TypedContext<Actions[A]["params"]>,
  "params" | "options"
>;

/** How often erased events are looked for that died after their erasure was done. */
const forgetEveryMs = 600_000;

interface Needs extends Storing, Administering {
  queue: DurableQueue;
}

/**
 * Gives a service what it needs to show dead letters, replay and remove them, and to take erased
 * events out of them.
 */
export function DeadLettersMixin() {
  return defineMixin<{ state: { forgetting: Ticker | null }; needs: Needs }>()({
    methods: {
      deadLetters({
        params: { limit, project },
        options,
      }: Asked<"processor.dead.list">): Promise<readonly DeadBatch[]> {
        return whileAwaited(options, async (signal) => {
          const oldest: DeadBatch[] = [];
          await this.queue.dead.each((letter) => {
            const batch = deadBatch(letter);
            if (isOf(project, batch)) {
              const at = oldest.findLastIndex(({ diedAt }) => diedAt <= batch.diedAt) + 1;
              oldest.splice(at, 0, batch);
              oldest.splice(limit);
            }
            return oldest.length < limit;
          }, signal);
          return oldest;
        });
      },

      /** @throws ServiceError NOT_FOUND, also for a dead letter of another project */
      async deadLetter({ id, project }: Which): Promise<ShownDeadBatch> {
        const letter = await this.queue.dead.find(id);
        const found = letter && deadBatch(letter);
        if (found === undefined || !isOf(project, found)) throw noSuchLetter();
        const shown = (await withoutErased(this.store, letter!.body)) ?? letter!;
        return { ...found, body: Buffer.from(shown.body).toString() };
      },

      deadWith({
        params: { id, project },
        options,
      }: Asked<"processor.dead.holding">): Promise<DeadHolding> {
        const idText = `"id":${JSON.stringify(id)}`;
        return whileAwaited(options, async (signal) => {
          let found: DeadHolding = { letter: null };
          await this.queue.dead.each(async (letter) => {
            if (found.letter !== null) return false;
            const { body } = letter;
            const event = projectOfBatch(body) === project ? eventIn(body, id, idText) : undefined;
            if (event === undefined) return true;
            // Before what is refused: an erasure that is done by then has refused the event.
            const hidden = await hiddenOf(this.store, project);
            const stripped = await withoutErased(this.store, body);
            const isErased = stripped?.gone.some((gone) => gone.id === id) === true;
            const erasedAt = hidden?.erasedAt({ ...event, project }) ?? null;
            found = isErased ? { letter: null, erasedAt } : { letter: deadBatch(letter) };
            return isErased;
          }, signal);
          return found;
        });
      },

      /**
       * Takes erased events out of the dead letters of a project, for an erasure that finds no
       * other of its events; or of those projects in which no erasure is open (docs/protocol.md). A
       * letter without any other event is removed. May be repeated, and done by several processes
       * at once.
       * @param signal ends it between two letters
       */
      async forgetErased(
        project?: ProjectId,
        signal?: AbortSignal,
      ): Promise<{ readonly forgotten: number }> {
        const ids: string[] = [];
        let some: DeadLetter[] = [];
        let bytes = 0;
        const check = async () => {
          for (const { id, body } of some) {
            if (signal?.aborted === true) break;
            if ((await withoutErased(this.store, body)) !== undefined) ids.push(id);
          }
          some = [];
          bytes = 0;
        };
        // Others cannot see a broker's letters meanwhile: what fits into memory is checked later.
        await this.queue.dead.each(async (letter) => {
          if (project === undefined || projectOfBatch(letter.body) === project) {
            some.push(letter);
            bytes += letter.body.byteLength;
            if (bytes > listBytes) await check();
          }
          return signal?.aborted !== true;
        });
        await check();
        let forgotten = 0;
        for (const id of ids) {
          if (signal?.aborted === true) break;
          forgotten += await this.forgetIn(id, project);
        }
        // What is erased may have been on the queue a moment ago.
        if (project !== undefined) await this.queue.forgetAcknowledged?.();
        if (forgotten > 0) this.logger.info({ events: forgotten }, "erased dead events removed");
        return { forgotten };
      },

      /** @returns how many erased events it took out of a letter */
      async forgetIn(id: string, project?: ProjectId): Promise<number> {
        const { dead } = this.queue;
        for (let letter = await dead.find(id); letter !== undefined;) {
          const stripped = await withoutErased(this.store, letter.body);
          if (stripped === undefined) return 0;
          // Looked up after what is refused: an erasure that refused it is open or done by now.
          const isOpen = async () => (await hiddenOf(this.store, stripped.project)) !== undefined;
          if (project === undefined && (await isOpen())) return 0;
          await finishGone(this.store, stripped);
          const isDone =
            stripped.left === 0
              ? await dead.remove(id)
              : await dead.replace(id, stripped.body, letter.body);
          if (isDone) return stripped.gone.length;
          // Another process has taken something out of it, or has removed it.
          letter = await dead.find(id);
        }
        return 0;
      },

      startForgetting(): void {
        const work = async (signal: AbortSignal) => {
          if ((await this.queue.depth()).dead > 0) await this.forgetErased(undefined, signal);
        };
        this.forgetting = new Ticker(work, { everyMs: forgetEveryMs, restFactor: 0 }, (error) =>
          this.logger.warn({ err: error }, "erased dead events could not be looked for"),
        );
      },

      async replayDead(ctx: ActContext, which: Which): Promise<{ readonly replayed: string }> {
        await this.administerDead(ctx, "dead-letters.replay", which, (id) =>
          this.queue.dead.replay(id),
        );
        this.logger.info({ letter: which.id }, "dead letter replayed");
        return { replayed: which.id };
      },

      async removeDead(ctx: ActContext, which: Which): Promise<{ readonly removed: string }> {
        await this.administerDead(ctx, "dead-letters.remove", which, (id) =>
          this.queue.dead.remove(id),
        );
        this.logger.info({ letter: which.id }, "dead letter removed");
        return { removed: which.id };
      },

      async administerDead(
        { meta, nodeID }: ActContext,
        what: "dead-letters.replay" | "dead-letters.remove",
        which: Which,
        perform: (id: string) => Promise<boolean>,
      ): Promise<void> {
        const { id, project, reason, diedAt } = await this.deadLetter(which);
        const ctx = { nodeID, meta: { ...meta, ...(project !== null && { project }) } };
        await this.administered(
          ctx,
          { what, target: id, details: { reason, diedAt } },
          async () => {
            if (!(await perform(id))) throw noSuchLetter();
          },
        );
      },
    },
    created() {
      this.forgetting = null;
    },
    async stopped() {
      await this.forgetting?.stop();
      this.forgetting = null;
    },
  });
}

/** Looks through the letters for as long as the caller waits. */
function whileAwaited<T>(
  { timeout }: Pick<TypedContext<unknown>["options"], "timeout">,
  look: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = () =>
    new ServiceError("OVERLOADED", "The dead letters could not be looked through in time");
  const withinMs = timeout || callLimits["processor.dead.holding"].takesMs;
  return endingWithin(withinMs, late, undefined, look);
}

/** Only a message that contains the id's text is parsed. */
function eventIn(body: Uint8Array, id: string, idText: string): AcceptedEvent | undefined {
  if (!Buffer.from(body.buffer, body.byteOffset, body.byteLength).includes(idText)) {
    return undefined;
  }
  try {
    return decodeBatch(body).events.find((event) => event.id === id);
  } catch {
    return undefined;
  }
}

function isOf(project: string | undefined, letter: DeadBatch): boolean {
  return project === undefined || letter.project === project;
}

function deadBatch({ id, reason, attempts, diedAt, receivedAt, body }: DeadLetter): DeadBatch {
  return {
    id,
    project: projectOfBatch(body) ?? null,
    reason,
    attempts,
    diedAt: new Date(diedAt).toISOString(),
    receivedAt: new Date(receivedAt).toISOString(),
    sizeBytes: body.byteLength,
  };
}

function noSuchLetter(): ServiceError {
  return new ServiceError("NOT_FOUND", "There is no dead letter with this id");
}
