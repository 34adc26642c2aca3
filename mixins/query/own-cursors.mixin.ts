import { hash } from "node:crypto";
import type { Context } from "moleculer";
import type { Meta } from "../../lib/contracts.ts";
import { defaultProject, type ProjectId } from "../../lib/event/event.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import { withPage } from "../../lib/questions/lists/written-list.ts";
import type { Storing } from "../store.mixin.ts";

type PagedCall = Context<{ cursor?: unknown }, Meta>;

interface Paged {
  readonly nextCursor?: string | null;
  readonly page?: { readonly nextCursor: string | null };
}

/**
 * Binds cursors to projects: each cursor of an answer gets a suffix made from the project's name, and
 * a call with a cursor of another project is refused. Such a cursor would show no event of the other
 * project, but its content reveals an event's id and timestamp. So is one that an earlier version
 * gave where events were in another order, since it would pass over events that nobody was shown.
 */
export function OwnCursorsMixin() {
  const before = [removeSuffix, "events export story counts run"] as const;
  const after = [addSuffix, "events export story counts run saved.results"] as const;
  return defineMixin<{ needs: Storing }>()({
    hooks: { before: hooked(...before), after: hooked(...after) },
  });
}

function hooked<Hook>(hook: Hook, actions: string): Readonly<Record<string, Hook>> {
  return Object.fromEntries(actions.split(" ").map((action) => [action, hook]));
}

function removeSuffix(this: Storing, ctx: PagedCall): void {
  const { cursor } = ctx.params;
  if (cursor === undefined) return;
  const suffix = suffixOf(this.store, ctx.meta.project);
  const isOwn = typeof cursor === "string" && cursor.endsWith(suffix);
  // The question's reader refuses an empty cursor like any other wrong one.
  ctx.params = { ...ctx.params, cursor: isOwn ? cursor.slice(0, -suffix.length) : "" };
}

function addSuffix(this: Storing, ctx: PagedCall, answer: Paged): Paged {
  const suffix = suffixOf(this.store, ctx.meta.project);
  const own = (cursor: string) => `${cursor}${suffix}`;
  const { nextCursor, page } = answer;
  if (typeof nextCursor === "string") return { ...answer, nextCursor: own(nextCursor) };
  if (typeof page?.nextCursor !== "string") return answer;
  return withPage(answer, { ...page, nextCursor: own(page.nextCursor) });
}

/** No name of a project has a space. */
function suffixOf({ orderName }: Storing["store"], project: ProjectId = defaultProject): string {
  const bound = orderName === "" ? project : `${project} ${orderName}`;
  return `.${hash("sha256", bound, "base64url").slice(0, 8)}`;
}
