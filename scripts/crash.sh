#!/usr/bin/env bash
# Kills the server and its spawner under load, HEARTH_KILLS times (200), and cuts the power under the store,
# HEARTH_CUTS times (200): nothing acknowledged may be lost, nothing may be left behind. HEARTH_SEED repeats a run.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh run
cargo build --locked --workspace --lib --bins --examples
export HEARTH_KILLS="${HEARTH_KILLS:-200}"
export HEARTH_CUTS="${HEARTH_CUTS:-200}"
export HEARTH_BINARY="$(realpath "${CARGO_TARGET_DIR:-target}/debug/hearth")"
cargo test --locked --package hearth-tests --test faults -- --nocapture --test-threads 1
