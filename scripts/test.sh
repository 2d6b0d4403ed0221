#!/usr/bin/env bash
# Set-up, every check and every test. Ends with one line that says how it went.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly target="${CARGO_TARGET_DIR:-target}"
started=$SECONDS
step() { echo "== $* ($((SECONDS - started)) s)"; }

scripts/setup.sh clients
step "building"
# The examples are spawners for the tests of single crates.
cargo build --locked --workspace --lib --bins --examples
step "fetching what AWS's runtimes carry, unless it is there"
"$target/debug/hearth" runtimes setup
step "checking the house"
cargo xtask check
step "building functions on AWS's own runtime clients"
scripts/runtimes.sh
step "testing the crates and the program"
# Every runtime of tests/runtimes must be here: none of them is skipped.
HEARTH_TEST_RUNTIMES=all HEARTH_BINARY="$(realpath "$target/debug/hearth")" cargo test --locked --workspace --lib --bins --tests --no-fail-fast
step "testing with real AWS clients"
# The demo is one of them: it packs its functions with pip, npm and cargo.
HEARTH_TEST_DEMO=1 HEARTH_BINARY="$(realpath "$target/debug/hearth")" .hearth/venv/bin/python -m pytest -q tests/clients
step "all tests passed"
