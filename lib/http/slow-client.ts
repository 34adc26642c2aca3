import type { ServerResponse } from "node:http";

/**
 * Disconnect a client that reads nothing for this long while there is something for it. While
 * nothing is there, because the answer is still worked on, it may wait.
 */
export function cutWhenSlow(response: ServerResponse, takeWithinMs: number): void {
  const look = () => {
    if (response.writableLength > 0) response.destroy();
    else response.setTimeout(takeWithinMs);
  };
  response.setTimeout(takeWithinMs, look);
}
