import { isRange } from "./range.ts";
import { isZone } from "./zone.ts";

export type ViewName =
  | "now"
  | "trends"
  | "funnel"
  | "retention"
  | "paths"
  | "mail"
  | "events"
  | "saved"
  | "health"
  | "admin";

/** The state of the page, as the address holds it. */
export interface Address {
  readonly view: ViewName;
  /** The opened event, story or saved question, decoded. */
  readonly opened?: { readonly kind: "event" | "story" | "question"; readonly id: string };
  /** All parameters in their order, as texts. */
  readonly parameters: readonly (readonly [string, string])[];
}

const paths: Readonly<Record<string, ViewName>> = {
  ...{ "/": "now", "/trends": "trends", "/funnel": "funnel", "/retention": "retention" },
  ...{ "/paths": "paths", "/mail": "mail", "/events": "events", "/saved": "saved" },
  ...{ "/pipeline": "health", "/admin": "admin" },
};

function pathOfView(view: ViewName): string {
  return Object.entries(paths).find(([, name]) => name === view)![0];
}

const openedPath = /^\/(events|stories|saved)\/([^/]+)$/;
const openedKinds = {
  events: ["events", "event"],
  stories: ["events", "story"],
  saved: ["saved", "question"],
} as const;

export function readAddress(path: string, search: string): Address {
  // A parameter without a value says as much as none, but where it is the row of an empty text.
  const parameters = [...new URLSearchParams(search)].filter(
    ([name, value]) => value !== "" || name === "hide" || name === "row",
  );
  const view = paths[path];
  if (view !== undefined) return { view, parameters };
  const [, folder, id = ""] = openedPath.exec(path) ?? [];
  if (folder === undefined) return { view: "now", parameters };
  const [of, kind] = openedKinds[folder as keyof typeof openedKinds];
  return { view: of, opened: { kind, id: decoded(id) }, parameters };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function writeAddress({ view, opened, parameters }: Address): string {
  const search = writeParameters(parameters);
  return pathOf(view, opened) + (search === "" ? "" : `?${search}`);
}

function pathOf(view: ViewName, opened: Address["opened"]): string {
  if (opened === undefined) return pathOfView(view);
  const folder = { event: "events", story: "stories", question: "saved" }[opened.kind];
  return `/${folder}/${encodeURIComponent(opened.id)}`;
}

/** Leaves characters that people read in a link as they are: commas, slashes, colons. */
function writeParameters(parameters: Address["parameters"]): string {
  return parameters.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/%(2C|2F|3A|3B|40)/g, decodeURIComponent);
}

export function parameter({ parameters }: Address, name: string): string | undefined {
  return parameters.find(([known]) => known === name)?.[1];
}

export function parameterList({ parameters }: Address, name: string): readonly string[] {
  return parameters.filter(([known]) => known === name).map(([, value]) => value);
}

/** New values of some parameters; `undefined` or an empty list removes one. */
export type Changes = Readonly<Record<string, string | readonly string[] | undefined>>;

export function changed(address: Address, changes: Changes): Address {
  const kept = address.parameters.filter(([name]) => !Object.hasOwn(changes, name));
  const added = Object.entries(changes).flatMap(([name, value]) =>
    value === undefined
      ? []
      : (typeof value === "string" ? [value] : value).map((one) => [name, one] as const),
  );
  return { ...address, parameters: [...kept, ...added] };
}

const defaultRange = "30d";

/** The range of the address. */
export function rangeOf(address: Address): string {
  const text = parameter(address, "range");
  return text !== undefined && isRange(text) ? text : defaultRange;
}

/** The zone of the address, or `otherwise`. */
export function zoneOf(address: Address, otherwise: string): string {
  const text = parameter(address, "tz");
  return text !== undefined && isZone(text) ? text : otherwise;
}
