import type { MessagePort } from "node:worker_threads";
import { heapIsFull, lowerThreadPriority } from "../../concurrency/thread-load.ts";
import { FoldOverflow } from "../../questions/fold.ts";
import { NewerSchema } from "../../sqlite/schema-steps.ts";
import { TimedOut } from "../time-limit.ts";
import { isBrokenJson } from "./broken-body.ts";
import { Away, Database } from "./database.ts";
import { Stops } from "./thread.ts";
import {
  betweenVerbs,
  readerVerbs,
  writerVerbs,
  type Failure,
  type ThreadCall,
  type ThreadOptions,
  type ThreadReply,
} from "./verbs.ts";

/** No caller waits for the call any more. */
class Stopped extends Error {
  override readonly name = "Stopped";
}

type Verb = (db: Database, ...parameters: readonly unknown[]) => unknown;

/**
 * Carries out the calls of the event loop on a thread of the store, its writer or one of its
 * readers, until the call `close`.
 * @param port where calls come and replies go
 */
export function serve(port: MessagePort, options: ThreadOptions): void {
  const database = new Database(options);
  if (options.givesWay) lowerThreadPriority();
  if (options.role === "writer") serveWrites(port, database);
  else serveReads(port, database, new Stops(options.stops));
}

function serveReads(port: MessagePort, db: Database, stops: Stops): void {
  port.on("message", (call: ThreadCall) => {
    if (call.verb === "close") {
      close(port, db);
      return;
    }
    db.check = () => {
      if (stops.has(call.id)) throw new Stopped("nobody waits for it any more");
      if (heapIsFull()) throw new FoldOverflow("it takes more memory than one question may");
    };
    port.postMessage(commit(db, readerVerbs as unknown as Record<string, Verb>, [call]));
  });
}

function serveWrites(port: MessagePort, db: Database): void {
  const take = inGroups((calls) => {
    const group = calls.filter(({ verb }) => verb in writerVerbs);
    if (group.length > 0) {
      port.postMessage(commit(db, writerVerbs as unknown as Record<string, Verb>, group));
    }
    const between = calls.filter(({ verb }) => verb in betweenVerbs);
    if (between.length > 0) port.postMessage(between.map((call) => carryOut(db, call)));
    if (calls.some(({ verb }) => verb === "close")) close(port, db);
  });
  port.on("message", take);
}

/** The calls that may wait for others: their callers have many under way at a time. */
const mayWait: ReadonlySet<string> = new Set(["keepWhole"]);

/** How long they wait: a multiple of what the last group took, and never longer than `maxRestMs`. */
const restFactor = 2;
const maxRestMs = 20;

/**
 * Group commit: all calls that wait when the loop turns are carried out together, in their order.
 * Batches that come right after a commit wait a little for others: a commit costs the same for one
 * batch as for several, and several write a page of an index once. Any other call goes at once, and
 * takes along the batches that wait.
 * @returns a function that takes a call
 */
export function inGroups(
  carryOut: (calls: readonly ThreadCall[]) => void,
): (call: ThreadCall) => void {
  let waiting: ThreadCall[] = [];
  let restUntil = 0;
  let resting: NodeJS.Timeout | undefined;
  let isDue = false;
  const turn = () => {
    clearTimeout(resting);
    [resting, isDue] = [undefined, false];
    const calls = waiting;
    waiting = [];
    if (calls.length === 0) return;
    const begunAt = performance.now();
    carryOut(calls);
    const endedAt = performance.now();
    restUntil = endedAt + Math.min(maxRestMs, restFactor * (endedAt - begunAt));
  };
  return (call) => {
    waiting.push(call);
    if (isDue) return;
    const restMs = mayWait.has(call.verb) ? restUntil - performance.now() : 0;
    if (restMs >= 1) resting ??= setTimeout(turn, restMs);
    else {
      isDue = true;
      setImmediate(turn);
    }
  };
}

/**
 * Carries out a group of calls in one transaction. Where one of them fails by its own fault the
 * group is rolled back and carried out again in halves: the others succeed, and the usual case pays
 * nothing.
 */
function commit(
  db: Database,
  verbs: Readonly<Record<string, Verb>>,
  group: readonly ThreadCall[],
): readonly ThreadReply[] {
  try {
    return db.transaction(() =>
      group.map(({ id, verb, parameters }) => {
        db.check();
        return { id, value: verbs[verb]!(db, ...parameters) };
      }),
    );
  } catch (error) {
    const failure = failureOf(error);
    if (failure.kind === "away" || failure.kind === "newer" || group.length === 1) {
      return group.map(({ id }) => ({ id, failure }));
    }
    const half = Math.ceil(group.length / 2);
    return [...commit(db, verbs, group.slice(0, half)), ...commit(db, verbs, group.slice(half))];
  }
}

/** Carries out a call that must not run within a transaction. */
function carryOut(db: Database, { id, verb, parameters }: ThreadCall): ThreadReply {
  try {
    const verbs: Readonly<Record<string, Verb>> = betweenVerbs;
    return { id, value: verbs[verb]!(db, ...parameters) };
  } catch (error) {
    return { id, failure: failureOf(error) };
  }
}

function failureOf(error: unknown): Failure {
  const reason = error instanceof Error ? error.message : String(error);
  if (error instanceof Away) return { kind: "away", reason, damaged: error.damaged };
  if (error instanceof Stopped) return { kind: "stopped", reason };
  if (error instanceof NewerSchema) return { kind: "newer", reason };
  if (error instanceof FoldOverflow || error instanceof TimedOut)
    return { kind: "expensive", reason };
  return { kind: isBrokenJson(error) ? "broken" : "bad", reason };
}

function close(port: MessagePort, db: Database): void {
  try {
    db.close();
  } finally {
    port.close();
  }
}
