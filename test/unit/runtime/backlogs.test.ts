import type { ServiceBroker } from "moleculer";
import type { QueueDepth } from "../../../lib/queue/queue.ts";
import { Backlogs } from "../../../lib/runtime/backlogs.ts";

/** Two processors, a and b, as a registry lists them; calls are answered by hand. */
function cluster() {
  const offering = new Set(["a", "b"]);
  const listed = new Set(["a", "b", "query"]);
  const asked: { readonly nodeID: string; answer(): void }[] = [];
  const clock = { now: 0 };
  const broker = {
    registry: {
      actions: { get: () => ({ endpoints: [...offering].map((id) => ({ id })) }) },
      getNodeList: () => [...listed].map((id) => ({ id })),
    },
    call(_action: string, _params: object, { nodeID }: { readonly nodeID: string }) {
      const { promise, resolve } = Promise.withResolvers<Partial<QueueDepth>>();
      asked.push({ nodeID, answer: () => resolve({ messages: asked.length }) });
      return promise;
    },
  } as unknown as ServiceBroker;
  const backlogs = new Backlogs(broker, () => clock.now);
  const ask = () => {
    const answer = backlogs.ask();
    for (const each of asked.splice(0)) each.answer();
    return answer;
  };
  return { offering, listed, asked, clock, backlogs, ask };
}

test("every processor is asked", async () => {
  const { ask } = cluster();
  expect(await ask()).toHaveLength(2);
});

test("one that is stopping may hold messages until it is gone", async () => {
  const { offering, listed, backlogs, ask } = cluster();
  // What is known of it comes from when it came: nobody asked before it stopped.
  backlogs.look();
  offering.delete("a");
  await expect(ask()).rejects.toThrow("a is stopping");
  listed.delete("a");
  expect(await ask()).toHaveLength(1);
});

test("one that begins to stop while it is asked makes the answer unknown", async () => {
  const { offering, asked, backlogs } = cluster();
  const answer = backlogs.ask();
  offering.delete("a");
  for (const each of asked) each.answer();
  await expect(answer).rejects.toThrow("a is stopping");
});

test("one that was lost may hold messages for 20 s", async () => {
  const { offering, listed, clock, backlogs, ask } = cluster();
  await ask();
  offering.delete("a");
  listed.delete("a");
  backlogs.lost("a");
  clock.now = 19_999;
  await expect(ask()).rejects.toThrow("a was lost");
  clock.now = 20_000;
  expect(await ask()).toHaveLength(1);
});

test("one that was lost and comes back is asked again", async () => {
  const { offering, backlogs, ask } = cluster();
  await ask();
  offering.delete("a");
  backlogs.lost("a");
  offering.add("a");
  expect(await ask()).toHaveLength(2);
});

test("the loss of a node that is no processor means nothing", async () => {
  const { listed, backlogs, ask } = cluster();
  await ask();
  listed.delete("query");
  backlogs.lost("query");
  expect(await ask()).toHaveLength(2);
});

test("one that comes while others are asked makes the answer unknown", async () => {
  const { offering, asked, backlogs, ask } = cluster();
  const answer = backlogs.ask();
  offering.add("c");
  for (const each of asked.splice(0)) each.answer();
  await expect(answer).rejects.toThrow("c was not there yet");
  expect(await ask()).toHaveLength(3);
});
