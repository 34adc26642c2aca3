/**
 * What the cluster is compared with: a Node server that publishes each body as one persistent
 * message to a quorum queue and answers 202 when the broker has confirmed it, as many at a time as
 * there are requests.
 *
 * Takes the broker's URL, sends its port to its parent, and ends with it.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "amqplib";

const queue = "bench.confirm-per-event";
const connection = await connect(process.argv[2] ?? "", { noDelay: true });
const channel = await connection.createConfirmChannel();
await channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "quorum" } });

const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    JSON.parse(body.toString());
    channel.sendToQueue(queue, body, { persistent: true, mandatory: true }, (error: unknown) => {
      response.writeHead(error === null ? 202 : 503, { "Content-Type": "application/json" });
      response.end('{"status":"accepted"}');
    });
  });
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.once("disconnect", () => process.exit());
