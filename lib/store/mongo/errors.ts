import { types } from "node:util";
import {
  MongoBulkWriteError,
  MongoCompatibilityError,
  MongoError,
  MongoErrorLabel,
  MongoInvalidArgumentError,
  MongoMissingDependencyError,
  MongoParseError,
  MongoServerError,
  MongoWriteConcernError,
} from "mongodb";

// MongoDB's codes and their names are in src/mongo/base/error_codes.yml.
const unauthorized = 13;
const authenticationFailed = 18;
const maxTimeExpired = 50;
const commandNotFound = 59;
const invalidNamespace = 73;
const mechanismUnavailable = 334;

/**
 * Answers after which the same command should be sent again: another writer, or too many of them,
 * came in between.
 */
const passingCodes: ReadonlySet<number> = new Set([
  24, // LockTimeout
  46, // LockBusy
  107, // LockFailed
  112, // WriteConflict
  117, // ConflictingOperationInProgress
  246, // SnapshotUnavailable
  16500, // TooManyRequests, of Azure's services
]);

/** Answers of a server that cannot serve now but may do so later. */
const awayCodes: ReadonlySet<number> = new Set([
  maxTimeExpired,
  6, // HostUnreachable
  7, // HostNotFound
  unauthorized,
  authenticationFailed,
  43, // CursorNotFound: the server was started anew while it was read from
  64, // WriteConcernTimeout
  89, // NetworkTimeout
  91, // ShutdownInProgress
  100, // UnsatisfiableWriteConcern
  133, // FailedToSatisfyReadPreference
  134, // ReadConcernMajorityNotAvailableYet
  189, // PrimarySteppedDown
  202, // NetworkInterfaceExceededTimeLimit
  237, // CursorKilled
  262, // ExceededTimeLimit
  365, // TemporarilyUnavailable
  9001, // SocketException
  10107, // NotWritablePrimary
  11600, // InterruptedAtShutdown
  11602, // InterruptedDueToReplStateChange
  13435, // NotPrimaryNoSecondaryOk
  13436, // NotPrimaryOrSecondary
  14031, // OutOfDiskSpace
]);

/** Whether the failure is a server's answer, so that the connection to it stands. */
export function isAnswer(failure: unknown): boolean {
  return rootOf(failure) instanceof MongoServerError;
}

/** A read took so long that the server may have stopped it and answered a part of it. */
export class PartialRead extends Error {
  override readonly name = "PartialRead";
}

/** Whether the server does not know a command. */
export function isUnknownCommand(failure: unknown): boolean {
  return failure instanceof MongoServerError && failure.code === commandNotFound;
}

/** Whether the server stopped a read at its `maxTimeMS`. */
export function isTimeLimit(failure: unknown): boolean {
  if (failure instanceof PartialRead) return true;
  return failure instanceof MongoServerError && failure.code === maxTimeExpired;
}

/**
 * Whether one write among several was only put off, by its code: sent again soon, it will succeed.
 */
export function isPassingCode(code: number): boolean {
  return passingCodes.has(code) || code === maxTimeExpired;
}

/** Whether a whole command was only put off: sent again soon, it will succeed. */
export function isPassing(failure: unknown): boolean {
  const error = rootOf(failure);
  if (!(error instanceof MongoServerError)) return false;
  const isTransient = error.hasErrorLabel(MongoErrorLabel.TransientTransactionError);
  return isTransient || passingCodes.has(Number(error.code));
}

/**
 * Whether a failure means that the store is away: later the same call may succeed. A write that no
 * majority has acknowledged is such a failure, though it may have happened.
 */
export function isAway(failure: unknown): boolean {
  const error = rootOf(failure);
  if (!(error instanceof MongoError)) return isConnectionFailure(error);
  if (error instanceof MongoWriteConcernError) return true;
  if (error instanceof MongoServerError) {
    return (
      (error instanceof MongoBulkWriteError && hasAwayOperation(error)) ||
      awayCodes.has(Number(error.code)) ||
      isPassing(error) ||
      error.hasErrorLabel(MongoErrorLabel.RetryableWriteError) ||
      error.hasErrorLabel(MongoErrorLabel.SystemOverloadedError)
    );
  }
  return !(error instanceof MongoInvalidArgumentError || error instanceof MongoParseError);
}

/**
 * What an operator has to change before this connection can be opened; `undefined` for what may
 * pass by itself. It contains neither the password nor the server's own words, which may repeat it.
 */
export function refusalOf(failure: unknown): string | undefined {
  const error = rootOf(failure);
  if (error instanceof MongoCompatibilityError) return "the server's version is not supported";
  if (error instanceof MongoMissingDependencyError) return error.message;
  if (error instanceof MongoServerError) return refusals.get(Number(error.code));
  const { code, path } = (error ?? {}) as { code?: unknown; path?: unknown };
  if (typeof code !== "string" || typeof path !== "string") return undefined;
  return `the file ${path} cannot be read (${code})`;
}

const refusals: ReadonlyMap<number, string> = new Map([
  [
    authenticationFailed,
    "the server refuses this user and password. It looks them up in the database that authSource " +
      "names, else in the one in the path, else in admin",
  ],
  [mechanismUnavailable, "the server does not offer this authMechanism"],
  [
    unauthorized,
    "the server does not allow this user, or anybody without one, to make collections and " +
      "indexes in this database: the role readWrite is needed",
  ],
  [invalidNamespace, "a database cannot have this name"],
  [commandNotFound, "the server lacks a needed command; it may know no users, so name none"],
]);

/** The reason for the log, without data of events. */
export function reasonOf(failure: unknown): string {
  const error = rootOf(failure);
  if (error instanceof MongoServerError) {
    const { codeName } = error as { codeName?: unknown };
    return typeof codeName === "string" ? `${codeName} (${error.code})` : `code ${error.code}`;
  }
  return types.isNativeError(error) ? error.message : String(error);
}

function hasAwayOperation({ writeErrors, result }: MongoBulkWriteError): boolean {
  return (
    result.getWriteConcernError() !== undefined ||
    [writeErrors].flat().some(({ code }) => awayCodes.has(code))
  );
}

/** A bulk write wraps the error that ended it, and copies the fields of a server's answer. */
function rootOf(failure: unknown): unknown {
  if (!(failure instanceof MongoBulkWriteError)) return failure;
  const { errorResponse } = failure as { errorResponse: unknown };
  return types.isNativeError(errorResponse) ? rootOf(errorResponse) : failure;
}

/**
 * Recognizes a failed look-up of `mongodb+srv:`, or a write to a connection that the server just
 * ended: the driver passes on Node's own errors.
 */
function isConnectionFailure(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === "string" && /^(E(AI_)?[A-Z]+|ERR_(STREAM|SOCKET|TLS|SSL)_.+)$/.test(code);
}
