import { EventEmitter, once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import { connect, type AddressInfo } from "node:net";
import fc from "fast-check";
import { AnswersUnderWay } from "../../../lib/concurrency/held-bytes.ts";
import { cutWhenSlow } from "../../../lib/http/sending.ts";
import type { ServiceError } from "../../../lib/errors.ts";

function responseOf(): ServerResponse {
  return Object.assign(new EventEmitter(), { closed: false }) as unknown as ServerResponse;
}

/** What something is refused with. */
function typeOf(refused: () => void): string | undefined {
  try {
    refused();
    return undefined;
  } catch (error) {
    return (error as ServiceError).type;
  }
}

describe("answers under way", () => {
  test("hold no more than they may, by caller and together, and nothing once they are closed", () => {
    const steps = fc.array(
      fc.record({
        caller: fc.constantFrom("a", "b", "c"),
        bytes: fc.integer({ min: 1, max: 60 }),
        closes: fc.nat(),
      }),
    );
    fc.assert(
      fc.property(steps, (all) => {
        const answers = new AnswersUnderWay(100);
        const open: { caller: string; bytes: number; response: ServerResponse }[] = [];
        const heldBy = (caller?: string) =>
          open
            .filter((one) => caller === undefined || one.caller === caller)
            .reduce((sum, { bytes }) => sum + bytes, 0);
        for (const { caller, bytes, closes } of all) {
          const response = responseOf();
          try {
            answers.hold(response, caller, bytes);
            open.push({ caller, bytes, response });
          } catch (error) {
            const type = (error as ServiceError).type;
            const isOwn = heldBy(caller) > 0 && heldBy(caller) + bytes >= 50;
            expect(type).toBe(isOwn ? "TOO_MANY_REQUESTS" : "OVERLOADED");
            expect((error as ServiceError).data.retryAfter).toBeGreaterThan(0);
          }
          expect(answers.heldBytes).toBe(heldBy());
          expect(heldBy()).toBeLessThan(100 + 60);
          if (closes % 3 === 0 && open.length > 0) {
            open.splice(closes % open.length, 1)[0]!.response.emit("close");
          }
        }
        for (const { response } of open) response.emit("close");
        expect(answers.heldBytes).toBe(0);
      }),
    );
  });

  test("count what is being made, so that no more is begun than may be held", async () => {
    const answers = new AnswersUnderWay(100);
    const { promise, resolve } = Promise.withResolvers<string>();
    const made = answers.make("a", 50, () => promise);
    await expect(answers.make("a", 1, () => promise)).rejects.toMatchObject({
      type: "TOO_MANY_REQUESTS",
    });
    const failing = answers.make("b", 40, () => Promise.reject(new Error("away")));
    await expect(failing).rejects.toThrow("away");
    expect(answers.heldBytes).toBe(50);
    resolve("made");
    expect(await made).toBe("made");
    expect(answers.heldBytes).toBe(0);
  });

  test("a caller whose half is full is refused before anything is worked out, another is not", () => {
    const answers = new AnswersUnderWay(100);
    answers.hold(responseOf(), "a", 50);
    expect(typeOf(() => answers.check("a"))).toBe("TOO_MANY_REQUESTS");
    expect(() => answers.check("b")).not.toThrow();
    answers.hold(responseOf(), "b", 49);
    answers.hold(responseOf(), "c", 0.5);
    expect(typeOf(() => answers.hold(responseOf(), "d", 1))).toBe("OVERLOADED");
  });
});

describe("a slow client", () => {
  let server: Server;

  async function answering(answer: (response: ServerResponse) => void): Promise<number> {
    server = createServer((_, response) => {
      cutWhenSlow(response, 20);
      answer(response);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  test("is cut off where it takes nothing of an answer", async () => {
    const closed = Promise.withResolvers<boolean>();
    const port = await answering((response) => {
      response.once("close", () => closed.resolve(response.writableFinished));
      response.end(Buffer.alloc(64 * 1_048_576));
    });
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => undefined).pause();
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    expect(await closed.promise).toBe(false);
    socket.destroy();
  });

  test("may wait as long as there is nothing to take", async () => {
    const looks = Promise.withResolvers<ServerResponse>();
    const port = await answering((response) => {
      let times = 0;
      response.on("timeout", () => {
        times += 1;
        if (times === 3) looks.resolve(response);
      });
    });
    const asked = fetch(`http://127.0.0.1:${port}`);
    (await looks.promise).end("at last");
    expect(await (await asked).text()).toBe("at last");
  });
});
