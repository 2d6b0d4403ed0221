#!/usr/bin/env bash
# Builds Hearth for arm64 Linux on another machine, asks the program for its version under QEMU, and runs the tests of
# the system call filter's tables there. What needs a kernel of arm64 (sandboxes) is not tried by this.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly target=aarch64-unknown-linux-gnu tools=/usr/aarch64-linux-gnu

say() { echo "arm64: $*"; }

source scripts/need.sh

scripts/setup.sh build
need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu libc6-dev-arm64-cross
need qemu-aarch64-static qemu-user-static
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
    say "fetching Rust's library for $target"
    timeout 300 rustup target add "$target"
fi

export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="qemu-aarch64-static -L $tools"
say "building (some minutes the first time)"
cargo build --locked --target "$target" --package hearth --bins
readonly hearth="${CARGO_TARGET_DIR:-target}/$target/debug/hearth"
timeout 60 qemu-aarch64-static -L "$tools" "$hearth" --version
timeout 60 qemu-aarch64-static -L "$tools" "$hearth" help >/dev/null
say "the tables of the system call filter"
timeout --kill-after=30s 30m cargo test --locked --target "$target" --package hearth-sandbox --lib seccomp
say "built and started: $hearth"
