import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Meta } from "../api/answers.ts";
import type { Call } from "../api/client.ts";
import { useAnswer } from "../api/use-answer.ts";
import { useTurn } from "../api/use-turn.ts";
import { follow, hrefOf, openedAddress, zone } from "../frame/router.ts";
import { Waiting } from "../parts/card.ts";
import { Exactness } from "../parts/exactness.ts";
import { html, type Children, type VNode } from "../parts/html.ts";
import { ProblemText } from "../parts/problem.ts";
import { parameter } from "../pure/address.ts";
import { fixedRange, isRelative, rangeName } from "../pure/range.ts";
import { SavedAnswer } from "./saved-answer.ts";
import { pathOf, viewAddress, type SavedEntry } from "./saved-questions.ts";

/** The call whose answer a tile shows. */
export function resultsCall(name: string): Call {
  return { path: `${pathOf(name)}/results` };
}

/** A saved question with its answer, which is fetched when the tile becomes visible. */
export function Tile({
  entry,
  children,
}: {
  readonly entry: SavedEntry;
  /** The tile's actions. */
  readonly children?: Children;
}): VNode {
  const box = useRef<HTMLElement>(null);
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    const watch = new IntersectionObserver(
      ([one]) => one?.isIntersecting === true && setSeen(true),
    );
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  const to = viewAddress(entry) ?? openedAddress("question", entry.name);
  return html`<article ref=${box} class="card saved-tile">
    <header class="saved-tile-head">
      <h2><a href=${hrefOf(to)} onClick=${follow(to)}>${entry.name}</a></h2>
      ${children}
    </header>
    ${h(TileAnswer, { entry, isSeen })}
  </article>`;
}

function TileAnswer({
  entry,
  isSeen,
}: {
  readonly entry: SavedEntry;
  readonly isSeen: boolean;
}): VNode {
  const [isDone, setDone] = useState(false);
  const mayAsk = useTurn(isSeen, isDone);
  const { answer, problem, retryAt, again } = useAnswer<{ readonly meta: Meta }>(
    mayAsk ? resultsCall(entry.name) : undefined,
  );
  useEffect(() => {
    if (answer !== undefined || problem !== undefined) setDone(true);
  }, [answer, problem]);
  return html`<p class="saved-tile-range">
      ${answer === undefined ? " " : rangeWords(entry, answer.meta)}
    </p>
    <div class="saved-tile-body">
      ${problem !== undefined && h(ProblemText, { problem, retryAt, again })}
      ${answer === undefined && problem === undefined && h(Waiting, { rows: 1, height: 108 })}
      ${answer !== undefined && h(SavedAnswer, { entry, answer })}
    </div>
    ${answer !== undefined && h(Exactness, { meta: answer.meta, expectsCut: entry.kind !== "run" })}`;
}

/** "Last 30 days" for a relative range, else the dates of the answer. */
export function rangeWords(entry: SavedEntry, meta: Meta): string {
  const address = viewAddress(entry);
  const chosen = address === undefined ? undefined : (parameter(address, "range") ?? "30d");
  if (chosen !== undefined && isRelative(chosen)) return rangeName(chosen);
  if (meta.range === undefined) return "All time";
  const own = address === undefined ? undefined : parameter(address, "tz");
  return rangeName(fixedRange(meta.range, own ?? zone.value));
}
