#!/bin/bash
# The schema: from empty, again, several at once, killed, a database that is newer; rights of the roles; and what keeps the schema
# able to be spread over several servers, read from the catalogue.
. "$(dirname "$0")/common.sh"
export CERTMUSTER_HOME=$dir/home
certmuster up --database-only >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "certmuster up"; }
inventory=1
sockets=$(cat "$CERTMUSTER_HOME/sockets")
newest=$(ls "$CM_TOP"/sql/*.sql | sed 's|.*/0*||; s/_.*//' | sort -n | tail -1)
steps=$(ls "$CM_TOP"/sql/*.sql | wc -l)
make_database() { # name: an empty one, and a configuration for it
    psql -X -q -h "$sockets" -U certmuster_admin -d postgres -c "CREATE DATABASE $1"
    echo "dsn: \"host=$sockets dbname=$1\"" >"$dir/$1.yaml"
}
in_database() { psql -X -q -At -v ON_ERROR_STOP=1 -h "$sockets" -U "${3:-certmuster_admin}" -d "$1" -c "SET search_path = certmuster" -c "$2"; }

note "from empty"
make_database empty
assert_eq "status of an empty database" 1 "$(status_of certmuster migrate --status --config "$dir/empty.yaml")"
assert_eq "steps that are missing" "$steps" "$(grep -c '^missing' "$dir/out")"
certmuster migrate --config "$dir/empty.yaml" >"$dir/out"
assert_contains "first time" "schema $newest, $steps steps applied" "$(cat "$dir/out")"
assert_eq "rows" "$steps" "$(in_database empty 'SELECT count(*) FROM schema_version')"
assert_eq "number" "$newest" "$(in_database empty 'SELECT max(number) FROM schema_version')"

note "again"
certmuster migrate --config "$dir/empty.yaml" >"$dir/out"
assert_contains "second time" "nothing to do" "$(cat "$dir/out")"
assert_eq "status when all is there" 0 "$(status_of certmuster migrate --status --config "$dir/empty.yaml")"
assert_eq "search path of people" "certmuster, public" "$(psql -X -q -At -h "$sockets" -U certmuster_read -d empty -c 'SHOW search_path')"

note "from when step 28 was step 29"
make_database renumbered
psql -X -q -h "$sockets" -U certmuster_admin -d renumbered -c "CREATE SCHEMA certmuster" -c "CREATE TABLE certmuster.schema_version (number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
for step in "$CM_TOP"/sql/00{01..28}_*.sql; do
    name=$(basename "$step" .sql)
    number=$((10#${name%%_*}))
    [ "$number" -lt 28 ] || { number=29 name=0029_covered; }
    psql -X -q -1 -v ON_ERROR_STOP=1 -h "$sockets" -U certmuster_admin -d renumbered -c "SET client_min_messages = warning; SET search_path = certmuster, public" -f "$step" \
        -c "INSERT INTO schema_version (number, name) VALUES ($number, '$name')" >/dev/null
done
certmuster migrate --config "$dir/renumbered.yaml" >"$dir/out"
assert_contains "the steps behind it" "schema $newest, $((newest - 29)) steps applied" "$(cat "$dir/out")"
shape() { in_database "$1" "SELECT md5(string_agg(p.oid::regprocedure || p.prosrc, '|' ORDER BY p.oid::regprocedure::text)) FROM pg_proc p WHERE p.pronamespace = 'certmuster'::regnamespace"; }
assert_eq "the same functions" "$(shape empty)" "$(shape renumbered)"

note "six at once"
make_database crowd
runners=
for i in 1 2 3 4 5 6; do
    certmuster migrate --config "$dir/crowd.yaml" >"$dir/crowd.$i" 2>&1 &
    runners="$runners $!"
done
for runner in $runners; do wait "$runner" || { cat "$dir"/crowd.?; fail "one of six failed"; }; done
assert_eq "rows after six" "$steps" "$(in_database crowd 'SELECT count(*) FROM schema_version')"
assert_eq "steps applied by all six" "$steps" "$(cat "$dir"/crowd.? | sed -n 's/.*, \([0-9]*\) steps\{0,1\} applied/\1/p' | awk '{ n += $1 } END { print n + 0 }')"

note "killed while it waits for its turn: the next run goes on"
make_database killed
psql -X -q -h "$sockets" -U certmuster_admin -d killed -c "CREATE SCHEMA certmuster" -c "CREATE TABLE certmuster.schema_version (number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
mkfifo "$dir/hold"
start holder psql -X -q -h "$sockets" -U certmuster_admin -d killed -f "$dir/hold"
exec 8>"$dir/hold"
echo "BEGIN; LOCK TABLE certmuster.schema_version IN ACCESS EXCLUSIVE MODE; SELECT 'held';" >&8
wait_for 10 grep -q held "$dir/holder.log"
certmuster migrate --config "$dir/killed.yaml" >"$dir/killed.out" 2>&1 &
victim=$!
waiting() { [ "$(in_database killed "SELECT count(*) FROM pg_stat_activity WHERE datname = 'killed' AND wait_event_type = 'Lock'")" -ge 1 ]; }
wait_for 10 waiting
kill -9 "$victim"
wait "$victim" 2>/dev/null || true
exec 8>&-
wait_for 10 sh -c "! kill -0 $started 2>/dev/null"
certmuster migrate --config "$dir/killed.yaml" >"$dir/out" || fail "after the kill: $(cat "$dir/out")"
assert_eq "rows after the kill" "$steps" "$(in_database killed 'SELECT count(*) FROM schema_version')"

note "a newer database is refused and left alone"
in_database empty "INSERT INTO schema_version (number, name) VALUES (9999, '9999_from_the_future')"
assert_eq "status" 3 "$(status_of certmuster migrate --config "$dir/empty.yaml")"
assert_contains "why" "newer than this program" "$(cat "$dir/err")"
assert_eq "one line" 1 "$(wc -l <"$dir/err")"
assert_eq "asked only" 1 "$(status_of certmuster migrate --status --config "$dir/empty.yaml")"
assert_eq "a report" 3 "$(status_of certmuster-report inventory --config "$dir/empty.yaml")"
assert_contains "why not" "newer than this program" "$(cat "$dir/err")"
assert_eq "in one line" 1 "$(wc -l <"$dir/err")"

note "an unreachable database is one line and status 3"
echo "dsn: \"host=$dir/nowhere dbname=x\"" >"$dir/nowhere.yaml"
assert_eq "status" 3 "$(status_of certmuster migrate --config "$dir/nowhere.yaml")"
assert_eq "one line" 1 "$(wc -l <"$dir/err")"

note "rights"
tables=$(in_database crowd "SELECT table_name FROM information_schema.tables WHERE table_schema = 'certmuster' AND table_name !~ '^observation_'")
in_database crowd "$(for table in $tables; do echo "SELECT FROM $table LIMIT 1;"; done)" certmuster_read >/dev/null || fail "certmuster_read cannot read all of: $tables"
assert_eq "what certmuster_read may change" "" "$(in_database crowd "SELECT table_name, privilege_type FROM information_schema.table_privileges
    WHERE grantee = 'certmuster_read' AND table_schema = 'certmuster' AND privilege_type <> 'SELECT'")"
! in_database crowd "DELETE FROM certificate" certmuster_read 2>/dev/null || fail "certmuster_read may delete certificates"
for role in certmuster_ingest certmuster_operate; do
    ! in_database crowd "DROP TABLE certificate" $role 2>/dev/null || fail "$role may drop tables"
done
! in_database crowd "UPDATE certificate SET subject = ''" certmuster_operate 2>/dev/null || fail "certmuster_operate may change certificates"
! in_database crowd "DELETE FROM owner" certmuster_ingest 2>/dev/null || fail "certmuster_ingest may delete owners"

note "able to be spread: keys hold the distribution column, no trigger, no sequence, one level of partitioning"
# Small tables would be copied to every server: their key may be anything.
reference="'chain_issuers','owner','owner_rule','scanner','trust_store','trust_store_named','scanner_certificate','worker_asked','run','told','batch','upkeep','schema_version','configuration','trust_anchor','audit_log','audit_head','sweep_plan','realm_limit','sweep','shard','lease'"
bad=$(in_database crowd "
    SELECT t.relname FROM pg_class t WHERE t.relnamespace = 'certmuster'::regnamespace AND t.relkind IN ('r', 'p') AND NOT t.relispartition
       AND t.relname NOT IN ($reference)
       AND NOT EXISTS (SELECT 1 FROM pg_index i JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (i.indkey)
                        WHERE i.indrelid = t.oid AND i.indisprimary AND a.attname IN ('location_id', 'sha256', 'chain_id', 'day', 'delivery_id'))")
assert_eq "tables whose key could not be distributed" "" "$bad"
assert_eq "triggers" "" "$(in_database crowd "SELECT tgname FROM pg_trigger g JOIN pg_class t ON t.oid = g.tgrelid WHERE t.relnamespace = 'certmuster'::regnamespace AND NOT tgisinternal")"
assert_eq "sequences" "" "$(in_database crowd "SELECT relname FROM pg_class WHERE relnamespace = 'certmuster'::regnamespace AND relkind = 'S'")"
assert_eq "partitions of partitions" "" "$(in_database crowd "SELECT relname FROM pg_class WHERE relnamespace = 'certmuster'::regnamespace AND relkind = 'p' AND relispartition")"
