import { h } from "preact";
import { useState } from "preact/hooks";
import type { EventList, EventTrace, StoredEvent } from "../api/answers.ts";
import { ask, Problem } from "../api/client.ts";
import { change, go, openedAddress } from "../frame/router.ts";
import { html, type VNode } from "../parts/html.ts";
import { Icon } from "../parts/icon.ts";
import { problemInWords } from "../parts/problem.ts";
import { eventPath } from "../pure/event-path.ts";
import { exactValue } from "../pure/exact-value.ts";
import { writeFilter, type Filter } from "../pure/filter.ts";

/** The filter for the user of an event, who is `metadata.userId`, else `metadata.anonymousId`. */
function userFilter({ metadata }: StoredEvent): Filter {
  const key = (metadata?.["userId"] ?? null) === null ? "anonymousId" : "userId";
  const value = metadata?.[key] as string | number | boolean;
  return { op: "is", property: `metadata.${key}`, values: [exactValue(value)] };
}

/** Why not all could be looked up; a text that cannot be an id, or is nobody's, is no such reason. */
function failureAmong(results: readonly PromiseSettledResult<unknown>[]): string | undefined {
  for (const result of results) {
    if (result.status === "fulfilled") continue;
    const { reason } = result as { readonly reason: unknown };
    if (!(reason instanceof Problem)) return String(reason);
    if (reason.status !== 400 && reason.status !== 404) return problemInWords(reason);
  }
  return undefined;
}

/**
 * One field for an id, a mail or a user: all are looked up at once, and the first hit opens; for an
 * event that is not stored, its trace.
 */
export function Find(): VNode {
  const [note, setNote] = useState("");
  const [problem, setProblem] = useState<string>();
  async function find(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem(
      "find",
    ) as HTMLInputElement;
    const text = field.value.trim();
    if (text === "") return;
    setNote("Searching");
    setProblem(undefined);
    const name = encodeURIComponent(text);
    const path = eventPath(text);
    const results = await Promise.allSettled([
      path === undefined ? undefined : ask<StoredEvent>({ path }),
      ask<EventList>({ path: `/api/v1/events?correlationId=${name}&limit=1` }),
      ask<EventList>({ path: `/api/v1/events?userId=${name}&limit=1` }),
      path === undefined ? undefined : ask<EventTrace>({ path: `${path}/trace` }),
    ]);
    const [byId, byMail, byUser, trace] = results;
    const [ofUser] = byUser.status === "fulfilled" ? byUser.value.data : [];
    setNote("");
    if (byId.status === "fulfilled" && byId.value !== undefined) go(openedAddress("event", text));
    else if (byMail.status === "fulfilled" && byMail.value.data.length > 0)
      go(openedAddress("story", text));
    else if (ofUser !== undefined)
      change({ f: [writeFilter(userFilter(ofUser))], type: undefined, range: "all" });
    else if (trace.status === "fulfilled" && (trace.value?.state ?? "unknown") !== "unknown")
      go(openedAddress("event", text));
    else {
      const failure = failureAmong(results);
      if (failure === undefined) setNote("There is no event, mail or user of this id.");
      else setProblem(failure);
    }
  }
  return html`<form class="find" role="search" onSubmit=${(event: SubmitEvent) => void find(event)}>
      ${h(Icon, { name: "search", size: 16 })}
      <input
        name="find"
        aria-label="Find by id, mail or user"
        placeholder="Find by id, mail or user"
        autocomplete="off"
        spellcheck=${false}
      />
    </form>
    ${note !== "" && html`<span class="muted" role="status">${note}</span>`}
    ${problem !== undefined && html`<span class="problem-line" role="alert">${problem}</span>`}`;
}
