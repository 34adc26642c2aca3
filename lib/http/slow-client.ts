import type { ServerResponse } from "node:http";

/**
 * Cut a client off that takes nothing of what is there for it for so long. While nothing is there,
 * because the answer is still worked on, it may wait.
 */
export function cutWhenSlow(response: ServerResponse, takeWithinMs: number): void {
  const look = () => {
    if (response.writableLength > 0) response.destroy();
    else response.setTimeout(takeWithinMs);
  };
  response.setTimeout(takeWithinMs, look);
}
