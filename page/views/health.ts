import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { LiveFrame, Stage } from "../api/answers.ts";
import { connection } from "../api/use-answer.ts";
import { useStream } from "../api/use-stream.ts";
import { pipelineState } from "../frame/pipeline-state.ts";
import { usePageTitle } from "../frame/title.ts";
import { mention } from "../parts/announce.ts";
import { Card, Waiting } from "../parts/card.ts";
import { Instant } from "../parts/exactness.ts";
import { html, type VNode } from "../parts/html.ts";
import { Icon } from "../parts/icon.ts";
import {
  heardLast,
  Pipeline,
  pipelineSentence,
  stageTitle,
  stateOf,
  useStages,
} from "../parts/pipeline.ts";
import { adviceOf, stageWords, waitOf } from "../pure/advice.ts";
import { counted, duration } from "../pure/format.ts";
import { inWords, remember, sampleMs, samples, type Sample } from "../pure/stage-history.ts";

/** The state of each stage, and what to do about it. */
export default function Health(): VNode {
  const [frame, setFrame] = useState<LiveFrame>();
  const live = useStream("/api/v1/live", ({ event, data }) => {
    if (event === "message") setFrame(JSON.parse(data) as LiveFrame);
  });
  const { stages, isCurrent } = useStages(frame?.stages, live);
  const { lost } = connection.value;
  const state = stages === undefined || !isCurrent ? undefined : stateOf(stages);
  const sentence = stages === undefined ? "" : isCurrent ? pipelineSentence(stages) : heardLast();
  useEffect(() => {
    if (state === undefined) return;
    if (pipelineState.value !== undefined && pipelineState.value !== state) mention(sentence);
    pipelineState.value = state;
  }, [state, stages]);
  for (const stage of (isCurrent ? stages : undefined) ?? []) remember(stage, Date.now());

  usePageTitle(sentence === "" ? "Health" : `Health: ${sentence}`);
  const words = { ok: "It works.", degraded: "It works, but slower.", down: "Somebody must act." };
  return html`<div class=${`health-state ${state ?? "unknown"}`}>
      ${state !== undefined && h(Icon, { name: ({ ok: "check", degraded: "alert", down: "close" } as const)[state] })}
      <p>
        <strong
          >${lost ? "Not reached." : !isCurrent ? "Not known." : state === undefined ? "Asking" : words[state]}</strong
        >
        <span>${sentence === "" ? " " : `${sentence}.`}</span>
      </p>
    </div>
    ${h(
      Card,
      {
        title: "Pipeline",
        note:
          live.problem?.status === 403
            ? missingScope(live.problem.scope)
            : heardOf(frame, live.isOpen && !lost),
        className: "pipeline-card",
      },
      stages === undefined
        ? html`<div class="waiting">${h(Waiting, { rows: 1, height: 88 })}</div>`
        : h(Pipeline, { stages }),
    )}
    ${
      stages !== undefined &&
      html`<div class="stages">
        ${stages.map((stage) => h(StageCard, { key: stage.name, stage }))}
      </div>`
    }`;
}

function missingScope(scope = "live:read"): string {
  return `Asked every 10 s: this key has not the scope ${scope}, by which it would be told each second.`;
}

function heardOf(frame: LiveFrame | undefined, isLive: boolean) {
  if (!isLive || frame === undefined) return "Asked every 10 s";
  if (frame.asOf === undefined) return "Told each second";
  return html`<span
    >Told each second · everything before ${h(Instant, { at: frame.asOf })} is counted</span
  >`;
}

function StageCard({ stage }: { readonly stage: Stage }): VNode {
  const { name, state, reason, lagMs } = stage;
  const advice = adviceOf(stage);
  const history = samples(name, Date.now());
  return html`<section class=${`card stage-card ${state}`} aria-label=${stageTitle(name)}>
    <header>
      <h2>${stageTitle(name)}</h2>
      <span class=${`stage-word ${state}`}>
        <span class=${`stage-mark ${state}`}
          >${h(Icon, { name: ({ ok: "check", degraded: "alert", down: "close" } as const)[state], size: 14 })}</span
        >
        ${stageWords[state]}
      </span>
    </header>
    <p class="stage-does">${advice.does}</p>
    <dl>
      <div>
        <dt>Waiting</dt>
        <dd>${waitOf(stage)}</dd>
      </div>
      <div>
        <dt>Oldest waits</dt>
        <dd>${lagMs === undefined ? "–" : duration(lagMs)}</dd>
      </div>
    </dl>
    ${h(History, { history })}
    ${reason !== undefined && html`<p class="stage-reason">${reason.slice(0, 1).toUpperCase() + reason.slice(1)}.</p>`}
    <p class="stage-advice">
      ${advice.act}${
        advice.section !== undefined &&
        html` <span class="muted"
          >See “${advice.section}” in <code>docs/operations.md</code>.</span
        >`
      }
    </p>
  </section>`;
}

/** The last ten minutes, a bar for each ten seconds that this tab saw. */
function History({ history }: { readonly history: readonly (Sample | undefined)[] }): VNode {
  const seen = history.filter((one) => one !== undefined).length * sampleMs;
  return html`<div class="stage-history">
    <div class="stage-bars" aria-hidden="true">
      ${history.map(
        (sample, index) =>
          html`<span
            key=${index}
            class=${sample?.state ?? "unseen"}
            style=${{ height: `${heightOf(sample)}%` }}
          ></span>`,
      )}
    </div>
    <p class="muted small">
      ${inWords(history)} · seen for ${duration(seen)} of ${counted(10, "minute")}
    </p>
  </div>`;
}

/** The height by the age of what waits: a second is low, a minute or more is full. */
function heightOf(sample: Sample | undefined): number {
  if (sample === undefined) return 12;
  const share = Math.log10(1 + sample.lagMs / 1_000) / Math.log10(61);
  return 24 + Math.min(1, share) * 76;
}
