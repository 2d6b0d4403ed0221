#!/usr/bin/env bash
# Builds Hearth and shows it at work: a photograph in S3, one function in three languages that makes it small, and
# three functions that fail. Under five minutes after the build, most of them for what is downloaded and compiled once.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh clients
echo "demo: building the release (a few minutes the first time)"
cargo build --locked --release --package hearth
readonly hearth="$(realpath "${CARGO_TARGET_DIR:-target}/release/hearth")"
echo "demo: fetching the AWS SDKs that functions find beside their runtime"
"$hearth" runtimes setup
exec .hearth/venv/bin/python -u examples/demo/demo.py "$hearth" </dev/null
