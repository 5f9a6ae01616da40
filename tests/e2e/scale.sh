#!/bin/bash
# profile: release
# alone
# 20,000 endpoints, real handshakes, each with a certificate of its own, and 300 places where nothing listens: swept, stored and reported
# with the counts adding up, every fingerprint at its address; a second sweep adds no span, no certificate and no place.
. "$(dirname "$0")/common.sh"
count=${COUNT:-20000} dead=300
start_inventory
start fleet "$CM_FLEET" many --dir "$dir/fleet" --count "$count"
wait_for 60 grep -q '^ready ' "$dir/fleet.log"
port=$(awk '/^ready / { print $2 }' "$dir/fleet.log")
closed=$(free_ports 1)
/usr/bin/python3 - "$count" "$port" "$dead" "$closed" >"$dir/targets" <<'PY'
import ipaddress, random, sys
count, port, dead, closed = map(int, sys.argv[1:])
base = int(ipaddress.ip_address("127.128.0.1"))
lines = [f"{ipaddress.ip_address(base + i)}:{port}" for i in range(count)]
lines += [f"127.77.{i // 250}.{i % 250 + 1}:{closed}" for i in range(dead)]
random.Random(7).shuffle(lines)
print("\n".join(lines))
PY

sweep() {
    certmuster scan --timeout 30 -f "$dir/targets" >"$dir/table" 2>"$dir/scan.log" || { tail "$dir/scan.log"; fail "scan"; }
}
places=$((count + dead))
check_counts() {
    local run
    run=$(sql "SELECT targets, ok, failed, stored_ok, stored_failed FROM run WHERE source = 'scan' ORDER BY started_at DESC LIMIT 1")
    assert_eq "$1: the run's targets, ok, failed, stored ok, stored failed" "$places|$count|$dead|$count|$dead" "$run"
    assert_eq "$1: places" "$places" "$(sql 'SELECT count(*) FROM location')"
    assert_eq "$1: places that answered" "$count" "$(sql "SELECT count(*) FROM location_state WHERE last_result = 'ok'")"
    assert_eq "$1: places that did not" "$dead" "$(sql "SELECT count(*) FROM location_state WHERE last_result = 'connect:refused'")"
    assert_eq "$1: spans" "$count" "$(sql 'SELECT count(*) FROM sighting')"
    assert_eq "$1: leaves" "$count" "$(sql 'SELECT count(*) FROM certificate WHERE NOT is_ca')"
}

note "first sweep"
sweep
check_counts first
sql "SELECT host(l.ip) || ' ' || encode(ch.leaf_sha256, 'hex') FROM sighting s JOIN location l USING (location_id) JOIN chain ch USING (chain_id)" | sort >"$dir/stored"
"$CM_FLEET" many --dir "$dir/fleet" --count "$count" --port "$port" --manifest-only | awk -F '\t' '$2 ~ /^127/ { print $2 " " $4 }' | sort >"$dir/expected"
assert_eq "manifest rows" "$count" "$(wc -l <"$dir/expected")"
cmp "$dir/stored" "$dir/expected" || fail "stored fingerprints differ from the fleet's manifest"

note "reports"
assert_eq "inventory rows" "$places" "$(certmuster report inventory --format ndjson | wc -l)"
certmuster report inventory --format csv -o "$dir/inventory.csv"
assert_eq "inventory.csv rows" "$((places + 1))" "$(/usr/bin/python3 -c 'import csv, sys; print(sum(1 for _ in csv.reader(open(sys.argv[1], newline=""))))' "$dir/inventory.csv")"
soon=$(sql "SELECT count(*) FROM certificate WHERE NOT is_ca AND not_after <= now() + interval '30 days'")
[ "$soon" -gt 0 ] || fail "the fleet has nothing that expires soon"
assert_eq "expiring rows" "$soon" "$(certmuster report expiring --within 30d --format ndjson | wc -l)"

note "second sweep"
spans=$(sql "SELECT md5(string_agg(s::text, E'\n' ORDER BY s.location_id, s.chain_id)) FROM sighting s")
states=$(sql "SELECT md5(string_agg(s::text, E'\n' ORDER BY s.location_id)) FROM location_state s")
sweep
check_counts second
assert_eq "no span was written" "$spans" "$(sql "SELECT md5(string_agg(s::text, E'\n' ORDER BY s.location_id, s.chain_id)) FROM sighting s")"
assert_eq "no state was written" "$states" "$(sql "SELECT md5(string_agg(s::text, E'\n' ORDER BY s.location_id)) FROM location_state s")"
assert_eq "the second look is kept" "$places" "$(sql "SELECT sum(cardinality(unchanged) + cardinality(failing)) FROM observation WHERE run = (SELECT run FROM run WHERE source = 'scan' ORDER BY started_at DESC LIMIT 1)")"
