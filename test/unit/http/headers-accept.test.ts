import { preferred } from "../../../lib/http/headers.ts";

const offered = ["application/x-ndjson", "text/csv"] as const;

describe("the media type that is liked best", () => {
  test.each([
    [undefined, "application/x-ndjson"],
    ["", "application/x-ndjson"],
    ["*/*", "application/x-ndjson"],
    ["text/csv", "text/csv"],
    ["TEXT/CSV; charset=utf-8", "text/csv"],
    ["text/*", "text/csv"],
    ["text/html, */*;q=0.1", "application/x-ndjson"],
    ["text/csv;q=0.5, application/x-ndjson;q=0.4", "text/csv"],
    ["text/csv;q=0.5, */*", "application/x-ndjson"],
    ["text/csv;q=0, */*", "application/x-ndjson"],
    ["application/x-ndjson;q=0, */*;q=0.2", "text/csv"],
    ["application/*;q=0.3, text/csv;q=0.3", "application/x-ndjson"],
    ["application/json", undefined],
    ["text/csv;q=0", undefined],
    ["text/csv;q=high", undefined],
    [";,;q=,", undefined],
  ])("of %j is %s", (accept, type) => {
    expect(preferred(accept, offered)).toBe(type);
  });
});
