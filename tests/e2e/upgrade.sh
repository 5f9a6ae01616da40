#!/bin/bash
# What was kept of the first inventory is migrated and loses nothing; what was kept of its record stream is taken, also with members and types that
# nobody knows; every migration runs on the data of the one before; a backup is restored and goes on. The commands are those of certmuster-ctl(1).
. "$(dirname "$0")/common.sh"
export CERTMUSTER_HOME=$dir/home
kept=$CM_TOP/tests/data/upgrade
certmuster up --database-only >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "certmuster up"; }
inventory=1
sockets=$(cat "$CERTMUSTER_HOME/sockets")
newest=$(ls "$CM_TOP"/sql/*.sql | sed 's|.*/0*||; s/_.*//' | sort -n | tail -1)
later=$(ls "$CM_TOP"/sql/*.sql | sed 's|.*/0*||; s/_.*//' | sort -n | awk '$1 > 8')
in_database() { psql -X -q -At -v ON_ERROR_STOP=1 -h "$sockets" -U certmuster_admin -d "$1" -c "SET search_path = certmuster" -c "SET timezone = 'UTC'" -c "$2"; }
make_database() { # name: an empty one, and a configuration for it
    psql -X -q -h "$sockets" -U certmuster_admin -d postgres -c "CREATE DATABASE $1"
    printf 'dsn: "host=%s dbname=%s"\nrealm: default\nhost: s1.example.org\nscanner: s1\n' "$sockets" "$1" >"$dir/$1.yaml"
}
restore() {
    case $2 in *.gz) gunzip -c "$2" ;; *) cat "$2" ;; esac >"$dir/kept.sql"
    psql -X -q -v ON_ERROR_STOP=1 -h "$sockets" -U certmuster_admin -d "$1" -f "$dir/kept.sql" >"$dir/restore.out" || fail "restoring $2"
}
serve() { # database: a collector on it
    start "collectd-$1" certmuster-collectd --config "$dir/$1.yaml" --dsn "host=$sockets dbname=$1 user=certmuster_ingest" --socket "$dir/$1.sock"
    wait_for 30 curl -sf --unix-socket "$dir/$1.sock" http://localhost/healthz
}
deliver() { # database file
    certmuster submit --config "$dir/$1.yaml" --to "unix:$dir/$1.sock" "$2" >"$dir/out" 2>"$dir/err" || { cat "$dir/out" "$dir/err"; fail "delivering $2 to $1"; }
}
# Everything that people read off the inventory, in words that no version changes.
inventory_of() {
    in_database "$1" "SELECT place_text(l), s.role, encode(ch.leaf_sha256, 'hex'), s.first_seen, s.last_seen, s.closed_at FROM sighting s JOIN location l USING (location_id) JOIN chain ch USING (chain_id) ORDER BY 1, 2, 3"
    in_database "$1" "SELECT place_text(l), st.owner, st.last_result, st.last_ok, st.last_failure, st.tls FROM location_state st JOIN location l USING (location_id) ORDER BY 1"
    in_database "$1" "SELECT encode(sha256, 'hex'), subject, not_after, md5(der) FROM certificate ORDER BY 1"
    in_database "$1" "SELECT encode(sha256, 'hex'), owner, kind, opened_at, acked_by, acked_note FROM alert ORDER BY 1, 2"
    in_database "$1" "SELECT place_text(l), k.kind, encrypted, encode(spki_sha256, 'hex') FROM key_file k JOIN location l USING (location_id) ORDER BY 1"
    in_database "$1" "SELECT run, source, started_at, finished_at, targets, stored_ok, stored_failed FROM run ORDER BY 1"
    in_database "$1" "SELECT name, realms FROM scanner ORDER BY 1"
}

note "the first inventory, migrated"
make_database first
restore first "$kept/schema-8.sql"
inventory_of first >"$dir/before"
[ "$(wc -l <"$dir/before")" -gt 120 ] || fail "the kept inventory is empty"
certmuster migrate --config "$dir/first.yaml" >"$dir/out"
assert_contains "migrate" "schema $newest, $(echo "$later" | wc -l) steps applied" "$(cat "$dir/out")"
inventory_of first >"$dir/after"
cmp "$dir/before" "$dir/after" || { diff "$dir/before" "$dir/after" | head; fail "the migration changed what was there"; }
assert_eq "the scanner's certificate" "probe-1|$(printf 'ab%.0s' $(seq 32))" "$(in_database first "SELECT scanner, sha256 FROM scanner_certificate")"
certmuster audit verify --config "$dir/first.yaml" >"$dir/out" || fail "audit: $(cat "$dir/out")"
certmuster report inventory --config "$dir/first.yaml" --format ndjson >"$dir/report" || fail "report"
[ "$(wc -l <"$dir/report")" -ge 40 ] || fail "the report shows $(wc -l <"$dir/report") lines"

