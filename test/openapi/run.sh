#!/bin/sh
# Asks a service of its own by the description that it gives of itself (/openapi.json): schemathesis makes requests that
# fit it and requests that do not, and no answer may be a 5xx, or a status, a header, a media type or a body that the
# description does not have.
#
#   test/openapi/run.sh [EXAMPLES [SECONDS]]      examples an operation, 500; time for all, 100 s
#
# Two checks are left out. `positive_data_acceptance`: a schema cannot say that `from` and `range` exclude each other, or
# that a cursor is one that was given. `negative_data_rejection`: a batch with bad events is answered 202, each told apart.
# Streams go on and are tested elsewhere. Needs python3; schemathesis goes to .cache/openapi.
set -eu

examples=${1:-500}
seconds=${2:-100}
version=4.32.5
root=$(cd "$(dirname "$0")/../.." && pwd)
tools=$root/.cache/openapi
node=$root/node_modules/.bin/node

if [ "$(cat "$tools/built" 2>/dev/null)" != "$version" ]; then
  rm -rf "$tools"
  python3 -m venv "$tools"
  "$tools/bin/python" -m pip install --quiet --no-compile "schemathesis==$version"
  echo "$version" >"$tools/built"
fi

work=$(mktemp -d)
cd "$root"
# None that the kernel gives to an outgoing connection meanwhile.
port=$("$node" --input-type=module --eval 'import { freePort } from "./tools/servers/free-ports.ts";
  console.log(await freePort());
  process.exit()')
url=http://127.0.0.1:$port
DATA_DIR=$work/data PORT=$port LOG_LEVEL=warn "$node" node_modules/moleculer/bin/moleculer-runner.mjs \
  --config moleculer.config.ts >"$work/log" 2>&1 &
service=$!
trap 'kill $service 2>/dev/null; wait $service 2>/dev/null; rm -rf "$work"' EXIT
for _ in $(seq 240); do
  curl -sf "$url/health/ready" >/dev/null && break
  sleep 0.5
done

cd "$work"
"$tools/bin/schemathesis" run "$url/openapi.json" --checks all \
  --exclude-checks positive_data_acceptance,negative_data_rejection \
  --exclude-path /api/v1/events/stream --exclude-path /api/v1/live \
  --phases coverage,fuzzing --max-examples "$examples" --max-time "$seconds" \
  --request-timeout 30 --continue-on-failure --no-color || {
  status=$?
  tail -20 "$work/log"
  exit $status
}
