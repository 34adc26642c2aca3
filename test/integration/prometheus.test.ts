import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { ServiceProcess } from "../service-process.ts";
import { describeWith, installed } from "../../tools/servers/installed.ts";
import { startPrometheus, type RunningServer } from "../../tools/servers/servers.ts";

const monitoring = join(import.meta.dirname, "../../docs/monitoring");
const alerts = join(monitoring, "prometheus/alerts.yml");

/** Each panel's queries, as Grafana would send them. */
function dashboardQueries(): readonly { readonly where: string; readonly query: string }[] {
  const folder = join(monitoring, "grafana/dashboards");
  interface Panel {
    readonly title: string;
    readonly targets?: readonly { readonly expr: string }[];
  }
  return readdirSync(folder).flatMap((file) => {
    const text = readFileSync(join(folder, file), "utf8");
    const { panels } = JSON.parse(text) as { readonly panels: readonly Panel[] };
    return panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({
        where: `${file}: ${title}`,
        query: expr.replaceAll("$__rate_interval", "1m").replaceAll("$job", ".*"),
      })),
    );
  });
}

interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data: { readonly result: readonly { readonly value: readonly [number, string] }[] };
}

async function ask(prometheus: RunningServer, query: string): Promise<Answer> {
  const response = await fetch(`${prometheus.url}/api/v1/query`, {
    method: "POST",
    body: new URLSearchParams({ query }),
  });
  return (await response.json()) as Answer;
}

function promtool(args: readonly string[], input = ""): string {
  const { stdout, stderr, status } = spawnSync(installed("promtool"), args, {
    input,
    encoding: "utf8",
  });
  return `${status} ${stdout}${stderr}`;
}

/** Has the service tell something: events of each outcome, questions, lists, an export. */
async function use(service: ServiceProcess): Promise<void> {
  const post = (path: string, body: unknown) =>
    fetch(`${service.url}${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Prefer: "wait=20" },
      body: JSON.stringify(body),
    }).then((response) => response.text());
  await post("/api/v1/events", { id: "a", type: "seen.it", source: "test" });
  await post("/api/v1/events", { id: "a", type: "seen.it", source: "test" });
  await post("/api/v1/events", { id: "a", type: "another.one", source: "test" });
  await post("/api/v1/events", { type: 1 });
  for (let i = 0; i < 2; i++) await post("/api/v1/query", { metrics: ["count"] });
  for (const path of ["counts", "counts", "?total=true", "export", "a"]) {
    await (
      await fetch(`${service.url}/api/v1/events${path.startsWith("?") ? "" : "/"}${path}`)
    ).text();
  }
}

/**
 * What has no series here: nobody asked for an audit, no operation of the store failed, and there is
 * no schema to break.
 */
const silent: readonly string[] = [
  "analytics_rollup_drift",
  'outcome="failed"',
  "analytics_schema_violations_total",
];

describeWith(["prometheus", "promtool"], "a real Prometheus", () => {
  let service: ServiceProcess;
  let prometheus: RunningServer;

  beforeAll(async () => {
    service = await ServiceProcess.create();
    const [, prometheusAt] = await Promise.all([
      service.start(),
      startPrometheus(
        JSON.stringify({
          global: { scrape_interval: "1s", evaluation_interval: "1s" },
          rule_files: ["alerts.yml"],
          scrape_configs: [
            {
              job_name: "analytics",
              static_configs: [{ targets: [new URL(service.url).host] }],
            },
          ],
        }),
        alerts,
      ),
    ]);
    prometheus = prometheusAt;
    // Rates need a scrape before what they tell of.
    await eventually(async () =>
      expect((await ask(prometheus, "up == 1")).data.result).toHaveLength(1),
    );
    await use(service);
  });
  afterAll(async () => {
    await service.dispose();
    await prometheus.stop();
  });

  test("finds nothing about the metrics or the rules", async () => {
    const text = await (await fetch(`${service.url}/metrics`)).text();
    expect(text).toMatch(/^analytics_store_operation_seconds_bucket/m);
    expect(promtool(["check", "metrics"], text)).toBe("0 ");
    expect(promtool(["check", "rules", alerts])).toMatch(/^0 .*SUCCESS/s);
  });

  test("answers each query of each dashboard with what the service did", async () => {
    const queries = dashboardQueries();
    expect(queries.length).toBeGreaterThan(40);
    await eventually(async () => {
      const unanswered: string[] = [];
      for (const { where, query } of queries) {
        const { status, error, data } = await ask(prometheus, query);
        const isEmpty = status === "success" && data.result.length === 0;
        if (status !== "success") unanswered.push(`${where}: ${error}`);
        else if (isEmpty !== silent.some((part) => query.includes(part))) {
          unanswered.push(`${where}: ${data.result.length} series for ${query}`);
        }
      }
      expect(unanswered).toEqual([]);
    }, 60_000);
    const stored = await ask(prometheus, 'sum(analytics_events_total{outcome="stored"})');
    expect(stored.data.result[0]!.value[1]).toBe("1");
  });

  test("evaluates each alert, and none fires while all is well", async () => {
    interface Rule {
      readonly name: string;
      readonly query: string;
      readonly health: string;
      readonly lastError?: string;
      readonly state: string;
    }
    await eventually(async () => {
      const response = await fetch(`${prometheus.url}/api/v1/rules?type=alert`);
      const { data } = (await response.json()) as {
        data: { groups: readonly { rules: readonly Rule[] }[] };
      };
      const rules = data.groups.flatMap((group) => group.rules);
      expect(rules.length).toBeGreaterThan(15);
      expect(rules.filter(({ health }) => health !== "ok")).toEqual([]);
      expect(rules.filter(({ state }) => state === "firing").map(({ name }) => name)).toEqual([
        // Somebody did use an id again for another event.
        "AnalyticsIdConflicts",
      ]);
    }, 60_000);
  });
});
