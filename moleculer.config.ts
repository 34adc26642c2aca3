import { extname, join } from "node:path";
import { brokerOptions } from "./lib/runtime/broker.ts";
import { ConfigError, loadConfig, type Config } from "./lib/config.ts";
import { mendJsonParse } from "./lib/json-keys.ts";
import { limitYoungGenerations, returnStartHeap } from "./lib/runtime/thread-heaps.ts";

mendJsonParse();
limitYoungGenerations();

function configOrExit(): Config {
  try {
    return loadConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}

const config = configOrExit();

// The runner takes file names from SERVICES; ours are short names, read before this.
process.env["SERVICES"] = config.services
  .map((name) =>
    join(import.meta.dirname, "services", `${name}.service${extname(import.meta.filename)}`),
  )
  .join(",");

const options = brokerOptions(config);

export default { ...options, middlewares: [...(options.middlewares ?? []), returnStartHeap()] };
