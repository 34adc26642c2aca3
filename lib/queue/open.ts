import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import type { DurableQueue } from "./queue.ts";

/**
 * Opens the configured durable queue: RabbitMQ's where `RABBITMQ_URL` is set, else the embedded one
 * under `DATA_DIR`. Each client is loaded only where it is used.
 */
export async function openQueue(config: Config, log: Log): Promise<DurableQueue> {
  const maxBytes = config.queueMaxBytes;
  if (config.rabbitmqUrl === null) {
    const { EmbeddedQueue } = await import("./embedded/embedded-queue.ts");
    return EmbeddedQueue.open({ file: config.files.queue, maxBytes, log });
  }
  const { RabbitQueue } = await import("./rabbitmq/rabbitmq-queue.ts");
  const prefix = `${config.clusterName}.events`;
  return RabbitQueue.open({ url: config.rabbitmqUrl, prefix, maxBytes, log });
}
