import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Ports that nothing listens on, below those that the kernel gives to outgoing connections (from
 * 32768 on): a client that tries again and again to reach a stopped server on one of those can end
 * up connected to itself, and the server could not take its port back. They are kept for this
 * process until it ends: nobody else who asks here gets one, also while nothing listens on it, as
 * before its server starts, and while that one is restarted.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const found: number[] = [];
  while (found.length < count) {
    const port = 15_000 + Math.floor(Math.random() * 17_000);
    if ((await isFree(port)) && (await isKept(port))) found.push(port);
  }
  return found;
}

/** One of them. */
export async function freePort(): Promise<number> {
  return (await freePorts(1))[0]!;
}

export async function isFree(port: number): Promise<boolean> {
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

/**
 * Reserves a port for this process by binding the same number for UDP, which no server here uses:
 * the kernel gives it to one process, and releases it when that ends, in whatever way.
 */
async function isKept(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  try {
    socket.bind({ port, address: "127.0.0.1", exclusive: true });
    await once(socket, "listening");
    socket.unref();
    return true;
  } catch {
    socket.close();
    return false;
  }
}
