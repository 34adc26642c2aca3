import { Pace, progressText, timeText } from "../../../client/cli/progress.ts";
import { tableText } from "../../../client/cli/table.ts";

test("numbers stand right, texts left, and no text commands the terminal", () => {
  const rows = [
    ["a", 1_234_567, 0.123456789],
    ["b\u001b[2J\u009b", 2, null],
  ];
  expect(tableText(["name", "count", "share"], rows)).toBe(
    [
      "name        count     share",
      "a       1,234,567  0.123457",
      "b\ufffd[2J\ufffd          2         -",
    ].join("\n"),
  );
  expect(tableText(["name"], [])).toBe("name");
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
