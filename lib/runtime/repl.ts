import type { ServiceBroker } from "moleculer";
import { type Actions } from "../contracts.ts";
import type { ErrorData } from "../errors.ts";
import { defaultProject } from "../event/event.ts";
import { makeKey } from "../keys/key-text.ts";
import { settledUntil } from "../store/audit-job.ts";
import { callEveryNode } from "./call-every-node.ts";

/** The words behind `analytics`. */
export interface ReplInput {
  readonly what?: string;
  readonly first?: string;
  readonly second?: string;
  readonly third?: string;
  readonly options?: { readonly project?: string };
}

type Question = (ask: Ask, input: ReplInput) => Promise<unknown>;
type Call = <A extends keyof Actions>(
  action: A,
  params: Actions[A]["params"],
) => Promise<Actions[A]["result"]>;

interface Ask {
  readonly broker: ServiceBroker;
  readonly call: Call;
}

const askWithinMs = 5_000;
const dayMs = 86_400_000;
const listed = 50;

const usage = `analytics lag                  how far counting is behind, in milliseconds
analytics queue                the durable queue, as each processor sees it
analytics event ID             an event as it is stored
analytics dead list            batches that failed for good, oldest first
analytics dead show ID         one of them, with its events
analytics dead replay ID       back to the queue
analytics dead remove ID       gone for good
analytics keys list            who may do what, without the keys
analytics keys create NAME SCOPES   a new key, shown this once; SCOPES by comma
analytics keys rotate ID       one in its place; the old one holds for a day still
analytics keys revoke ID       it holds no more, everywhere within 5 s
analytics audit [FROM [TO]]    rollups against a recount; a day up to ten minutes ago by default
--project NAME                 of another project than ${defaultProject}`;

const deadVerbs: Readonly<Record<string, Question>> = {
  list: ({ call }) => call("processor.dead.list", { limit: listed }),
  show: ({ call }, { second }) => call("processor.dead.show", { id: needed(second, "ID") }),
  replay: ({ call }, { second }) => call("processor.dead.replay", { id: needed(second, "ID") }),
  remove: ({ call }, { second }) => call("processor.dead.remove", { id: needed(second, "ID") }),
};

const keyVerbs: Readonly<Record<string, Question>> = {
  async list({ call }) {
    return (await call("query.keys.list", {})).data;
  },
  async create({ call }, { second, third }) {
    const body = { name: needed(second, "NAME"), scopes: needed(third, "SCOPES").split(",") };
    const { text, kept } = makeKey();
    return { ...(await call("query.keys.create", { body, kept })), key: text };
  },
  async rotate({ call }, { second }) {
    const { text, kept } = makeKey();
    const id = needed(second, "ID");
    return { ...(await call("query.keys.rotate", { id, body: {}, kept })), key: text };
  },
  revoke: ({ call }, { second }) => call("query.keys.revoke", { id: needed(second, "ID") }),
};

/** The second word chooses the question. */
function oneOf(verbs: Readonly<Record<string, Question>>): Question {
  return (ask, input) => {
    const first = input.first ?? "";
    const question = Object.hasOwn(verbs, first) ? verbs[first] : undefined;
    if (question === undefined) throw new Error(usage);
    return question(ask, input);
  };
}

const questions: Readonly<Record<string, Question>> = {
  async lag({ broker, call }) {
    const now = Date.now();
    const depths = [...(await backlogs(broker)).values()];
    const oldest = Math.min(now, ...depths.map((depth) => depth.oldestReceivedAt ?? now));
    const { backlog, lagMs } = await call("aggregator.health", {});
    return { countedMs: now - oldest, rolledUpMs: lagMs, bucketsToRollUp: backlog };
  },
  async queue({ broker }) {
    return Object.fromEntries(await backlogs(broker));
  },
  event: ({ call }, { first }) => call("query.event", { id: needed(first, "ID") }),
  dead: oneOf(deadVerbs),
  keys: oneOf(keyVerbs),
  audit({ call }, { first, second }) {
    const to = instant(second) ?? settledUntil(Date.now());
    return call("aggregator.audit", { from: instant(first) ?? to - dayMs, to });
  },
};

/**
 * Answers one `analytics` command by calling actions, so any node of the cluster will do.
 * @throws Error with the usage where the command is unknown
 */
export async function answerRepl(broker: ServiceBroker, input: ReplInput): Promise<unknown> {
  const question = Object.hasOwn(questions, input.what ?? "")
    ? questions[input.what ?? ""]
    : undefined;
  if (question === undefined) throw new Error(usage);
  const meta = { project: input.options?.project ?? defaultProject };
  const call: Call = (action, params) => broker.call(action, params, { meta, timeout: 0 });
  return question({ broker, call }, input);
}

/** The commands of `npm run repl` besides Moleculer's own. */
export const replCommands = [
  {
    command: "analytics [what] [first] [second] [third]",
    description: "Ask the analytics pipeline: lag, queue, event, dead, keys, audit",
    options: [{ option: "--project <project>", description: "whose events" }],
    async action(broker: ServiceBroker, input: unknown): Promise<void> {
      try {
        console.dir(await answerRepl(broker, input as ReplInput), { depth: null });
      } catch (error) {
        console.error(complaintOf(error));
      }
    },
  },
];

/** An error's message, and a line for each finding of it. */
function complaintOf(error: unknown): string {
  const { message, data } = error as Error & { readonly data?: ErrorData };
  const findings = data?.errors ?? [];
  return [message, ...findings.map((finding) => finding.message)].join("\n  ");
}

function backlogs(broker: ServiceBroker) {
  return callEveryNode(broker, "processor.backlog", {}, askWithinMs);
}

function needed(value: string | undefined, name: string): string {
  if (value === undefined) throw new Error(`${name} is missing\n${usage}`);
  return value;
}

function instant(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new Error(`${text} is no instant; 2026-01-31T12:00:00Z is one`);
  return at;
}
