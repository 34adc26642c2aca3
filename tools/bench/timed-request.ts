import { Agent, request } from "node:http";

/**
 * An answer and how long it took, from the request's first byte to the body's last, milliseconds.
 */
export interface TimedAnswer {
  readonly ms: number;
  readonly body: string;
}

const agent = new Agent({ keepAlive: true });

/**
 * Ask over a connection that is kept: a GET, or a POST of JSON. @throws Error unless the answer is
 * 200
 */
export function timedRequest(url: string, json?: string): Promise<TimedAnswer> {
  return new Promise((resolve, reject) => {
    const options =
      json === undefined
        ? { agent }
        : { agent, method: "POST", headers: { "Content-Type": "application/json" } };
    const startedAt = performance.now();
    request(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const ms = performance.now() - startedAt;
        const body = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve({ ms, body });
        else reject(new Error(`${url} answered ${response.statusCode}: ${body}`));
      });
    })
      .on("error", reject)
      .end(json);
  });
}
