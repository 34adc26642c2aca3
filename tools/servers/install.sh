#!/bin/sh
# Installs what the tests' servers need, where it is missing:
#
#   tools/servers/install.sh [rabbitmq] [redis] [ferretdb] [mongo-java] [chromium] [prometheus]     (none named: all)
#
# rabbitmq, redis, prometheus and chromium (which the page's tests drive) are Debian packages (root is needed once; the packages' own services are neither
# started nor enabled), ferretdb is built with Go, mongo-java with Maven. Builds go to .cache/servers.
# Safe to repeat and to run twice at a time.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=$here/../../.cache/servers
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
[ $# -gt 0 ] || set -- rabbitmq redis ferretdb mongo-java chromium prometheus

say() { printf '%s: %s\n' "$(basename "$0")" "$1"; }
fail() { say "$1" >&2 && exit 1; }
need() { command -v "$1" >/dev/null 2>&1 || fail "$2 needs $1, version $3 or later"; }

exec 9>"$cache/install.lock"
flock -w 900 9 || fail "another run holds $cache/install.lock"

# apt_install SERVICE BINARY: the Debian package of a service, without its service.
apt_install() {
  [ -x "$2" ] && return 0
  command -v apt-get >/dev/null 2>&1 || fail "$1 is missing: install the package $1 of this system"
  [ "$(id -u)" -eq 0 ] || fail "$1 is missing: as root, run $0 or apt-get install $1"
  say "installing $1"
  # Package scripts ask policy-rc.d before they start a service; 101 is no.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  timeout 300 apt-get -q update
  DEBIAN_FRONTEND=noninteractive timeout 600 apt-get -q install -y --no-install-recommends "$1"
  # Not at the next start of the machine either.
  if command -v systemctl >/dev/null 2>&1; then systemctl disable "$1" >/dev/null 2>&1 || true; fi
}

# changed NAME FILE...: whether the sources differ from those that NAME was built from.
changed() {
  name=$1 && shift
  sum=$(cat "$@" | sha256sum)
  [ "$sum" != "$(cat "$cache/$name.built" 2>/dev/null || true)" ]
}
built() { printf '%s\n' "$sum" >"$cache/$name.built"; }

ferretdb() {
  if [ -x "$cache/ferretdb" ] && ! changed ferretdb "$here"/ferretdb/go.* "$here"/ferretdb/main.go; then
    return 0
  fi
  need go ferretdb 1.24
  say "building ferretdb (a minute or two)"
  (cd "$here/ferretdb" && CGO_ENABLED=0 timeout 1200 go build -trimpath -ldflags='-s -w' \
    -o "$cache/ferretdb.new" .)
  mv "$cache/ferretdb.new" "$cache/ferretdb"
  changed ferretdb "$here"/ferretdb/go.* "$here"/ferretdb/main.go || true
  built
}

mongo_java() {
  if [ -e "$cache/mongo-java/mongo-java.jar" ] &&
    ! changed mongo-java "$here"/mongo-java/pom.xml "$here"/mongo-java/src/main/java/Main.java; then
    return 0
  fi
  need mvn mongo-java 3.8
  need java mongo-java 17
  say "building mongo-java"
  rm -rf "$cache/mongo-java"
  timeout 600 mvn -B -q -f "$here/mongo-java/pom.xml" "-Dout=$cache/mongo-java" package
  changed mongo-java "$here"/mongo-java/pom.xml "$here"/mongo-java/src/main/java/Main.java || true
  built
}

for server in "$@"; do
  case $server in
    rabbitmq) apt_install rabbitmq-server /usr/lib/rabbitmq/bin/rabbitmq-server ;;
    redis) apt_install redis-server /usr/bin/redis-server ;;
    ferretdb) ferretdb ;;
    mongo-java) mongo_java ;;
    chromium) apt_install chromium /usr/bin/chromium ;;
    # With promtool.
    prometheus) apt_install prometheus /usr/bin/prometheus ;;
    *) fail "there is no server $server" ;;
  esac
  say "$server is installed"
done
