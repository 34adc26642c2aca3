#!/usr/bin/env bash
# Checks the deployment files: the image, docker-compose.yml, k8s/, monitoring and their documents.
#
#   test/deploy/check.sh             one line for each check, what is wrong below it; exits with 1 then
#   test/deploy/check.sh --broken    breaks a copy of each file in turn and expects its check to fail (with a text
#                                    behind it: for checks alone whose name holds it)
#
# Needs npm's packages, Python 3.9, and go. The first run fetches its tools
# into .cache/deploy, later ones need no network. No Docker engine and no cluster are asked for.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=test/deploy/tools.sh
. "$here/tools.sh" || exit 2
if [ "${1:-}" = --broken ]; then
  . "$here/broken.sh"
  exit $?
fi

# What is checked: the tree, or a broken copy of its files.
export DEPLOY_ROOT=${DEPLOY_ROOT:-$root}
# Only checks whose name holds this text.
only=${DEPLOY_ONLY:-}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# What the code says, asked once also where many broken copies are checked.
if [ -z "${DEPLOY_TABLES:-}" ]; then
  export DEPLOY_TABLES=$work/tables.json
  "$node" "$here/names.ts" tables >"$DEPLOY_TABLES" || exit 2
fi

failed=0
check() {
  local name=$1 output
  shift
  [[ $name == *"$only"* ]] || return 0
  if output=$("$@" 2>&1); then
    echo "ok    $name"
  else
    echo "FAIL  $name"
    sed 's/^/      /' <<<"$output"
    failed=1
  fi
}

py() { "$python" "$here/$1.py" "${@:2}"; }
schema() { "$tools/venv/bin/check-jsonschema" "$@"; }

builtin_kinds() {
  local output
  output=$("$tools/venv/bin/kubernetes-validate" --strict "$1" 2>&1) || { grep -v ^INFO <<<"$output"; return 1; }
  # What has no schema there has one here.
  output=$(grep -v ^INFO <<<"$output" | grep -Ev "kind ($custom_kinds) ")
  [ -z "$output" ] || { echo "$output"; return 1; }
}
custom_kinds="ScaledObject|TriggerAuthentication|ServiceMonitor"

custom_kinds() {
  local kind
  py manifests custom "$work/prod.yaml" "$work" || return 1
  for kind in ${custom_kinds//|/ }; do
    schema --schemafile "$here/schemas/$kind.json" "$work/$kind.json" || return 1
  done
}

accepted() {
  py environments dump "$work/dev.yaml" "$work/prod.yaml" "$work/traced.yaml" >"$work/environments.json" || return 1
  "$node" "$here/names.ts" accepts <"$work/environments.json"
}

loader() {
  py compose given >"$work/compose.env" || return 1
  "$compose" "$DEPLOY_ROOT/docker-compose.yml" <"$work/compose.env" >"$work/compose.json" || return 1
  py compose loaded "$work/compose.json"
}

queries() {
  py monitoring queries "$work/queries.json" && "$promtool" check rules "$work/queries.json"
}

prometheus() {
  (cd "$DEPLOY_ROOT/docs/monitoring/prometheus" && "$promtool" "$@")
}

check "image: hadolint" "$tools/venv/bin/hadolint" "$DEPLOY_ROOT/Dockerfile"
check "image: what is copied exists" py compose copies
check "image: agrees with the code" py agreement image
check "image: the systemd unit agrees with it" py agreement unit
check "compose: schema" schema --builtin-schema vendor.compose-spec "$DEPLOY_ROOT/docker-compose.yml"
check "compose: references" py compose references
check "compose: read by Docker Compose's loader" loader
check "compose: hardening" py compose hardened
check "compose: agrees with itself and the code" py agreement compose
# prod with traces, as docs/deploy.md says how to switch them on.
cp -R "$DEPLOY_ROOT/k8s" "$work/k8s"
cp -R "$work/k8s/overlays/prod" "$work/k8s/overlays/traced"
sed -i 's|^components:|&\n  - ../../components/tracing|' "$work/k8s/overlays/traced/kustomization.yaml"
for overlay in dev prod traced; do
  # Rendering takes a second, which a check of anything else need not wait for.
  [[ -z $only || $only == k8s* || $only == variables* ]] || continue
  # shellcheck disable=SC2086 # a command and its arguments
  $kustomize "$work/k8s/overlays/$overlay" >"$work/$overlay.yaml" 2>"$work/$overlay.error"
  check "k8s $overlay: rendering" test -s "$work/$overlay.yaml" -a ! -s "$work/$overlay.error"
  check "k8s $overlay: schemas of Kubernetes" builtin_kinds "$work/$overlay.yaml"
  check "k8s $overlay: references" py manifests references "$work/$overlay.yaml"
  check "k8s $overlay: agrees with itself and the code" py agreement rendered "$work/$overlay.yaml"
  check "k8s $overlay: asks for what docs/deploy.md says" py agreement asked "$work/$overlay.yaml" "${overlay/traced/prod}"
done
check "k8s prod: schemas of KEDA and the Prometheus operator" custom_kinds
check "k8s dev: pods" py manifests pods "$work/dev.yaml" 1
check "k8s prod: pods" py manifests pods "$work/prod.yaml" 2
check "variables: read by the configuration" py environments known "$work/dev.yaml" "$work/prod.yaml" "$work/traced.yaml"
check "variables: accepted by the configuration" accepted
check "variables: explained" py environments documented
check "variables: passed on" py environments passed "$work/dev.yaml" "$work/prod.yaml"
check "variables: probes and secrets" py environments probed "$work/dev.yaml" "$work/prod.yaml"
check "prometheus: configuration" prometheus check config prometheus.yml
check "prometheus: rules" prometheus check rules alerts.yml
check "prometheus: alerts fire and are quiet" prometheus test rules alerts.test.yml
check "grafana: dashboards" py monitoring dashboards
check "grafana: queries" queries
check "metrics: named ones exist" py monitoring names
check "documents: every alert" py monitoring runbook
check "documents: links" py monitoring links
exit $failed
