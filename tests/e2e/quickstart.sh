#!/bin/bash
# profile: release
# `make quickstart`, in a network of its own: the fleet is swept although it is slow to start, what expires next has an owner, twice is fine, a fleet that cannot start
# is told with its reason, and stopping leaves nothing running.
if [ -z "${inside:-}" ]; then
    unshare -n true 2>/dev/null || { echo "skipped: no network namespaces here"; exit 77; }
    inside=yes exec unshare -n "$0"
fi
. "$(dirname "$0")/common.sh"
ip link set lo up
# What it keeps lies beside the programs, so they get a directory of their own.
mkdir -p "$dir/build/release/tests/fleet" "$dir/slow"
for program in "$CM_BIN"/certmuster*; do [ -d "$program" ] || cp "$program" "$dir/build/release/"; done
cp "$CM_FLEET" "$dir/build/release/tests/fleet/"
state=$dir/build/quickstart
export CERTMUSTER_HOME=$dir/home
mkdir "$CERTMUSTER_HOME"
inventory=1
quickstart() { "$CM_TOP/contrib/quickstart/$1" "$dir/build/release" >"$dir/$1.log" 2>&1; }
printf '#!/bin/sh\nsleep 1\nexec /usr/bin/setsid "$@"\n' >"$dir/slow/setsid"
chmod +x "$dir/slow/setsid"

note "once, with a fleet that takes a while"
PATH=$dir/slow:$PATH quickstart start || fail "$(cat "$dir/start.log")"
fleet=$(cat "$state/fleet.pid")
endpoints=$(wc -l <"$state/targets")
[ "$endpoints" -gt 30 ] || fail "$endpoints endpoints"
grep -q '^expired.* intranet\.fleet\.example .*web-team@fleet\.example' "$dir/start.log" || fail "what expires next, and whom to call: $(cat "$dir/start.log")"
places=$(sql "SELECT count(*) FROM location WHERE ip <<= '127.80.0.0/24'")
[ "$places" -ge 30 ] || fail "$places places of the fleet"
[ -s "$state/expiring.html" ] && [ -s "$state/inventory.html" ] || fail "no pages"

note "twice: what runs is used, and no place is counted twice"
quickstart start || fail "$(cat "$dir/start.log")"
assert_eq "the fleet" "$fleet" "$(cat "$state/fleet.pid")"
assert_eq "places" "$places" "$(sql "SELECT count(*) FROM location WHERE ip <<= '127.80.0.0/24'")"

note "stop"
quickstart stop || fail "$(cat "$dir/stop.log")"
! kill -0 "$fleet" 2>/dev/null || fail "the fleet still runs"
[ ! -e "$CERTMUSTER_HOME/collectd.pid" ] || ! kill -0 "$(cat "$CERTMUSTER_HOME/collectd.pid")" 2>/dev/null || fail "the collector still runs"

note "a fleet that cannot start"
printf '#!/bin/sh\necho "no room" >&2\nexit 1\n' >"$dir/slow/setsid"
status=0
PATH=$dir/slow:$PATH quickstart start || status=$?
assert_eq "status" 3 "$status"
assert_contains "why" "no room" "$(cat "$dir/start.log")"
echo ok
