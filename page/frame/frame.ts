import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Health, StageState } from "../api/answers.ts";
import { learnCaller, Problem } from "../api/client.ts";
import { caller, dropKey, hasKey, keyNeeded, may } from "../api/key.ts";
import { connection, useAnswer } from "../api/use-answer.ts";
import { announced } from "../parts/announce.ts";
import { ComparePicker } from "../parts/compare-picker.ts";
import { html, type VNode } from "../parts/html.ts";
import { Icon } from "../parts/icon.ts";
import { Popover } from "../parts/popover.ts";
import { ProblemText } from "../parts/problem.ts";
import { RangePicker } from "../parts/range-picker.ts";
import { ZonePicker } from "../parts/zone-picker.ts";
import type { ViewName } from "../pure/address.ts";
import { isPassing } from "../pure/passing.ts";
import { showFavicon } from "./favicon.ts";
import { Guard } from "./guard.ts";
import { KeyForm } from "./key-form.ts";
import { KeyHelp } from "./key-help.ts";
import { keyHelp } from "./keys.ts";
import { loadedView, loadView } from "./loaded-views.ts";
import { Notices } from "./notices.ts";
import { lastHealth, pipelineState } from "./pipeline-state.ts";
import { address, addressOf, arrivals, follow, hrefOf } from "./router.ts";
import { barViews, viewGroups, viewOf, views, type View } from "./views.ts";

/** The whole page: navigation, the view's title with its pickers, the view. */
export function Frame(): VNode {
  useCaller();
  const view = viewOf(address.value.view);
  return html`<a class="skip" href="#view" onClick=${skip}>Skip to the view</a>
    <header class="side">
      <a class="brand" href=${hrefOf(addressOf("now"))} onClick=${follow(addressOf("now"))}>
        <span class="brand-mark" aria-hidden="true">${h(Icon, { name: "bars", size: 18 })}</span>
        <span class="brand-name">Maily</span>
      </a>
      <nav aria-label="Views">
        ${viewGroups
          .map((group) => group.filter(isOffered))
          .filter(({ length }) => length > 0)
          .map(
            (group, index) =>
              html`<ul key=${index}>
                ${group.map((one) => h(NavItem, { key: one.name, view: one, current: view.name }))}
              </ul>`,
          )}
        <div class="bar-more">${h(More, { current: view.name })}</div>
      </nav>
      ${h(Foot, {})}
    </header>
    <main id="view">
      ${h(Head, { view })}
      ${h(Guard, {}, keyNeeded.value === undefined ? h(Allowed, { view }) : h(KeyForm, {}))}
    </main>
    <div class="visually-hidden" role="status" aria-live="polite">${announced.value}</div>
    ${h(KeyHelp, {})}`;
}

/**
 * Reads the caller once for each key, again after failures that may pass; until then each view
 * shows what it is refused.
 */
function useCaller(): void {
  const needsKey = keyNeeded.value !== undefined;
  const isLost = connection.value.lost;
  useEffect(() => {
    if (needsKey || isLost || caller.value !== undefined) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isLeft = false;
    const learn = async (attempt: number): Promise<void> => {
      try {
        await learnCaller();
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        if (isLeft || !isPassing(error.status)) return;
        const waitMs = error.retryAfterMs ?? Math.min(30_000, 1_000 * 2 ** attempt);
        timer = setTimeout(() => void learn(attempt + 1), waitMs);
      }
    };
    void learn(0);
    return () => {
      isLeft = true;
      clearTimeout(timer);
    };
  }, [needsKey, isLost]);
}

/** Whether the reader can see the view. The admin view is offered only once the scope is known. */
function isOffered({ scope }: View): boolean {
  if (scope === undefined) return true;
  return may(scope) && (scope !== "admin" || caller.value !== undefined);
}

function skip(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("h1")?.focus();
}

function NavItem({ view, current }: { readonly view: View; readonly current: ViewName }): VNode {
  const to = addressOf(view.name);
  const isBar = barViews.includes(view.name);
  return html`<li class=${isBar ? "in-bar" : ""}>
    <a
      class="nav-item"
      href=${hrefOf(to)}
      aria-current=${view.name === current ? "page" : undefined}
      onClick=${follow(to)}
    >
      ${h(Icon, { name: view.icon })}<span>${view.title}</span>
    </a>
  </li>`;
}

/** The phone's fifth place: the other views, and the foot of the side bar. */
function More({ current }: { readonly current: ViewName }): VNode {
  const rest = views.filter((view) => !barViews.includes(view.name) && isOffered(view));
  const isHere = rest.some(({ name }) => name === current);
  return h(Popover, {
    text: html`${h(Icon, { name: "more" })}<span>More</span>`,
    title: "More",
    className: `nav-item${isHere ? " is-here" : ""}`,
    content: (close) =>
      html`<ul class="more-list" onClick=${close}>
          ${rest.map((view) => h(NavItem, { key: view.name, view, current }))}
        </ul>
        <div class="more-foot">
          ${h(Project, {})}${h(ZonePicker, {})}${h(KeysButton, {})}${h(ForgetKey, {})}
        </div>`,
  });
}

