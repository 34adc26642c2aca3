# shellcheck shell=bash disable=SC2154
# check.sh --broken [TEXT]: each line breaks one file, and names the check that must notice; with TEXT only lines of
# checks whose name holds it. Sourced.
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
k8s traced: agrees with itself | k8s/components/tracing/network-policy.yaml | s/port: 4318/port: 4317/
k8s prod: references | k8s/components/keda/scaled-object.yaml | s/analytics.events.raw/events.raw/
k8s prod: references | k8s/overlays/prod/kustomization.yaml | s/name: aggregator, count/name: processor, count/
k8s prod: references | k8s/components/prometheus-operator/service-monitor.yaml | s/port: ops/port: metrics/
k8s dev: references | k8s/base/ingress.yaml | s/name: api-gateway, port/name: gateway, port/
k8s prod: schemas of KEDA | k8s/components/keda/scaled-object.yaml | s/cooldownPeriod/coolDownPeriod/
k8s prod: schemas of KEDA | k8s/components/prometheus-operator/service-monitor.yaml | s/interval: 15s/interval: 15/
k8s dev: pods | k8s/base/every-deployment.yaml | s/runAsNonRoot: true/runAsNonRoot: false/
k8s dev: pods | k8s/base/network-policies.yaml | 0,/policyTypes: \[Ingress, Egress\]/s//policyTypes: [Ingress]/
k8s prod: pods | k8s/base/every-deployment.yaml | s/enableServiceLinks: false/enableServiceLinks: true/
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
image: agrees | Dockerfile | s#dist/moleculer.config.js#dist/moleculer.conf.js#
image: agrees | Dockerfile | s/--max-semi-space-size=16/--max-semi-space-size=64/
image: agrees | Dockerfile | s/install -d -o node -g node/install -d -o root -g root/
image: agrees | Dockerfile | s/^EXPOSE 4000/EXPOSE 3000/
image: agrees | Dockerfile | s/^STOPSIGNAL SIGTERM/VOLUME \/data/
image: agrees | Dockerfile | s/^COPY --chmod=644 LICENSE/COPY LICENSE/
image: agrees | Dockerfile | s/"healthcheck.mjs"/"health-check.mjs"/
image: agrees | docs/deploy/healthcheck.mjs | s#"/health/ready"#"/ready"#
image: agrees | docs/deploy/healthcheck.mjs | s/PORT = "4000"/PORT = "3000"/
image: the systemd unit | docs/deploy/analytics.service | s/^TimeoutStopSec=30/TimeoutStopSec=1/
image: the systemd unit | docs/deploy/analytics.service | s#dist/moleculer.config.js#moleculer.config.ts#
image: the systemd unit | docs/deploy/analytics.service | s/^MemoryMax=768M/MemoryMax=64M/
image: the systemd unit | docs/deploy/analytics.service | s/^StateDirectory=analytics/StateDirectory=maily/
image: the systemd unit | docs/deploy/analytics.service | s/ AF_NETLINK$//
image: the systemd unit | docs/deploy/analytics.service | s/^LockPersonality=true/MemoryDenyWriteExecute=true/
compose: read by | docker-compose.yml | s/PROCESSOR_REPLICAS:-1/PROCESSORS:-1/
compose: read by | docker-compose.yml | s/exec redis-server - <<CONF/cat <<CONF | exec redis-server -/
compose: agrees | docker-compose.yml | s/@rabbitmq:5672/@rabitmq:5672/
compose: agrees | docker-compose.yml | s/@mongodb:27017/@mongodb:27018/
compose: agrees | docker-compose.yml | s#redis://:${REDIS_PASSWORD#redis://:${GRAFANA_PASSWORD#
compose: agrees | docker-compose.yml | s/amqp:..analytics:/amqp:\/\/analyst:/
compose: agrees | docker-compose.yml | s/^  stop_grace_period: 30s/  stop_grace_period: 1s/
compose: agrees | docker-compose.yml | s/^  mem_limit: 768m/  mem_limit: 64m/
compose: agrees | docker-compose.yml | s/mem_limit: 2g/mem_limit: 4g/
compose: agrees | docker-compose.yml | s#:/docker-entrypoint-initdb.d:ro#:/docker-entrypoint-init.d:ro#
compose: agrees | docker-compose.yml | s#mongodb:/data/db#mongodb:/data/mongo#
compose: agrees | docker-compose.yml | s#127.0.0.1:4000}:4000#127.0.0.1:4000}:3000#
compose: agrees | docs/deploy/mongodb/create-user.js | s/"readWrite"/"read"/
compose: agrees | docs/deploy/mongodb/create-user.js | s/user: "analytics"/user: "maily"/
compose: agrees | docs/monitoring/prometheus/prometheus.yml | s/names: \[query\], type: A, port: 4001/names: [query], type: A, port: 4000/
k8s prod: agrees | k8s/base/every-worker.yaml | s/containerPort: 4001/containerPort: 4002/
k8s prod: agrees | k8s/base/every-worker.yaml | s#path: /health/live#path: /health/alive#
k8s prod: agrees | k8s/base/every-worker.yaml | s/port: ops }/port: http }/
k8s prod: agrees | k8s/base/api-gateway.yaml | 0,/readinessProbe/! s#path: /health/live#path: /health/ready#
k8s prod: agrees | k8s/base/every-worker.yaml | s/GracePeriodSeconds: 30/GracePeriodSeconds: 1/
k8s prod: agrees | k8s/base/api-gateway.yaml | s/GracePeriodSeconds: 40/GracePeriodSeconds: 20/
k8s prod: agrees | k8s/base/ingest.yaml | s/memory: 512Mi/memory: 64Mi/
k8s prod: agrees | k8s/base/network-policies.yaml | s/port: 27017/port: 27018/
k8s prod: agrees | k8s/base/network-policies.yaml | s/port: 5672/port: 5673/
k8s prod: agrees | k8s/base/network-policies.yaml | s/port: 4001/port: 4002/
k8s prod: agrees | k8s/base/network-policies.yaml | s/port: http }/port: 8080 }/
k8s prod: agrees | k8s/base/network-policies.yaml | s/values: \[processor, aggregator, query\]/values: [processor, aggregator]/
k8s prod: agrees | k8s/components/prometheus-operator/service-monitor.yaml | s#path: /metrics#path: /metric#
k8s dev: agrees | k8s/components/servers/mongodb.yaml | s#mountPath: /data/db#mountPath: /data/mongo#
k8s dev: agrees | k8s/components/servers/rabbitmq.yaml | s/containerPort: 5672/containerPort: 5671/
k8s dev: agrees | docs/deploy.md | s/@rabbitmq:5672/@rabbit:5672/
k8s dev: agrees | k8s/components/servers/network-policies.yaml | s/port: mongodb/port: mongo/
k8s prod: pods | k8s/base/query.yaml | s/sizeLimit: 3Gi/sizeLimit: 2Gi/
compose: agrees | docker-compose.yml | s#segments:/data#segments:/columns#
k8s prod: asks | k8s/base/processor.yaml | s/cpu: 500m/cpu: 1000m/
variables: passed on | docker-compose.yml | /^  QUERY_TIMEOUT_MS:/d
variables: passed on | .env.example | s/^PAGE_MAX_BYTES=/PAGE_MAX_SIZE=/
variables: passed on | docs/deploy.md | s/`DATA_DIR`, `SERVICES`/`DATA_DIR`/
variables: passed on | k8s/base/processor.yaml | s/- { name: SERVICES, value: processor }/&\n            - { name: ENRICH_THREADS, value: "1" }/
LINES
}

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
unnoticed=0 noticed=0

