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
restore() { psql -X -q -v ON_ERROR_STOP=1 -h "$sockets" -U certmuster_admin -d "$1" -f "$2" >"$dir/restore.out" || fail "restoring $2"; }
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

note "each step on the data of the one before"
for step in $later; do
    make_database "from$step"
    restore "from$step" "$kept/schema-8.sql"
    for earlier in $later; do
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
