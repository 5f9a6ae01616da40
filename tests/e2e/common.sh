# Sourced by end-to-end tests: private directories, free ports, a private inventory, assertions, and an end that stops all it started.
#
# Set by tests/run: CM_TOP (the tree), CM_BIN (built programs), CM_FLEET, CM_RELEASE, TMPDIR (private, removed afterwards).
set -eu
: "${CM_TOP:=$(cd "$(dirname "$0")/../.." && pwd)}" "${CM_BIN:=$CM_TOP/build/asan}" "${CM_RELEASE:=$CM_TOP/build/release}"
: "${CM_FLEET:=$CM_BIN/tests/fleet/certmuster-fleet}" "${TMPDIR:=/tmp}"
dir=$(mktemp -d "$TMPDIR/t.XXXXXX")
chmod 755 "$dir"
PATH=$CM_BIN:/usr/lib/postgresql/15/bin:/usr/sbin:$PATH
export CM_TOP CM_BIN CM_FLEET PATH TMPDIR
pids=

# What ends a test by "set -e" says where: many commands, grep -c among them, fail without a word.
trap 'echo "FAIL: exit status $? in line $LINENO: $BASH_COMMAND" >&2' ERR

fail() { echo "FAIL: $*" >&2; exit 1; }
skip() { echo "skipped: $*"; exit 77; }
note() { echo "--- $*"; }
assert_eq() { # what expected actual
    [ "$2" = "$3" ] || fail "$1: expected '$2', got '$3'"
}
assert_contains() { # what needle haystack
    case "$3" in *"$2"*) ;; *) fail "$1: '$2' not in: $3" ;; esac
}
assert_not_contains() {
    case "$3" in *"$2"*) fail "$1: '$2' must not be in: $3" ;; esac
}
# The exit status of a command, its output kept in $dir/out and $dir/err.
status_of() {
    local status=0
    "$@" >"$dir/out" 2>"$dir/err" || status=$?
    echo "$status"
}
# wait_for SECONDS COMMAND…: polls until it answers 0.
wait_for() {
    local left=$(($1 * 10)); shift
    while ! "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || fail "waited in vain for: $*"
        sleep 0.1
    done
}
# Free TCP ports on 127.0.0.1, one a line.
free_ports() {
    /usr/bin/python3 - "$1" <<'PY'
import socket, sys
held = []
for _ in range(int(sys.argv[1])):
    s = socket.socket(); s.bind(("127.0.0.1", 0)); held.append(s); print(s.getsockname()[1])
PY
}
# start NAME COMMAND…: in the background, output to $dir/NAME.log; its pid in $started; stopped at the end.
start() {
    local name=$1; shift
    "$@" >"$dir/$name.log" 2>&1 &
    started=$!
    pids="$pids $started"
}
# A private inventory: certmuster up in $CERTMUSTER_HOME, with the configuration on standard input when $1 is "-".
start_inventory() {
    export CERTMUSTER_HOME=$dir/home
    mkdir -p "$CERTMUSTER_HOME"
    [ "${1:-}" != - ] || cat >"$CERTMUSTER_HOME/certmuster.yaml"
    certmuster up >"$dir/up.log" 2>&1 || { cat "$dir/up.log" >&2; fail "certmuster up"; }
    inventory=1
}
# SQL on the private inventory, unaligned, no headers.
sql() { psql -X -q -At -v ON_ERROR_STOP=1 -h "$(cat "$CERTMUSTER_HOME/sockets")" -U certmuster_admin -d certmuster -c "SET search_path = certmuster" -c "$1"; }

finish() {
    local status=$? pid
    trap - EXIT
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    [ -z "${inventory:-}" ] || certmuster down >/dev/null 2>&1 || true
    for pid in $pids; do wait "$pid" 2>/dev/null || true; done
    [ "$status" -eq 0 ] || [ "$status" -eq 77 ] || for log in "$dir"/*.log "$CERTMUSTER_HOME"/log/*; do
        [ -s "$log" ] && { echo "== ${log##*/}"; tail -n 20 "$log"; }
    done 2>/dev/null || true
    exit "$status"
}
CERTMUSTER_HOME=${CERTMUSTER_HOME:-$dir/no-home}
export CERTMUSTER_HOME
trap finish EXIT
trap 'exit 130' INT TERM
