import { KeysEdgeMixin } from "../../../../mixins/gateway/keys.mixin.ts";

test("that keys cannot be looked up is said once they could not be for 10 s, also at a start, and that they can be after that alone", () => {
  let ageMs = Infinity;
  const said: string[] = [];
  const log = (_fields: object, phrase: string) => said.push(phrase);
  const edge = {
    keyring: { ageMs: () => ageMs },
    broker: { metrics: { set: () => undefined } },
    logger: { warn: log, info: log },
    startedAt: performance.now(),
    isLate: false,
  };
  const methods = KeysEdgeMixin().methods as { tellAge(error?: unknown): void };
  const tell = () => methods.tellAge.call(edge, new Error("no query process yet"));
  tell();
  ageMs = 0;
  tell();
  expect(said).toEqual([]);
  ageMs = Infinity;
  edge.startedAt -= 3_600_000;
  tell();
  tell();
  ageMs = 0;
  tell();
  expect(said).toEqual([
    "keys cannot be looked up; those known hold for a while",
    "keys are looked up again",
  ]);
});
