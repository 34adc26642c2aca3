import { hash } from "node:crypto";
import { faultIn } from "../exact-json.ts";

/** A record as an event to send, or why it is none. */
export type EventReading =
  | { readonly json: string; readonly problem?: undefined }
  | {
      readonly json?: undefined;
      readonly problem: string;
      /** Where in the event the problem is (RFC 6901); absent: the whole. */
      readonly pointer?: string;
    };

/** Reads records of a file as events with ids. */
export interface EventReader {
  /** `undefined` where the record holds no event: a blank line, the head of a table. */
  read(text: string, line: number): EventReading | undefined;
}

/** The fields of events that do not set them. */
export interface Defaults {
  readonly type?: string | undefined;
  readonly source?: string | undefined;
}

/**
 * Makes the id of an event without one from the file's beginning, the line's number and the line:
 * so it is the same in each run, and two equal lines of a file are two events.
 * @param seed the file's seed; see `seedOf`
 */
export function derivedId(seed: string, line: number, text: string): string {
  return `import-${hash("sha256", `${seed}\n${line}\n${text}`, "base64url").slice(0, 22)}`;
}

/**
 * The seed of a file's ids: its first lines, which stay when it grows; or a name that the caller
 * gives.
 */
export function seedOf(firstLines: readonly string[], namespace?: string): string {
  const text = namespace === undefined ? firstLines.join("\n") : `namespace\n${namespace}`;
  return hash("sha256", text, "base64url").slice(0, 22);
}

export interface LineOptions {
  readonly seed: string;
  readonly defaults: Defaults;
  /** Whether lines are those of an export, which have fields that only stored events have. */
  readonly exported: boolean;
}

const onlyStored = ["receivedAt", "project", "context"];

/**
 * Reads NDJSON. A line is sent as it is written: its numbers keep every digit, so that the service
 * can refuse those that it could not keep. A line that has to be written again, because of a `null`
 * or of fields of an export, is refused here where a number would change.
 */
export function lineReader({ seed, defaults, exported }: LineOptions): EventReader {
  return {
    read(text, line) {
      if (text.trim() === "") return undefined;
      let event: unknown;
      try {
        event = JSON.parse(text);
      } catch (error) {
        return { problem: `it is not JSON: ${(error as Error).message}` };
      }
      if (typeof event !== "object" || event === null || Array.isArray(event)) {
        return { problem: "it is no JSON object" };
      }
      const given = event as Record<string, unknown>;
      const id = given["id"] ?? derivedId(seed, line, text);
      const missing = Object.entries({ id, ...defaults }).filter(
        ([name, value]) => value !== undefined && (given[name] ?? null) === null,
      );
      // A member that is null stands behind the inserted ones and would win.
      const isPlain = missing.every(([name]) => !Object.hasOwn(given, name)) && !exported;
      if (isPlain) return { json: withMembers(text, missing) };
      const fault = faultIn(text);
      if (fault !== undefined) return { problem: fault.message, pointer: fault.pointer };
      return { json: JSON.stringify(rewritten(given, missing, exported)) };
    },
  };
}

function rewritten(
  event: Readonly<Record<string, unknown>>,
  added: readonly (readonly [string, unknown])[],
  exported: boolean,
): object {
  const kept = Object.entries(event).filter(([name]) => !exported || !onlyStored.includes(name));
  return Object.fromEntries([...kept, ...added]);
}

/** Matches the rest of an object without members: JSON's white space and the closing bracket. */
const emptyRest = /[ \t\r\n]*\}/y;

/** Inserts members before an object's own. */
function withMembers(text: string, members: readonly (readonly [string, unknown])[]): string {
  if (members.length === 0) return text;
  const written = JSON.stringify(Object.fromEntries(members)).slice(0, -1);
  const behind = text.indexOf("{") + 1;
  emptyRest.lastIndex = behind;
  return `${written}${emptyRest.test(text) ? "" : ","}${text.slice(behind)}`;
}
