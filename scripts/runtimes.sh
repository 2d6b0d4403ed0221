#!/usr/bin/env bash
# Builds the functions of tests/runtimes that bring their own runtime, each on AWS's own client, into
# .hearth/runtimes. Takes about a minute the first time and nothing afterwards.
#
#   rust/bootstrap   lambda_runtime of crates.io
#   go/bootstrap     aws-lambda-go of the Go proxy
#   python/          awslambdaric of PyPI, for the system's Python
#   nodejs/          aws-lambda-ric of npm, without its native part: that one is built with autotools, and the
#                    client has a second transport in JavaScript
set -euo pipefail
cd "$(dirname "$0")/.."

readonly out="$PWD/.hearth/runtimes" sources="$PWD/tests/runtimes"
readonly python_client="awslambdaric==4.2.2" node_client="aws-lambda-ric@3.3.0"

say() { echo "runtimes: $*"; }

# changed NAME FILE...: true when NAME was not made from exactly these files.
changed() {
    local name="$1"
    shift
    [ "$(cat "$out/$name.made-from" 2>/dev/null)" != "$(cat "$@" | sha256sum)" ]
}
made() {
    local name="$1"
    shift
    cat "$@" | sha256sum >"$out/$name.made-from"
}

mkdir -p "$out"
# Two test programs may ask at the same time.
exec 9>"$out/lock"
flock 9

rust=("$sources/rust/Cargo.toml" "$sources/rust/Cargo.lock" "$sources/rust/src/main.rs")
if changed rust "${rust[@]}"; then
    say "building the function in Rust"
    CARGO_TARGET_DIR="$out/rust-target" cargo build --quiet --release --locked --manifest-path "${rust[0]}"
    mkdir -p "$out/rust"
    cp "$out/rust-target/release/bootstrap" "$out/rust/bootstrap"
    made rust "${rust[@]}"
fi

go=("$sources/go/go.mod" "$sources/go/go.sum" "$sources/go/main.go")
if changed go "${go[@]}"; then
    if ! command -v go >/dev/null; then
        [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null || { say "go is missing: https://go.dev/dl" >&2; exit 1; }
        say "installing golang-go"
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends golang-go </dev/null >/dev/null
    fi
    say "building the function in Go"
    mkdir -p "$out/go"
    (cd "$sources/go" && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$out/go/bootstrap" .)
    made go "${go[@]}"
fi

if changed python <(echo "$python_client"; /usr/bin/python3 --version); then
    say "fetching $python_client"
    rm -rf "$out/python" "$out/pip"
    python3 -m venv "$out/pip"
    version="$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
    "$out/pip/bin/pip" install --quiet --disable-pip-version-check --no-compile --target "$out/python" \
        --only-binary=:all: --implementation cp --python-version "$version" "$python_client" </dev/null
    rm -rf "$out/pip"
    made python <(echo "$python_client"; /usr/bin/python3 --version)
fi

if changed nodejs <(echo "$node_client"); then
    say "fetching $node_client"
    rm -rf "$out/nodejs"
    mkdir -p "$out/nodejs"
    (cd "$out/nodejs" && npm install --silent --ignore-scripts --no-audit --no-fund "$node_client" </dev/null >/dev/null)
    made nodejs <(echo "$node_client")
fi
