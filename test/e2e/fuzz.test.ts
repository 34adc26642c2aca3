import fc from "fast-check";
import { ServiceProcess } from "../service-process.ts";
import { sendTo } from "./send.ts";

let service: ServiceProcess;
beforeAll(async () => {
  service = await ServiceProcess.create({ LOG_LEVEL: "warn" });
  await service.start();
});
afterAll(() => service.dispose());

test("2,000 random bodies: each is a 4xx problem, or comes back as it was sent", async () => {
  let sent = 0;
  const key = fc.oneof(
    fc.string(),
    fc.constantFrom("__proto__", "constructor", "$where", "a.b", "", "\0", "\ud800"),
  );
  const hostile = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 5 },
      fc.jsonValue(),
      fc.string({ unit: "binary" }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.array(tie("value"), { maxLength: 4 }),
      fc
        .array(fc.tuple(key, tie("value")), { maxLength: 4 })
        .map((entries) => Object.fromEntries(entries)),
    ),
  })).value;
  const field = fc.oneof(
    { weight: 3, arbitrary: fc.constant("a.b") },
    { weight: 1, arbitrary: hostile },
  );
  const event = fc.record(
    { type: field, source: field, data: hostile, metadata: hostile },
    { requiredKeys: ["data"] },
  );

  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof(event, hostile), { minLength: 10, maxLength: 10 }),
      async (inputs) => {
        const answers = await Promise.all(
          inputs.map(async (input, i) => {
            sent += 1;
            const isRecord = typeof input === "object" && input !== null && !Array.isArray(input);
            const id = `fuzz-${sent}-${i}`;
            const body = JSON.stringify(isRecord ? { ...input, id } : input);
            return { id, body, answer: await sendTo(service, "", body, { Prefer: "wait=20" }) };
          }),
        );
        for (const { id, body, answer } of answers) {
          expect(answer.status).toBeLessThan(500);
          if (answer.status >= 400) {
            expect(answer.headers.get("content-type")).toBe("application/problem+json");
            continue;
          }
          expect(answer.status).toBe(201);
          const stored = (await (await fetch(`${service.url}/api/v1/events/${id}`)).json()) as {
            data?: unknown;
          };
          const { data } = JSON.parse(body) as { data?: unknown };
          // `null` is as absent.
          expect(JSON.stringify(stored.data ?? null)).toBe(JSON.stringify(data ?? null));
        }
      },
    ),
    { numRuns: 200, endOnFailure: true },
  );
  expect(sent).toBeGreaterThanOrEqual(2_000);
  expect(await service.isReady()).toBe(true);
}, 300_000);
