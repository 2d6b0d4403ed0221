#!/usr/bin/env bash
# Kills the server and its spawner under load, HEARTH_KILLS times (50), and looks for anything left behind.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh run
cargo build --locked --workspace
export HEARTH_KILLS="${HEARTH_KILLS:-50}"
export HEARTH_BINARY="$(realpath "${CARGO_TARGET_DIR:-target}/debug/hearth")"
cargo test --locked --package hearth-tests --test crashes -- --nocapture
