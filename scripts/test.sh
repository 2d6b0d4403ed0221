#!/usr/bin/env bash
# Set-up, every check and every test. Ends with one line that says how it went.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly target="${CARGO_TARGET_DIR:-target}"
started=$SECONDS
step() { echo "== $* ($((SECONDS - started)) s)"; }

# bounded MINUTES COMMAND...: a step that hangs ends here, with a line that names it, and not when the machine goes.
bounded() {
    local minutes="$1" status=0
    shift
    timeout --kill-after=30s "${minutes}m" "$@" || status=$?
    [ "$status" -ne 124 ] && [ "$status" -ne 137 ] || echo "== ran out of its $minutes minutes: $*" >&2
    return "$status"
}

bounded 15 scripts/setup.sh clients
step "building"
# The examples are spawners for the tests of single crates.
bounded 30 cargo build --locked --workspace --lib --bins --examples
step "fetching what AWS's runtimes carry, unless it is there"
bounded 10 "$target/debug/hearth" runtimes setup
step "checking the house"
# With the program that was just built: by itself it has other features of what it depends on, and is built again.
HEARTH_BINARY="$(realpath "$target/debug/hearth")" bounded 20 cargo xtask check
step "building functions on AWS's own runtime clients"
bounded 20 scripts/runtimes.sh
step "building the tests"
bounded 30 cargo test --locked --workspace --lib --bins --tests --no-run
step "testing the crates and the program"
# Every runtime of tests/runtimes must be here: none of them is skipped. One program of tests that hangs ends after ten
# minutes, and the others still run; the test that hangs is the one that it said to have been running for over 60 s.
host="$(rustc -vV | sed -n 's/^host: //p')"
declare -x "CARGO_TARGET_$(printf '%s' "$host" | tr 'a-z-' 'A-Z_')_RUNNER=timeout --kill-after=30s 10m"
HEARTH_TEST_RUNTIMES=all HEARTH_BINARY="$(realpath "$target/debug/hearth")" \
    bounded 40 cargo test --locked --workspace --lib --bins --tests --no-fail-fast
step "testing with real AWS clients"
# The demo is one of them: it packs its functions with pip, npm and cargo.
HEARTH_TEST_DEMO=1 HEARTH_BINARY="$(realpath "$target/debug/hearth")" \
    bounded 25 .hearth/venv/bin/python -m pytest -q tests/clients
step "all tests passed"