# fresh: a copy of the files that nothing is wrong with.
fresh() {
  rm -rf "$copy/tree" && mkdir "$copy/tree"
  cp -R "$root"/{Dockerfile,.dockerignore,.env.example,docker-compose.yml,k8s,docs} "$copy/tree"
  for path in .npmrc LICENSE README.md package.json package-lock.json tsconfig.json tsconfig.build.json \
    moleculer.config.ts lib mixins services workers page tools test; do
    ln -s "$root/$path" "$copy/tree/$path"
  done
}

# What the code says is the same for all.
export DEPLOY_TABLES=$copy/tables.json
"$node" "$here/names.ts" tables >"$DEPLOY_TABLES" || exit 2
# A check that fails for a copy as such would notice anything.
fresh
if ! DEPLOY_ROOT=$copy/tree bash "$here/check.sh" >"$copy/fresh"; then
  cat "$copy/fresh"
  echo "FAIL  the files are wrong before any is broken"
  exit 1
fi
# At the first two bars: an expression may hold more.
while IFS= read -r line; do
  name=${line%%|*} rest=${line#*|}
  file=${rest%%|*} expression=${rest#*|}
  [[ $name == *"${2:-}"* ]] || continue
  name=${name%% } file=${file// /} expression=${expression# }
  fresh
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
