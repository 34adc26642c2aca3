import { LiveClients } from "../../../lib/live/clients.ts";
import type { SseClient } from "../../../lib/live/client.ts";

const client = () => ({}) as SseClient;
const of = (project: string) => ({ project });
const tooManyOfProject = {
  type: "TOO_MANY_REQUESTS",
  data: { retryAfter: 5, errors: [{ code: "live_clients" }] },
};
const full = { type: "OVERLOADED", data: { retryAfter: 5 } };

function refusalOf(clients: LiveClients<{ readonly project: string }>, project: string): unknown {
  try {
    return clients.check(project);
  } catch (error) {
    return error;
  }
}

test("one project has half of the places, rounded up, and all together have all", () => {
  const clients = new LiveClients(5);
  const ofShop = [client(), client(), client()];
  for (const one of ofShop) {
    clients.check("shop");
    clients.add(one, of("shop"));
  }
  expect(refusalOf(clients, "shop")).toMatchObject(tooManyOfProject);
  expect(refusalOf(clients, "blog")).toBeUndefined();
  clients.add(client(), of("blog"));
  clients.add(client(), of("blog"));
  expect(refusalOf(clients, "blog")).toMatchObject(full);
  expect([...clients].map(([, { project }]) => project)).toEqual([
    ...["shop", "shop", "shop"],
    ...["blog", "blog"],
  ]);

  const [left] = ofShop;
  clients.delete(left!);
  clients.delete(left!);
  expect(clients.size).toBe(4);
  expect(refusalOf(clients, "shop")).toBeUndefined();
});

test("where there is one place any project may have it", () => {
  const clients = new LiveClients(1);
  clients.check("shop");
  clients.add(client(), of("shop"));
  expect(refusalOf(clients, "shop")).toMatchObject(tooManyOfProject);
  expect(refusalOf(clients, "blog")).toMatchObject(full);
});
