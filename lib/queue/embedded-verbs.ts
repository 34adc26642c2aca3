import { ServiceError } from "../errors.ts";
import type { Feed } from "./embedded-feed.ts";
import type { QueueFile } from "./embedded-file.ts";
import type { Intake } from "./embedded-intake.ts";
import type { Verbs } from "./embedded-protocol.ts";
import type { DeadLetter, QueueDepth } from "./queue.ts";

/** The rare verbs, each one its own transaction. */
export class EngineVerbs implements Verbs {
  readonly #file: () => QueueFile;
  readonly #writable: () => QueueFile;
  readonly #feed: () => Feed;
  readonly #intake: Intake;
  readonly #maxBytes: number;

  /** The first three throw while there is none. @param writable for adding to it */
  constructor(
    file: () => QueueFile,
    writable: () => QueueFile,
    feed: () => Feed,
    intake: Intake,
    maxBytes: number,
  ) {
    this.#file = file;
    this.#writable = writable;
    this.#feed = feed;
    this.#intake = intake;
    this.#maxBytes = maxBytes;
  }

  depth(): QueueDepth {
    const file = this.#file();
    return {
      messages: file.counters.messages,
      sizeBytes: file.sizeBytes,
      maxBytes: this.#maxBytes,
      oldestReceivedAt: file.oldestReceivedAt(),
      dead: file.counters.dead,
    };
  }

  put(body: Uint8Array, receivedAt: number, reason: string): void {
    const file = this.#writable();
    file.transaction(() => file.dead.put(body, receivedAt, Date.now(), reason));
  }

  list(limit: number): readonly DeadLetter[] {
    return this.#file().dead.list(limit);
  }

  find(id: string): DeadLetter | undefined {
    return this.#file().dead.find(id);
  }

  replay(id: string): boolean {
    const file = this.#writable();
    const letter = file.dead.find(id);
    if (letter === undefined) return false;
    const bytes = new Uint8Array(letter.body);
    const group = {
      bytes,
      sizes: [bytes.byteLength],
      receivedAts: [letter.receivedAt],
      until: Infinity,
    };
    const inserted = file.transaction(() => {
      const result = this.#intake.insert(file, [group]);
      if (result.full.length === 0) file.dead.remove(id);
      return result;
    });
    this.#intake.committed(inserted, this.#feed());
    if (inserted.full.length > 0) throw new ServiceError("QUEUE_FULL");
    return true;
  }

  remove(id: string): boolean {
    const file = this.#file();
    return file.transaction(() => file.dead.remove(id));
  }
}
