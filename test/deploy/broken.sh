# shellcheck shell=bash disable=SC2154
# check.sh --broken: each line breaks one file, and names the check that must notice. Sourced.
#
#   check | file | what sed does to it

breaks() {
  cat <<'LINES'
image: hadolint | Dockerfile | s/^USER .*/USER root/
image: what is copied exists | .dockerignore | s/^!package-lock.json$//
image: what is copied exists | .dockerignore | s/^!lib$/!library/
compose: schema | docker-compose.yml | s/^    restart: unless-stopped$/    restarts: unless-stopped/
compose: references | docker-compose.yml | s/^      ingest: { condition: service_healthy }/      collector: { condition: service_healthy }/
compose: references | docker-compose.yml | s/^    networks: \[internal\]$/    networks: [inner]/
compose: references | docker-compose.yml | s/^  mongodb-config:$/  mongodb-settings:/
compose: hardening | docker-compose.yml | s/\${GRAFANA_PASSWORD:?[^}]*}/admin/
compose: hardening | docker-compose.yml | s/^    hostname: rabbitmq$/    ports: ["5672:5672"]/
compose: hardening | docker-compose.yml | s/^  read_only: true$/  read_only: false/
k8s dev: rendering | k8s/overlays/dev/kustomization.yaml | s/namespace.yaml/namespaces.yaml/
k8s prod: rendering | k8s/base/kustomization.yaml | s/every-worker.yaml/any-worker.yaml/
k8s prod: schemas of Kubernetes | k8s/base/every-worker.yaml | s/periodSeconds: 10/periodSecond: 10/
k8s dev: schemas of Kubernetes | k8s/components/servers/redis.yaml | s/containerPort: 6379/containerPort: "6379"/
k8s prod: references | k8s/base/api-gateway.yaml | s/targetPort: http/targetPort: web/
k8s prod: references | k8s/base/query.yaml | s/key: MONGODB_URI/key: MONGO_URL/
k8s prod: references | k8s/overlays/prod/autoscalers.yaml | s/kind: Deployment, name: query/kind: Deployment, name: queries/
k8s prod: references | k8s/components/keda/scaled-object.yaml | s/analytics.events.raw/events.raw/
k8s prod: references | k8s/overlays/prod/kustomization.yaml | s/name: aggregator, count/name: processor, count/
k8s prod: references | k8s/components/prometheus-operator/service-monitor.yaml | s/port: ops/port: metrics/
k8s dev: references | k8s/base/ingress.yaml | s/name: api-gateway, port/name: gateway, port/
k8s prod: schemas of KEDA | k8s/components/keda/scaled-object.yaml | s/cooldownPeriod/coolDownPeriod/
k8s prod: schemas of KEDA | k8s/components/prometheus-operator/service-monitor.yaml | s/interval: 15s/interval: 15/
k8s dev: pods | k8s/base/every-deployment.yaml | s/runAsNonRoot: true/runAsNonRoot: false/
k8s dev: pods | k8s/base/network-policies.yaml | 0,/policyTypes: \[Ingress, Egress\]/s//policyTypes: [Ingress]/
k8s prod: pods | k8s/base/every-deployment.yaml | s/enableServiceLinks: false/enableServiceLinks: true/
k8s prod: pods | k8s/base/api-gateway.yaml | s/GracePeriodSeconds: 40/GracePeriodSeconds: 20/
k8s prod: pods | k8s/base/ingest.yaml | s/limits: .*/limits: {}/
k8s prod: pods | k8s/overlays/prod/kustomization.yaml | s/count: 2/count: 1/
k8s prod: pods | k8s/overlays/prod/kustomization.yaml | /disruption-budgets/d
variables: read by | k8s/base/kustomization.yaml | s/LOG_LEVEL=info/LOGLEVEL=info/
variables: read by | docker-compose.yml | s/^  LOG_LEVEL:/  LOGLEVEL:/
variables: accepted by | k8s/base/kustomization.yaml | s/ENABLE_METRICS=true/ENABLE_METRICS=on/
variables: accepted by | docker-compose.yml | /^      API_KEYS:/d
variables: explained | docs/deploy.md | s/`RABBITMQ_PASSWORD`//
variables: probes | docker-compose.yml | s/^  OPS_PORT: .*/  OPS_PORT: "0"/
variables: probes | k8s/base/query.yaml | s/value: query/value: ingest/
prometheus: configuration | docs/monitoring/prometheus/prometheus.yml | s/dns_sd_configs/dns_configs/
prometheus: rules | docs/monitoring/prometheus/alerts.yml | s/sum by (reason) (rate/sum by (reason) (rated/
prometheus: alerts fire | docs/monitoring/prometheus/alerts.yml | s/analytics_queue_dead) > 0/analytics_queue_dead) > 2/
prometheus: alerts fire | docs/monitoring/prometheus/alerts.yml | s/_p99_seconds{[^}]*}) > 0.2/_p99_seconds) > 0.002/
grafana: dashboards | docs/monitoring/grafana/provisioning/datasources/prometheus.yml | s/uid: prometheus/uid: metrics/
grafana: dashboards | docs/monitoring/grafana/dashboards/pipeline.json | s/"x": 8/"x": 9/
grafana: queries | docs/monitoring/grafana/dashboards/pipeline.json | s/max(analytics_queue_dead)/max(analytics_queue_dead/
metrics: named | docs/monitoring/grafana/dashboards/pipeline.json | s/analytics_queue_dead/analytics_queue_deads/
metrics: named | docs/monitoring/grafana/dashboards/pipeline.json | s/rate(analytics_events_accepted_total/rate(analytics_dirty_buckets/
metrics: named | docs/monitoring/prometheus/alerts.yml | s/kind="conflict"/sort="conflict"/
metrics: named | docs/operations.md | s/analytics_queue_age_seconds/analytics_queue_age_s/
documents: every alert | docs/operations.md | s/^### AnalyticsDeadLetters/### AnalyticsDead/
documents: every alert | docs/monitoring/prometheus/alerts.test.yml | s/alertname: AnalyticsRestarts }/alertname: Restarts }/
documents: links | docs/operations.md | s/(deploy.md/(deployment.md/
LINES
}

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
unnoticed=0 noticed=0
while IFS='|' read -r name file expression; do
  name=${name%% } file=${file// /} expression=${expression# }
  rm -rf "$copy/tree" && mkdir "$copy/tree"
  cp -R "$root"/{Dockerfile,.dockerignore,docker-compose.yml,k8s,docs} "$copy/tree"
  for path in .npmrc LICENSE README.md package.json package-lock.json tsconfig.json tsconfig.build.json \
    moleculer.config.ts lib mixins services workers test; do
    ln -s "$root/$path" "$copy/tree/$path"
  done
  sed -i "$expression" "$copy/tree/$file"
  if cmp -s "$root/$file" "$copy/tree/$file"; then
    echo "FAIL  $name: the line breaks nothing in $file: $expression"
    unnoticed=$((unnoticed + 1))
  elif output=$(DEPLOY_ROOT=$copy/tree DEPLOY_ONLY=$name bash "$here/check.sh") && true; then
    echo "FAIL  $name: does not notice in $file: $expression"
    unnoticed=$((unnoticed + 1))
  else
    noticed=$((noticed + 1))
    [ -z "${VERBOSE:-}" ] || printf '%s\n' "$output"
  fi
done < <(breaks)
echo "$noticed broken files noticed, $unnoticed not"
[ "$unnoticed" -eq 0 ]
