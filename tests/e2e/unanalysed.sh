#!/bin/bash
# profile: release
# An inventory that filled within a minute has no statistics: what is asked of each certificate reads as little then as after ANALYZE, rather than everything that is
# open for each.
. "$(dirname "$0")/common.sh"
count=1000
start_inventory
for table in $(sql "SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'certmuster'::regnamespace AND relkind = 'r'"); do
    sql "ALTER TABLE $table SET (autovacuum_enabled = off)"
done
start fleet "$CM_FLEET" many --dir "$dir/fleet" --count "$count"
wait_for 60 grep -q '^ready ' "$dir/fleet.log"
port=$(awk '/^ready / { print $2 }' "$dir/fleet.log")
certmuster scan -q "127.128.0.0/22:$port" >"$dir/out" 2>&1 || true # some of these addresses nobody has
judged() { [ "$(sql "SELECT count(DISTINCT chain_id) || ' ' || (SELECT count(*) FROM docket) FROM chain_verdict")" = "$count 0" ]; }
wait_for 60 judged
assert_eq "statistics" 0 "$(sql "SELECT count(*) FROM pg_stats WHERE schemaname = 'certmuster' AND tablename IN ('certificate', 'chain', 'sighting', 'location_state')")"

blocks() { # statement: how many blocks it reads, from memory or not
    sql "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) $1" | sed 's/^SET$//' | jq '.[0].Plan | ."Shared Hit Blocks" + ."Shared Read Blocks"'
}
declare -A before
asked=(
    "SELECT count(*) FROM certificate WHERE member_in_use(sha256)"
    "SELECT count(*) FROM browse_certificate WHERE current AND expires <= now() + interval '365 days' AND member_in_use(sha256)"
    "SELECT * FROM browse_uses(ARRAY(SELECT sha256 FROM certificate ORDER BY not_after LIMIT 50), false, 1000)"
    "SELECT certificates_retire('-infinity', '', 1000)"
)
assert_eq "in use" "$((count + $(sql "SELECT count(*) FROM certificate WHERE is_ca AND member_in_use(sha256)")))" "$(sql "${asked[0]}")"
for statement in "${asked[@]}"; do
    blocks "$statement" >"$dir/out" # once for what the server remembers of its catalogue
    before[$statement]=$(blocks "$statement")
done
sql "VACUUM ANALYZE"
for statement in "${asked[@]}"; do
    after=$(blocks "$statement")
    note "${before[$statement]} blocks without statistics, $after with: $statement"
    [ "${before[$statement]}" -gt 0 ] || fail "no blocks"
    [ "${before[$statement]}" -le $((2 * after + 1000)) ] || fail "without statistics it reads too much"
done
echo ok
