import { Callers, SharedWork } from "../../../lib/concurrency/callers.ts";

const left = new Error("left");

/** Work that a test ends by hand. */
function workOf() {
  const begun: { readonly signal: AbortSignal; readonly end: (value: string) => void }[] = [];
  const begin = (signal: AbortSignal) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    signal.addEventListener("abort", () => reject(signal.reason as Error));
    begun.push({ signal, end: resolve });
    return promise;
  };
  return { begun, begin };
}

describe("shared work", () => {
  test("is done once for all who ask for the same", async () => {
    const shared = new SharedWork<string>();
    const { begun, begin } = workOf();
    const answers = [undefined, new AbortController().signal].map((signal) =>
      shared.ask("k", signal, begin),
    );
    const other = shared.ask("other", undefined, begin);
    expect(begun.length).toBe(2);
    begun[0]!.end("found");
    begun[1]!.end("other");
    expect(await Promise.all([...answers, other])).toEqual(["found", "found", "other"]);
    void shared.ask("k", undefined, begin);
    expect(begun.length).toBe(3);
  });

  test("goes on while one still waits, and is stopped when all have left", async () => {
    const shared = new SharedWork<string>();
    const { begun, begin } = workOf();
    const callers = [new AbortController(), new AbortController()];
    const answers = callers.map(({ signal }) => shared.ask("k", signal, begin));
    callers[0]!.abort(left);
    await expect(answers[0]).rejects.toBe(left);
    expect(begun[0]!.signal.aborted).toBe(false);
    callers[1]!.abort(left);
    await expect(answers[1]).rejects.toBe(left);
    expect(begun[0]!.signal.aborted).toBe(true);
    const again = shared.ask("k", undefined, begin);
    begun[1]!.end("found");
    expect(await again).toBe("found");
  });

  test("is not stopped where somebody waits who cannot leave", async () => {
    const shared = new SharedWork<string>();
    const { begun, begin } = workOf();
    const controller = new AbortController();
    const leaves = shared.ask("k", controller.signal, begin);
    const stays = shared.ask("k", undefined, begin);
    controller.abort(left);
    await expect(leaves).rejects.toBe(left);
    begun[0]!.end("found");
    expect(await stays).toBe("found");
  });
});

describe("callers", () => {
  const callerLeft = { type: "CALLER_LEFT" };

  test("are told by their id, in all calls that are under way", () => {
    const callers = new Callers();
    const signals = [callers.begin("a"), callers.begin("a"), callers.begin("b")];
    callers.end("a");
    callers.left("a");
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false]);
    expect(signals[0]!.reason).toMatchObject(callerLeft);
  });

  test("may be told of before their call arrives, once", () => {
    const callers = new Callers();
    callers.left("a");
    expect(callers.begin("a").aborted).toBe(true);
    callers.end("a");
    expect(callers.begin("a").aborted).toBe(false);
  });

  test("of whom very many left early, the last thousand are remembered", () => {
    const callers = new Callers();
    for (let i = 0; i < 1_001; i++) callers.left(`c${i}`);
    expect(callers.begin("c0").aborted).toBe(false);
    expect(callers.begin("c1").aborted).toBe(true);
  });

  test("leave with their node", () => {
    const callers = new Callers();
    const [gone, here] = [callers.begin("a", "node-1"), callers.begin("b", "node-2")];
    callers.lost("node-1");
    expect([gone.aborted, here.aborted]).toEqual([true, false]);
  });

  test("do not leave with a node that was silent for longer than they wait", () => {
    const callers = new Callers();
    const here = callers.begin("a", "node-1");
    callers.lost("node-1", 60_000);
    expect(here.aborted).toBe(false);
    callers.lost("node-1");
    expect(here.aborted).toBe(true);
  });
});
