import type { Config } from "../../lib/config.ts";
import { defineMixin, defineService, type TypedContext } from "../../lib/moleculer.ts";
import { CollectEdgeMixin } from "../../mixins/gateway/collect.mixin.ts";
import { ExportEdgeMixin } from "../../mixins/gateway/export.mixin.ts";
import { HttpEdgeMixin } from "../../mixins/gateway/http.mixin.ts";
import { AskEdgeMixin, SavedQuestionsEdgeMixin } from "../../mixins/gateway/questions.mixin.ts";
import { EntitiesMixin } from "../../mixins/query/entities.mixin.ts";
import { AnswersMixin } from "../../mixins/query/answers.mixin.ts";
import { ExportMixin, StoriesMixin } from "../../mixins/query/lists.mixin.ts";
import { PartsMixin } from "../../mixins/query/parts.mixin.ts";
import { QuestionsMixin } from "../../mixins/query/questions.mixin.ts";
import { SavedQuestionsMixin } from "../../mixins/query/saved-questions.mixin.ts";

declare const config: Config;

/** Each line below an expected error is one that the compiler must refuse. Compiled by services.test.ts. */

const GreeterMixin = () =>
  defineMixin<{ state: { greetings: number } }>()({
    methods: {
      greet(name: string): string {
        this.greetings += 1;
        // @ts-expect-error a mixin knows its own state only
        this.farewells += 1;
        return `hello ${name}`;
      },
    },
  });

const health = { handler: () => ({ state: "ok" as const }) };

export const complete = defineService(
  "ingest",
  GreeterMixin(),
)({
  actions: {
    health,
    collect: {
      handler(ctx) {
        const greeting: string = this.greet("you");
        const { events } = ctx.params;
        // @ts-expect-error the contract has no such parameter
        void ctx.params.event;
        // @ts-expect-error what a mixin gives has its type
        const wrong: number = this.greet("you");
        return { batch: greeting, accepted: events.length + wrong, rejected: 0, results: [] };
      },
    },
  },
});

export const lacking = defineService("ingest")({
  // @ts-expect-error the contract lists collect too
  actions: { health },
});

export const tooMany = defineService("ingest")({
  actions: {
    health,
    collect: { handler: () => ({ batch: null, accepted: 0, rejected: 0, results: [] }) },
    // @ts-expect-error the contract lists no such verb
    forget: { handler: () => undefined },
  },
});

export async function calls(ctx: TypedContext<unknown>): Promise<void> {
  const receipt = await ctx.call("ingest.collect", { events: [] });
  const accepted: number = receipt.accepted;
  // @ts-expect-error there is no such action
  await ctx.call("ingest.forget", {});
  // @ts-expect-error its parameter is called events
  await ctx.call("ingest.collect", { items: [accepted] });
}

const AskerMixin = () =>
  defineMixin<{ needs: { greet(name: string): string } }>()({
    methods: {
      ask(): string {
        // @ts-expect-error a mixin knows what it needs, and no more of the mixin that gives it
        this.greetings += 1;
        return this.greet("you");
      },
    },
  });
const AskersMixin = () => defineMixin()({ mixins: [AskerMixin()] });
const MumblerMixin = () => defineMixin<{ state: { greet(): number } }>()({});

const collect = { handler: () => ({ batch: null, accepted: 0, rejected: 0, results: [] }) };
const ingest = { actions: { health, collect } };

export const met = [
  defineService("ingest", GreeterMixin(), AskerMixin())(ingest),
  defineService("ingest", AskersMixin(), GreeterMixin())(ingest),
];
export const unmet = [
  // @ts-expect-error no mixin gives greet
  defineService("ingest", AskerMixin())(ingest),
  // @ts-expect-error nor to the mixin within
  defineService("ingest", AskersMixin())(ingest),
  // @ts-expect-error it is another greet
  defineService("ingest", MumblerMixin(), AskerMixin())(ingest),
];

/** What a mixin within another gives, the outer one and its service have. */
const GreetersMixin = () =>
  defineMixin()({
    mixins: [GreeterMixin()],
    methods: {
      greetTwice(): number {
        this.greet("you");
        return this.greetings;
      },
    },
  });
export const inherited = defineService("ingest", GreetersMixin(), AskerMixin())(ingest);

/** The product's own: each needs another one, and no service can forget that. */
const any = { actions: undefined as never };
export const remembered = [
  defineService("api-gateway", HttpEdgeMixin(config), CollectEdgeMixin(), AskEdgeMixin())(any),
  defineService(
    "query",
    AnswersMixin(config),
    PartsMixin(),
    QuestionsMixin(config),
    ExportMixin(),
  )(any),
];
export const forgotten = [
  // @ts-expect-error HttpEdgeMixin
  defineService("api-gateway", CollectEdgeMixin())(any),
  // @ts-expect-error HttpEdgeMixin
  defineService("api-gateway", AskEdgeMixin())(any),
  // @ts-expect-error HttpEdgeMixin
  defineService("api-gateway", SavedQuestionsEdgeMixin())(any),
  // @ts-expect-error AnswersUnderWayMixin
  defineService("api-gateway", HttpEdgeMixin(config), ExportEdgeMixin(config))(any),
  // @ts-expect-error AnswersMixin
  defineService("query", QuestionsMixin(config))(any),
  // @ts-expect-error PartsMixin
  defineService("query", AnswersMixin(config), QuestionsMixin(config))(any),
  // @ts-expect-error QuestionsMixin
  defineService("query", AnswersMixin(config), SavedQuestionsMixin(config))(any),
  // @ts-expect-error AnswersMixin
  defineService("query", ExportMixin())(any),
  // @ts-expect-error AnswersMixin
  defineService("query", StoriesMixin())(any),
  // @ts-expect-error StoreMixin, which AnswersMixin has
  defineService("query", EntitiesMixin())(any),
];

export const telling = defineMixin()({
  methods: {
    tell(): void {
      const { metrics } = this;
      void this.broker.emit("events.stored", { project: "p", batch: "b", events: 1 });
      // @ts-expect-error there is no such fact
      void this.broker.emit("events.lost", {});
      // @ts-expect-error its number is missing
      void this.broker.emit("events.stored", { project: "p", batch: "b" });
      metrics.increment("analytics_rollups_written_total", { grain: "day" }, 2);
      // @ts-expect-error there is no such metric
      metrics.increment("analytics_rollups_total");
      // @ts-expect-error it has another label
      metrics.increment("analytics_rollups_written_total", { grains: "day" });
      // @ts-expect-error its label is missing
      metrics.increment("analytics_rollups_written_total");
      // @ts-expect-error a gauge is set
      metrics.increment("analytics_rollup_drift");
    },
  },
  events: {
    "events.stored"() {
      this.tell();
    },
  },
});
export const deaf = defineMixin()({
  events: {
    // @ts-expect-error there is no such fact
    "events.lost": () => undefined,
  },
});
