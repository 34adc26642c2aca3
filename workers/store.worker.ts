import { parentPort, workerData, type MessagePort } from "node:worker_threads";
import { heapIsFull, lowerThreadPriority } from "../lib/concurrency/thread-load.ts";
import { NewerSchema } from "../lib/sqlite/schema-steps.ts";
import { FoldOverflow } from "../lib/questions/fold.ts";
import { isBrokenJson } from "../lib/store/sqlite/broken-body.ts";
import { Away, Database } from "../lib/store/sqlite/database.ts";
import { inGroups } from "../lib/store/sqlite/groups.ts";
import {
  type ThreadReply,
  type ThreadCall,
  type Failure,
  type ThreadOptions,
  readerVerbs,
  writerVerbs,
} from "../lib/store/sqlite/verbs.ts";
import { Stopped, Stops, TimedOut } from "../lib/store/stops.ts";

type Verb = (db: Database, ...parameters: readonly unknown[]) => unknown;

/**
 * A thread of `SqliteStore`, its writer or one of its readers: it waits for the disk so that the
 * event loop need not. It runs until the call `close`.
 */
if (parentPort === null) throw new Error("this is a worker thread's file");
const options = workerData as ThreadOptions;
const database = new Database(options);
if (options.givesWay) lowerThreadPriority();
if (options.role === "writer") serveWrites(parentPort, database);
else serveReads(parentPort, database, new Stops(options.stops));

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
    const group = calls.filter(({ verb }) => verb !== "close");
    if (group.length > 0) {
      port.postMessage(commit(db, writerVerbs as unknown as Record<string, Verb>, group));
    }
    if (group.length < calls.length) close(port, db);
  });
  port.on("message", take);
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