note "the schema is the same wherever it came from"
schema_of() { pg_dump -s -T 'certmuster.observation_2*' -h "$sockets" -U certmuster_admin -d "$1" | grep -v '^--\|restrict \|^$' | sort; }
make_database fresh
certmuster migrate --config "$dir/fresh.yaml" >"$dir/out"
schema_of fresh >"$dir/schema.fresh"
schema_of first >"$dir/schema.first"
cmp "$dir/schema.fresh" "$dir/schema.first" || { diff "$dir/schema.fresh" "$dir/schema.first" | head -20; fail "a migrated schema is not the one that is made anew"; }

# steps_on KEPT STEPS: each step on the data of the one before, which stays as $dir/before tells it.
steps_on() {
    local kept_at=$1 steps=$2 step earlier file name
    for step in $steps; do
        make_database "from$step"
        restore "from$step" "$kept_at"
        for earlier in $steps; do
            [ "$earlier" -le "$step" ] || break
            file=$(ls "$CM_TOP"/sql/"$(printf %04d "$earlier")"_*.sql)
            name=${file##*/}
            psql -X -q -1 -v ON_ERROR_STOP=1 -h "$sockets" -U certmuster_admin -d "from$step" -c "SET search_path = certmuster" -c "SET timezone = 'UTC'" -f "$file" \
                -c "INSERT INTO schema_version (number, name) VALUES ($earlier, '${name%.sql}')" >"$dir/out" || fail "step $earlier by itself"
        done
        inventory_of "from$step" >"$dir/after"
        cmp "$dir/before" "$dir/after" || fail "step $step changed what was there"
        certmuster migrate --config "$dir/from$step.yaml" >"$dir/out" || fail "from $step on: $(cat "$dir/out")"
        schema_of "from$step" >"$dir/schema.step"
        cmp "$dir/schema.fresh" "$dir/schema.step" || fail "the schema depends on where the migration stopped: $step"
        psql -X -q -h "$sockets" -U certmuster_admin -d postgres -c "DROP DATABASE from$step"
    done
}
note "each step on the data of the one before"
steps_on "$kept/schema-8.sql" "$later"

note "a later inventory: sweeps and leases, places that are gone, requests, lists, SSH certificates"
make_database fleet
restore fleet "$kept/schema-21.sql.gz"
rows_of() { # of every table that people fill, and each has some
    in_database "$1" "$(for table in certificate certificate_name chain location sighting location_state observation run told batch scanner scanner_certificate sweep sweep_plan realm_limit shard lease place_gone \
        key_file csr crl ssh_certificate store owner owner_rule alert alert_event delivery; do echo "SELECT '$table', count(*) FROM $table;"; done)"
}
rows_of fleet >"$dir/rows.before"
assert_eq "tables of the kept inventory that are empty" "" "$(grep '|0$' "$dir/rows.before" || true)"
inventory_of fleet >"$dir/before"
head=$(in_database fleet "SELECT seq || ':' || encode(hash, 'hex') FROM audit_head")
certmuster migrate --config "$dir/fleet.yaml" >"$dir/out" || fail "migrating it: $(cat "$dir/out")"
assert_contains "migrate" "schema $newest, " "$(cat "$dir/out")"
inventory_of fleet >"$dir/after"
cmp "$dir/before" "$dir/after" || { diff "$dir/before" "$dir/after" | head; fail "the migration changed what was there"; }
rows_of fleet >"$dir/rows.after"
cmp "$dir/rows.before" "$dir/rows.after" || { diff "$dir/rows.before" "$dir/rows.after"; fail "the migration changed how much was there"; }
schema_of fleet >"$dir/schema.fleet"
cmp "$dir/schema.fresh" "$dir/schema.fleet" || { diff "$dir/schema.fresh" "$dir/schema.fleet" | head -20; fail "a later schema, migrated, is not the one that is made anew"; }
certmuster audit verify --head "$head" --config "$dir/fleet.yaml" >"$dir/out" || fail "the later log: $(cat "$dir/out")"
steps_on "$kept/schema-21.sql.gz" "$(echo "$later" | awk '$1 > 21')"

note "its sweep goes on where it was"
held=$(in_database fleet "SELECT lease_id FROM lease WHERE ended_at IS NULL")
assert_eq "shards" "done|1 leased|1 open|2" "$(in_database fleet "SELECT state, count(*) FROM shard GROUP BY state ORDER BY state" | xargs)"
in_database fleet "UPDATE sweep SET deadline = now() + interval '7 days' WHERE state = 'running'; UPDATE lease SET until = now() WHERE ended_at IS NULL" # as on the day of the dump
serve fleet
lost() { [ "$(in_database fleet "SELECT outcome FROM lease WHERE lease_id = '$held'")" = expired ]; }
wait_for 30 lost
for shard in 1 2 3; do
    assert_eq "shard $shard" 200 "$(curl -s -o "$dir/order" -w '%{http_code}' --unix-socket "$dir/fleet.sock" -d '{"kind":"scan","scanner":"s1"}' http://localhost/v1/leases)"
    run=$(jq -r .lease "$dir/order")
    jq -c --arg at "$(date -u +%Y-%m-%dT%H:%M:%S.000Z)" '. as $o | ({state: "started"}, {state: "finished", targets: 0, ok: 0, failed: 0})
        | {v: 1, type: "run", run: $o.lease, source: "scan", at: $at, scanner: "s1"} + .' "$dir/order" >"$dir/work.ndjson"
    deliver fleet "$dir/work.ndjson"
    assert_eq "done" 200 "$(curl -s -o "$dir/out" -w '%{http_code}' --unix-socket "$dir/fleet.sock" -d '{"state":"done","scanner":"s1"}' "http://localhost/v1/leases/$run")"
done
assert_eq "the sweep" "finished|4" "$(in_database fleet "SELECT w.state, count(*) FROM sweep w JOIN shard s USING (sweep_id) WHERE w.plan = 'kept' AND s.state = 'done' GROUP BY w.state")"
assert_eq "who is gone" "192.0.2.4" "$(in_database fleet "SELECT host(ip) FROM place_gone JOIN location USING (location_id)")"
certmuster audit verify --head "$head" --config "$dir/fleet.yaml" >"$dir/out" || fail "the later log, gone on with: $(cat "$dir/out")"

note "the first records, delivered to the migrated and to an empty inventory"
python3 - "$kept/records-first.ndjson" "$dir/later.ndjson" <<'P'
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
with open(sys.argv[2], "w") as out:
    for n, record in enumerate(lines):
        for name in ("file", "endpoint", "tls", "key"):
            if isinstance(record.get(name), dict):
                record[name]["not_known_yet"] = [{"n": n}]
        record["not_known_yet"] = {"a": [1, None, "\u0000"], "b": {"c": True}}
        out.write(json.dumps(record) + "\n")
        out.write(json.dumps({"v": 1, "type": "of_the_future", "run": n, "anything": ["goes"]}) + "\n")
P
records=$(wc -l <"$kept/records-first.ndjson")
serve first
serve fresh
certificates=$(in_database first "SELECT count(*) FROM certificate")
deliver first "$kept/records-first.ndjson"
assert_contains "stored" "records stored" "$(cat "$dir/out")"
assert_not_contains "rejected" "rejected" "$(cat "$dir/out" "$dir/err")"
count() { in_database "$1" "SELECT (SELECT count(*) FROM certificate), (SELECT count(*) FROM location), (SELECT count(*) FROM chain), (SELECT count(*) FROM key_file), (SELECT count(*) FROM store), (SELECT count(*) FROM sighting)"; }
deliver fresh "$dir/later.ndjson"
assert_not_contains "rejected" "rejected" "$(cat "$dir/out" "$dir/err")"
deliver fresh "$kept/records-first.ndjson"
make_database plain
certmuster migrate --config "$dir/plain.yaml" >"$dir/out"
serve plain
deliver plain "$kept/records-first.ndjson"
assert_eq "with what nobody knows, and without" "$(count plain)" "$(count fresh)"
[ "$(in_database plain "SELECT count(*) FROM certificate")" -ge 30 ] || fail "$records records left $(count plain)"
fingerprints() { in_database "$1" "SELECT encode(sha256, 'hex') FROM certificate ORDER BY sha256"; }
assert_eq "certificates that the migrated inventory lacks" "" "$(comm -23 <(fingerprints plain) <(fingerprints first))"
assert_eq "certificates of the migrated inventory" "$certificates" "$(fingerprints first | wc -l)"

note "backup and restore"
certmuster owner load --config "$dir/first.yaml" /dev/stdin >"$dir/out" <<'Y'
owners:
  ops: {email: [ops@example.org]}
rules:
  - {name: "*", owner: ops}
Y
inventory_of first >"$dir/before"
pg_dump -Fc -h "$sockets" -U certmuster_admin -d first -f "$dir/backup.dump"
make_database restored
pg_restore -e -h "$sockets" -U certmuster_admin -d restored "$dir/backup.dump" || fail "pg_restore"
inventory_of restored >"$dir/after"
cmp "$dir/before" "$dir/after" || { diff "$dir/before" "$dir/after" | head; fail "the restored inventory is another one"; }
certmuster migrate --config "$dir/restored.yaml" >"$dir/out"
assert_contains "restored" "nothing to do" "$(cat "$dir/out")"
head=$(certmuster audit verify --config "$dir/first.yaml" | sed -n 's/.* head //p')
certmuster audit verify --head "$head" --config "$dir/restored.yaml" >"$dir/out" || fail "the restored log: $(cat "$dir/out")"
parts() { in_database "$1" "SELECT i.inhrelid::regclass, pg_get_expr(c.relpartbound, c.oid), pg_get_userbyid(c.relowner) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'observation'::regclass ORDER BY 1"; }
[ "$(parts first | wc -l)" -ge 2 ] || fail "days of observation: $(parts first)"
assert_eq "days of observation" "$(parts first)" "$(parts restored)"
keys=$(in_database restored "SELECT count(*), md5(string_agg(batch_key, ' ' ORDER BY batch_key)) FROM batch")
in_database restored "UPDATE upkeep SET done_at = '-infinity'"
serve restored
deliver restored "$kept/records-first.ndjson"
assert_eq "what was taken before the backup is known after it" "$keys" "$(in_database restored "SELECT count(*), md5(string_agg(batch_key, ' ' ORDER BY batch_key)) FROM batch")"
assert_eq "and changes nothing" "$(count first)" "$(count restored)"
head -n 12 "$kept/records-first.ndjson" >"$dir/other.ndjson"
deliver restored "$dir/other.ndjson"
assert_eq "what is new is taken" $((${keys%%|*} + 1)) "$(in_database restored "SELECT count(*) FROM batch")"
caught_up() { [ "$(in_database restored "SELECT count(*) FROM upkeep WHERE done_at = '-infinity' AND task IN ('partitions', 'keys', 'fold', 'lost_runs', 'sweeps')")" -eq 0 ]; }
wait_for 30 caught_up
certmuster audit verify --head "$head" --config "$dir/restored.yaml" >"$dir/out" || fail "the restored log, gone on with: $(cat "$dir/out")"
for role in read operate ingest; do
    psql -X -q -At -h "$sockets" -U "certmuster_$role" -d restored -c "SELECT count(*) FROM certmuster.certificate" >"$dir/out" || fail "certmuster_$role has no rights on what was restored"
done
! psql -X -q -h "$sockets" -U certmuster_operate -d restored -c "DELETE FROM certmuster.audit_log" 2>"$dir/err" || fail "the restored log may be changed"

note "the private inventory, restored into a new home"
old=$CERTMUSTER_HOME
export CERTMUSTER_HOME=$dir/new
new_home() { certmuster up "$@" >"$dir/new.log" 2>&1 || { cat "$dir/new.log"; fail "certmuster up $*"; }; }
trap 'CERTMUSTER_HOME=$dir/new certmuster down >/dev/null 2>&1; CERTMUSTER_HOME=$old; finish' EXIT
new_home --database-only
there=$(cat "$CERTMUSTER_HOME/sockets")
dropdb -h "$there" -U certmuster_admin certmuster
createdb -h "$there" -U certmuster_admin certmuster
pg_restore -e -h "$there" -U certmuster_admin -d certmuster "$dir/backup.dump" || fail "pg_restore into the new home"
new_home
certmuster status >"$dir/out" || fail "status: $(cat "$dir/out")"
certmuster audit verify --head "$head" >"$dir/out" || fail "the log in the new home: $(cat "$dir/out")"
certmuster submit "$kept/records-first.ndjson" >"$dir/out" 2>"$dir/err" || { cat "$dir/out" "$dir/err"; fail "delivering to the new home"; }
(sockets=$there; in_database certmuster "SELECT encode(sha256, 'hex') FROM certificate ORDER BY sha256") >"$dir/there"
assert_eq "certificates in the new home" "$(fingerprints first)" "$(cat "$dir/there")"
