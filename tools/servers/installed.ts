import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

type ServerName =
  "rabbitmq" | "redis" | "ferretdb" | "mongo-java" | "chromium" | "prometheus" | "promtool";

const cache = join(import.meta.dirname, "../../.cache/servers");

/**
 * Where a server's program is: the folder of RabbitMQ's scripts, Redis' and FerretDB's executable,
 * the folder of mongo-java's jars, Prometheus' executable, Chromium's and promtool's (no servers,
 * but tests need them alike).
 * @throws where it is missing, with the command that installs it
 */
export function installed(name: ServerName): string {
  const found = {
    rabbitmq: () => folderOf("rabbitmqctl", ["/usr/lib/rabbitmq/bin", ...path()]),
    redis: () => fileIn("redis-server", path()),
    ferretdb: () => fileIn("ferretdb", [cache]),
    chromium: () => fileIn("chromium", path()),
    prometheus: () => fileIn("prometheus", path()),
    promtool: () => fileIn("promtool", path()),
    "mongo-java": () =>
      fileIn("java", path()) && folderOf("mongo-java.jar", [join(cache, "mongo-java")]),
  }[name]();
  if (found !== undefined) return found;
  throw new Error(`${name} is not installed; run tools/servers/install.sh`);
}

/**
 * Why tests on these servers are skipped here; `undefined` where they run. `SKIP_SERVERS` (not
 * empty) skips them, and so does a server that is not installed. In CI (`CI` not empty) nothing is
 * skipped: there a missing server is a failing test.
 */
function skipReason(names: readonly ServerName[]): string | undefined {
  if (process.env["CI"]) return undefined;
  if (process.env["SKIP_SERVERS"]) return "SKIP_SERVERS is set";
  try {
    names.forEach(installed);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** `describe` for tests that start these servers; where they are skipped, the title says why. */
export function describeWith(names: readonly ServerName[], title: string, tests: () => void): void {
  const reason = skipReason(names);
  if (reason === undefined) describe(title, tests);
  else describe.skip(`${title} (skipped: ${reason})`, tests);
}

function path(): readonly string[] {
  return (process.env["PATH"] ?? "").split(delimiter);
}

function folderOf(file: string, folders: readonly string[]): string | undefined {
  return folders.find((folder) => readable(join(folder, file), constants.R_OK));
}

function fileIn(name: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, name)).find((file) => readable(file, constants.X_OK));
}

function readable(file: string, mode: number): boolean {
  try {
    accessSync(file, mode);
    return true;
  } catch {
    return false;
  }
}
