import { h } from "preact";
import type { Story } from "../api/answers.ts";
import { useAnswer, type AnswerState } from "../api/use-answer.ts";
import { follow, hrefOf, openedAddress, zone } from "../frame/router.ts";
import { Card, Waiting } from "../parts/card.ts";
import { Exactness } from "../parts/exactness.ts";
import { html, type VNode } from "../parts/html.ts";
import { ProblemText } from "../parts/problem.ts";
import * as format from "../pure/format.ts";
import { coloursOf } from "../pure/series.ts";
import { wallClock } from "../pure/zone.ts";
import { CloseButton } from "./event-close.ts";

function useStory(id: string): AnswerState<Story> {
  return useAnswer<Story>({ path: `/api/v1/stories/${encodeURIComponent(id)}` });
}

/** All events of one correlation, as of a mail, on a page of its own. */
export function OpenedStory({ id }: { readonly id: string }): VNode {
  const request = useStory(id);
  return h(
    Card,
    {
      title: "Story",
      className: "event-card",
      note: h(CloseButton, {}),
      requests: [request],
      waiting: h(Waiting, { rows: 6 }),
      tools: { calls: [{ path: `/api/v1/stories/${encodeURIComponent(id)}` }] },
      exactness: h(Exactness, { meta: request.answer?.meta }),
    },
    html`<p class="story-id"><code class="select-all">${id}</code></p>`,
    request.answer !== undefined && h(Line, { story: request.answer, openId: "" }),
  );
}

/** The story within an opened event. */
export function StoryLine({ id, openId }: { readonly id: string; readonly openId: string }): VNode {
  const request = useStory(id);
  if (request.answer === undefined) {
    return request.problem === undefined
      ? h(Waiting, { rows: 4, height: 24 })
      : h(ProblemText, { problem: request.problem, again: request.again });
  }
  return h(Line, { story: request.answer, openId });
}

/**
 * A vertical line with a mark for each event and the times between in words; long waits are drawn
 * longer, up to a limit.
 */
function Line({ story, openId }: { readonly story: Story; readonly openId: string }): VNode {
  if (story.data.length === 0) return html`<p class="muted">Nothing is known of it.</p>`;
  const colours = coloursOf([...new Set(story.data.map(({ type }) => type))]);
  const today = wallClock(Date.now(), zone.value);
  return html`<ol class="story">
      ${story.data.map((event, index) => {
        const to = openedAddress("event", event.id);
        const wall = wallClock(Date.parse(event.timestamp), zone.value);
        return html`<li key=${event.id}>
          ${
            index > 0 &&
            html`<div
              class="story-wait"
              style=${{ "--long": `${lengthOf(event.sincePreviousMs)}px` }}
            >
              ${format.duration(event.sincePreviousMs)} later
            </div>`
          }
          <div class=${`story-event${event.id === openId ? " is-open" : ""}`}>
            <i class=${`key ${colours.get(event.type) ?? "s0"}`}></i>
            <a
              href=${hrefOf(to)}
              onClick=${follow(to)}
              aria-current=${event.id === openId ? "true" : undefined}
              >${event.type}</a
            >
            <time datetime=${event.timestamp}
              >${format.dayShort(wall, today)}, ${format.clockParts(wall).seconds}</time
            >
          </div>
        </li>`;
      })}
    </ol>
    ${story.page.nextCursor !== null && html`<p class="muted">There are more events than these.</p>`}`;
}

/** From 20 px for an instant to 72 px for days, by the order of magnitude. */
function lengthOf(ms: number): number {
  return Math.round(20 + Math.min(52, Math.max(0, Math.log10(ms / 1_000 + 1) * 10)));
}
