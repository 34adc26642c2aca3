/**
 * Posts one body at a fixed rate, whether the answers come or not, in a process of its own, until
 * its parent disconnects: takes a `PacedRequest` as its message and sends a `Pace` each second.
 */
import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";

export interface PacedRequest {
  readonly url: string;
  readonly bodyFile: string;
  readonly perSecond: number;
}

/** So far. */
export interface Pace {
  readonly answered: number;
  readonly failed: number;
  /** How often each status was answered; `lost`: none came. */
  readonly statuses: Readonly<Record<string, number>>;
}

const tickMs = 5;

process.once("message", (message) => {
  const { url, bodyFile, perSecond } = message as PacedRequest;
  const body = readFileSync(bodyFile);
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const headers = { "Content-Type": "application/json", "Content-Length": body.length };
  let answered = 0;
  let failed = 0;
  let sent = 0;
  const statuses: Record<string, number> = {};
  const told = (status: string) => (statuses[status] = (statuses[status] ?? 0) + 1);

  function post(): void {
    const outgoing = request(url, { method: "POST", agent, headers }, (response) => {
      if (response.statusCode === 202) answered++;
      else failed++;
      told(String(response.statusCode));
      response.resume();
    });
    outgoing.on("error", () => {
      failed++;
      told("lost");
    });
    outgoing.end(body);
  }

  const startedAt = performance.now();
  const posting = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1_000) * perSecond;
    for (; sent < due; sent++) post();
  }, tickMs);
  const telling = setInterval(
    () => process.send?.({ answered, failed, statuses } satisfies Pace),
    1_000,
  );
  process.once("disconnect", () => {
    clearInterval(posting);
    clearInterval(telling);
    agent.destroy();
    process.exit();
  });
});
