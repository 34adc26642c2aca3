import { h } from "preact";
import { useState } from "preact/hooks";
import { Problem } from "../api/client.ts";
import { may } from "../api/key.ts";
import { useAnswer } from "../api/use-answer.ts";
import { address, addressOf, change, follow, go, hrefOf, openedAddress } from "../frame/router.ts";
import { usePageTitle } from "../frame/title.ts";
import { viewOf } from "../frame/views.ts";
import { announce } from "../parts/announce.ts";
import { Card, Nothing, Waiting } from "../parts/card.ts";
import { Instant } from "../parts/exactness.ts";
import { html, type VNode } from "../parts/html.ts";
import { Icon } from "../parts/icon.ts";
import { ProblemText } from "../parts/problem.ts";
import { Table, type Column } from "../parts/table.ts";
import { Tips } from "../parts/tips.ts";
import { readParameter } from "../pure/parameters.ts";
import { filtersOfBody } from "../pure/body-filters.ts";
import { filterInWords } from "../pure/filter.ts";
import { EditQuestion } from "./saved-edit.ts";
import {
  boardOf,
  pathOf,
  readSaved,
  viewAddress,
  writeSaved,
  type SavedEntry,
  type SavedList,
  type SavedQuestion,
  type SavedView,
} from "./saved-questions.ts";
import { resultsCall, Tile } from "./saved-tile.ts";

/** The questions of the team: the pinned as a board, the others as a list. */
export default function Saved(): VNode {
  const opened = address.value.opened?.kind === "question" ? address.value.opened.id : undefined;
  const request = useAnswer<SavedList>({ path: "/api/v1/queries" });
  const { answer } = request;
  const entry = answer?.data.find(({ name }) => name === opened);
  usePageTitle(opened === undefined ? "Saved" : `Saved: ${opened}`);
  if (opened !== undefined && (answer === undefined || entry !== undefined)) {
    return entry === undefined
      ? h(Card, {
          title: opened,
          requests: [request],
          waiting: h(Waiting, { rows: 4, height: 28 }),
        })
      : h(One, { key: opened, entry, again: request.again });
  }
  if (opened !== undefined) {
    return h(
      Card,
      { title: opened },
      h(
        Nothing,
        { title: "There is no saved question of this name in this project." },
        h(ToBoard, {}),
      ),
    );
  }
  if (answer === undefined || answer.data.length === 0) {
    return h(
      Card,
      {
        title: "Saved questions",
        requests: [request],
        waiting: h(Waiting, { rows: 6, height: 28 }),
      },
      h(Nothing, { title: "Nothing is saved yet." }, h(HowToSave, {})),
    );
  }
  return h(Board, { entries: answer.data, again: request.again });
}

function HowToSave(): VNode {
  const to = addressOf("trends");
  return html`<p class="muted">
      Ask something, then press Save above the answer: everybody of the project finds it here.
    </p>
    <a class="button" href=${hrefOf(to)} onClick=${follow(to)}>Open Trends</a>`;
}

function ToBoard(): VNode {
  const to = addressOf("saved");
  return html`<a class="button" href=${hrefOf(to)} onClick=${follow(to)}
    >Show all saved questions</a
  >`;
}

