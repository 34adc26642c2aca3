import { h } from "preact";
import type { Health, Stage, StageState } from "../api/answers.ts";
import { connection, useAnswer } from "../api/use-answer.ts";
import type { Streaming } from "../api/use-stream.ts";
import { lastHealth } from "../frame/pipeline-state.ts";
import * as format from "../pure/format.ts";
import { html, type VNode } from "./html.ts";
import { Icon, type IconName } from "./icon.ts";
import { still } from "./still.ts";

const order = ["gateway", "ingest", "processor", "aggregator", "query"];
const titles: Readonly<Record<string, string>> = {
  gateway: "Gateway",
  ingest: "Ingest",
  processor: "Processor",
  aggregator: "Aggregator",
  query: "Query",
};
const words: Readonly<Record<StageState, string>> = {
  ok: "Working",
  degraded: "Slower",
  down: "Down",
};
const marks: Readonly<Record<StageState, IconName>> = {
  ok: "check",
  degraded: "alert",
  down: "close",
};
/** The unit of what waits before each stage. */
const units: Readonly<Record<string, readonly [string, string]>> = {
  processor: ["batch waits", "batches wait"],
  aggregator: ["rollup waits", "rollups wait"],
};

interface Stages {
  /** As they were told last; `undefined` where they never were. */
  readonly stages: readonly Stage[] | undefined;
  /** Whether they say something of now: not where the connection is lost, or the last look failed. */
  readonly isCurrent: boolean;
}

/** The stages from the live stream; while that is away, those of `/health`, every 10 s. */
export function useStages(streamed: readonly Stage[] | undefined, stream: Streaming): Stages {
  // The first frame may come before the gateway has asked the stages.
  const live = streamed?.length === 0 ? undefined : streamed;
  const { lost } = connection.value;
  const isAway = !stream.isOpen && (stream.problem !== undefined || lost);
  const request = useAnswer<Health>(isAway ? { path: "/health" } : undefined, 10_000);
  if (stream.isOpen && live !== undefined) return { stages: live, isCurrent: !lost };
  const isCurrent = !lost && request.problem === undefined;
  // Until the stream is open, the side bar's answer serves.
  const answer = request.answer ?? lastHealth.value;
  if (answer === undefined) return { stages: live, isCurrent };
  const gateway: Stage = { name: "gateway", state: "ok" };
  const stages = [
    gateway,
    ...Object.entries(answer.stages).map(([name, stage]) => ({ name, ...stage })),
  ].toSorted((one, other) => order.indexOf(one.name) - order.indexOf(other.name));
  return { stages, isCurrent };
}

export function stateOf(stages: readonly Stage[]): StageState {
  const states = stages.map(({ state }) => state);
  return states.includes("down") ? "down" : states.includes("degraded") ? "degraded" : "ok";
}

/** In place of a sentence where the stages shown are those of before. */
export function heardLast(): string {
  return connection.value.lost ? "As it was before the connection was lost" : "As it was told last";
}

/** "Everything accepted is counted", or which stage is stuck and since when. */
export function pipelineSentence(stages: readonly Stage[]): string {
  const down = stages.find(({ state }) => state === "down");
  const slow = stages.find(({ state }) => state === "degraded");
  const bad = down ?? slow;
  if (bad === undefined) {
    const waiting = stages.find(({ name }) => name === "processor")?.backlog ?? 0;
    return waiting > 0 ? "Counting what was accepted" : "Everything accepted is counted";
  }
  const since =
    (bad.lagMs ?? 0) > 0 ? `: the oldest event has waited ${format.duration(bad.lagMs)}` : "";
  const reason = since === "" && bad.reason !== undefined ? `: ${bad.reason}` : since;
  return `${down === undefined ? "Slower" : "Stuck"} at the ${titles[bad.name]?.toLowerCase() ?? bad.name}${reason}`;
}

export function stageTitle(name: string): string {
  return titles[name] ?? name;
}

/** The stages in their order, each with its mark, its word and what waits before it. */
export function Pipeline({ stages }: { readonly stages: readonly Stage[] }): VNode {
  return html`<ol class="pipeline">
    ${stages.map(({ name, state, reason, backlog, lagMs }) =>
      h(StillStage, {
        key: name,
        name,
        state,
        line: reason ?? words[state],
        wait: waits(name, backlog, lagMs),
      }),
    )}
  </ol>`;
}

interface StageTexts {
  readonly name: string;
  readonly state: StageState;
  readonly line: string;
  readonly wait: string;
}

function ShownStage({ name, state, line, wait }: StageTexts): VNode {
  return html`<li class=${`stage ${state}`}>
    <span class=${`stage-mark ${state}`}>${h(Icon, { name: marks[state], size: 14 })}</span>
    <span class="stage-name">${stageTitle(name)}</span>
    <span class="stage-state">${line}</span>
    <span class="stage-wait">${wait}</span>
  </li>`;
}

/** One stage; drawn again only where one of its texts changes, though frames come each second. */
const StillStage = still(ShownStage);

function waits(name: string, backlog: number | undefined, lagMs: number | undefined): string {
  const unit = units[name];
  if (backlog === undefined || unit === undefined) return "";
  if (backlog === 0) return "nothing waits";
  const lag = lagMs === undefined || lagMs < 1_000 ? "" : `, ${format.duration(lagMs)}`;
  return `${format.counted(backlog, unit[0], unit[1])}${lag}`;
}
