import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../../../lib/config.ts";
import { DiskCache } from "../../../../lib/store/columns/disk-cache.ts";
import { MongoStore } from "../../../../lib/store/mongo/mongo-store.ts";
import { silent } from "../../../../lib/log.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "segments-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test("columns that are not to be cached any more are removed, and nothing else", async () => {
  const cache = new DiskCache({ folder, maxBytes: 1_000_000, log: silent });
  for (const id of ["p|0", "q|7"]) {
    cache.put({ id, version: "v", column: "(user)" }, Buffer.from("ada"));
  }
  await cache.close();
  const own = join(folder, "ab", "own");
  await mkdir(join(folder, "ab"), { recursive: true });
  await writeFile(own, "");
  const files = async () => {
    const found = await readdir(folder, { recursive: true, withFileTypes: true });
    return found.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  };
  expect(await files()).toHaveLength(3);

  const uri = "mongodb://127.0.0.1:9/analytics";
  const { segmentCache } = readConfig({
    MONGODB_URI: uri,
    SEGMENT_CACHE_BYTES: "0",
    SEGMENT_CACHE_DIR: folder,
  });
  const store = new MongoStore({ uri, segmentCache });
  await store.close();
  expect(await files()).toEqual([own]);
});
