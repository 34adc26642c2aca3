import { readConfig } from "../../../lib/config.ts";
import { ServiceBroker } from "moleculer";
import { ServiceLogger } from "../../../lib/runtime/logger.ts";

function logged(
  isTTY: boolean,
  logLevel: "info" | "debug",
  write: (broker: ServiceBroker) => void,
) {
  const lines: string[] = [];
  const output = { isTTY, write: (text: string) => lines.push(text) };
  const logger = new ServiceLogger({ ...readConfig({}), logLevel }, output);
  write(new ServiceBroker({ logger, nodeID: "n", skipProcessEventRegistration: true }));
  return lines;
}

const words = (broker: ServiceBroker) => {
  broker.logger.info("Moleculer is starting...");
  broker.logger.warn("Service 'ingest.collect' is not registered.");
  broker.logger.info({ letter: "7" }, "dead letter replayed");
  broker.logger.warn("a text of ours");
};

test("each line is JSON, and what Moleculer says of its start is for debugging", () => {
  const lines = logged(false, "info", words).map((line) => JSON.parse(line) as { msg: string });
  expect(lines).toEqual([
    expect.objectContaining({
      level: "info",
      letter: "7",
      msg: "dead letter replayed",
      nodeID: "n",
    }),
    expect.objectContaining({ level: "warn", msg: "a text of ours" }),
  ]);
  const all = logged(false, "debug", words).join("");
  expect(all).toContain('"level":"debug"');
  expect(all).toContain("Moleculer is starting...");
});

test("a terminal gets short lines", () => {
  const lines = logged(true, "info", words);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toContain("dead letter replayed");
  expect(lines[0]).not.toContain("nodeID");
});
