import type { ProjectId } from "./event/event.ts";
import { ServiceError } from "./errors.ts";

const projectName = /^[A-Za-z0-9._-]{1,64}$/;

/** Whether a text may be a project's name: one that a key can have. */
function isProjectName(name: unknown): name is ProjectId {
  return typeof name === "string" && projectName.test(name);
}

interface Call {
  params?: unknown;
  readonly meta: { readonly project?: unknown };
}

/**
 * Checks a call before every action. Missing parameters count as none, also as `null`. Other nodes
 * name the project themselves, perhaps wrongly; absent or `null` means the default one.
 * @throws ServiceError VALIDATION
 */
export function checkCall(call: Call): void {
  call.params ??= {};
  const { project } = call.meta;
  if (project === undefined || project === null || isProjectName(project)) return;
  const message = "meta.project must be 1 to 64 of A-Z, a-z, 0-9, dot, underscore and hyphen";
  throw new ServiceError("VALIDATION", message, {
    errors: [{ pointer: "meta.project", code: "project", message }],
  });
}
