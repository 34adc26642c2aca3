import { ServiceBroker } from "moleculer";
import { orderlyEnd } from "../../../lib/runtime/middlewares.ts";

test("a stop waits for services that are starting, and a second one joins it", async () => {
  const order: string[] = [];
  const begun = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  const broker = new ServiceBroker({
    logger: false,
    skipProcessEventRegistration: true,
    middlewares: [orderlyEnd()],
  });
  broker.createService({
    name: "slow",
    async started() {
      begun.resolve();
      await opened.promise;
      order.push("opened");
    },
    stopped: async () => void order.push("closed"),
  });
  const started = broker.start();
  await begun.promise;
  const stops = [broker.stop(), broker.stop()];
  opened.resolve();
  await Promise.all([started, ...stops]);
  expect(order).toEqual(["opened", "closed"]);

  await broker.start();
  await broker.stop();
  expect(order).toEqual(["opened", "closed", "opened", "closed"]);
});
