import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { eventually } from "../../support/eventually.ts";
import { layCable, type Cable } from "../../../tools/servers/cable.ts";

describe("a cable", () => {
  let server: Server;
  let cable: Cable;
  const clients: Socket[] = [];

  beforeEach(async () => {
    // Answers with what it was sent.
    server = createServer((socket) => socket.on("error", () => undefined).pipe(socket));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    cable = await layCable(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`);
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    await cable.remove();
    server.close();
  });

  async function dial() {
    const socket = connect(Number(new URL(cable.url).port), "127.0.0.1");
    clients.push(socket);
    let heard = "";
    socket.on("data", (text) => (heard += String(text))).on("error", () => undefined);
    await once(socket, "connect");
    return {
      socket,
      say: (text: string) => socket.write(text),
      hears: (text: string) => eventually(() => expect(heard).toBe(text)),
      heard: () => heard,
    };
  }

  test("that swallows loses what is sent and keeps its connections; back in, those that lost something end", async () => {
    const [spoke, was] = [await dial(), await dial()];
    spoke.say("before ");
    was.say("silent ");
    await Promise.all([spoke.hears("before "), was.hears("silent ")]);
    cable.swallow();
    spoke.say("lost ");
    const late = await dial();
    late.say("lost as well");
    await eventually(() => expect(cable.swallowedBytes).toBe("lost lost as well".length));
    expect([spoke.socket.closed, late.socket.closed]).toEqual([false, false]);
    cable.plugIn();
    await eventually(() => expect([spoke.socket.closed, late.socket.closed]).toEqual([true, true]));
    was.say("and goes on");
    await was.hears("silent and goes on");
    expect(spoke.heard() + late.heard()).toBe("before ");
  });

  test("that is slow delivers all, in order", async () => {
    const client = await dial();
    cable.slow(5);
    const words = ["one ", "two ", "three ", "four"];
    for (const word of words) client.say(word);
    await client.hears(words.join(""));
  });

  test("that is pulled out ends its connections and takes none", async () => {
    const client = await dial();
    cable.pull();
    await eventually(() => expect(client.socket.closed).toBe(true));
    const refused = await dial().catch((error: unknown) => error);
    await eventually(() => expect(clients.at(-1)!.closed).toBe(true));
    cable.plugIn();
    const again = await dial();
    again.say("there");
    await again.hears("there");
    expect(refused).toBeDefined();
  });
});
