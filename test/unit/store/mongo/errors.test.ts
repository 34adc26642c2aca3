import { once } from "node:events";
import { connect } from "node:net";
import {
  MongoBulkWriteError,
  MongoClientClosedError,
  MongoCompatibilityError,
  MongoDriverError,
  MongoErrorLabel,
  MongoExpiredSessionError,
  MongoInvalidArgumentError,
  MongoNetworkError,
  MongoNetworkTimeoutError,
  MongoNotConnectedError,
  MongoOperationTimeoutError,
  MongoRuntimeError,
  MongoServerClosedError,
  MongoServerError,
  MongoTopologyClosedError,
  MongoUnexpectedServerResponseError,
  MongoWriteConcernError,
} from "mongodb";
import {
  isAnswer,
  isAway,
  isPassing,
  isPassingCode,
  reasonOf,
  refusalOf,
} from "../../../../lib/store/mongo/errors.ts";
import { bulkError } from "../../../fixtures/mongo-errors.ts";

const answer = (code: number, codeName?: string) =>
  new MongoServerError({ errmsg: "dup key: { _id: 'secret' }", code, codeName });

const system = (code: string) => Object.assign(new Error("no"), { code });

describe("a failure of MongoDB's driver", () => {
  test("means that the store is away where the same call may succeed later", () => {
    const concern = { ok: 1, writeConcernError: { code: 64, errmsg: "waiting timed out" } };
    const away = [
      new MongoNetworkError("connect ECONNREFUSED"),
      new MongoTopologyClosedError(),
      new MongoWriteConcernError(concern),
      answer(10107),
      answer(14031),
      bulkError({ wrapped: new MongoNetworkError("reset") }),
      bulkError({ wrapped: answer(189) }),
      bulkError({ codes: [11_000], concern: true }),
      bulkError({ codes: [], concern: true }),
      bulkError({ codes: [11_000, 11_602] }),
      system("ENOTFOUND"),
      system("EAI_AGAIN"),
      system("EPIPE"),
      bulkError({ wrapped: system("EPIPE") }),
      system("ERR_STREAM_DESTROYED"),
    ];
    for (const error of away)
      expect([reasonOf(error), isAway(error)]).toEqual([expect.anything(), true]);
  });

  test("means that the call is to be repeated where the server only put it off", () => {
    const transient = answer(251, "NoSuchTransaction");
    transient.addErrorLabel(MongoErrorLabel.TransientTransactionError);
    const passing = [24, 46, 107, 112, 117, 246, 16_500].map((code) => answer(code));
    for (const error of [...passing, bulkError({ wrapped: answer(112) }), transient]) {
      expect([reasonOf(error), isPassing(error), isAway(error)]).toEqual([
        expect.anything(),
        true,
        true,
      ]);
      expect(isAnswer(error)).toBe(true);
    }
    // These ask for another server, or for less, not for the same at once.
    for (const code of [50, 91, 189, 11_600, 10_107]) {
      expect([code, isPassing(answer(code)), isAway(answer(code))]).toEqual([code, false, true]);
    }
    expect(isPassing(new MongoNetworkError("reset"))).toBe(false);
    expect(isAnswer(new MongoNetworkError("reset"))).toBe(false);
  });

  test("of one write among several is that of its code", () => {
    expect([24, 50, 112, 16_500].map(isPassingCode)).toEqual([true, true, true, true]);
    expect([121, 11_000, 66].map(isPassingCode)).toEqual([false, false, false]);
    for (const code of [91, 189, 11_600]) expect(isAway(bulkError({ codes: [code] }))).toBe(true);
  });

  test("means the same where a connection, a pool, a session or a handshake ended under the call", () => {
    const ended = [
      new MongoNetworkTimeoutError("connection 1 timed out", { beforeHandshake: true }),
      new MongoServerClosedError(),
      new MongoClientClosedError(),
      new MongoNotConnectedError("no"),
      new MongoExpiredSessionError(),
      new MongoOperationTimeoutError("no"),
      new MongoUnexpectedServerResponseError("no answer"),
      // What a pool that was closed throws: its own class is not exported.
      new MongoDriverError("Attempted to check out a connection from closed connection pool"),
      new MongoRuntimeError("Connection creation failed without error"),
    ];
    for (const error of ended) {
      expect([error.name, isAway(error)]).toEqual([error.name, true]);
      expect([error.name, isAway(bulkError({ wrapped: error }))]).toEqual([error.name, true]);
    }
  });

  test("of Node's own network code counts, though it is of another realm here", async () => {
    const socket = connect(1, "127.0.0.1");
    const error = await once(socket, "connect").catch((reason: unknown) => reason);
    expect(error instanceof Error).toBe(false);
    expect(isAway(error)).toBe(true);
    expect(isAway(bulkError({ wrapped: error as Error }))).toBe(true);
    expect(reasonOf(error)).toContain("ECONNREFUSED");
    expect(reasonOf(bulkError({ wrapped: error as Error }))).toContain("ECONNREFUSED");
  });

  test("does not where the call itself, or this code, is wrong", () => {
    const wrong = [
      answer(2, "BadValue"),
      answer(11_000),
      bulkError({ codes: [11_000, 121] }),
      bulkError({ wrapped: answer(9) }),
      new MongoInvalidArgumentError("no"),
      new TypeError("no"),
      system("ERR_OUT_OF_RANGE"),
      undefined,
    ];
    for (const error of wrong) expect(isAway(error)).toBe(false);
  });

  test("is a refusal where somebody has to change something", () => {
    expect(refusalOf(answer(18))).toContain("user and password");
    expect(refusalOf(answer(13))).toContain("readWrite");
    expect(refusalOf(new MongoCompatibilityError("old"))).toContain("version");
    expect(refusalOf(Object.assign(system("ENOENT"), { path: "/ca.pem" }))).toContain("/ca.pem");
    expect(refusalOf(system("EPIPE"))).toBeUndefined();
    expect(refusalOf(new MongoNetworkError("reset"))).toBeUndefined();
    expect(refusalOf(answer(10107))).toBeUndefined();
  });

  test("is told without the server's words, which may hold data", () => {
    expect(reasonOf(answer(2, "BadValue"))).toBe("BadValue (2)");
    expect(reasonOf(answer(2))).toBe("code 2");
    expect(reasonOf(bulkError({ codes: [11_000, 121] }))).toBe("code 11000");
    expect(bulkError({})).toBeInstanceOf(MongoBulkWriteError);
  });
});
