# need COMMAND PACKAGE...: installs the Debian packages when the command is missing. For scripts that have a `say`.
need() {
    command -v "$1" >/dev/null && return
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        say "$1 is missing (Debian: ${*:2})" >&2
        exit 1
    fi
    say "installing ${*:2}"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${@:2}" </dev/null >/dev/null
}
