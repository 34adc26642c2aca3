import type * as client from "../../client/src/questions.ts";
import type {
  propertiesParameters,
  typesParameters,
  valuesParameters,
} from "../../lib/questions/catalog/question.ts";
import type { auditBody, rebuildBody } from "../../lib/questions/audits.ts";
import type { countsParameters } from "../../lib/questions/counts.ts";
import type { erasuresParameters } from "../../lib/questions/erasing.ts";
import type { keyBody } from "../../lib/questions/keys.ts";
import type { exportParameters } from "../../lib/questions/lists/export.ts";
import type { listParameters } from "../../lib/questions/lists/list.ts";
import type { storyParameters } from "../../lib/questions/lists/story.ts";
import type { mailParameters } from "../../lib/questions/mail/question.ts";
import type { quarantineParameters } from "../../lib/questions/quarantine.ts";
import type { queryBody } from "../../lib/questions/query/question.ts";
import type { agesBody } from "../../lib/questions/retention.ts";
import type { schemaBody } from "../../lib/questions/schemas.ts";
import type { funnelBody } from "../../lib/questions/sequences/funnel.ts";
import type { pathsBody } from "../../lib/questions/sequences/paths.ts";
import type { retentionBody } from "../../lib/questions/sequences/retention.ts";

/*
 * The client's questions are written for whoever asks: what may be given, in every spelling. The service's tables say what is
 * read. This file does not compile where one of the two has a name that the other lacks.
 */
type Names<T> = Exclude<keyof T, client.PropertyName>;
/** `never` where both have the same names; else those that one of them lacks. */
type Differing<A, B> = Exclude<Names<A>, Names<B>> | Exclude<Names<B>, Names<A>>;
/** By parameters a range may be relative, on the calendar of a zone; the gateway resolves it. */
type Ranged<T> = T & Record<"range" | "timezone", unknown>;
type Own<T, More extends string> = Omit<T, More>;

const agree = <_Difference extends never>(): void => undefined;

agree<Differing<client.CountsQuestion, Ranged<typeof countsParameters>>>();
agree<Differing<client.ListQuestion, typeof listParameters>>();
agree<
  Differing<client.ExportQuestion, Own<typeof exportParameters, "format" | "bom" | "cursor">>
>();
agree<Differing<client.StoryQuestion, Own<typeof storyParameters, "correlationId">>>();
agree<Differing<client.MailQuestion, typeof mailParameters>>();
agree<Differing<client.TypesQuestion, typeof typesParameters>>();
agree<Differing<client.PropertiesQuestion, typeof propertiesParameters>>();
agree<Differing<client.ValuesQuestion, typeof valuesParameters>>();
agree<Differing<client.ErasureFilters, Own<typeof erasuresParameters, "ids">>>();
agree<Differing<client.KeyToGive, typeof keyBody>>();
agree<Differing<client.SchemaToPut, typeof schemaBody>>();
agree<Differing<client.QuarantineQuestion, typeof quarantineParameters>>();
agree<Differing<client.RetentionToPut, typeof agesBody>>();
agree<Differing<client.AuditToBegin, typeof auditBody>>();
agree<Differing<client.RebuildToBegin, typeof rebuildBody>>();
agree<Differing<client.QueryQuestion, typeof queryBody>>();
agree<Differing<client.FunnelQuestion, typeof funnelBody>>();
agree<Differing<client.RetentionQuestion, typeof retentionBody>>();
agree<Differing<client.PathsQuestion, typeof pathsBody>>();
// @ts-expect-error a name that only the client has is found
agree<Differing<client.PathsQuestion & { depth: number }, typeof pathsBody>>();
