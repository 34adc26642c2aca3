import type { ProjectId } from "../../event/event.ts";
import type { ActKind, Actor } from "../../questions/audit-log.ts";
import type { Act, ActStore, BegunAct } from "../acts.ts";
import { fromColumn, toColumn } from "../rows.ts";
import type { MongoLink } from "./connection.ts";
import { inOneAnswer, type ActDocument } from "./documents.ts";
import { insertAbsent } from "./writes.ts";

/** The acts, in a collection of their own: inserted, ended once, never removed. */
export class MongoActs implements ActStore {
  readonly #link: MongoLink;

  constructor(link: MongoLink) {
    this.#link = link;
  }

  begin({ target, actor, details, ...act }: BegunAct): Promise<void> {
    const document: ActDocument = {
      _id: actKey(act.project, act.id),
      ...act,
      actor: JSON.stringify(actor),
      target: toColumn(target),
      details: JSON.stringify(details),
      outcome: "begun",
    };
    return this.#link.run(async ({ acts }) => void (await insertAbsent(acts, [document])));
  }

  end(project: ProjectId, id: string, outcome: "done" | "failed"): Promise<void> {
    return this.#link.run(async ({ acts }) => {
      await acts.updateOne({ _id: actKey(project, id), outcome: "begun" }, { $set: { outcome } });
    });
  }

  list(
    project: ProjectId,
    { limit, before }: Parameters<ActStore["list"]>[1],
  ): Promise<readonly Act[]> {
    return this.#link.run(async ({ acts }) => {
      const earlier = before !== undefined && { id: { $lt: before } };
      const found = await acts
        .find({ project, ...earlier }, inOneAnswer)
        .sort({ id: -1 })
        .limit(limit)
        .toArray();
      return found.map(actOf);
    });
  }
}

/** A project has no `|`. */
function actKey(project: ProjectId, id: string): string {
  return `${project}|${id}`;
}

function actOf({ _id, actor, what, target, details, outcome, ...act }: ActDocument): Act {
  return {
    ...act,
    actor: JSON.parse(actor) as Actor,
    what: what as ActKind,
    target: fromColumn(target),
    details: JSON.parse(details) as Act["details"],
    outcome: outcome as Act["outcome"],
  };
}
