import { h } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { CatalogProperty, CatalogValue } from "../api/answers.ts";
import { useProperties, useValues } from "../api/catalog.ts";
import {
  alikeValues,
  filterInWords,
  filterValue,
  filterValueName,
  operatorName,
  propertyName,
  takesValue,
  valueName,
  type Filter,
  type Operator,
} from "../pure/filter.ts";
import { number, roundPercent } from "../pure/format.ts";
import { Choices, type Choice } from "./choices.ts";
import { html, type VNode } from "./html.ts";
import { Icon } from "./icon.ts";
import { focusFirst, Popover } from "./popover.ts";

/** Words of mails come first, then the sender's properties, then those of enrichment. */
const nearest = [
  ...["metadata.campaignId", "metadata.templateId", "context.emailProvider"],
  ...["context.machine", "metadata.userId", "correlationId"],
];

function propertyGroup(property: string): string {
  if (nearest.includes(property)) return "Mail";
  const [root = ""] = property.split(/[.[]/, 1);
  return { data: "Data", metadata: "Metadata", context: "Context" }[root] ?? "Event";
}

const groupOrder = ["Mail", "Data", "Metadata", "Context", "Event"];

/**
 * Values as choices of an operator; of two with the same text each names its kind, and selects only
 * that where the operator minds the kind.
 */
function valueChoices(entries: readonly CatalogValue[], op: Operator): readonly Choice[] {
  const alike = alikeValues(entries);
  const choices = entries.map(({ value, kind, count }) => {
    const isAlike = alike.has(value);
    return {
      id: filterValue(value, kind, op, isAlike),
      name: valueName(value),
      note: isAlike ? `${kind}, ${number(count)}` : number(count),
    };
  });
  const ids = choices.map(({ id }) => id);
  return choices.filter(({ id }, index) => ids.indexOf(id) === index);
}

/** Properties as choices, in groups by nearness. */
export function propertyChoices(properties: readonly CatalogProperty[]): readonly Choice[] {
  const order = (property: string) => groupOrder.indexOf(propertyGroup(property));
  return properties
    .toSorted((one, other) => order(one.property) - order(other.property))
    .map(({ property, kinds, share }) => ({
      id: property,
      name: property,
      also: propertyName(property),
      note: `${kinds.join(", ")}, ${roundPercent(share)}`,
      group: propertyGroup(property),
    }));
}

interface Props {
  readonly types: readonly string[];
  readonly onAdd: (filter: Filter) => void;
  /** A filter to change; absent: a new one. */
  readonly filter?: Filter;
  readonly text?: string;
}

/** A chip's button that opens the picker of filters: property, then operator, then values. */
export function FilterPicker({ types, onAdd, filter, text = "Filter" }: Props): VNode {
  return h(Popover, {
    text: filter === undefined ? text : filterInWords(filter),
    className: filter === undefined ? "chip add" : "chip-text",
    title: filter === undefined ? "Add a filter" : "Change the filter",
    panelClass: "list-panel",
    ...(filter === undefined && { icon: "plus" as const, opensBy: "/" }),
    content: (close) =>
      h(FilterSteps, {
        types,
        filter,
        onDone: (done) => {
          onAdd(done);
          close();
        },
      }),
  });
}

interface StepsProps {
  readonly types: readonly string[];
  readonly filter: Filter | undefined;
  readonly onDone: (filter: Filter) => void;
}

/** The steps one after the other: the focus goes with them, since the field of each is its own. */
function FilterSteps({ types, filter, onDone }: StepsProps): VNode {
  const box = useRef<HTMLDivElement>(null);
  const [property, setProperty] = useState(filter?.property);
  const [op, setOp] = useState<Operator | undefined>(filter?.op);
  const shown = useRef([property, op]);
  useEffect(() => {
    if (shown.current[0] === property && shown.current[1] === op) return;
    shown.current = [property, op];
    focusFirst(box.current!.closest<HTMLElement>(".panel")!);
  }, [property, op]);
  return html`<div ref=${box}>
    ${h(FilterStep, { types, filter, onDone, property, setProperty, op, setOp })}
  </div>`;
}

function FilterStep({
  types,
  filter,
  onDone,
  property,
  setProperty,
  op,
  setOp,
}: StepsProps & {
  readonly property: string | undefined;
  readonly setProperty: (property: string | undefined) => void;
  readonly op: Operator | undefined;
  readonly setOp: (op: Operator | undefined) => void;
}): VNode {
  const properties = useProperties(types);
  const kinds = properties.entries.find((entry) => entry.property === property)?.kinds ?? ["text"];
  if (property === undefined) {
    return h(PropertyStep, {
      types,
      properties: properties.entries,
      isBusy: properties.isBusy,
      problem: properties.problem,
      onProperty: setProperty,
      onFilter: onDone,
    });
  }
  if (op === undefined) {
    return h(OperatorStep, {
      property,
      kinds,
      onBack: () => setProperty(undefined),
      onPick: (picked, value) => {
        if (value === undefined) setOp(picked);
        else onDone({ op: picked, property, values: [value] });
      },
    });
  }
  return h(ValueStep, {
    property,
    op,
    types,
    values: filter?.op === op && filter.property === property ? filter.values : [],
    onBack: () => setOp(undefined),
    onDone: (values) => onDone({ op, property, values }),
  });
}

/** The step with properties, and with whole filters of values that match the typed text. */
function PropertyStep(props: {
  readonly types: readonly string[];
  readonly properties: readonly CatalogProperty[];
  readonly isBusy: boolean;
  readonly problem: string | undefined;
  readonly onProperty: (property: string) => void;
  readonly onFilter: (filter: Filter) => void;
}): VNode {
  const { properties, types, onProperty, onFilter } = props;
  const [search, setSearch] = useState("");
  const likely = ["metadata.campaignId", "metadata.templateId", "context.emailProvider"].filter(
    (name) => properties.some(({ property }) => property === name),
  );
  const values = [
    useValues(search === "" ? undefined : likely[0], types, search),
    useValues(search === "" ? undefined : likely[1], types, search),
    useValues(search === "" ? undefined : likely[2], types, search),
  ];
  const needle = search.toLowerCase();
  const found = propertyChoices(properties).filter(({ name, also = "" }) =>
    `${name} ${also}`.toLowerCase().includes(needle),
  );
  const matching = likely.flatMap((property, index) =>
    valueChoices(values[index]!.entries.slice(0, 5), "is").map(({ id, name, note }) => ({
      id: `${property}\0${id}`,
      name: `${propertyName(property)} is ${name}`,
      ...(note !== undefined && { note }),
      group: "Values that match",
    })),
  );
  return h(Choices, {
    label: "Search properties and values",
    choices: search === "" ? found : [...found, ...matching],
    // Properties are narrowed here: values are waited for where there are none.
    isBusy: props.isBusy || (found.length === 0 && values.some(({ isBusy }) => isBusy)),
    ...(props.problem !== undefined && { problem: props.problem }),
    onSearch: setSearch,
    free: (text) =>
      /^(data|metadata|context)\.\S+$/.test(text) && !found.some(({ id }) => id === text)
        ? { id: text, name: text, note: "this property" }
        : undefined,
    onPick: ({ id }) => {
      const [property = "", value] = id.split("\0");
      if (value === undefined) onProperty(property);
      else onFilter({ op: "is", property, values: [value] });
    },
  });
}

function OperatorStep({
  property,
  kinds,
  onPick,
  onBack,
}: {
  readonly property: string;
  readonly kinds: readonly string[];
  readonly onPick: (op: Operator, value?: string) => void;
  readonly onBack: () => void;
}): VNode {
  const ofNumbers: readonly Operator[] = ["is", "is_not", "gt", "gte", "lt", "lte"];
  const ofTexts: readonly Operator[] = ["is", "is_not", "contains", "starts_with"];
  const isNumber = kinds.includes("number") && !kinds.includes("text");
  const choices: readonly Choice[] = [
    ...(isNumber ? ofNumbers : ofTexts).map((op) => ({ id: op, name: operatorName(op) })),
    { id: "set", name: "is set" },
    { id: "not set", name: "is not set" },
  ];
  return html`${h(Steps, { texts: [propertyName(property)], onBack })}
  ${h(Choices, {
    label: "Search",
    choices,
    onBack,
    onPick: ({ id }) => {
      if (id === "set" || id === "not set") onPick("exists", String(id === "set"));
      else onPick(id as Operator);
    },
  })}`;
}

function ValueStep(props: {
  readonly property: string;
  readonly op: Operator;
  readonly types: readonly string[];
  readonly values: readonly string[];
  readonly onDone: (values: readonly string[]) => void;
  readonly onBack: () => void;
}): VNode {
  const { property, op, types, onDone, onBack } = props;
  const takesSeveral = op === "is" || op === "is_not" || op === "shown_as";
  const [search, setSearch] = useState("");
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set(props.values));
  const { entries, isBusy } = useValues(property, types, search);
  const offered = valueChoices(entries, op).filter(({ id }) => takesValue(op, id));
  const kept = [...picked]
    .filter((value) => !offered.some(({ id }) => id === value) && search === "")
    .map((value) => ({ id: value, name: filterValueName(op, value), note: "" }));
  const choices = [...kept, ...offered];
  function pick(id: string): void {
    if (!takesSeveral) {
      onDone([id]);
      return;
    }
    const next = new Set(picked);
    if (!next.delete(id)) next.add(id);
    setPicked(next);
  }
  return html`${h(Steps, { texts: [propertyName(property), operatorName(op)], onBack })}
  ${h(Choices, {
    label: takesSeveral ? "Search values, several may be chosen" : "Value",
    choices,
    picked,
    isBusy,
    onSearch: setSearch,
    onBack,
    empty: "No values of this name.",
    free: (text) =>
      choices.some(({ id }) => id === text)
        ? undefined
        : { id: text, name: text, note: "as typed" },
    onPick: ({ id }) => pick(id),
  })}
  ${
    takesSeveral &&
    html`<div class="panel-foot">
      <button
        type="button"
        class="button primary"
        disabled=${picked.size === 0}
        onClick=${() => onDone([...picked])}
      >
        Apply
      </button>
    </div>`
  }`;
}

/** The choices so far, and the way back. */
function Steps({
  texts,
  onBack,
}: {
  readonly texts: readonly string[];
  readonly onBack: () => void;
}): VNode {
  return html`<div class="steps">
    <button type="button" class="icon-button" aria-label="One step back" onClick=${onBack}>
      ${h(Icon, { name: "left", size: 16 })}
    </button>
    ${texts.map((text) => html`<span key=${text}>${text}</span>`)}
  </div>`;
}
