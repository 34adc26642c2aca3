import { join } from "node:path";
import ts from "typescript";

const root = join(import.meta.dirname, "../..");

test("contracts and mixins are checked by the compiler", () => {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), (file) =>
    ts.sys.readFile(file),
  ) as {
    config: unknown;
  };
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const file = join(import.meta.dirname, "services.ts");
  const program = ts.createProgram([file], options);
  // The files that it imports are checked by `npm run typecheck`, as it is.
  const found = ts
    .getPreEmitDiagnostics(program, program.getSourceFile(file))
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
  expect(found).toEqual([]);
});
