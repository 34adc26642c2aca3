import type { ServerResponse } from "node:http";
import type { Needed } from "../lib/keys/configured.ts";
import { loadConfig, type Config } from "../lib/config.ts";
import { knowsServices } from "../lib/runtime/known-node.ts";
import { defineService } from "../lib/moleculer.ts";
import { operatingPaths, type Operating } from "../lib/runtime/operations.ts";
import {
  AnswersUnderWayMixin,
  type Sending,
  LeavingMixin,
  type Leaving,
} from "../mixins/gateway/answers-under-way.mixin.ts";
import {
  AskEdgeMixin,
  type AskEdge,
  SavedQuestionsEdgeMixin,
  type SavedQuestionsEdge,
} from "../mixins/gateway/questions.mixin.ts";
import { CollectEdgeMixin } from "../mixins/gateway/collect.mixin.ts";
import { UpkeepEdgeMixin, type UpkeepEdge } from "../mixins/gateway/upkeep.mixin.ts";
import { EraseEdgeMixin, type EraseEdge } from "../mixins/gateway/erase.mixin.ts";
import { ExportEdgeMixin, type ExportEdge } from "../mixins/gateway/export.mixin.ts";
import {
  DeadLettersEdgeMixin,
  type DeadLettersEdge,
} from "../mixins/gateway/dead-letters.mixin.ts";
import { SchemasEdgeMixin, type SchemasEdge } from "../mixins/gateway/schemas.mixin.ts";
import { KeysEdgeMixin, type KeysEdge } from "../mixins/gateway/keys.mixin.ts";
import { HttpEdgeMixin } from "../mixins/gateway/http.mixin.ts";
import type { Aliased, Edge, Routed } from "../mixins/gateway/edge.ts";
import { LiveEdgeMixin, type LiveEdge } from "../mixins/gateway/live.mixin.ts";
import { OperateMixin } from "../mixins/gateway/operations.mixin.ts";
import { OpenApiMixin, type Describing } from "../mixins/gateway/openapi.mixin.ts";
import { pageAliases, PageMixin } from "../mixins/gateway/page.mixin.ts";

type Handlers = Operating &
  Describing &
  ExportEdge &
  EraseEdge &
  UpkeepEdge &
  LiveEdge &
  KeysEdge &
  DeadLettersEdge &
  SchemasEdge &
  Omit<SavedQuestionsEdge, "takeVersion">;

interface ApiRoute {
  readonly name: string;
  readonly path: string;
  /** The scope that the key must have; absent: the route needs no key. */
  readonly scope?: Needed;
  /** Whether the body becomes an action's parameters. */
  readonly takesQuestion?: boolean;
  readonly aliases: Readonly<Record<string, unknown>>;
}

/** Reads, each an alias of an action. Collecting has front routes, in CollectEdgeMixin. */
const reads: ApiRoute = {
  name: "reads",
  path: "/api/v1",
  scope: "events:read",
  aliases: {
    "GET /events": "query.events",
    "GET /events/counts": "query.counts",
    "GET /events/export": handler("exportEvents"),
    "GET /events/:id": "query.event",
    "GET /events/:id/trace": "query.trace",
    "GET /reports/mail": "query.mailReport",
    "GET /catalog/types": "query.catalog.types",
    "GET /catalog/properties": "query.catalog.properties",
    "GET /catalog/values": "query.catalog.values",
    "GET /schemas": "query.schemas.list",
    "GET /schemas/:type": "query.schemas.get",
    "GET /schemas/:type/versions": "query.schemas.versions",
    "GET /queries": "query.saved.list",
    "GET /queries/:name": "query.saved.get",
    "GET /queries/:name/results": "query.saved.results",
    "GET /stories/:correlationId": "query.story",
  },
};

/** Streams. They come before the reads: otherwise `stream` would be read as the id of an event. */
const streams: ApiRoute = {
  name: "streams",
  path: "/api/v1",
  scope: "live:read",
  aliases: {
    "GET /events/stream": handler("streamEvents"),
    "GET /live": handler("watchLive"),
  },
};

/**
 * The caller's own rights. It comes before `administration`: otherwise `self` would be read as the id
 * of a key.
 */
const ownKey: ApiRoute = {
  name: "own key",
  path: "/api/v1",
  scope: "any",
  aliases: { "GET /keys/self": handler("showCaller") },
};

/** Questions that come as a body. */
const questions: ApiRoute = {
  name: "questions",
  path: "/api/v1",
  scope: "events:read",
  takesQuestion: true,
  aliases: {
    "POST /query": "query.run",
    "POST /query/funnel": "query.funnel",
    "POST /query/retention": "query.retention",
    "POST /query/paths": "query.paths",
  },
};

