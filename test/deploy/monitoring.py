"""Dashboards, alert rules and documents against the code's own table of metrics."""

import json
import re

from common import ROOT, TABLES, load, run

DASHBOARDS = ROOT / "docs/monitoring/grafana/dashboards"
RULES = "docs/monitoring/prometheus/alerts.yml"
DOCUMENTS = ["docs/operations.md", "docs/deploy.md"]

# Of other programs, or of Prometheus itself.
FOREIGN = {
    "up",
    "rabbitmq_alarms_memory_used_watermark",
    "rabbitmq_alarms_free_disk_space_watermark",
}
OURS = re.compile(r"\b(?:analytics|nodejs|process|rabbitmq)_[a-z0-9_]+\b|\bup\b")
LABELS_OF_TARGETS = {"job", "instance"}
SUFFIXES = {"_bucket": "histogram", "_sum": "histogram", "_count": "histogram"}


def metric_of(name):
    """The table's entry for a series, and the series' suffix; None where there is none."""
    if name in TABLES["metrics"]:
        return TABLES["metrics"][name], ""
    for suffix, kind in SUFFIXES.items():
        entry = TABLES["metrics"].get(name.removesuffix(suffix))
        if name.endswith(suffix) and entry and entry["type"] == kind:
            return entry, suffix
    return None, ""


def problems_of(expression, where):
    for name in sorted(set(OURS.findall(re.sub(r'"[^"]*"', '""', expression)))):
        if name in FOREIGN:
            continue
        entry, suffix = metric_of(name)
        if entry is None:
            yield f"{where}: there is no metric {name}"
            continue
        if entry["type"] == "histogram" and suffix == "":
            yield f"{where}: {name} is a histogram: ask for its _bucket, _sum or _count"
        counts = entry["type"] == "counter" or suffix != ""
        changing = re.search(rf"\b(?:rate|irate|increase|delta|deriv)\({name}\b", expression)
        if changing and not counts:
            yield f"{where}: {name} is a gauge: it has no rate"
        if entry["labels"] is None:
            continue
        for selector in re.findall(rf"\b{name}\{{([^}}]*)\}}", expression):
            for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector):
                if label not in {*entry["labels"], *LABELS_OF_TARGETS, "le"}:
                    yield f"{where}: {name} has no label {label}"
    known = {label for entry in TABLES["metrics"].values() for label in entry["labels"] or []}
    for grouping in re.findall(r"\bby \(([^)]*)\)", expression):
        for label in filter(None, (part.strip() for part in grouping.split(","))):
            if label not in {*known, *LABELS_OF_TARGETS, "le", "kind"}:
                yield f"{where}: no metric has a label {label}"


def rules():
    return [rule for group in load(RULES)["groups"] for rule in group["rules"]]


def panels():
    for file in sorted(DASHBOARDS.glob("*.json")):
        dashboard = json.loads(file.read_text())
        for panel in dashboard["panels"]:
            yield file.name, panel


def names():
    """Every metric that a dashboard, a rule or a document names is one that the code has."""
    for rule in rules():
        yield from problems_of(rule["expr"], rule["alert"])
    for file, panel in panels():
        for target in panel.get("targets", []):
            yield from problems_of(target["expr"], f"{file}: {panel['title']}")
    for document in DOCUMENTS:
        text = (ROOT / document).read_text()
        for name in sorted(set(re.findall(r"\banalytics_[a-z0-9_]+\b", text))):
            if metric_of(name)[0] is None:
                yield f"{document}: there is no metric {name}"


def dashboards():
    """Dashboards that Grafana can provision: ids are unique, panels do not overlap, data sources exist."""
    sources = load("docs/monitoring/grafana/provisioning/datasources/prometheus.yml")
    uids = {source["uid"] for source in sources["datasources"]}
    seen = set()
    files = sorted(DASHBOARDS.glob("*.json"))
    if not files:
        yield "there is no dashboard"
    for file in files:
        dashboard = json.loads(file.read_text())
        if not dashboard.get("uid") or dashboard["uid"] in seen:
            yield f"{file.name}: its uid is missing or taken"
        seen.add(dashboard.get("uid"))
        ids, cells = set(), set()
        for panel in dashboard["panels"]:
            where = f"{file.name}: {panel['title']}"
            if panel["id"] in ids:
                yield f"{where}: its id is taken"
            ids.add(panel["id"])
            at = panel["gridPos"]
            own = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
            if at["x"] + at["w"] > 24 or own & cells:
                yield f"{where}: it lies over another panel or outside"
            cells |= own
            if panel["type"] == "row":
                continue
            if not panel.get("description") or not panel.get("targets"):
                yield f"{where}: it lacks a description or a query"
            for target in panel["targets"]:
                if target["datasource"]["uid"] not in uids:
                    yield f"{where}: there is no data source {target['datasource']['uid']}"


def queries(path):
    """Write the dashboards' queries as rules, so that promtool reads their syntax."""
    written = []
    for _, panel in panels():
        for target in panel.get("targets", []):
            expression = target["expr"].replace("$__rate_interval", "5m").replace("$job", ".*")
            written.append({"record": f"dashboard:query:{len(written)}", "expr": expression})
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"groups": [{"name": "dashboards", "rules": written}]}, file)
    return []


def runbook():
    """Each alert has a heading in the operations manual, and no other alert has one."""
    text = (ROOT / "docs/operations.md").read_text()
    headings = set(re.findall(r"^### (Analytics\w+)", text, re.M))
    alerts = {rule["alert"] for rule in rules()}
    yield from (f"{alert} is not explained in docs/operations.md" for alert in sorted(alerts - headings))
    yield from (f"docs/operations.md explains {name}, which is no alert" for name in sorted(headings - alerts))
    tested = (ROOT / "docs/monitoring/prometheus/alerts.test.yml").read_text()
    for alert in sorted(alerts):
        if not re.search(rf"alertname: {alert}\n\s+exp_alerts", tested):
            yield f"{alert} is not seen to fire in alerts.test.yml"
        if not re.search(rf"alertname: {alert} }}", tested):
            yield f"{alert} is not seen to be quiet in alerts.test.yml"


def links():
    """Relative links of the documents lead to files that exist."""
    for document in DOCUMENTS:
        path = ROOT / document
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", path.read_text()):
            if not (path.parent / target).exists():
                yield f"{document}: {target} does not exist"


if __name__ == "__main__":
    run({check.__name__: check for check in (names, dashboards, queries, runbook, links)})
