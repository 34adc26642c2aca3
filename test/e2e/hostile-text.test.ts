import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { ServiceProcess } from "../service-process.ts";
import { sendTo } from "./send.ts";

const require = createRequire(import.meta.url);
const naughty = require("big-list-of-naughty-strings") as readonly string[];

/** The texts of JSONTestSuite that are no JSON, by name. */
const noJson = Object.entries(
  JSON.parse(
    gunzipSync(
      readFileSync(join(import.meta.dirname, "../fixtures/json-test-suite.json.gz")),
    ).toString(),
  ) as Readonly<Record<string, string>>,
).map(([name, text]) => [name, Buffer.from(text, "base64")] as const);

let service: ServiceProcess;
beforeAll(async () => {
  service = await ServiceProcess.create({ LOG_LEVEL: "warn" });
  await service.start();
});
afterAll(() => service.dispose());

test("JSONTestSuite: what is no JSON gets 400, as an event and as a batch", async () => {
  expect(noJson.length).toBeGreaterThan(180);
  const wrong: string[] = [];
  for (const [name, text] of noJson) {
    for (const path of ["", "/batch"]) {
      const { status } = await sendTo(service, path, text);
      if (status !== 400) wrong.push(`${name} ${path}: ${status}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("naughty strings as id, type, property's name and value come back as they went in, or get a 4xx", async () => {
  expect(naughty.length).toBeGreaterThan(450);
  const wrong: string[] = [];
  let kept = 0;
  const put = async (event: { readonly id: string; readonly [field: string]: unknown }) => {
    const answer = await sendTo(service, "", JSON.stringify(event), { Prefer: "wait=20" });
    if (answer.status >= 500) wrong.push(`${answer.status} ${JSON.stringify(event)}`);
    if (answer.status >= 300) return;
    const address = `${service.url}/api/v1/events/${encodeURIComponent(event.id)}`;
    const stored: unknown = await (await fetch(address)).json();
    kept += 1;
    expect(stored).toMatchObject(event);
  };
  const base = { type: "naughty.text", source: "test" };
  for (let from = 0; from < naughty.length; from += 50) {
    await Promise.all(
      naughty
        .slice(from, from + 50)
        .flatMap((text, i) => [
          put({ ...base, id: text }),
          put({ ...base, id: `type-${from + i}`, type: text }),
          put({ ...base, id: `data-${from + i}`, data: { [text]: text, list: [text] } }),
        ]),
    );
  }
  expect(wrong).toEqual([]);
  // A value may be any text.
  expect(kept).toBeGreaterThan(naughty.length);
});
