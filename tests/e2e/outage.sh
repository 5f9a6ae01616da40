#!/bin/bash
# profile: release
# alone
# The collector killed with SIGKILL and PostgreSQL stopped during a sweep, then started again: the same inventory as an undisturbed sweep.
. "$(dirname "$0")/common.sh"
count=${COUNT:-6000}
start fleet "$CM_FLEET" many --dir "$dir/fleet" --count "$count"
wait_for 60 grep -q '^ready ' "$dir/fleet.log"
port=$(awk '/^ready / { print $2 }' "$dir/fleet.log")
closed=$(free_ports 1)
/usr/bin/python3 - "$count" "$port" "$closed" >"$dir/targets" <<'PY'
import ipaddress, sys
count, port, closed = map(int, sys.argv[1:])
base = int(ipaddress.ip_address("127.128.0.1"))
for i in range(count):
    print(f"{ipaddress.ip_address(base + i)}:{port}")
    if i % 50 == 0:
        print(f"{ipaddress.ip_address(base + i)}:{closed}")
PY
dump() { # what an inventory says, without when
    sql "SELECT 'certificate', encode(sha256, 'hex'), display_name FROM certificate ORDER BY 2"
    sql "SELECT 'chain', chain_id, fingerprints FROM chain ORDER BY 2"
    sql "SELECT 'location', location_id, host(ip), port, name FROM location ORDER BY 2"
    sql "SELECT 'span', location_id, chain_id, role, closed_at IS NULL, absent_runs FROM sighting ORDER BY 2, 3"
    sql "SELECT 'state', location_id, chains, last_result, earliest_not_after FROM location_state ORDER BY 2"
    sql "SELECT 'run', source, targets, ok, failed, stored_ok, stored_failed, finished_at IS NOT NULL FROM run WHERE source = 'scan'"
}

note "undisturbed"
start_inventory
certmuster scan --timeout 30 -f "$dir/targets" >"$dir/quiet.table" 2>"$dir/quiet.scan.log"
dump >"$dir/quiet.dump"
certmuster down >"$dir/down.log" 2>&1
[ "$(grep -c '^span' "$dir/quiet.dump")" -eq "$count" ] || fail "the undisturbed sweep found $(grep -c '^span' "$dir/quiet.dump") of $count"

note "disturbed"
dir2=$dir/second
mkdir -p "$dir2"
export CERTMUSTER_HOME=$dir2/home
mkdir -p "$CERTMUSTER_HOME"
certmuster up >"$dir/up2.log" 2>&1 || { cat "$dir/up2.log"; fail "certmuster up"; }
# 12 s of probes, so that segments close and are delivered while the sweep runs.
certmuster scan --timeout 30 --rate $((count / 12)) -f "$dir/targets" >"$dir/loud.table" 2>"$dir/loud.scan.log" &
scan=$!
pids="$pids $scan"
batches_before() { [ "$(sql 'SELECT count(*) FROM sighting')" -gt 0 ]; }
wait_for 30 batches_before
kill -0 "$scan" || fail "the sweep was over before it could be disturbed"
kill -9 "$(cat "$CERTMUSTER_HOME/collectd.pid")"
postmaster=$(head -n 1 "$CERTMUSTER_HOME"/postgres/postmaster.pid)
kill -QUIT "$postmaster" # immediate shutdown: no checkpoint, no goodbye
wait_for 20 sh -c "! kill -0 $postmaster"
sleep 3 # probes go on into the spool meanwhile
kill -0 "$scan" || fail "the sweep ended while nothing could store it: it should go on into the spool"
certmuster up >>"$dir/up2.log" 2>&1 || { cat "$dir/up2.log"; fail "certmuster up after the outage"; }
batches_between=$(sql 'SELECT count(*) FROM sighting')
[ "$batches_between" -lt "$count" ] || fail "everything was stored before the outage: nothing was proved"
wait "$scan" || fail "scan answered $?"
certmuster submit "$CERTMUSTER_HOME/spool"
dump >"$dir/loud.dump"
cmp "$dir/quiet.dump" "$dir/loud.dump" || { diff "$dir/quiet.dump" "$dir/loud.dump" | head -n 20; fail "the inventories differ"; }
assert_eq "segments left in the spool" 0 "$(find "$CERTMUSTER_HOME/spool" -name '*.seg*' | wc -l)"
