import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { freePort } from "../../tools/servers/free-ports.ts";
import { beginCommand } from "./command-line.ts";

async function codeOf(args: readonly string[], url: string): Promise<number | null> {
  const { child, output, ended } = beginCommand(args, { MAILY_URL: url, MAILY_KEY: "k" });
  await ended;
  expect({ args, ...output }).toEqual({
    args,
    stdout: "",
    stderr: expect.stringMatching(/./) as string,
  });
  return child.exitCode;
}

/** Every command that asks, besides those that end once everything is confirmed. */
const reads = [
  "keys list",
  "schemas list",
  "schemas show t",
  "schemas infer t",
  "quarantine list",
  "quarantine show e",
  "quarantine replay --all",
  "retention show",
  "trace e",
  "counts",
  "query",
  "export",
  "subjects export u",
];

test("a command whose service is away fails, and says that it may work later", async () => {
  const away = `http://127.0.0.1:${await freePort()}`;
  const codes = await Promise.all(reads.map((read) => codeOf(read.split(" "), away)));
  expect(Object.fromEntries(reads.map((read, i) => [read, codes[i]]))).toEqual(
    Object.fromEntries(reads.map((read) => [read, 4])),
  );
}, 120_000);

describe("a service that answers with nothing but refusals", () => {
  let refusing: Server;
  let status: number;
  beforeAll(async () => {
    refusing = createServer((_request, response) => {
      response.writeHead(status, { "Retry-After": "0", "Content-Type": "text/plain" }).end("no");
    });
    await once(refusing.listen(0, "127.0.0.1"), "listening");
  });
  afterAll(() => refusing.close());

  test.each([
    [503, 4],
    [429, 4],
    [500, 4],
    [520, 4],
    [501, 1],
    [403, 1],
  ])(
    "%i is the exit code %i",
    async (given, code) => {
      status = given;
      const { port } = refusing.address() as AddressInfo;
      const url = `http://127.0.0.1:${port}`;
      const kinds = ["keys list", "quarantine replay --all", "counts", "keys create n"];
      const codes = await Promise.all(kinds.map((read) => codeOf(read.split(" "), url)));
      expect(codes).toEqual(kinds.map(() => code));
    },
    120_000,
  );
});
