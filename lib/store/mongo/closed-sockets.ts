import { createRequire } from "node:module";
import type { EventEmitter } from "node:events";

/** Members of the driver's connections that its types leave out. */
interface Connection extends EventEmitter {
  readonly error: Error | null;
  writeCommand: (this: Connection, ...parameters: unknown[]) => Promise<void>;
}

interface Internals {
  readonly Connection: { readonly prototype: Connection };
}

const require = createRequire(import.meta.url);
const mended = new WeakSet<object>();

/**
 * Makes every command fail whose connection ends while it is being written. Driver 7.9.0 waits for
 * the socket's `drain` then, which never comes: the command hangs for ever, whatever its time
 * limit. Where the monitor's connections and the others end together, as in a network cut, the
 * command is mostly the monitor's check of the server, and without that check the client never
 * reconnects.
 */
export function mendClosedSockets(): void {
  const { Connection } = require("mongodb/lib/cmap/connection.js") as Internals;
  const { prototype } = Connection;
  if (mended.has(prototype)) return;
  mended.add(prototype);
  const { writeCommand } = prototype;
  prototype.writeCommand = async function (...parameters) {
    const closed = Promise.withResolvers<never>();
    const close = () => closed.reject(this.error);
    this.once("close", close);
    try {
      await Promise.race([writeCommand.apply(this, parameters), closed.promise]);
    } finally {
      this.off("close", close);
    }
  };
}
