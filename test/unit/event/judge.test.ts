import { jest } from "@jest/globals";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { JsonObject } from "../../../lib/event/event.ts";
import { compileSchema, findingsOfSchema } from "../../../lib/event/schemas/check.ts";
import { Judge, judgeBounds } from "../../../lib/event/schemas/judge.ts";
import { schemasOfProject, type TypeSchema } from "../../../lib/event/schemas/schema.ts";

const compile = jest.spyOn(Ajv2020.prototype, "compile");
beforeEach(() => compile.mockClear());
afterAll(() => compile.mockRestore());

const compilations = () => compile.mock.calls.length;

function ofType(
  type: string,
  schema: JsonObject,
  more: Partial<Pick<TypeSchema, "version" | "mode">> = {},
): TypeSchema {
  return { type, version: 1, mode: "observe", ...more, schema };
}

const event = (type: string) => ({ type, source: "s" });
const longest = { required: ["data"], description: "x".repeat(32_000) };

test("schemas of many projects are compiled once, each by an Ajv that is given back", () => {
  const judge = new Judge();
  const projects = Array.from({ length: 60 }, (_, i) =>
    schemasOfProject(`p${i}`, [ofType("a", { required: [`r${i}`] })]),
  );
  for (let round = 0; round < 3; round++) {
    for (const schemas of projects) {
      const { findings } = judge.judge(schemas, event("a"))!;
      expect(findings[0]!.pointer).toBe(`/r${projects.indexOf(schemas)}`);
    }
  }
  // Those that find the first breach, and those that find all.
  expect(compilations()).toBe(120);
  expect(findingsOfSchema({ required: ["a"] })).toEqual([]);
  expect(new Set(compile.mock.contexts).size).toBe(121);
});

test("of a project's schemas only those are compiled anew that changed", () => {
  const judge = new Judge();
  const verdicts = (schemas: readonly TypeSchema[]) => {
    const all = schemasOfProject("p", schemas);
    return ["a", "b"].map((type) => {
      const verdict = judge.judge(all, event(type));
      return verdict && `${verdict.mode} ${verdict.version} ${verdict.findings[0]!.pointer}`;
    });
  };
  const a = ofType("a", { required: ["x"] });
  expect(verdicts([a, ofType("b", { required: ["y"] })])).toEqual(["observe 1 /x", "observe 1 /y"]);
  expect(compilations()).toBe(4);
  const changed = ofType("b", { required: ["z"] }, { version: 2 });
  expect(verdicts([a, changed])).toEqual(["observe 1 /x", "observe 2 /z"]);
  expect(compilations()).toBe(6);
  const stricter = ofType("a", { required: ["x"] }, { version: 2, mode: "enforce" });
  expect(verdicts([stricter, changed])).toEqual(["enforce 2 /x", "observe 2 /z"]);
  expect(compilations()).toBe(6);
  expect(verdicts([changed])).toEqual([undefined, "observe 2 /z"]);
});

test("what is kept compiled is bounded by its text", () => {
  const judge = new Judge();
  const fitting = Math.floor(judgeBounds.compiledBytes / JSON.stringify(longest).length);
  const types = Array.from({ length: fitting + 1 }, (_, i) => `t${i}`);
  const schemas = schemasOfProject(
    "p",
    types.map((type) => ofType(type, longest)),
  );
  const judgeAll = (some: readonly string[]) => {
    for (const type of some) judge.judge(schemas, { ...event(type), data: 1 });
  };
  judgeAll(types);
  judgeAll(types.slice(1));
  expect(compilations()).toBe(fitting + 1);
  judgeAll(types.slice(0, 1));
  expect(compilations()).toBe(fitting + 2);
});

test("what is compiled keeps nothing of the Ajv that compiled it", async () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const $defs = { mail: { format: "email", pattern: "^a+$" } };
  const list = { uniqueItems: true, items: { $ref: "#/$defs/mail" } };
  const check = compileSchema({ $defs, properties: { data: list } });
  const findings = () =>
    check({ ...event("a"), data: ["b"] })
      .map(({ code }) => code)
      .sort();
  expect(findings()).toEqual(["format", "pattern"]);
  const ajvs = compile.mock.contexts.map((ajv) => new WeakRef(ajv as Ajv2020));
  compile.mockClear();
  await new Promise(setImmediate);
  collect();
  expect(ajvs.map((ajv) => ajv.deref())).toEqual([undefined, undefined]);
  expect(findings()).toEqual(["format", "pattern"]);
});
