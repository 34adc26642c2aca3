/**
 * Posts each line of a file once, over some connections that each wait for an answer before they go
 * on, in a process of its own: takes a `CountedRequest` as its message, sends a `CountedLoad` when
 * all are answered, and ends with its parent.
 */
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";

export interface CountedRequest {
  readonly url: string;
  /** A body a line. */
  readonly bodyFile: string;
  readonly connections: number;
}

export interface CountedLoad {
  /** Requests answered 202. */
  readonly accepted: number;
  /** Requests answered otherwise or not at all. */
  readonly failed: number;
}

process.once("disconnect", () => process.exit());
process.once("message", (message) => {
  const { url, bodyFile, connections } = message as CountedRequest;
  const bodies = readFileSync(bodyFile, "utf8").trimEnd().split("\n");
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let [next, accepted, failed] = [0, 0, 0];

  function answered(status: number | undefined): void {
    if (status === 202) accepted++;
    else failed++;
    if (accepted + failed === bodies.length) {
      agent.destroy();
      process.send?.({ accepted, failed } satisfies CountedLoad);
    } else post();
  }

  function post(): void {
    const body = bodies[next++];
    if (body === undefined) return;
    const headers = {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(body),
    };
    const outgoing = request(url, { method: "POST", agent, headers }, (response) => {
      response.resume().once("end", () => answered(response.statusCode));
    });
    outgoing.on("error", () => answered(undefined));
    outgoing.end(body);
  }
  for (let connection = 0; connection < connections; connection++) post();
});
