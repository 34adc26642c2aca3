import type { ServerResponse } from "node:http";
import { requestMs } from "../../lib/call-limits.ts";
import { endingWithin, onceClosed } from "../../lib/concurrency/callers.ts";
import type { Config } from "../../lib/config.ts";
import { ServiceError } from "../../lib/errors.ts";
import { defaultProject } from "../../lib/event/event.ts";
import { preferred } from "../../lib/http/headers.ts";
import { SseClient } from "../../lib/live/client.ts";
import { LiveClients } from "../../lib/live/clients.ts";
import { dataFrame, idOf, openingFrame, placeOf, type Missed } from "../../lib/live/frames.ts";
import { Hub } from "../../lib/live/hub.ts";
import { ProjectLive } from "../../lib/live/project-live.ts";
import type { Identity, Keyring } from "../../lib/http/identity.ts";
import { refuseParameters } from "./handlers.ts";
import { defineMixin } from "../../lib/moleculer.ts";
import { readStreamQuestion } from "../../lib/questions/lists/stream.ts";
import { asStream, readWithRange } from "../../lib/questions/reading/relative-range.ts";
import type { Operations } from "../../lib/runtime/operations.ts";
import type { StoredPart } from "../../lib/store/stored.ts";
import type { Edge, Routed } from "./edge.ts";

/** What LiveEdgeMixin gives to `this`. */
export interface LiveEdge {
  streamEvents(request: Routed, response: ServerResponse): Promise<void>;
  watchLive(request: Routed, response: ServerResponse): Promise<void>;
}

/** Whose a client is. */
interface Owner {
  readonly project: string;
  /** Absent where the service is open. */
  readonly identity: Identity | undefined;
}

interface State {
  hub: Hub;
  clients: LiveClients<Owner>;
  /** The clients of streams that have caught up: they were sent everything up to the hub's place. */
  caughtUp: WeakSet<SseClient>;
  projects: Map<string, ProjectLive>;
  ticking: NodeJS.Timeout;
}

/**
 * Gives the gateway the answers that do not end: events as they are stored, and numbers each
 * second.
 */
