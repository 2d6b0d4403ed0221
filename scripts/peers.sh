#!/usr/bin/env bash
# Builds the servers that Hearth's S3 is measured beside (docs/decisions/0257), into .hearth/peers. They come from Go's
# module proxy at fixed versions, whose checksums Go verifies. Takes some minutes the first time; nothing, and no
# network, afterwards. Only `make bench` asks for them; they are run, and nothing of them becomes part of Hearth.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly out="$PWD/.hearth/peers"
readonly peers=(
    "versitygw github.com/versity/versitygw/cmd/versitygw@v1.8.0"
    "minio github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c"
)

say() { echo "peers: $*"; }

source scripts/need.sh

need strace strace # counts what a put syncs
mkdir -p "$out"
for peer in "${peers[@]}"; do
    read -r name module <<<"$peer"
    [ "$(cat "$out/$name.made-from" 2>/dev/null)" != "$module" ] || continue
    need go golang-go
    say "building $module (some minutes)"
    began=$SECONDS
    # In folders of their own, which go again: sources and objects are some gigabytes.
    GOPATH="$out/go" GOCACHE="$out/go/cache" GOBIN="$out" GOFLAGS=-modcacherw CGO_ENABLED=0 \
        timeout --kill-after=30s 30m go install -trimpath -ldflags '-s -w' "$module" </dev/null
    printf '%s\n' "$module" >"$out/$name.made-from"
    say "$name after $((SECONDS - began)) s, $(du -h "$out/$name" | cut -f1)"
done
rm -rf "$out/go"
