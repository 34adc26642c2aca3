import { rabbitmqHarness } from "../fixtures/rabbitmq-queue.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { type RabbitmqServer, startRabbitmq } from "../../tools/servers/servers.ts";
import { queueContract } from "../contract/queue.contract.ts";

describeWith(["rabbitmq"], "on RabbitMQ", () => {
  let server: RabbitmqServer;
  beforeAll(async () => {
    server = await startRabbitmq();
  }, 200_000);
  afterAll(() => server?.stop());

  const traits = { exactSizes: false, oldestIsFirst: true };
  queueContract(
    "a quorum queue",
    rabbitmqHarness(() => server.url, true),
    traits,
  );
  queueContract(
    "a classic queue",
    rabbitmqHarness(() => server.url, false),
    traits,
  );
});
