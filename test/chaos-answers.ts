import { MongoClient } from "mongodb";
import { expect } from "expect";
import { foldOf, type FoldJob } from "../lib/questions/folds.ts";
import { readFunnelJob } from "../lib/questions/sequences/funnel.ts";
import { readPathsJob } from "../lib/questions/sequences/paths.ts";
import type { StoredEvent } from "../lib/event/event.ts";
import { notDue } from "../lib/store/mongo/segments/documents.ts";
import type { ServiceProcess } from "./service-process.ts";
import { eventually } from "./support/eventually.ts";
import { foldOver } from "./support/fold-over.ts";
import type { ShopEvent } from "./support/shop-log.ts";

const answeredWithinMs = 60_000;
const sealedWithinMs = 180_000;

const range = { from: "2024-01-01T00:00:00Z", to: "2024-07-01T00:00:00Z" };
const funnel = {
  steps: ["shop.product_view", "shop.add_to_cart", "shop.purchase"].map((type) => ({ type })),
  window: "7d",
  range,
};
const paths = { after: { type: "shop.cart" }, length: 3, limit: 50, range };
/** No rollup has this property, so the events are read. */
export const byChannel = {
  dimensions: ["data.channel"],
  filters: ["starts_with", "type", "shop."],
  range,
};

/**
 * Compares answers that are read from events, and not from rollups, with folds over all of these
 * events.
 */
export async function expectExactOfEvents(
  service: ServiceProcess,
  events: readonly ShopEvent[],
): Promise<void> {
  const stored = events.map((event): StoredEvent => ({
    ...event,
    timestamp: Date.parse(event.timestamp),
    receivedAt: 0,
    project: "default",
    context: {},
    batch: "",
    hash: "",
  }));
  const ask = (path: string, body: object) =>
    eventually(() => answerOf(service, path, body), answeredWithinMs);
  const channels = new Map<string, number>();
  for (const { type, data } of events) {
    if (!type.startsWith("shop.")) continue;
    channels.set(data["channel"]!, (channels.get(data["channel"]!) ?? 0) + 1);
  }
  const { results } = (await ask("/api/v1/query", byChannel)) as ChannelsAnswer;
  const counted = results.map(({ dimensions, metrics }) => [dimensions[0], metrics[0]]);
  expect(Object.fromEntries(counted)).toEqual(Object.fromEntries(channels));

  const jobs: readonly (readonly [string, object, FoldJob])[] = [
    ["funnel", funnel, readFunnelJob(funnel)],
    ["paths", paths, readPathsJob(paths)],
  ];
  for (const [kind, body, job] of jobs) {
    expect(await ask(`/api/v1/query/${kind}`, body)).toMatchObject(foldOver(foldOf(job), stored));
  }
}

interface ChannelsAnswer {
  readonly results: readonly {
    readonly dimensions: readonly string[];
    readonly metrics: [number];
  }[];
}

/** How many events an answer about `byChannel` counts. */
export function countedIn(answer: string): number {
  const { results } = JSON.parse(answer) as ChannelsAnswer;
  return results.reduce((sum, { metrics: [count] }) => sum + count, 0);
}

async function answerOf(service: ServiceProcess, path: string, body: object): Promise<unknown> {
  const headers = { "Content-Type": "application/json" };
  const request = { method: "POST", headers, body: JSON.stringify(body) };
  const response = await fetch(`${service.url}${path}`, request);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${path} was answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

/**
 * Waits until some segments are built, and none is to be built.
 * @returns how many there are, and for how many of them a bundle stands
 */
export async function segmentsIn(uri: string): Promise<{ segments: number; merged: number }> {
  const client = new MongoClient(uri);
  try {
    return await eventually(async () => {
      const segments = client.db("analytics").collection("segments");
      const [all, marked, merged] = await Promise.all([
        segments.countDocuments(),
        segments.countDocuments({ isMarked: true }),
        segments.countDocuments({ dueAt: notDue.closed }),
      ]);
      if (all === 0 || marked > 0) throw new Error(`${marked} of ${all} segments are not built`);
      return { segments: all, merged };
    }, sealedWithinMs);
  } finally {
    await client.close();
  }
}
