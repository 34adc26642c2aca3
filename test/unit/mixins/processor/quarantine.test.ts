import { ServiceError } from "../../../../lib/errors.ts";
import type { Finding } from "../../../../lib/errors.ts";
import type { HeldEvent } from "../../../../lib/event/schemas/held.ts";
import type { ReplayedEvents } from "../../../../lib/questions/quarantine.ts";
import type { BegunAct } from "../../../../lib/store/acts.ts";
import type { QuarantinedEvent } from "../../../../lib/store/quarantine.ts";
import { ActsMixin, type ActContext } from "../../../../mixins/acts.mixin.ts";
import { QuarantineMixin } from "../../../../mixins/processor/quarantine.mixin.ts";
import { eventOf } from "../../../support/arbitraries.ts";

interface Replaying {
  replayQuarantined(caller: ActContext, id: string): Promise<unknown>;
  replayMany(caller: ActContext, raw: object): Promise<ReplayedEvents>;
  patchQuarantined(caller: ActContext, given: object): Promise<unknown>;
}

const caller = { meta: {}, nodeID: "n" } as ActContext;
const broken: readonly Finding[] = [{ pointer: "/data", code: "type", message: "no" }];

/**
 * A service whose quarantine holds `count` events.
 * @param publish called with how many were published before
 * @param breaks whether the events still break their schema
 */
function serviceOver(count: number, publish: (before: number) => void, breaks = false) {
  const held = Array.from({ length: count }, (_, i): QuarantinedEvent => {
    const event = eventOf({ id: `e${i}`, project: "default" });
    return { held: { event, version: 1, findings: broken }, revision: 1 };
  });
  const found = (id: string) => held.find((one) => one.held.event.id === id);
  const noted = { acts: new Map<string, string>(), released: [] as string[], published: 0 };
  // What others do just before a write: to these events, and how often they patch first.
  const others = { stored: new Map<string, object>(), dropped: new Set<string>(), patches: 0 };
  const service = {
    ...(ActsMixin().methods as object),
    ...(QuarantineMixin().methods as object),
    logger: { warn: () => undefined },
    schemasFor: () => Promise.resolve(undefined),
    judge: ({ event }: { readonly event: HeldEvent["event"] }) => {
      const anew = { event, version: 2, findings: breaks ? broken : [] };
      return Promise.resolve({ held: anew, mode: breaks ? "enforce" : "observe" });
    },
    queue: {
      publish: async () => {
        await Promise.resolve();
        publish(noted.published);
        noted.published += 1;
      },
    },
    store: {
      acts: {
        begin: async ({ id }: BegunAct) => void noted.acts.set(id, "begun"),
        end: async (_project: string, id: string, outcome: string) =>
          void noted.acts.set(id, outcome),
      },
      job: () => Promise.resolve(undefined),
      openJobsOf: () => Promise.resolve([]),
      refused: () => Promise.resolve(new Set()),
      event: (_project: string, id: string) => Promise.resolve(others.stored.get(id)),
      quarantine: {
        amend: () => Promise.resolve(others.patches-- <= 0),
        list: () => Promise.resolve(held),
        find: (_project: string, id: string) => Promise.resolve(found(id)),
        release: (_project: string, id: string, batch: string) => {
          if (others.stored.has(id) || others.dropped.has(id)) return Promise.resolve(undefined);
          noted.released.push(id);
          return Promise.resolve({ ...found(id)!, replay: batch });
        },
      },
    },
  };
  return { service: service as unknown as Replaying, noted, others };
}

const full = () => {
  throw new ServiceError("QUEUE_FULL");
};
const typeOf = (replay: Promise<unknown>) =>
  replay.then(
    () => "replayed",
    (error: ServiceError) => error.type,
  );
const outcomes = ({ acts }: { readonly acts: ReadonlyMap<string, string> }) => [...acts.values()];

test("a replay that the queue does not take is in doubt once it is written down, and its act stays begun", async () => {
  const { service, noted } = serviceOver(1, full);
  expect(await typeOf(service.replayQuarantined(caller, "e0"))).toBe("OUTCOME_UNKNOWN");
  expect([noted.released, outcomes(noted)]).toEqual([["e0"], ["begun"]]);
});

test("a replay of an event that still breaks its schema changes nothing, and its act failed", async () => {
  const { service, noted } = serviceOver(1, full, true);
  expect(await typeOf(service.replayQuarantined(caller, "e0"))).toBe("BREAKS_SCHEMA");
  expect([noted.released, outcomes(noted)]).toEqual([[], ["failed"]]);
});

test("of many the replay ends at the first that fails, once those under way have ended, and is in doubt", async () => {
  const { service, noted } = serviceOver(100, (before) => (before < 3 ? undefined : full()));
  expect(await typeOf(service.replayMany(caller, {}))).toBe("OUTCOME_UNKNOWN");
  const released = noted.released.length;
  expect([noted.published, outcomes(noted)]).toEqual([3, ["begun"]]);
  expect(released).toBeLessThan(40);
  await new Promise(setImmediate);
  expect(noted.released).toHaveLength(released);
});

test("many that come out are told, and their act is done", async () => {
  const { service, noted } = serviceOver(40, () => undefined);
  const told = { replayed: 40, broken: 0, nextCursor: null };
  expect(await service.replayMany(caller, {})).toEqual(told);
  expect([noted.published, outcomes(noted)]).toEqual([40, ["done"]]);
});

test("an event that somebody dropped in the moment of its replay is not told as replayed", async () => {
  const { service, noted, others } = serviceOver(3, () => undefined);
  const event = eventOf({ id: "e0", project: "default" });
  others.stored.set("e0", event);
  others.dropped.add("e1");
  expect(await typeOf(service.replayQuarantined(caller, "e0"))).toBe("replayed");
  expect(await typeOf(service.replayQuarantined(caller, "e1"))).toBe("NOT_FOUND");
  others.stored.set("e1", { ...event, id: "e1", receivedAt: event.receivedAt + 1 });
  expect(await typeOf(service.replayQuarantined(caller, "e1"))).toBe("NOT_FOUND");
  expect(outcomes(noted)).toEqual(["done", "failed", "failed"]);
  const told = { replayed: 2, broken: 0, nextCursor: null };
  expect(await service.replayMany(caller, {})).toEqual(told);
  expect(noted.released).toEqual(["e2"]);
});

test("a patch before which others came is one act, done or failed as it ends", async () => {
  const { service, noted, others } = serviceOver(1, () => undefined);
  const patch = () => service.patchQuarantined(caller, { id: "e0", patch: { data: 1 } });
  others.patches = 4;
  expect(await patch()).toMatchObject({ id: "e0", state: "held" });
  others.patches = 5;
  await expect(patch()).rejects.toMatchObject({ type: "OVERLOADED" });
  await expect(
    service.patchQuarantined(caller, { id: "e0", patch: { id: "other" } }),
  ).rejects.toMatchObject({ type: "INVALID_EVENT" });
  expect(outcomes(noted)).toEqual(["done", "failed"]);
});
