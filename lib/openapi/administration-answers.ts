import {
  actKinds,
  actorKinds,
  outcomes,
  type Actor,
  type AuditLog,
  type ShownAct,
} from "../questions/audit-log.ts";
import { scopes } from "../keys/configured.ts";
import { callerKinds, type GivenKey, type ShownCaller, type ShownKey } from "../questions/keys.ts";
import type { DeadBatch, ShownDeadBatch } from "../questions/lists/dead-letters.ts";
import type {
  QuarantineAnswer,
  ReplayedEvents,
  ShownQuarantined,
  ShownQuarantinedEvent,
} from "../questions/quarantine.ts";
import { schemaModes } from "../event/schemas/schema.ts";
import type { ProposedSchema, ShownSchema, ShownVersion } from "../questions/schemas.ts";
import type { AuditReport, Drift } from "../questions/audits.ts";
import type { ShownRetention } from "../questions/retention.ts";
import { jobKinds, type ShownJob } from "../questions/jobs.ts";
import {
  maybe,
  shape,
  string,
  number,
  count,
  boolean,
  instant,
  object,
  oneOf,
  list,
  orNull,
  range,
  sentEvent,
  page,
  finding,
  type Shape,
} from "./shape.ts";

const aText = orNull(string);
const ages = {
  ...{ events: aText, minutes: aText, hours: aText, days: aText },
  types: object,
} as const;
const auditReport = shape<AuditReport>({
  buckets: count,
  drifted: count,
  drift: list(
    shape<Drift>({
      grain: oneOf("minute", "hour", "day"),
      start: instant,
      section: string,
      type: string,
      value: maybe(string),
      rollup: number,
      counted: number,
    }),
  ),
  repaired: count,
  uncounted: count,
  unmarked: count,
  lacking: count,
  changed: list(string),
});
const job = shape<ShownJob>({
  id: string,
  kind: oneOf(...jobKinds),
  status: oneOf("waiting", "running", "failing", "done"),
  createdAt: instant,
  updatedAt: instant,
  finishedAt: orNull(instant),
  erased: maybe(count),
  acceptedUntil: maybe(instant),
  fenced: maybe(boolean),
  ids: maybe(oneOf("refused", "reusable")),
  range: maybe(range),
  doneUntil: maybe(orNull(instant)),
  found: maybe(auditReport),
  rebuilt: maybe(count),
});
const deadBatch = {
  id: string,
  project: orNull(string),
  reason: string,
  attempts: count,
  diedAt: instant,
  receivedAt: instant,
  sizeBytes: count,
};
const shownKey = {
  id: string,
  name: string,
  scopes: list(oneOf(...scopes)),
  hint: string,
  state: oneOf("holds", "expired", "revoked"),
  createdAt: instant,
  expiresAt: orNull(instant),
  lastUsedAt: orNull(instant),
  replaces: maybe(string),
};
const shownSchema = {
  type: string,
  version: count,
  mode: oneOf(...schemaModes),
  schema: object,
  createdAt: instant,
};
const shownQuarantined = {
  id: string,
  type: string,
  receivedAt: instant,
  state: oneOf("held", "replaying"),
  schemaVersion: count,
  findings: list(finding),
};

/** The answers of administration, by their names in the document. */
export const administrationAnswers = {
  Retention: shape<ShownRetention>({
    retention: shape<ShownRetention["retention"]>(ages),
    isOwn: boolean,
    dropped: shape<ShownRetention["dropped"]>(ages),
    refused: shape<ShownRetention["refused"]>(ages),
  }),
  Job: job,
  Jobs: shape<{ data: readonly ShownJob[] }>({ data: list(job) }),
  Key: shape<ShownKey>(shownKey),
  GivenKey: shape<GivenKey>({ ...shownKey, key: string }),
  Caller: shape<ShownCaller>({
    kind: oneOf(...callerKinds),
    project: string,
    scopes: list(oneOf(...scopes)),
    id: maybe(string),
    name: maybe(string),
    expiresAt: orNull(instant),
  }),
  Keys: shape<{ data: readonly ShownKey[] }>({ data: list(shape<ShownKey>(shownKey)) }),
  DeadLetter: shape<ShownDeadBatch>({ ...deadBatch, body: string }),
  DeadLetters: shape<{ data: readonly DeadBatch[] }>({ data: list(shape<DeadBatch>(deadBatch)) }),
  Replayed: shape<{ replayed: string }>({ replayed: string }),
  Schema: shape<ShownSchema>(shownSchema),
  Schemas: shape<{ data: readonly ShownSchema[] }>({
    data: list(shape<ShownSchema>(shownSchema)),
  }),
  SchemaVersions: shape<{ data: readonly ShownVersion[] }>({
    data: list(
      shape<ShownVersion>({
        type: string,
        version: count,
        mode: orNull(oneOf(...schemaModes)),
        schema: orNull(object),
        createdAt: instant,
      }),
    ),
  }),
  ProposedSchema: shape<ProposedSchema>({
    type: string,
    schema: object,
    basedOn: shape<ProposedSchema["basedOn"]>({
      events: count,
      oldest: orNull(instant),
      newest: orNull(instant),
    }),
  }),
  Quarantine: shape<QuarantineAnswer>({
    data: list(shape<ShownQuarantined>(shownQuarantined)),
    page,
  }),
  Quarantined: shape<ShownQuarantinedEvent>({
    ...shownQuarantined,
    event: shape<ShownQuarantinedEvent["event"]>(sentEvent),
  }),
  ReplayedMany: shape<ReplayedEvents>({
    replayed: count,
    broken: count,
    nextCursor: orNull(string),
  }),
  AuditLog: shape<AuditLog>({
    data: list(
      shape<ShownAct>({
        id: string,
        at: instant,
        actor: shape<Actor>({ kind: oneOf(...actorKinds), id: string, name: maybe(string) }),
        what: oneOf(...actKinds),
        target: string,
        details: object,
        requestId: maybe(string),
        outcome: oneOf(...outcomes),
      }),
    ),
    page,
  }),
} as const satisfies Readonly<Record<string, Shape<unknown>>>;