/** Changes of what a project keeps besides events: saved questions, keys, schemas, dead letters. */
const administration: ApiRoute = {
  name: "administration",
  path: "/api/v1",
  scope: "admin",
  aliases: {
    "PUT /queries/:name": handler("saveQuestion"),
    "DELETE /queries/:name": handler("removeQuestion"),
    "GET /keys": "query.keys.list",
    "POST /keys": handler("createKey"),
    "GET /keys/:id": "query.keys.get",
    "DELETE /keys/:id": handler("revokeKey"),
    "POST /keys/:id/rotate": handler("rotateKey"),
    "GET /dead-letters": handler("listDead"),
    "GET /dead-letters/:id": handler("showDead"),
    "DELETE /dead-letters/:id": handler("removeDead"),
    "POST /dead-letters/:id/replay": handler("replayDead"),
    "PUT /schemas/:type": handler("putSchema"),
    "DELETE /schemas/:type": handler("removeSchema"),
    "POST /schemas/:type/infer": handler("inferSchema"),
    "GET /quarantine": "processor.quarantine.list",
    "POST /quarantine/replay": handler("replayMany"),
    "GET /quarantine/:id": "processor.quarantine.show",
    "PATCH /quarantine/:id": handler("patchQuarantined"),
    "DELETE /quarantine/:id": handler("dropQuarantined"),
    "POST /quarantine/:id/replay": handler("replayQuarantined"),
    "GET /audit-log": "query.auditLog",
  },
};

/** Erasures, audits and retention, their jobs, and the export of a person's events. */
const upkeep: ApiRoute = {
  name: "upkeep",
  path: "/api/v1",
  scope: "admin",
  aliases: {
    "DELETE /events": handler("eraseEvents"),
    "DELETE /events/:id": handler("eraseEvent"),
    "DELETE /subjects/:userId": handler("eraseSubject"),
    "GET /subjects/:userId/export": handler("exportSubject"),
    "POST /audits": handler("beginAudit"),
    "POST /rollups/rebuild": handler("rebuildRollups"),
    "GET /retention": "aggregator.retention.get",
    "PUT /retention": handler("setRetention"),
    "GET /jobs": "aggregator.jobs.list",
    "GET /jobs/:id": "aggregator.jobs.get",
  },
};

const operations: ApiRoute = {
  name: "operations",
  path: "/",
  aliases: Object.fromEntries(
    Object.entries(operatingPaths).map(([path, name]) => [`GET ${path}`, handler(name)]),
  ),
};

/** The description of all routes. */
const description: ApiRoute = {
  name: "description",
  path: "/",
  aliases: { "GET /openapi.json": handler("sendDocument"), "GET /docs": handler("sendDocs") },
};

/**
 * The page for people. It holds no numbers: it fetches them under /api/v1, with the reader's key.
 */
const page: ApiRoute = { name: "page", path: "/", aliases: pageAliases };

/**
 * The HTTP edge: maps requests to actions and errors to problems. It knows nothing about events.
 */
export const apiGateway = (config: Config) =>
  defineService(
    "api-gateway",
    HttpEdgeMixin(config),
    LeavingMixin(),
    AnswersUnderWayMixin(config),
    CollectEdgeMixin(),
    AskEdgeMixin(),
    ExportEdgeMixin(config),
    EraseEdgeMixin(),
    UpkeepEdgeMixin(),
    SavedQuestionsEdgeMixin(),
    KeysEdgeMixin(),
    DeadLettersEdgeMixin(),
    SchemasEdgeMixin(),
    OperateMixin(config),
    LiveEdgeMixin(config),
    OpenApiMixin(),
    PageMixin(),
  )({
    settings: {
      routes: [
        streams,
        reads,
        questions,
        ownKey,
        administration,
        upkeep,
        operations,
        description,
        page,
      ].map(closed),
    },
    actions: {
      knows: {
        visibility: "public",
        handler(ctx) {
          return knowsServices(this.broker, ctx.params.nodeID, ctx.params.services);
        },
      },
    },
  });

/** Only the aliases can be reached, and moleculer-web parses and logs nothing. */
function closed(route: ApiRoute) {
  return {
    ...route,
    mappingPolicy: "restrict",
    // An address has one spelling: case matters, and so does a slash at the end.
    pathToRegexpOptions: { sensitive: true, trailing: false },
    bodyParsers: false,
    logging: false,
    async onBeforeCall(
      this: Edge & AskEdge & Leaving & Sending,
      ...args: Parameters<Edge["checkCaller"]>
    ) {
      const [context, , request, response] = args;
      this.refuseShadowed(request as Aliased);
      this.makeRoom(request as Aliased, response);
      this.watchCaller(context, response);
      if (route.takesQuestion) await this.takeQuestion(request as Aliased, response);
    },
    onAfterCall(this: SavedQuestionsEdge, ...args: [...Parameters<Edge["checkCaller"]>, unknown]) {
      const [, , request, response, result] = args;
      return this.takeVersion(request as Aliased, response, result);
    },
  };
}

/** Makes a method of the gateway the handler of an alias. */
function handler<Name extends keyof Handlers>(name: Name) {
  return function handle(
    this: Pick<Handlers, Name>,
    request: Routed,
    response: ServerResponse,
    fail: (error: unknown) => void,
  ): void {
    Promise.resolve(this[name](request, response)).catch(fail);
  };
}

export default apiGateway(loadConfig());
