import type { ServerResponse } from "node:http";

/**
 * Disconnects a client that reads nothing for this long while bytes wait for it. While the answer
 * is still being made it may wait.
 */
export function cutWhenSlow(response: ServerResponse, takeWithinMs: number): void {
  const look = () => {
    if (response.writableLength > 0) response.destroy();
    else response.setTimeout(takeWithinMs);
  };
  response.setTimeout(takeWithinMs, look);
}
