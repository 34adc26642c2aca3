import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { constants, zstdCompress, zstdDecompress } from "node:zlib";
import type { FoldingNode, Part } from "../../lib/answers/division.ts";
import type { NodesOf } from "../../lib/answers/reads.ts";
import type { Actions } from "../../lib/contracts.ts";
import { ServiceError } from "../../lib/errors.ts";
import { defaultProject, type ProjectId } from "../../lib/event/event.ts";
import type { EventFilter } from "../../lib/event/filter.ts";
import type { ReadLimits } from "../../lib/event/event-page.ts";
import { defineMixin, type TypedContext } from "../../lib/moleculer.ts";
import type { FoldJob } from "../../lib/questions/folds.ts";
import type { Manifest } from "../../lib/store/manifest.ts";
import type { FoldedPart } from "../../lib/store/store.ts";
import type { Answering } from "./answers.mixin.ts";

/** What QuestionsMixin needs of PartsMixin. */
export interface Dividing {
  nodesOf: NodesOf;
}

/**
 * A request that another node folds a part; the manifest is sent beside it. The project comes with
 * the call's `meta`.
 */
interface PartRequest extends Pick<Part, "share"> {
  readonly filter: Omit<EventFilter, "project">;
  readonly job: FoldJob;
}

/**
 * The format of parts and their answers. It must be raised where the previous version would misread
 * them.
 */
const format = 4;

/** The packed text of each manifest: all shares of a question have the same manifest. */
const packedManifests = new WeakMap<Manifest, Promise<string>>();

function packedOnce(manifest: Manifest): Promise<string> {
  let text = packedManifests.get(manifest);
  if (text === undefined) packedManifests.set(manifest, (text = packed(manifest)));
  return text;
}

type PartAction = Actions["query.part"];

/** A node that has an action, as described by Moleculer's registry. */
interface Endpoint {
  readonly id: string;
  readonly isAvailable: boolean;
  readonly node: { readonly hostname?: string };
}

/**
 * Lets a service have other nodes fold parts of its questions, and folds parts of theirs.
 * Moleculer's registry knows which nodes there are. Nodes of a version without parts do not take
 * part.
 */
export function PartsMixin() {
  return defineMixin<{ needs: Answering; state: Dividing }>()({
    methods: {
      /** This node, and the other nodes that fold parts. */
      foldingNodes(filter: EventFilter, job: FoldJob): ReturnType<NodesOf> {
        const { parts } = this.store;
        const found = this.broker.registry.actions.get("query.part") as unknown as
          { readonly endpoints: readonly Endpoint[] } | undefined;
        const endpoints = (found?.endpoints ?? []).filter(({ isAvailable }) => isAvailable);
        const names = namesOf(endpoints);
        const own: FoldingNode = {
          name: names.get(this.broker.nodeID) ?? this.broker.nodeID,
          fold: (part, limits) => parts!.fold({ ...part, filter, job }, limits),
        };
        const others = endpoints
          .filter(({ id }) => id !== this.broker.nodeID)
          .map(({ id }): FoldingNode => ({
            name: names.get(id)!,
            fold: ({ manifest, ...part }, limits) =>
              this.askPart(id, filter.project, manifest, { ...part, filter, job }, limits),
          }));
        return { own, others };
      },

      /** Calls a node to fold a part, and tells the node if the part is not needed any more. */
      async askPart(
        nodeID: string,
        project: ProjectId,
        manifest: Manifest,
        request: PartRequest,
        { timeoutMs, signal }: ReadLimits,
      ): Promise<FoldedPart> {
        const call = randomUUID();
        const left = () => void this.broker.broadcast("caller.left", { call }, ["query"]);
        const params = {
          format,
          manifest: await packedOnce(manifest),
          asked: await packed(request),
          timeoutMs,
        };
        signal?.throwIfAborted();
        signal?.addEventListener("abort", left, { once: true });
        try {
          const options = {
            nodeID,
            timeout: Math.max(1, Math.ceil(timeoutMs)),
            meta: { project, call },
          };
          const answer = await this.broker.call<PartAction["result"], PartAction["params"]>(
            "query.part",
            params,
            options,
          );
          this.metrics.increment("analytics_question_parts_total", { outcome: "answered" });
          return { part: await unpacked(answer.part), events: answer.events };
        } catch (error) {
          const outcome = signal?.aborted === true ? "unneeded" : "failed";
          this.metrics.increment("analytics_question_parts_total", { outcome });
          throw error;
        } finally {
          signal?.removeEventListener("abort", left);
        }
      },

      /** Folds a part of another node's question. The part waits for its turn. */
      foldPart(ctx: TypedContext<PartAction["params"]>): Promise<PartAction["result"]> {
        const { params } = ctx;
        const project = ctx.meta.project ?? defaultProject;
        const { parts } = this.store;
        if (params.format !== format || parts === undefined) {
          const message = "this node reads no parts of that format";
          throw new ServiceError("VALIDATION", message);
        }
        return this.forCaller(ctx, (signal) => {
          const timeoutMs = Math.min(params.timeoutMs, this.budget.timeoutMs);
          const fold = async () => {
            const manifest = (await unpacked(params.manifest)) as Manifest;
            const request = (await unpacked(params.asked)) as PartRequest;
            const filter = { ...request.filter, project };
            const limits = { timeoutMs, signal };
            const found = await parts.fold({ ...request, manifest, filter }, limits);
            return { part: await packed(found.part), events: found.events };
          };
          return this.budget.parts.run(project, fold, { signal });
        });
      },
    },
    created() {
      this.nodesOf = (filter, job) => this.foldingNodes(filter, job);
    },
  });
}

/**
 * The names by which segments are assigned: a node's host name, which stays the same after a
 * restart, or the node's id where several nodes have that host name.
 */
function namesOf(endpoints: readonly Endpoint[]): ReadonlyMap<string, string> {
  const hosts = Map.groupBy(endpoints, ({ node }) => node.hostname);
  const named = endpoints.map(({ id, node: { hostname } }) => {
    const isOnly = hostname !== undefined && hosts.get(hostname)!.length === 1;
    return [id, isOnly ? hostname : id] as const;
  });
  return new Map(named);
}

/** A message of RabbitMQ has at most 16 MiB (4.0 and later), and more would hold up both nodes. */
const maxPackedLength = 8_388_608;
const maxUnpackedBytes = 268_435_456;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
const quick = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/**
 * Packs plain data into a text for another node.
 * @throws ServiceError QUERY_TOO_EXPENSIVE where it is too large to be sent
 */
async function packed(data: unknown): Promise<string> {
  const bytes = Buffer.from(JSON.stringify(data));
  const text =
    bytes.length > maxUnpackedBytes ? undefined : (await compress(bytes, quick)).toString("base64");
  if (text !== undefined && text.length <= maxPackedLength) return text;
  throw new ServiceError("QUERY_TOO_EXPENSIVE", "a part of the answer is too large to be sent");
}

/** Reads data that `packed` wrote. */
async function unpacked(text: string): Promise<unknown> {
  const bytes = await decompress(Buffer.from(text, "base64"), {
    maxOutputLength: maxUnpackedBytes,
  });
  return JSON.parse(bytes.toString()) as unknown;
}
