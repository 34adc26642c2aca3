import { CollectingRequests } from "../../../lib/concurrency/collecting-requests.ts";

test("requests wait until their work has ended, however; one broker's services share the number", async () => {
  const broker = {};
  const requests = CollectingRequests.of(broker);
  const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const kept = requests.during(first.promise);
  const refused = requests.during(second.promise);
  expect(CollectingRequests.of(broker).waiting).toBe(2);
  expect(CollectingRequests.of({}).waiting).toBe(0);
  first.resolve("kept");
  expect(await kept).toBe("kept");
  expect(requests.waiting).toBe(1);
  second.reject(new Error("refused"));
  await expect(refused).rejects.toThrow("refused");
  expect(requests.waiting).toBe(0);
});