const stateWords: Readonly<Record<StageState, string>> = {
  ok: "All counted",
  degraded: "Slower",
  down: "Stuck",
};

function Foot(): VNode {
  const isRefused = useHealth();
  const to = addressOf("health");
  // What was heard before the connection was lost says nothing of now.
  const { lost } = connection.value;
  const state = lost ? undefined : pipelineState.value;
  return html`<div class="foot">
    <a class="nav-item state" href=${hrefOf(to)} onClick=${follow(to)}>
      <span class=${`dot ${state ?? "unknown"}`} aria-hidden="true"></span>
      <span
        ><span class="visually-hidden">Pipeline: </span
        >${lost ? "Not reached" : state !== undefined ? stateWords[state] : isRefused ? "Not known" : "Asking"}</span
      >
    </a>
    ${h(Project, {})}${h(KeysButton, {})}${h(ForgetKey, {})}
  </div>`;
}

/** The project of the key. Its place is reserved until it is known. */
function Project(): VNode {
  const project = caller.value?.project ?? "";
  return html`<p class="project" title=${project}>
    ${project !== "" && html`<span>Project${" "}</span><bdi>${project}</bdi>`}
  </p>`;
}

function KeysButton(): VNode {
  return html`<button
    type="button"
    class="quiet keys-button"
    onClick=${() => (keyHelp.value = true)}
  >
    <kbd>?</kbd><span>Shortcuts</span>
  </button>`;
}

function ForgetKey(): VNode | null {
  if (!hasKey.value) return null;
  return html`<button
    type="button"
    class="quiet"
    onClick=${() => {
      dropKey();
      keyNeeded.value = "The key was forgotten.";
    }}
  >
    ${h(Icon, { name: "key", size: 16 })}<span>Forget key</span>
  </button>`;
}

/**
 * Reads the health every half minute; views with the live numbers report it sooner.
 * @returns whether the last look failed: the answer before it says nothing of now
 */
function useHealth(): boolean {
  const { answer, problem } = useAnswer<Health>({ path: "/health" }, 30_000);
  useEffect(() => {
    if (problem !== undefined) {
      pipelineState.value = undefined;
      // While the connection is lost, views show what was heard before as such.
      if (problem.status !== 0) lastHealth.value = undefined;
    } else if (answer !== undefined) {
      lastHealth.value = answer;
      pipelineState.value = answer.status;
    }
  }, [answer, problem]);
  const state = pipelineState.value;
  useEffect(() => showFavicon(state), [state]);
  return problem !== undefined;
}

function Head({ view }: { readonly view: View }): VNode {
  const title = useRef<HTMLHeadingElement>(null);
  const arrived = arrivals.value;
  useEffect(() => {
    if (arrived > 0) title.current?.focus({ preventScroll: true });
  }, [arrived]);
  return html`<div class="head">
    <h1 ref=${title} tabindex="-1">${view.title}</h1>
    <div class="pickers">
      ${view.pickers.includes("range") && h(RangePicker, {})}
      <span class="zone-place">${h(ZonePicker, {})}</span>
      ${view.pickers.includes("compare") && h(ComparePicker, {})}
    </div>
    ${h(Notices, {})}
  </div>`;
}

/** The view or, where the key lacks its scope, the name of that scope. */
function Allowed({ view }: { readonly view: View }): VNode {
  const { scope } = view;
  if (scope === undefined || may(scope)) return h(Loaded, { key: view.name, view });
  const detail = `The key lacks the scope ${scope}`;
  return html`<div class="card">
    <div class="card-body alone">
      ${h(ProblemText, { problem: new Problem(403, { title: "Forbidden", detail }) })}
    </div>
  </div>`;
}

/** The view; its files are loaded when it is first opened. */
function Loaded({ view }: { readonly view: View }): VNode | null {
  const [component, setComponent] = useState(() => loadedView(view.name));
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    if (component !== undefined) return;
    let isLeft = false;
    loadView(view).then(
      (loaded) => !isLeft && setComponent(() => loaded),
      () => !isLeft && setFailed(true),
    );
    return () => {
      isLeft = true;
    };
  }, []);
  if (failed) {
    return html`<div class="card">
      <div class="nothing">
        <p class="nothing-title">This view could not be loaded.</p>
        <p class="muted">The page may have been renewed meanwhile.</p>
        <button type="button" class="button" onClick=${() => location.reload()}>
          Load the page again
        </button>
      </div>
    </div>`;
  }
  return component === undefined ? null : h(component, {});
}
