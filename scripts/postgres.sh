#!/usr/bin/env bash
# A PostgreSQL of one's own for tests and figures: made in a temporary folder, with its defaults (fsync is on), on a
# unix socket alone. Prints one line, its URL, and obeys lines on its input: `kill` ends it as a crash does, `start`
# starts it again and prints its URL again. When the input ends, the server and the folder go.
#
#   scripts/postgres.sh            the server, until the input ends
#   scripts/postgres.sh --tls CERTIFICATE KEY PORT   the same, also with TLS at this port of loopback, or at the one of
#                                  its URL where this one is taken
#   scripts/postgres.sh --install  sees to it that the programs are there
set -euo pipefail

find_programs() {
    local found
    found="$(printf '%s\n' /usr/lib/postgresql/*/bin/postgres | sort -t/ -k5 -n | tail -1)"
    if [ -x "$found" ]; then
        dirname "$found"
    elif command -v initdb >/dev/null && command -v postgres >/dev/null; then
        dirname "$(command -v initdb)"
    fi
}

if [ "${1:-}" = --install ]; then
    [ -z "$(find_programs)" ] || exit 0
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        echo "setup: installing postgresql"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq </dev/null
        apt-get install -y -qq --no-install-recommends postgresql-common </dev/null >/dev/null
        # No cluster of the machine's own is made or started.
        sed -ri 's/^#?create_main_cluster.*$/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
        apt-get install -y -qq --no-install-recommends postgresql </dev/null >/dev/null
    fi
    [ -n "$(find_programs)" ] && exit 0
    echo "setup: missing on this machine: the PostgreSQL server (Debian package postgresql)" >&2
    exit 1
fi

readonly programs="$(find_programs)"
if [ -z "$programs" ]; then
    echo "postgres.sh: the PostgreSQL server is missing: run scripts/setup.sh clients, or install Debian's postgresql" >&2
    exit 1
fi
# The path of a unix socket has 107 bytes at most, so not $TMPDIR.
readonly folder="$(mktemp -d /tmp/hearth-postgres.XXXXXX)"
unprivileged=()
if [ "$(id -u)" -eq 0 ]; then
    chown postgres "$folder"
    unprivileged=(setpriv --reuid=postgres --regid=postgres --clear-groups --pdeathsig=QUIT)
fi
server=
end() {
    if [ -n "$server" ]; then kill -QUIT "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
    rm -rf "$folder"
}
trap end EXIT
trap 'exit 1' INT TERM
cd "$folder"

network=(-c listen_addresses=)
if [ "${1:-}" = --tls ]; then
    cp "$2" tls.crt
    cp "$3" tls.key
    chmod 600 tls.key
    [ "$(id -u)" -ne 0 ] || chown postgres tls.crt tls.key
    network=(-c listen_addresses=127.0.0.1 -c ssl=on)
    network+=(-c ssl_cert_file="$folder/tls.crt" -c ssl_key_file="$folder/tls.key")
fi
port="${4:-5432}"

# False when the server ended at once.
start_at() {
    "${unprivileged[@]}" "$programs/postgres" -D "$folder/data" -k "$folder" "${network[@]}" -c port="$1" \
        -c max_connections=200 -c logging_collector=off </dev/null >>"$folder/log" 2>&1 &
    server=$!
    for _ in $(seq 600); do
        if "$programs/pg_isready" -q -h "$folder" -p "$1" -U hearth; then
            echo "postgres:///postgres?host=$folder&port=$1&user=hearth"
            return
        fi
        kill -0 "$server" 2>/dev/null || return 1
        sleep 0.05
    done
    return 1
}

start() {
    for _ in $(seq 10); do
        : >"$folder/log"
        if start_at "$port"; then return; fi
        # A port that was free when it was chosen may be taken by now. Those below 32768 are given to nobody unasked.
        grep -q 'could not create any TCP/IP sockets' "$folder/log" || break
        port=$((10000 + RANDOM % 20000))
    done
    cat "$folder/log" >&2
    exit 1
}

"${unprivileged[@]}" "$programs/initdb" -D "$folder/data" -U hearth -A trust -E UTF8 --locale=C --no-sync \
    </dev/null >"$folder/initdb" 2>&1 || { cat "$folder/initdb" >&2; exit 1; }
start
while read -r command; do
    case "$command" in
    kill) kill -QUIT "$server"; wait "$server" 2>/dev/null || true; server=; echo gone ;;
    start) start ;;
    esac
done
