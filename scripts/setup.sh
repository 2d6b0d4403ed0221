#!/usr/bin/env bash
# Sees to what the other scripts need and says what it does.
#
#   scripts/setup.sh build    a Rust toolchain and a C compiler
#   scripts/setup.sh run      also: root, mkfs.ext4, ip and nsenter, a Python between 3.9 and 3.13, Node.js with npm
#   scripts/setup.sh clients  also: AWS CLI 1, boto3 and pytest in .hearth/venv, AWS CLI 2, PostgreSQL's programs
#
# As root on Debian or Ubuntu, what is missing is installed. Elsewhere it is named, and the script stops.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly level="${1:?build, run or clients}"
readonly venv=".hearth/venv"
readonly requirements="tests/clients/requirements.txt"
missing=()
packages=()

say() { echo "setup: $*"; }

# need COMMAND PACKAGE: the command must exist, or the Debian package that has it is wanted.
need() {
    command -v "$1" >/dev/null || { missing+=("$1 (Debian package $2)"); packages+=("$2"); }
}

# Whether one of the programs called aws is AWS CLI 2. Version 1 in a virtual environment is often the first.
has_aws2() {
    local program
    for program in $(type -ap aws) /usr/bin/aws; do
        [ -x "$program" ] && "$program" --version 2>/dev/null | grep -q '^aws-cli/2' && return 0
    done
    return 1
}

find_missing() {
    missing=() packages=()
    need cc gcc
    if [ "$level" != build ]; then
        PATH="$PATH:/usr/sbin:/sbin" need mkfs.ext4 e2fsprogs
        # For tests alone: networks that play the internet.
        PATH="$PATH:/usr/sbin:/sbin" need ip iproute2
        need nsenter util-linux
        need python3 python3
        need node nodejs
        need npm npm
    fi
    if [ "$level" = clients ] && command -v python3 >/dev/null && ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        missing+=("python3's venv (Debian package python3-venv)")
        packages+=(python3-venv)
    fi
    if [ "$level" = clients ] && ! has_aws2; then
        missing+=("AWS CLI 2 (Debian package awscli)")
        packages+=(awscli)
    fi
}

install_missing() {
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        say "installing ${packages[*]}"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq </dev/null
        apt-get install -y -qq --no-install-recommends "${packages[@]}" </dev/null >/dev/null
        find_missing
    fi
    [ "${#missing[@]}" -eq 0 ] || stop_with "${missing[@]}"
}

stop_with() {
    echo "setup: missing on this machine:" >&2
    printf 'setup:   %s\n' "$@" >&2
    exit 1
}

find_missing
[ "${#missing[@]}" -eq 0 ] || install_missing
command -v cargo >/dev/null || stop_with "cargo: install Rust with rustup (https://rustup.rs); rust-toolchain.toml names the version"
cargo --version >/dev/null 2>&1 || stop_with "the toolchain of rust-toolchain.toml: run 'rustup toolchain install'"
[ "$level" = build ] && exit 0

[ "$(id -u)" -eq 0 ] || stop_with "root: Hearth makes its sandboxes as root until it can without; run this as root"
[ "$level" = run ] && exit 0
scripts/postgres.sh --install

# One environment for the AWS clients, made again only when the pinned versions change.
readonly wanted="$(cat "$requirements"; python3 --version)"
if [ ! -x "$venv/bin/aws" ] || [ "$(cat "$venv/made-from" 2>/dev/null)" != "$wanted" ]; then
    say "installing AWS CLI, boto3 and pytest into $venv"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$requirements" </dev/null
    printf '%s\n' "$wanted" >"$venv/made-from"
fi
