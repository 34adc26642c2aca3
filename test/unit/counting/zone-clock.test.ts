import { jest } from "@jest/globals";
import { Temporal } from "temporal-polyfill";
import { segmentsOf } from "../../../lib/counting/zone-clock.ts";

afterEach(() => {
  jest.restoreAllMocks();
});

/** The segments as the zone itself has them, change by change. */
function walked(zone: string, from: number, to: number) {
  const segments: { from: number; to: number; offset: number }[] = [];
  let clock: Temporal.ZonedDateTime | null =
    Temporal.Instant.fromEpochMilliseconds(from).toZonedDateTimeISO(zone);
  while (clock !== null && clock.epochMilliseconds < to) {
    const next: Temporal.ZonedDateTime | null = clock.getTimeZoneTransition("next");
    segments.push({
      from: clock.epochMilliseconds,
      to: next?.epochMilliseconds ?? Infinity,
      offset: clock.offsetNanoseconds / 1e6,
    });
    clock = next;
  }
  return segments;
}

/** Without where the first one begins: it may be known from earlier on. */
function ends(segments: readonly { readonly to: number; readonly offset: number }[]) {
  return segments.map(({ to, offset }) => [to, offset]);
}

test.each([
  "America/New_York",
  "America/Santiago",
  "Africa/Cairo",
  "Africa/Casablanca",
  "Asia/Gaza",
  "Asia/Jerusalem",
  "Asia/Tokyo",
  "Australia/Lord_Howe",
  "Europe/Dublin",
  "UTC",
])("the changes of %s are its own, in whatever order years are asked for", (zone) => {
  for (const year of [2024, 9_997, 1_920, 2_139, 2_399, 2_140, 2_500, 2_099, 2_141]) {
    const [from, to] = [Date.UTC(year, 1, 29), Date.UTC(year + 2, 5)];
    const found = segmentsOf(zone, { from, to });
    expect(found[0]!.from).toBeLessThanOrEqual(from);
    expect([year, ends(found)]).toEqual([year, ends(walked(zone, from, to))]);
  }
});

test("changes are looked for once, and those of far years not at all", () => {
  const search = jest.spyOn(Temporal.ZonedDateTime.prototype, "getTimeZoneTransition");
  const far = { from: Date.UTC(2020, 0), to: Date.UTC(2800, 0) };
  const count = () => segmentsOf("America/Halifax", far).length;
  expect(count()).toBeGreaterThan(1_550);
  expect(search.mock.calls.length).toBeLessThan(350);
  search.mockClear();
  expect(count()).toBeGreaterThan(1_550);
  segmentsOf("america/halifax", { from: Date.UTC(2026, 0), to: Date.UTC(2030, 0) });
  expect(search).not.toHaveBeenCalled();
});
