import { Pace, progressText, timeText } from "../../../client/cli/progress.ts";
import { printableJson } from "../../../client/cli/printable.ts";
import { processTerminal } from "../../../client/cli/process-terminal.ts";
import { tableText } from "../../../client/cli/table.ts";

test("numbers stand right, texts left, and no text commands the terminal", () => {
  const rows = [
    ["a", 1_234_567, 0.123456789],
    ["b\u001b[2J\u009b", 2, null],
  ];
  expect(tableText(["name\u001b[1m", "count", "share"], rows)).toBe(
    [
      "name\ufffd[1m      count        share",
      "a         1,234,567  0.123456789",
      "b\ufffd[2J\ufffd            2            -",
    ].join("\n"),
  );
  expect(tableText(["name"], [])).toBe("name");
});

test("a table shows every digit of a number", () => {
  const numbers = [1_234_567.89, 48_123.45, 0.1, 1 / 3, -1e-7, 5e300];
  const [, ...cells] = tableText(
    ["sum"],
    numbers.map((number) => [number]),
  ).split("\n");
  expect(cells.map((cell) => Number(cell.replaceAll(",", "")))).toEqual(numbers);
});

test("JSON means the same, and commands no terminal", () => {
  const value = { "a\u009b2J": ["\u001b[2J", "\u202e\u2028", "ü", { deep: "\u007f" }] };
  for (const indent of [undefined, 2]) {
    const text = printableJson(value, indent);
    expect(JSON.parse(text)).toEqual(value);
    // eslint-disable-next-line no-control-regex
    expect(text.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
    expect(text).toContain("ü");
  }
});

test("what is told stays a line, whoever wrote it", () => {
  const written: string[] = [];
  const stream = { isTTY: true, on: () => stream, write: (text: string) => written.push(text) };
  const process = { stdout: stream, stderr: stream, env: {}, once: () => undefined };
  const { tell } = processTerminal(process as unknown as NodeJS.Process);
  tell("refused: \u001b]0;title\u0007\nall is well");
  expect(written).toEqual(["refused: \ufffd]0;title\ufffd\ufffdall is well\n"]);
});

test("progress is a bar, the rate and the time left", () => {
  const pace = new Pace({ atMs: 0, lines: 0, bytes: 0 });
  pace.measure({ atMs: 20_000, lines: 10, bytes: 100 });
  const measured = pace.measure({ atMs: 30_000, lines: 1_010, bytes: 600 });
  expect(measured).toEqual({ linesPerSecond: 100, bytesPerSecond: 50 });
  expect(progressText({ doneBytes: 600, totalBytes: 1_200, lines: 1_010, ...measured })).toBe(
    "[############............] 50 %  1,010 lines  100/s  0:12 left",
  );
  const piped = { doneBytes: 0, totalBytes: undefined, lines: 5, ...measured };
  expect(progressText(piped)).toBe("5 lines  100/s");
  expect(timeText(3_725)).toBe("1:02:05");
  expect(timeText(Infinity)).toBe("-:--");
});
