#!/usr/bin/env bash
# Builds the release and measures it. WRITE=1 keeps the table in docs/performance.md.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh run
cargo build --locked --release --package hearth
options=()
[ -z "${WRITE:-}" ] || options+=(--write)
exec python3 -u benches/bench.py "$(realpath "${CARGO_TARGET_DIR:-target}/release/hearth")" "${options[@]}" </dev/null
