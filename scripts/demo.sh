#!/usr/bin/env bash
# Builds Hearth and shows it at work: a real photograph through a real function, then three that fail.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh clients
echo "demo: building the release (a few minutes the first time)"
cargo build --locked --release --package hearth
# The demo itself does without it.
"${CARGO_TARGET_DIR:-target}/release/hearth" runtimes setup || echo "demo: functions have to bring their own AWS SDK for now"
exec .hearth/venv/bin/python -u examples/demo/demo.py "$(realpath "${CARGO_TARGET_DIR:-target}/release/hearth")" </dev/null
