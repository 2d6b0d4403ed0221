#!/usr/bin/env bash
# Builds the release and measures it. WRITE=1 keeps the table in docs/performance.md.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh run
scripts/runtimes.sh
scripts/peers.sh
cargo build --locked --release --package hearth
cargo bench --locked --package hearth-store --bench commit </dev/null
options=()
[ -z "${WRITE:-}" ] || options+=(--write)
readonly binary="$(realpath "${CARGO_TARGET_DIR:-target}/release/hearth")"
scale=0
python3 -u benches/scale.py "$binary" </dev/null || scale=$?
python3 -u benches/bench.py "$binary" "${options[@]}" </dev/null
exit "$scale"
