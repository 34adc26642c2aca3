import { BSON } from "mongodb";
import type { EventRow } from "../../rows.ts";
import { rowOf, type RowDocument } from "../documents.ts";

/** The fields of an event that columns hold. */
export const toldFields = {
  _id: 0,
  project: 1,
  timestamp: 1,
  receivedAt: 1,
  type: 1,
  source: 1,
  correlationId: 1,
  userId: 1,
  body: 1,
} as const;

/** All fields that make up an event. */
export const rowFields = { ...toldFields, id: 1, batch: 1, hash: 1 } as const;

/** Types of BSON's elements (https://bsonspec.org/spec.html). */
const [endOfDocument, double, text, int32] = [0, 1, 2, 16];

const none: Omit<RowDocument, "_id"> = {
  ...{ project: "", id: "", batch: "", type: "", source: "", hash: "", body: "" },
  ...{ timestamp: 0, receivedAt: 0 },
};

/** The bytes of a document before its first element: the document's length. */
const lengthBytes = 4;

/** Identifies a field by its first letter and length, which no two fields of one type share. */
const keyOf = (name: keyof typeof rowFields) => keyFrom(name.charCodeAt(0), name.length);
const keyFrom = (initial: number, length: number) => initial + 256 * length;

const [id, batch, hash] = [keyOf("id"), keyOf("batch"), keyOf("hash")];
const [project, type, source] = [keyOf("project"), keyOf("type"), keyOf("source")];
const [correlationId, userId] = [keyOf("correlationId"), keyOf("userId")];
const timestamp = keyOf("timestamp");

/**
 * Reads the row of an event from the BSON of its `rowFields`, or of some of them: the others are
 * empty then. The driver takes four times as long to make an object.
 */
export function rowFrom(bytes: Uint8Array): EventRow {
  const buffer = Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const texts = { project: "", id: "", batch: "", type: "", source: "", hash: "", body: "" };
  let [timestampMs, receivedAtMs] = [0, 0];
  let correlation: string | null = null;
  let user: string | null = null;
  let at = lengthBytes;
  for (let kind = buffer[at]; kind !== endOfDocument; kind = buffer[at]) {
    const nameAt = at + 1;
    while (buffer[++at] !== 0);
    const key = keyFrom(buffer[nameAt]!, at - nameAt);
    at += 1;
    if (kind === text) {
      const length = buffer.readInt32LE(at);
      const value = buffer.toString("utf8", at + 4, at + 3 + length);
      at += 4 + length;
      if (key === project) texts.project = value;
      else if (key === type) texts.type = value;
      else if (key === source) texts.source = value;
      else if (key === correlationId) correlation = value;
      else if (key === userId) user = value;
      else if (key === id) texts.id = value;
      else if (key === batch) texts.batch = value;
      else if (key === hash) texts.hash = value;
      else texts.body = value;
    } else if (kind === double || kind === int32) {
      const value = kind === double ? buffer.readDoubleLE(at) : buffer.readInt32LE(at);
      at += kind === double ? 8 : 4;
      if (key === timestamp) timestampMs = value;
      else receivedAtMs = value;
    } else {
      // Other numbers: some servers keep whole numbers in 64 bits.
      return rowOf({ ...none, ...(BSON.deserialize(bytes) as RowDocument) });
    }
  }
  return [
    texts.project,
    texts.id,
    texts.batch,
    timestampMs,
    receivedAtMs,
    texts.type,
    texts.source,
    correlation,
    user,
    texts.hash,
    texts.body,
  ];
}
