import { spawn } from "node:child_process";
import { once } from "node:events";

import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { EmbeddedHarness } from "../fixtures/embedded-queue.ts";
import { eventually } from "../support/eventually.ts";
import { Inbox } from "./queue-harness.ts";

const program = fileURLToPath(new URL("../fixtures/queue-killed.ts", import.meta.url));

/** Run the program, kill it after a moment, and return its notes. */
async function runAndKill(
  { folder, file }: EmbeddedHarness,
  first: number,
  prefetch: number,
  afterMs: number,
) {
  const notes = join(folder, "notes");
  const args = [program, file, notes, String(first), String(prefetch)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  await Promise.race([once(child.stdout, "data"), exited]);
  await delay(afterMs);
  child.kill("SIGKILL");
  expect(await exited).toEqual([null, "SIGKILL"]);
  return (await readFile(notes, "utf8")).trimEnd().split("\n");
}

test("each message confirmed to a process that was killed is there, or was handled", async () => {
  const harness = await EmbeddedHarness.open();
  try {
    const kept = new Set<string>();
    const handled = new Set<string>();
    const kills = 24;
    for (let kill = 0; kill < kills; kill += 1) {
      // Not a wait for a fact: where in its work the process is killed is left to chance.
      const lines = await runAndKill(
        harness,
        kill * 1_000_000,
        kill % 2 === 0 ? 0 : 8,
        Math.random() * 250,
      );
      for (const line of lines) {
        const [verb, number = ""] = line.split(" ");
        if (verb === "kept") kept.add(number);
        if (verb === "handled") handled.add(number);
      }
    }
    const queue = await harness.open();
    const { messages } = await queue.depth();
    const inbox = new Inbox();
    await queue.consume(inbox.handle, { prefetch: 100 });
    await inbox.arrived(messages);
    await eventually(async () =>
      expect(await queue.depth()).toMatchObject({ messages: 0, sizeBytes: 0 }),
    );
    const left = new Set<string>();
    for (const { body, receivedAt, redelivered } of inbox.deliveries) {
      const number = Buffer.from(body).toString("latin1", 0, 12);
      left.add(number);
      expect(receivedAt).toBe(Number(number));
      expect(redelivered).toBe(true);
    }
    expect(left.size).toBe(messages);
    const lost = [...kept].filter((number) => !left.has(number) && !handled.has(number));
    expect(lost).toEqual([]);
    // The test means something only where the processes came to work.
    expect(kept.size).toBeGreaterThan(kills);
    expect(handled.size).toBeGreaterThan(0);
  } finally {
    await harness.dispose();
  }
}, 180_000);
