import { newAudit, settledUntil, shownAudit } from "../../../lib/store/audit-job.ts";
import { readAudit } from "../../../lib/questions/audits.ts";

const now = Date.UTC(2024, 2, 5, 10, 20, 30);
const settled = "2024-03-05T10:10:00.000Z";
const audited = (body: object) => {
  const { range } = shownAudit(newAudit("p", "j", readAudit(body), now));
  return [range!.from, range!.to];
};

test("an audit that was asked for looks at what was settled at its request, and says so", () => {
  expect(new Date(settledUntil(now)).toISOString()).toBe(settled);
  expect(audited({})[1]).toBe(settled);
  const from = "2024-03-05T10:00:00.000Z";
  expect(audited({ from, to: "2024-03-06T00:00:00Z" })).toEqual([from, settled]);
  const earlier = "2024-03-05T10:05:00.000Z";
  expect(audited({ from, to: earlier })).toEqual([from, earlier]);
  const later = "2024-03-05T10:15:00.000Z";
  expect(audited({ from: later })).toEqual([later, later]);
});

test("a rebuild takes the range that was asked for", () => {
  const range = { from: now - 30_000, to: now + 30_000 };
  const job = newAudit("p", "j", { range, repairs: true }, now, "rebuildRollups");
  expect(shownAudit(job).range!.to).toBe("2024-03-05T10:21:00.000Z");
});
