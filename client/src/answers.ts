/**
 * The service's answers. These are the service's own types: the package's declarations hold copies
 * of them, made when it is packed, so the client does not depend on the service when it runs.
 */
import type { WithMeta } from "../../lib/contracts.ts";
import type { FunnelResult } from "../../lib/questions/sequences/funnel.ts";
import type { PathsResult } from "../../lib/questions/sequences/paths.ts";
import type { RetentionResult } from "../../lib/questions/sequences/retention.ts";

export type { EventContext, EventInput, Json, JsonObject } from "../../lib/event/event.ts";
export type { PublicEvent } from "../../lib/event/public-event.ts";
export type { Finding } from "../../lib/errors.ts";
export type { ItemError } from "../../lib/event/admit.ts";
export type { ProblemBody } from "../../lib/http/problem.ts";
export type { AnswerMeta, Reason } from "../../lib/questions/answer-meta.ts";
export type { QueryAnswer } from "../../lib/contracts.ts";
export type { CountsAnswer } from "../../lib/answers/counts.ts";
export type { ListAnswer, PageShown } from "../../lib/questions/lists/list.ts";
export type { StoryAnswer, StoryEvent } from "../../lib/questions/lists/story.ts";
export type {
  CatalogProperties,
  CatalogTypes,
  CatalogValues,
} from "../../lib/questions/catalog/question.ts";
export type { MailAnswer } from "../../lib/questions/mail/question.ts";
export type { AuditLog, ShownAct } from "../../lib/questions/audit-log.ts";
export type { ShownJob } from "../../lib/questions/jobs.ts";
export type { GivenKey, ShownKey } from "../../lib/questions/keys.ts";
export type { DeadBatch, ShownDeadBatch } from "../../lib/questions/lists/dead-letters.ts";
export type {
  QuarantineAnswer,
  ReplayedEvents,
  ShownQuarantined,
  ShownQuarantinedEvent,
} from "../../lib/questions/quarantine.ts";
export type { ShownRetention } from "../../lib/questions/retention.ts";
export type { ProposedSchema, ShownSchema, ShownVersion } from "../../lib/questions/schemas.ts";
export type { EventTrace } from "../../lib/questions/trace.ts";
export type { LivePast, LiveSecond, LiveStage, Missed } from "../../lib/live/frames.ts";
export type { ShownQuestion } from "../../lib/questions/saved.ts";

export type FunnelAnswer = WithMeta<FunnelResult>;
export type RetentionAnswer = WithMeta<RetentionResult>;
export type PathsAnswer = WithMeta<PathsResult>;
