/** The API's answers, as far as the page reads them (docs/questions.md, docs/live.md). */

export interface Meta {
  readonly asOf: string;
  readonly lagMs: number;
  readonly exact: boolean;
  readonly because?: readonly string[];
  readonly source?: "rollup" | "events" | "mixed";
  readonly tookMs?: number;
  readonly rows?: number;
  readonly rowsLeftOut?: number;
  readonly range?: { readonly from: string; readonly to: string };
  readonly comparedRange?: { readonly from: string; readonly to: string };
}

export interface Row {
  /** `null`: a period that only the range before has. */
  readonly dimensions: readonly (string | null)[];
  readonly metrics: readonly (number | null)[];
  readonly previous?: readonly (number | null)[] | null;
  readonly previousTime?: string;
}

export interface QueryAnswer {
  readonly results: readonly Row[];
  readonly totals?: readonly (number | null)[];
  readonly previousTotals?: readonly (number | null)[];
  readonly nextCursor: string | null;
  readonly query: {
    readonly metrics: readonly string[];
    readonly dimensions: readonly string[];
    readonly range: { readonly from: string; readonly to: string };
    readonly timezone: string;
  };
  readonly meta: Meta;
}

export interface StoredEvent {
  readonly id: string;
  readonly type: string;
  readonly timestamp: string;
  readonly receivedAt: string;
  readonly source: string;
  readonly project: string;
  readonly correlationId?: string;
  readonly data?: unknown;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly context?: Readonly<Record<string, unknown>>;
}

export interface EventList {
  readonly data: readonly StoredEvent[];
  readonly page: {
    readonly limit: number;
    readonly nextCursor: string | null;
    readonly endedBy?: string;
  };
  readonly total?: number;
  readonly meta: Meta;
}

export interface Story {
  readonly data: readonly (StoredEvent & {
    readonly sinceFirstMs: number;
    readonly sincePreviousMs: number;
  })[];
  readonly page: { readonly nextCursor: string | null };
  readonly meta: Meta;
}

/** The place of an event, even where no list shows it. */
export interface EventTrace {
  readonly state: "counted" | "quarantined" | "replaying" | "dead" | "erased" | "unknown";
  readonly acceptedAt: string | null;
  readonly queuedAt: string | null;
  readonly batch: string | null;
  readonly rolledUp: {
    readonly minute: boolean;
    readonly hour: boolean;
    readonly day: boolean;
  } | null;
  readonly erasedAt: string | null;
  readonly queue: { readonly waiting: number; readonly oldestReceivedAt: string | null } | null;
}

export interface CatalogType {
  readonly type: string;
  readonly count: number;
  readonly firstSeen: string | null;
  readonly lastSeen: string | null;
}

export interface CatalogProperty {
  readonly property: string;
  readonly kinds: readonly string[];
  readonly share: number;
}

export interface CatalogValue {
  readonly value: string;
  /** A number 10 and a text "10" are two values. */
  readonly kind: "text" | "number" | "boolean";
  readonly count: number;
}

export interface Catalog<Entry> {
  readonly data: readonly Entry[];
  readonly events?: number;
  readonly meta: Meta;
}

export type StageState = "ok" | "degraded" | "down";

export interface Stage {
  readonly name: string;
  readonly state: StageState;
  readonly reason?: string;
  readonly backlog?: number;
  readonly lagMs?: number;
}

/** A frame of `GET /api/v1/live`. */
export interface LiveFrame {
  readonly time: string;
  readonly events: {
    readonly perSecond: number;
    readonly types: readonly { readonly type: string; readonly count: number }[];
    readonly other?: number;
  };
  readonly activeUsers: {
    readonly count: number;
    readonly exact: boolean;
    readonly windowMs: number;
  } | null;
  /** Absent, as the stages are, until the gateway has asked the pipeline for the first time. */
  readonly asOf?: string;
  readonly lagMs?: number;
  readonly stages: readonly Stage[];
}

export interface Health {
  readonly status: StageState;
  readonly stages: Readonly<Record<string, Omit<Stage, "name">>>;
}
