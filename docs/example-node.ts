/**
 * Another Moleculer node of the cluster: it sends events and asks for counts without HTTP.
 *
 *   RABBITMQ_URL=amqp://user:password@host:5672 node docs/example-node.ts
 */
import { ServiceBroker } from "moleculer";

const { RABBITMQ_URL: url, CLUSTER_NAME: namespace = "analytics" } = process.env;

// Without noDelay and prefetch a node gets through some 20 requests a second.
const options = { url, socketOptions: { noDelay: true }, prefetch: 100, autoDeleteQueues: true };

const broker = new ServiceBroker({
  namespace,
  nodeID: `shop-backend-${process.pid}`,
  transporter: { type: "AMQP", options },
  logger: false,
});
await broker.start();
await broker.waitForServices(["ingest", "query"]);

// Whose events these are. The nodes of a cluster trust each other: no key is asked for.
const meta = { project: "default" };

// Answered once the event is durable; with waitMs, once it is stored or the time is over.
const event = { type: "order.placed", source: "shop-backend", data: { amount: 12.5 } };
const receipt = await broker.call("ingest.collect", { events: [event], waitMs: 10_000 }, { meta });

const counts = await broker.call("query.counts", { type: "order.placed" }, { meta });

// Fire and forget: lost without a word where nobody listens or the broker is away.
await broker.emit("analytics.track", { type: "cart.viewed", source: "shop-backend" }, { meta });

console.log(JSON.stringify({ receipt, counts }));
await broker.stop();
