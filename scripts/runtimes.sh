#!/usr/bin/env bash
# Builds the functions of tests/runtimes that bring their own runtime, each on AWS's own client, into
# .hearth/runtimes. Takes about two minutes the first time and nothing afterwards.
#
#   rust/bootstrap   lambda_runtime of crates.io, statically linked: it needs nothing of the system that it runs on
#                    (rust/plain is its handler without a platform, rust/nothing an empty main, for benchmarks)
#   go/bootstrap     aws-lambda-go of the Go proxy, without cgo, so static too
#   python/          awslambdaric of PyPI, for the system's Python
#   nodejs/          aws-lambda-ric of npm, whose native part is compiled here
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

source scripts/need.sh

mkdir -p "$out"
# Two test programs may ask at the same time.
exec 9>"$out/lock"
flock 9

rust=("$sources/rust/Cargo.toml" "$sources/rust/Cargo.lock" "$sources/rust/src/"{main,plain,nothing}.rs)
if changed rust "${rust[@]}"; then
    say "building the function in Rust"
    host="$(rustc -vV | sed -n 's/^host: //p')"
    # Named as a target, so that the flag is not meant for what builds it: macros cannot be static.
    CARGO_TARGET_DIR="$out/rust-target" RUSTFLAGS="-C target-feature=+crt-static" \
        cargo build --quiet --release --locked --target "$host" --manifest-path "${rust[0]}"
    mkdir -p "$out/rust"
    cp "$out/rust-target/$host/release/"{bootstrap,plain,nothing} "$out/rust/"
    made rust "${rust[@]}"
fi

go=("$sources/go/go.mod" "$sources/go/go.sum" "$sources/go/main.go")
if changed go "${go[@]}"; then
    need go golang-go
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

if changed nodejs <(echo "$node_client"; node --version); then
    need node nodejs npm libnode-dev
    need cmake cmake g++ make
    need autoreconf autoconf automake
    need libtoolize libtool
    say "fetching and compiling $node_client"
    rm -rf "$out/nodejs" "$out/npm"
    mkdir -p "$out/npm" "$out/nodejs"
    # The headers that were installed with node; node-gyp would fetch them from nodejs.org.
    prefix="$(dirname "$(dirname "$(realpath "$(command -v node)")")")"
    [ ! -f "$prefix/include/node/node.h" ] || export npm_config_nodedir="$prefix"
    if ! (cd "$out/npm" && npm install --no-audit --no-fund "$node_client" </dev/null >"$out/npm.log" 2>&1); then
        tail -n 40 "$out/npm.log" >&2
        exit 1
    fi
    client="node_modules/aws-lambda-ric"
    mkdir -p "$out/nodejs/$client"
    cp -r "$out/npm/$client"/{bin,dist,package.json} "$out/nodejs/$client/"
    rm -rf "$out/npm"
    made nodejs <(echo "$node_client"; node --version)
fi
