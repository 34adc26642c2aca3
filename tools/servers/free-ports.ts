import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Ports that nothing listens on, below those that the kernel gives to outgoing connections (from
 * 32768 on): a client that tries again and again to reach a stopped server on one of those can end
 * up connected to itself, and the server could not take its port back.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = 15_000 + Math.floor(Math.random() * 17_000);
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

/** One of them. */
export async function freePort(): Promise<number> {
  return (await freePorts(1))[0]!;
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen(port, "127.0.0.1");
    await once(probe, "listening");
    return true;
  } catch {
    return false;
  } finally {
    probe.close();
  }
}
