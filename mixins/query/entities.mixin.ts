import type { Context, ServiceSchema } from "moleculer";
import DbService from "moleculer-db";
import { type Meta } from "../../lib/contracts.ts";
import { defaultProject } from "../../lib/event/event.ts";
import { ServiceError } from "../../lib/errors.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import type { Storing } from "../store.mixin.ts";

type Adapter = ReturnType<Storing["store"]["adapter"]>;

interface EntityParams {
  query?: Readonly<Record<string, unknown>>;
  id?: unknown;
}

/** In the adapter's place until the store is open. */
const notOpened = {
  init: () => undefined,
  connect: () => Promise.resolve(),
  disconnect: () => Promise.resolve(),
};

/** A new object each time: Moleculer merges the action's own definition into it. */
const uncached = () => ({ cache: false });

/**
 * Gives a service moleculer-db's entity actions (`find`, `list`, `count`, `get`) over the stored
 * events, as stored: `_id` is `project:id`. A caller sees its own project's events. Events are
 * immutable, so there are no actions that write; and nothing is cached, since nothing would clear
 * it.
 */
export function EntitiesMixin() {
  return defineMixin<{ needs: Storing; state: { adapter: Adapter } }>()({
    mixins: [DbService as unknown as Partial<ServiceSchema>],
    ...({ adapter: notOpened } as object),
    actions: {
      find: uncached(),
      list: uncached(),
      count: uncached(),
      get: uncached(),
      create: false,
      insert: false,
      update: false,
      remove: false,
    },
    hooks: {
      before: {
        find: ownProject,
        list: ownProject,
        count: ownProject,
        get: ownIds,
      },
    },
    started() {
      this.adapter = this.store.adapter();
      this.adapter.init();
    },
  });
}

function ownProject(ctx: Context<EntityParams, Meta>): void {
  const project = ctx.meta.project ?? defaultProject;
  const { query = {} } = ctx.params;
  if (typeof query !== "object") throw new ServiceError("VALIDATION", "query must be an object");
  ctx.params.query = { ...query, project };
}

function ownIds(ctx: Context<EntityParams, Meta>): void {
  const prefix = `${ctx.meta.project ?? defaultProject}:`;
  const { id } = ctx.params;
  const ids: readonly unknown[] = Array.isArray(id) ? id : [id];
  if (ids.every((one) => typeof one === "string" && one.startsWith(prefix))) return;
  throw new ServiceError("NOT_FOUND", "An entity's id begins with its project");
}
