import type { Actions } from "../../lib/contracts.ts";
import { ServiceError } from "../../lib/errors.ts";
import { decodeBatch, projectOfBatch } from "../../lib/event/batch-message.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { DeadBatch, ShownDeadBatch } from "../../lib/questions/lists/dead-letters.ts";
import type { DeadLetter, DurableQueue } from "../../lib/queue/queue.ts";
import type { ActContext, Administering } from "../acts.mixin.ts";

type Which = Actions["processor.dead.show"]["params"];

/** The most dead letters that are searched for those of one project. */
const lookedThrough = 10_000;

/** Gives a service what it needs to show dead letters, replay and remove them. */
export function DeadLettersMixin() {
  return defineMixin<{ needs: { queue: DurableQueue } & Administering }>()({
    methods: {
      async deadLetters({
        limit,
        project,
      }: Actions["processor.dead.list"]["params"]): Promise<readonly DeadBatch[]> {
        const all = await this.queue.dead.list(project === undefined ? limit : lookedThrough);
        const wanted = all.map(deadBatch).filter((one) => isOf(project, one));
        return wanted.slice(0, limit);
      },

      /** @throws ServiceError NOT_FOUND, also for a dead letter of another project */
      async deadLetter({ id, project }: Which): Promise<ShownDeadBatch> {
        const letter = await this.queue.dead.find(id);
        const found = letter && deadBatch(letter);
        if (found === undefined || !isOf(project, found)) throw noSuchLetter();
        return { ...found, body: Buffer.from(letter!.body).toString() };
      },

      async deadWith({
        id,
        project,
      }: Actions["processor.dead.holding"]["params"]): Promise<DeadBatch | null> {
        const idText = `"id":${JSON.stringify(id)}`;
        const letters = await this.queue.dead.list(lookedThrough);
        const found = letters.find(
          ({ body }) => projectOfBatch(body) === project && holds(body, id, idText),
        );
        return found === undefined ? null : deadBatch(found);
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
  });
}

/** Only a message that contains the id's text is parsed. */
function holds(body: Uint8Array, id: string, idText: string): boolean {
  if (!Buffer.from(body.buffer, body.byteOffset, body.byteLength).includes(idText)) return false;
  try {
    return decodeBatch(body).events.some((event) => event.id === id);
  } catch {
    return false;
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
