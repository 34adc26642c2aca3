import type { ChannelModel, Options } from "amqplib";

/** The queues of one durable queue. All messages go through the default exchange, by queue name. */
export interface Topology {
  readonly raw: string;
  /** One for each attempt: the first holds messages that failed once. */
  readonly retry: readonly string[];
  readonly dead: string;
  readonly queues: readonly { readonly name: string; readonly options: Options.AssertQueue }[];
}

interface TopologyOptions {
  /** The queues' prefix: with `analytics.events` they are `analytics.events.raw` and so on. */
  readonly prefix: string;
  readonly maxBytes: number;
  readonly retryDelaysMs: readonly number[];
  /** Quorum queues, which survive the loss of a node; else classic ones. */
  readonly quorum: boolean;
}

/**
 * Quorum queues count how often a message was given back. Without a limit they then put it at their
 * end, and newer brokers have a limit of 20, after which they drop it. Here giving back is no
 * failure (`hold`, a lost connection, reading a dead letter), and the message keeps its place: so
 * the limit is set, out of reach.
 */
const deliveryLimit = 1_000_000_000;

/**
 * - `raw` is bounded and refuses further messages. Messages that the broker itself would drop go to
 *   `dead`.
 * - `retry.<delay>ms`, one for each delay, holds a message for that time; then the broker moves it
 *   to `raw`, and quorum queues remove it only when `raw` has it. Where `raw` is full at that
 *   moment, the broker tries again after three minutes.
 * - `dead` is not bounded: messages stay until somebody replays or removes them.
 */
export function topologyOf(options: TopologyOptions): Topology {
  const { prefix, maxBytes, retryDelaysMs, quorum } = options;
  const raw = `${prefix}.raw`;
  const dead = `${prefix}.dead`;
  const kind = { "x-queue-type": quorum ? "quorum" : "classic" };
  const patient = quorum ? { "x-delivery-limit": deliveryLimit } : {};
  const deadLetterTo = (queue: string) => ({
    "x-dead-letter-exchange": "",
    "x-dead-letter-routing-key": queue,
    ...(quorum ? { "x-dead-letter-strategy": "at-least-once" } : {}),
  });
  const refuse = { "x-overflow": "reject-publish" };
  const queue = (name: string, args: Readonly<Record<string, unknown>>) => ({
    name,
    options: { durable: true, arguments: { ...kind, ...patient, ...args } },
  });
  const retry = retryDelaysMs.map((delayMs) => `${prefix}.retry.${delayMs}ms`);
  return {
    raw,
    retry,
    dead,
    queues: [
      queue(dead, {}),
      queue(raw, { "x-max-length-bytes": maxBytes, ...refuse, ...deadLetterTo(dead) }),
      ...retryDelaysMs.map((delayMs, index) =>
        queue(retry[index] as string, {
          "x-message-ttl": delayMs,
          // At-least-once dead-lettering demands this option; without a bound nothing is refused.
          ...(quorum ? refuse : {}),
          ...deadLetterTo(raw),
        }),
      ),
    ],
  };
}

/**
 * Creates missing queues.
 * @throws where one exists with other properties (406), or the user lacks the right (403)
 */
export async function declare(model: ChannelModel, topology: Topology): Promise<void> {
  const channel = await model.createChannel();
  channel.on("error", () => {
    // The rejected call reports the error.
  });
  for (const { name, options } of topology.queues) await channel.assertQueue(name, options);
  await channel.close();
}
