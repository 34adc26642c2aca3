import { hash } from "node:crypto";
import type { Context } from "moleculer";
import type { Meta } from "../../lib/contracts.ts";
import { defaultProject, type ProjectId } from "../../lib/event/event.ts";
import { defineMixin } from "../../lib/moleculer.ts";

type PagedCall = Context<{ cursor?: unknown }, Meta>;

interface Paged {
  readonly nextCursor?: string | null;
  readonly page?: { readonly nextCursor: string | null };
}

/**
 * Makes every cursor that a service gives one of its project: behind the cursor stands whose it is, and a cursor of
 * another project is read as none. It would show nothing of that project, but say where its events lie.
 */
export function OwnCursorsMixin() {
  const before = [taken, "events export story counts run"] as const;
  const after = [given, "events export story counts run saved.results"] as const;
  return defineMixin()({ hooks: { before: hooked(...before), after: hooked(...after) } });
}

function hooked<Hook>(hook: Hook, actions: string): Readonly<Record<string, Hook>> {
  return Object.fromEntries(actions.split(" ").map((action) => [action, hook]));
}

function taken(ctx: PagedCall): void {
  const { cursor } = ctx.params;
  if (cursor === undefined) return;
  const end = endOf(ctx.meta.project);
  const isOwn = typeof cursor === "string" && cursor.endsWith(end);
  // An empty one is refused as every cursor that is none.
  ctx.params = { ...ctx.params, cursor: isOwn ? cursor.slice(0, -end.length) : "" };
}

function given(ctx: PagedCall, answer: Paged): Paged {
  const own = (cursor: string) => `${cursor}${endOf(ctx.meta.project)}`;
  const { nextCursor, page } = answer;
  if (typeof nextCursor === "string") return { ...answer, nextCursor: own(nextCursor) };
  if (typeof page?.nextCursor !== "string") return answer;
  return { ...answer, page: { ...page, nextCursor: own(page.nextCursor) } };
}

function endOf(project: ProjectId = defaultProject): string {
  return `.${hash("sha256", project, "base64url").slice(0, 8)}`;
}
