import { ServiceBroker } from "moleculer";
import { readConfig } from "../../../lib/config.ts";
import { warmUp } from "../../../lib/runtime/warm-up.ts";
import { eventually } from "../../support/eventually.ts";

/** The calls that a process of some services makes of itself once it is up. */
async function askedBy(variables: Readonly<Record<string, string>>, fails = false) {
  const asked: string[] = [];
  const broker = new ServiceBroker({ logger: false, middlewares: [warmUp(readConfig(variables))] });
  const answer = (name: string) => () => {
    asked.push(name);
    if (fails) throw new Error("the store is away");
    return {};
  };
  broker.createService({
    name: "query",
    actions: { counts: answer("counts"), events: answer("events") },
  });
  await broker.start();
  return { broker, asked };
}

test("a process that answers alone asks the first questions itself, once", async () => {
  const { broker, asked } = await askedBy({});
  await eventually(() => expect(asked).toEqual(["counts", "events"]));
  await broker.stop();
});

test("questions that fail do no harm", async () => {
  const { broker, asked } = await askedBy({}, true);
  await eventually(() => expect(asked).toEqual(["counts"]));
  expect(await broker.call("$node.health")).toBeDefined();
  await broker.stop();
});

test("a process of a cluster asks nothing", async () => {
  const { broker, asked } = await askedBy({
    SERVICES: "query",
    RABBITMQ_URL: "amqp://127.0.0.1",
    MONGODB_URI: "mongodb://127.0.0.1/warm",
  });
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  expect(asked).toEqual([]);
  await broker.stop();
});
