import { MongoLink } from "../../lib/store/mongo/connection.ts";
import { silent } from "../../lib/log.ts";
import { layCable } from "../../tools/servers/cable.ts";
import { describeWith } from "../../tools/servers/installed.ts";
import { startMongoJava } from "../../tools/servers/servers.ts";

describeWith(["mongo-java"], "a command to MongoDB whose answer is lost on the way", () => {
  test("is given up, though the server seems to be there; the next one is answered", async () => {
    const server = await startMongoJava();
    const cable = await layCable(server.url);
    const open = async (options: string) => {
      const link = new MongoLink({
        uri: `${cable.url}?${options}`,
        database: "lost",
        log: silent,
      });
      await link.open();
      return link;
    };
    // Nobody looks after the server meanwhile.
    const link = await open("socketTimeoutMS=300&heartbeatFrequencyMS=600000");
    const ask = () => link.run(({ events }) => events.findOne({}));
    try {
      expect(await ask()).toBeNull();
      cable.swallow();
      await expect(ask()).rejects.toMatchObject({ type: "STORE_UNAVAILABLE" });
      cable.plugIn();
      expect(await ask()).toBeNull();
      const usual = await open("");
      expect(usual.client.options.socketTimeoutMS).toBe(60_000);
      await usual.close();
    } finally {
      await link.close();
      await cable.remove();
      await server.stop();
    }
  }, 200_000);
});
