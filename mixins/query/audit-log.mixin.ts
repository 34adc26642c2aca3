import { defaultProject } from "../../lib/event/event.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import {
  auditLogCursor,
  readAuditLogQuestion,
  type AuditLog,
  type ShownAct,
} from "../../lib/questions/audit-log.ts";
import type { Raw } from "../../lib/questions/reading/field.ts";
import type { Act } from "../../lib/store/acts.ts";
import type { Storing } from "../store.mixin.ts";
import type { Caller } from "./answers.mixin.ts";

/** Gives a service `this.actsOf(ctx, params)`: a page of who did what in a project. */
export function AuditLogMixin() {
  return defineMixin<{ needs: Storing }>()({
    methods: {
      async actsOf({ meta }: Pick<Caller, "meta">, params: Raw): Promise<AuditLog> {
        const project = meta.project ?? defaultProject;
        const { limit, before } = readAuditLogQuestion(params, project);
        const found = await this.store.acts.list(project, {
          limit: limit + 1,
          ...(before !== undefined && { before }),
        });
        const acts = found.slice(0, limit);
        const last = found.length > limit ? acts.at(-1) : undefined;
        const nextCursor = last === undefined ? null : auditLogCursor(last.id, project);
        return { data: acts.map(shownAct), page: { limit, nextCursor } };
      },
    },
  });
}

function shownAct({ project: _, at, ...act }: Act): ShownAct {
  return { ...act, at: new Date(at).toISOString() };
}
