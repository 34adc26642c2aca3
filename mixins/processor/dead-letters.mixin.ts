import { Ticker } from "../../lib/concurrency/ticker.ts";
import type { Actions, DeadHolding } from "../../lib/contracts.ts";
import { ServiceError } from "../../lib/errors.ts";
import { decodeBatch, projectOfBatch } from "../../lib/event/batch-message.ts";
import type { AcceptedEvent, ProjectId } from "../../lib/event/event.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { DeadBatch, ShownDeadBatch } from "../../lib/questions/lists/dead-letters.ts";
import { eachDead, type DeadLetter, type DurableQueue } from "../../lib/queue/queue.ts";
import { hiddenOf } from "../../lib/store/hidden.ts";
import { finishGone, withoutErased } from "../../lib/store/erased-batch.ts";
import type { ActContext, Administering } from "../acts.mixin.ts";
import type { Storing } from "../store.mixin.ts";

type Which = Actions["processor.dead.show"]["params"];

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
      async deadLetters({
        limit,
        project,
      }: Actions["processor.dead.list"]["params"]): Promise<readonly DeadBatch[]> {
        const wanted: DeadBatch[] = [];
        for await (const letter of eachDead(this.queue.dead)) {
          const batch = deadBatch(letter);
          if (isOf(project, batch)) wanted.push(batch);
          if (wanted.length >= limit) break;
        }
        return wanted;
      },

      /** @throws ServiceError NOT_FOUND, also for a dead letter of another project */
      async deadLetter({ id, project }: Which): Promise<ShownDeadBatch> {
        const letter = await this.queue.dead.find(id);
        const found = letter && deadBatch(letter);
        if (found === undefined || !isOf(project, found)) throw noSuchLetter();
        const shown = (await withoutErased(this.store, letter!.body)) ?? letter!;
        return { ...found, body: Buffer.from(shown.body).toString() };
      },

      async deadWith({
        id,
        project,
      }: Actions["processor.dead.holding"]["params"]): Promise<DeadHolding> {
        const idText = `"id":${JSON.stringify(id)}`;
        let none: DeadHolding = { letter: null };
        for await (const letter of eachDead(this.queue.dead)) {
          const { body } = letter;
          const event = projectOfBatch(body) === project ? eventIn(body, id, idText) : undefined;
          if (event === undefined) continue;
          // Before what is refused: an erasure that is done by then has refused the event.
          const hidden = await hiddenOf(this.store, project);
          const stripped = await withoutErased(this.store, body);
          const isErased = stripped?.gone.some((gone) => gone.id === id) === true;
          if (!isErased) return { letter: deadBatch(letter) };
          none = { letter: null, erasedAt: hidden?.erasedAt({ ...event, project }) ?? null };
        }
        return none;
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
        let forgotten = 0;
        for await (const letter of eachDead(this.queue.dead)) {
          if (signal?.aborted === true) break;
          if (project !== undefined && projectOfBatch(letter.body) !== project) continue;
          forgotten += await this.forgetIn(letter, project);
        }
        // What is erased may have been on the queue a moment ago.
        if (project !== undefined) await this.queue.forgetAcknowledged?.();
        if (forgotten > 0) this.logger.info({ events: forgotten }, "erased dead events removed");
        return { forgotten };
      },

      /** @returns how many erased events it took out of a letter */
      async forgetIn({ id, body }: DeadLetter, project?: ProjectId): Promise<number> {
        const { dead } = this.queue;
        for (let letter: Pick<DeadLetter, "body"> | undefined = { body }; letter !== undefined;) {
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