function Board({
  entries,
  again,
}: {
  readonly entries: readonly SavedEntry[];
  readonly again: () => void;
}): VNode {
  const { pinned, rest } = boardOf(entries);
  const isEditing = may("admin") && readParameter(address.value, "edit") !== undefined;
  const [problem, setProblem] = useState<Problem>();
  const [isBusy, setBusy] = useState(false);

  /** Each is saved over the present version; one that somebody changed meanwhile is left alone. */
  async function show(changes: readonly (readonly [SavedEntry, SavedView])[]): Promise<void> {
    setProblem(undefined);
    setBusy(true);
    try {
      for (const [{ name }, view] of changes) {
        const { question, tag } = await readSaved(name);
        await writeSaved({ ...question, view: { ...question.view, ...view } }, tag);
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setProblem(error);
    } finally {
      setBusy(false);
      again();
    }
  }
  const move = (from: number, to: number) => {
    const others = pinned.filter((_, index) => index !== from);
    const order = [...others.slice(0, to), pinned[from]!, ...others.slice(to)];
    const moved = order
      .map((entry, index) => [entry, { order: index }] as const)
      .filter(([{ view }, { order: place }]) => view?.order !== place);
    announce(`${pinned[from]!.name} is number ${to + 1}`);
    void show(moved);
  };
  const button = (name: string, icon: "left" | "right" | "close", act: () => void, off = false) =>
    html`<button
      type="button"
      class="icon-button"
      aria-label=${name}
      disabled=${isBusy || off}
      onClick=${act}
    >
      ${h(Icon, { name: icon, size: 16 })}
    </button>`;
  return html`<div class="board-head">
      <p class="muted">
        ${pinned.length === 0 ? "Nothing is pinned. Pin a question, and its answer is shown here." : "The pinned questions of everybody in this project"}
      </p>
      ${
        may("admin")
          ? html`<button
              type="button"
              class=${`button small${isEditing ? " is-on" : ""}`}
              aria-pressed=${isEditing ? "true" : "false"}
              onClick=${() => change({ edit: isEditing ? undefined : "1" }, { replace: true })}
            >
              ${h(Icon, { name: isEditing ? "check" : "edit", size: 16 })}${isEditing ? "Done" : "Arrange"}
            </button>`
          : h(ReadOnly, {})
      }
    </div>
    ${problem !== undefined && h(ProblemText, { problem })}
    ${
      pinned.length > 0 &&
      html`<div class="board">
        ${pinned.map((entry, index) =>
          h(
            Tile,
            { key: entry.name, entry },
            isEditing &&
              html`<span class="saved-tile-tools">
                ${button(`Move ${entry.name} before`, "left", () => move(index, index - 1), index === 0)}
                ${button(`Move ${entry.name} behind`, "right", () => move(index, index + 1), index === pinned.length - 1)}
                ${button(`Unpin ${entry.name}`, "close", () => void show([[entry, { pinned: false }]]))}
              </span>`,
          ),
        )}
      </div>`
    }
    ${
      rest.length > 0 &&
      h(
        Card,
        { title: pinned.length > 0 ? "Others" : "Saved questions" },
        h(List, {
          entries: rest,
          pin: may("admin")
            ? (entry) => void show([[entry, { pinned: true, order: pinned.length }]])
            : undefined,
          isBusy,
        }),
      )
    }`;
}

function ReadOnly(): VNode {
  return html`<span class="muted small"
    >Changing them takes a key with the scope <code>admin</code>.</span
  >`;
}

const kinds: Readonly<Record<string, string>> = {
  run: "Trends",
  funnel: "Funnel",
  retention: "Retention",
  paths: "Paths",
  mail: "Mail",
  counts: "Counts",
};

function List({
  entries,
  pin,
  isBusy,
}: {
  readonly entries: readonly SavedEntry[];
  /** `undefined`: the reader lacks the scope. */
  readonly pin: ((entry: SavedEntry) => void) | undefined;
  readonly isBusy: boolean;
}): VNode {
  const columns: readonly Column<SavedEntry>[] = [
    {
      id: "name",
      name: "Name",
      cell: ({ name }) => {
        const to = openedAddress("question", name);
        return html`<a href=${hrefOf(to)} onClick=${follow(to)}>${name}</a>`;
      },
    },
    {
      id: "kind",
      name: "Kind",
      className: "wide-only",
      cell: ({ kind }) => kinds[kind] ?? kind,
    },
    {
      id: "description",
      name: "What it asks",
      className: "saved-description",
      cell: ({ description }) => description,
    },
    {
      id: "saved",
      name: "Saved",
      className: "wide-only",
      cell: ({ savedAt }) => h(Instant, { at: savedAt }),
    },
    ...(pin === undefined ? [] : [pinColumn(pin, isBusy)]),
  ];
  return h(Table<SavedEntry>, {
    label: "Saved questions",
    columns,
    rows: entries,
    keyOf: ({ name }) => name,
    className: "saved-list",
  });
}

function pinColumn(pin: (entry: SavedEntry) => void, isBusy: boolean): Column<SavedEntry> {
  return {
    id: "pin",
    name: "Board",
    isNumber: true,
    cell: (entry) =>
      html`<button
        type="button"
        class="button small"
        aria-label=${`Pin ${entry.name}`}
        disabled=${isBusy}
        onClick=${() => pin(entry)}
      >
        ${h(Icon, { name: "pin", size: 16 })}Pin
      </button>`,
  };
}

/**
 * The question's filters, as chips; filters that nest deeper than the page can show are one chip.
 */
function QuestionFilters({ name }: { readonly name: string }): VNode | null {
  const { answer } = useAnswer<SavedQuestion>({ path: pathOf(name) });
  const question = answer?.question as { readonly filters?: unknown } | undefined;
  if (question?.filters === undefined) return null;
  const shown = filtersOfBody(question.filters);
  const texts = shown?.map((filter) => [filterInWords(filter), ""] as const) ?? [
    ["custom filter", JSON.stringify(question.filters)] as const,
  ];
  return h(
    Tips,
    {},
    html`<div class="saved-filters">
      <span class="muted">Of events where</span>
      ${texts.map(
        ([text, tip]) =>
          html`<span class="chip" key=${text} data-tip=${tip === "" ? undefined : tip}
            ><span class="chip-text">${text}</span></span
          >`,
      )}
    </div>`,
  );
}

/** One question: its answer, its view, and how to change it. */
function One({ entry, again }: { readonly entry: SavedEntry; readonly again: () => void }): VNode {
  const isEditing = may("admin") && readParameter(address.value, "edit") !== undefined;
  const to = viewAddress(entry);
  const edit = (on: boolean) => change({ edit: on ? "1" : undefined }, { replace: true });
  return html`${h(
    Card,
    {
      title: entry.name,
      note: html`${kinds[entry.kind] ?? entry.kind}, saved ${h(Instant, { at: entry.savedAt })}`,
      tools: { calls: [resultsCall(entry.name)] },
    },
    html`<div class="stack saved-one">
      ${entry.description !== "" && html`<p>${entry.description}</p>`}
      ${h(QuestionFilters, { name: entry.name })}
      <div class="row">
        ${
          to !== undefined &&
          html`<a class="button primary" href=${hrefOf(to)} onClick=${follow(to)}
            >Open in ${viewOf(to.view).title}</a
          >`
        }
        ${
          may("admin")
            ? !isEditing &&
              html`<button type="button" class="button" onClick=${() => edit(true)}>
                ${h(Icon, { name: "edit", size: 16 })}Change
              </button>`
            : h(ReadOnly, {})
        }
        ${h(ToBoard, {})}
      </div>
      ${
        isEditing &&
        h(EditQuestion, {
          name: entry.name,
          saved: () => {
            edit(false);
            again();
          },
          removed: () => {
            go(addressOf("saved"));
            again();
          },
          close: () => edit(false),
        })
      }
    </div>`,
  )}
  ${h(Tile, { entry })}`;
}