export function LiveEdgeMixin({ streams: { maxClients, windowEvents } }: Config) {
  return defineMixin<{
    needs: Edge & { operations: Operations; keyring: Keyring };
    state: State;
  }>()({
    methods: {
      async streamEvents(request: Routed, response: ServerResponse): Promise<void> {
        checkAccepts(request);
        const project = request.project ?? defaultProject;
        this.checkRoom(project);
        const { fields, filter, lastEventId } = readWithRange(
          asStream,
          request.$params,
          Date.now(),
          readStreamQuestion,
        ).question;
        const interest = { project, filter, ...(fields !== undefined && { fields }) };
        const lastId = lastIdOf(request, lastEventId);
        const { place, firstFrames } = await inTime(() => this.hub.begin(lastId, Date.now()));
        const client = this.open(project, request, response);
        if (client === undefined) return;
        client.send(openingFrame(idOf(place, Date.now())) + firstFrames, performance.now());
        const follower = {
          send: (frames: Buffer, events: number, missed?: Missed) =>
            client.send(frames, performance.now(), events, missed),
          get isOpen() {
            return client.isOpen;
          },
          get isBehind() {
            return client.isBehind;
          },
        };
        try {
          onceClosed(response, await this.hub.follow(interest, follower, place));
          this.caughtUp.add(client);
        } catch (error) {
          const requestId = response.getHeader("X-Request-Id");
          this.logger.warn({ err: error, requestId }, "a stream broke off");
          client.end("failed");
        }
      },

      async watchLive(request: Routed, response: ServerResponse): Promise<void> {
        checkAccepts(request);
        const project = request.project ?? defaultProject;
        this.checkRoom(project);
        refuseParameters(request);
        const live = this.enter(project);
        onceClosed(response, () => this.exit(project, live));
        await inTime(() => live.ready);
        const client = this.open(project, request, response);
        if (client === undefined) return;
        client.send(openingFrame() + dataFrame(live.past(Date.now()), "past"), performance.now());
        live.join(client);
        onceClosed(response, () => live.leave(client));
      },

      /** @throws ServiceError DRAINING, TOO_MANY_REQUESTS, OVERLOADED */
      checkRoom(project: string): void {
        if (this.draining) throw new ServiceError("DRAINING", undefined, { retryAfter: 2 });
        this.clients.check(project);
      },

      /**
       * Sends the head. `undefined` where nothing follows it: the client wants none, or has left.
       * @throws ServiceError as `checkRoom`
       */
      open(project: string, request: Routed, response: ServerResponse): SseClient | undefined {
        if (response.closed) return undefined;
        // Others may have come meanwhile.
        this.checkRoom(project);
        response.writeHead(200, {
          "content-type": "text/event-stream",
          // An ended stream ends its connection: otherwise a draining server would wait for it.
          connection: "close",
          // A proxy that buffers answers would hold back all of it.
          "x-accel-buffering": "no",
        });
        if (this.isHead(request)) {
          response.end();
          return undefined;
        }
        const { metrics } = this;
        const client = new SseClient(
          response,
          {
            sent: (events) => metrics.increment("analytics_live_frames_total", undefined, events),
            missed: (events) => metrics.increment("analytics_live_missed_total", undefined, events),
            cut: () => metrics.increment("analytics_live_cut_total"),
          },
          performance.now(),
        );
        this.clients.add(client, { project, identity: request.identity });
        metrics.set("analytics_live_clients", this.clients.size);
        onceClosed(response, () => {
          this.clients.delete(client);
          metrics.set("analytics_live_clients", this.clients.size);
        });
        return client;
      },

      /** The numbers of a project's clients; begun with the first client. */
      enter(project: string): ProjectLive {
        const live =
          this.projects.get(project) ??
          new ProjectLive(
            {
              seconds: (to, seconds) =>
                this.broker.call("query.seconds", { to, seconds }, { meta: { project } }),
              users: (range) =>
                this.broker.call(
                  "query.run",
                  { metrics: ["uniques"], range },
                  { meta: { project } },
                ),
              stages: () => this.operations.stages(),
              failed: (error) => this.logger.debug({ err: error }, "a live number cannot be read"),
            },
            this.hub.count(project),
          );
        this.projects.set(project, live);
        live.watching += 1;
        return live;
      },

      exit(project: string, live: ProjectLive): void {
        live.watching -= 1;
        if (live.watching > 0) return;
        this.projects.delete(project);
        live.close();
      },

      tickLive(): void {
        const now = Date.now();
        for (const live of this.projects.values()) live.tick(now, performance.now());
        const { place } = this.hub;
        const id = place && idOf(place, now);
        for (const [client, { identity }] of this.clients) {
          if (identity !== undefined && !this.keyring.holds(identity)) client.end("key");
          else client.look(performance.now(), this.caughtUp.has(client) ? id : undefined);
        }
      },
    },
    created() {
      this.clients = new LiveClients(maxClients);
      this.caughtUp = new WeakSet();
      this.projects = new Map();
      this.hub = new Hub(
        {
          read: (query) => this.broker.call<StoredPart, typeof query>("query.stored", query),
          counted: (counts) => {
            for (const [project, live] of this.projects) live.pulse.add(project, counts);
          },
          missed: (events) =>
            this.metrics.increment("analytics_live_missed_total", undefined, events),
          failed: (error) =>
            this.logger.warn({ err: error }, "the order of storing cannot be read"),
          recovered: () => this.logger.info("the order of storing can be read again"),
        },
        windowEvents,
      );
      this.ticking = setInterval(() => this.tickLive(), 1_000).unref();
      this.atDrain.add(() => {
        for (const [client] of this.clients) client.end("shutdown");
      });
    },
    stopped() {
      clearInterval(this.ticking);
      for (const live of this.projects.values()) live.close();
    },
  });
}

/** @throws ServiceError NOT_ACCEPTABLE */
function checkAccepts({ headers }: Routed): void {
  if (preferred(headers.accept, ["text/event-stream"]) !== undefined) return;
  const message = "There is text/event-stream here, which Accept does not take";
  throw new ServiceError("NOT_ACCEPTABLE", message);
}

/** @throws ServiceError OVERLOADED where it takes longer than a request may take */
function inTime<T>(work: () => Promise<T>): Promise<T> {
  return endingWithin(requestMs, () => new ServiceError("OVERLOADED"), undefined, work);
}

/** @throws ServiceError VALIDATION */
function lastIdOf({ headers }: Routed, parameter: string | undefined): string | undefined {
  const header = headers["last-event-id"];
  const id = typeof header === "string" && header !== "" ? header : parameter;
  if (id === undefined || placeOf(id) !== undefined) return id;
  const message = "Last-Event-ID must be the id of a frame of this stream";
  throw new ServiceError("VALIDATION", undefined, {
    errors: [{ pointer: "lastEventId", code: "id", message }],
  });
}
