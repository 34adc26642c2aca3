import { Preparation } from "../../../../lib/store/mongo/preparation.ts";

/** A preparation that takes down when it is carried out, and fails as often as told. */
function counted(betweenMs: number, failures = 0) {
  const seen = { times: 0 };
  const preparation = new Preparation(async () => {
    seen.times += 1;
    await new Promise(setImmediate);
    if (seen.times <= failures) throw new Error("away");
  }, betweenMs);
  return { seen, preparation };
}

describe("what a connection needs before its first call", () => {
  test("is prepared once for all calls, and again where that failed", async () => {
    const { seen, preparation } = counted(0, 1);
    const first = await Promise.allSettled([preparation.ready(), preparation.ready()]);
    expect(first.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    await Promise.all([preparation.ready(), preparation.ready()]);
    await preparation.ready();
    expect(seen.times).toBe(2);
  });

  test("is not prepared again by any number of calls, nor by failures that are answers", async () => {
    const { seen, preparation } = counted(0);
    await preparation.ready();
    for (let call = 0; call < 10; call += 1) preparation.worked();
    await preparation.idle();
    expect(seen.times).toBe(1);
  });

  test("is prepared again after a lost connection, beside the calls, once one has succeeded", async () => {
    const { seen, preparation } = counted(0);
    await preparation.ready();
    for (let call = 0; call < 10; call += 1) preparation.lost();
    await preparation.ready();
    expect(seen.times).toBe(1);
    for (let call = 0; call < 10; call += 1) preparation.worked();
    await preparation.ready();
    await preparation.idle();
    expect(seen.times).toBe(2);
  });

  test("is not prepared again within the time between two, however often connections are lost", async () => {
    const { seen, preparation } = counted(3_600_000);
    await preparation.ready();
    for (let loss = 0; loss < 10; loss += 1) {
      preparation.lost();
      preparation.worked();
    }
    await preparation.idle();
    expect(seen.times).toBe(1);
  });

  test("that failed beside the calls is tried again", async () => {
    const outcomes = [true, false, true];
    let times = 0;
    const preparation = new Preparation(async () => {
      if (!outcomes[times++]) throw new Error("away");
    }, 0);
    await preparation.ready();
    preparation.lost();
    for (let call = 0; call < 3; call += 1) {
      preparation.worked();
      await preparation.idle();
    }
    expect(times).toBe(3);
  });
});
