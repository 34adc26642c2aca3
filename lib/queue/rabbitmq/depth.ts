import type { Channel, ConsumeMessage } from "amqplib";
import { mostDelayed, type QueueDepth } from "../queue.ts";
import { giveAllBack, take, waitingIn } from "./channel.ts";
import { dueSinceOf, receivedAtOf } from "./message.ts";
import type { Topology } from "./topology.ts";

/**
 * The mean size of the messages that this process handled lately, in place of what the broker does
 * not report.
 */
export class MeanSize {
  #sizeBytes = 0;
  #seen = 0;

  /** The last hundred or so count about the same; older ones fade. */
  add(sizeBytes: number): void {
    this.#seen = Math.min(this.#seen + 1, 100);
    this.#sizeBytes += (sizeBytes - this.#sizeBytes) / this.#seen;
  }

  /** The mean; 0 where there was no message. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }
}

/**
 * What AMQP tells about a queue, which is how many messages wait in it. The rest is put together:
 *
 * - `messages`: waiting, delayed, and those being handled by this process. Those being handled by
 *   other processes are not seen.
 * - `sizeBytes`: exact for what this process is handling; for the rest the number times the mean
 *   size of the messages that this process saw lately (0 before it saw one).
 * - `oldestReceivedAt`: the oldest of those being handled here, since a queue hands out its oldest
 *   first; where none is, and this process consumes or nobody does, that of the message at the head
 *   of the queue; and the one at the head of each delay. A look at a head takes the message for a
 *   moment and gives it back, which marks it as redelivered. What other processes hold is not seen:
 *   the oldest of all is the least over all consuming processes.
 * - `dueSince`: likewise, without the heads of the delays.
 *
 * The broker's counts lag some milliseconds behind what it confirmed. Costs a few questions for
 * each queue, whatever the backlog.
 * @param unacknowledged returns what this process handles; `null` where it does not consume
 */
export async function measure(
  channel: Channel,
  topology: Topology,
  unacknowledged: () => ReadonlySet<ConsumeMessage> | null,
  mean: MeanSize,
): Promise<Omit<QueueDepth, "maxBytes" | "dead">> {
  const raw = await waitingIn(channel, topology.raw);
  const held = unacknowledged();
  const here = [...(held ?? [])];
  const oldest: number[] = here.map(receivedAtOf);
  const due: number[] = here.map(dueSinceOf);
  let messages = here.length + raw.messages;
  const look = async (queue: string, waiting: number) => {
    const head = await take(channel, queue);
    if (head === null) return;
    if (queue === topology.raw) due.push(dueSinceOf(head));
    mean.add(head.content.byteLength);
    oldest.push(receivedAtOf(head));
    await giveAllBack(channel, queue, waiting);
  };
  if (raw.messages > 0 && here.length === 0 && (held !== null || raw.consumers === 0)) {
    // Consumers take what is given back, so that it is not counted again.
    await look(topology.raw, raw.consumers > 0 ? 0 : raw.messages);
  }
  const undelayed = messages;
  for (const queue of topology.retry) {
    const delayed = await waitingIn(channel, queue);
    messages += delayed.messages;
    if (delayed.messages > 0) await look(queue, delayed.messages);
  }
  const hereBytes = here.reduce((sum, { content }) => sum + content.byteLength, 0);
  const oldestReceivedAt = oldest.length === 0 ? null : Math.min(...oldest);
  const late = messages - undelayed > mostDelayed ? oldestReceivedAt : null;
  return {
    messages,
    sizeBytes: hereBytes + Math.round((messages - here.length) * mean.sizeBytes),
    oldestReceivedAt,
    dueSince: due.length === 0 ? late : Math.min(...due),
  };
}
