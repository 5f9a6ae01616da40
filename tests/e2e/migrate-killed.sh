#!/bin/bash
# Each migration is there whole or not at all: the program is killed in the middle of each one, on a database with data, and nothing has changed; the server is killed in the middle of the
# last; then the steps go on as if nothing had been.
. "$(dirname "$0")/common.sh"
export CERTMUSTER_HOME=$dir/home
certmuster up --database-only >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "certmuster up"; }
inventory=1
sockets=$(cat "$CERTMUSTER_HOME/sockets")
psql() { command psql -X -q -At -v ON_ERROR_STOP=1 -h "$sockets" -U certmuster_admin -d "${database:-torn}" "$@"; }
database=postgres psql -c "CREATE DATABASE torn" -c "CREATE DATABASE fresh"
for name in torn fresh; do echo "dsn: \"host=$sockets dbname=$name\"" >"$dir/$name.yaml"; done
psql -f "$CM_TOP/tests/data/upgrade/schema-8.sql" >"$dir/restore.out"
# Holds a step up behind its n-th command. A sequence counts, since what it counted is not undone.
psql <<'S'
CREATE SEQUENCE public.commands;
CREATE TABLE public.hold (n integer);
INSERT INTO public.hold VALUES (0);
CREATE FUNCTION public.hold() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('public.commands') = (SELECT n FROM public.hold) THEN
        WHILE (SELECT n FROM public.hold) > 0 LOOP -- until it is let go
            PERFORM pg_sleep(0.1);
        END LOOP;
    END IF;
END
$$;
CREATE EVENT TRIGGER hold ON ddl_command_end EXECUTE FUNCTION public.hold();
S
everything() { pg_dump -h "$sockets" -U certmuster_admin -n certmuster torn | grep -v 'restrict ' | sha256sum; }
schema_of() { pg_dump -s -n certmuster -T 'certmuster.observation_2*' -h "$sockets" -U certmuster_admin "$1" | grep -v '^--\|restrict \|^$' | sort; }
held() { [ "$(psql -c "SELECT count(*) FROM pg_stat_activity WHERE datname = 'torn' AND wait_event = 'PgSleep'")" -eq 1 ]; }
left() { [ "$(psql -c "SELECT count(*) FROM pg_stat_activity WHERE datname = 'torn' AND application_name LIKE 'certmuster%'")" -eq 0 ]; }
# begin N: a migrate that is held up in the middle of its step, $victim.
begin() {
    psql -c "UPDATE public.hold SET n = $1" -c "SELECT setval('public.commands', 1, false)" >"$dir/out"
    certmuster migrate --config "$dir/torn.yaml" >"$dir/torn.out" 2>&1 &
    victim=$!
    wait_for 20 held
}

for file in "$CM_TOP"/sql/*.sql; do
    name=${file##*/} number=$((10#${name%%_*}))
    [ "$number" -gt 8 ] || continue
    before=$(everything)
    commands=$(grep -cE '^(CREATE|ALTER|GRANT|DROP|REVOKE|COMMENT)' "$file")
    begin $((commands / 2 + 3)) # migrate itself makes sure of the schema and of schema_version first
    kill -9 "$victim"
    wait "$victim" 2>/dev/null || true
    psql -c "UPDATE public.hold SET n = 0"
    wait_for 20 left
    assert_eq "after a kill in the middle of $name, behind $((commands / 2 + 1)) of its commands" "$before" "$(everything)"
    last=$file
    [ "$file" = "$(ls "$CM_TOP"/sql/*.sql | tail -1)" ] ||
        psql -1 -c "SET search_path = certmuster" -c "SET timezone = 'UTC'" -f "$file" -c "INSERT INTO schema_version (number, name) VALUES ($number, '${name%.sql}')" >"$dir/out"
done

note "the server is killed in the middle of ${last##*/}"
begin $(($(grep -cE '^(CREATE|ALTER|GRANT|DROP|REVOKE|COMMENT)' "$last") / 2 + 3))
kill -9 "$(psql -c "SELECT pid FROM pg_stat_activity WHERE datname = 'torn' AND application_name LIKE 'certmuster%'")"
! wait "$victim" || fail "migrate says that it is done"
assert_eq "one line" 1 "$(wc -l <"$dir/torn.out")"
wait_for 30 psql -c "SELECT 1"
assert_eq "after the server came back" "$before" "$(everything)"

note "and on"
psql -c "DROP EVENT TRIGGER hold"
certmuster migrate --config "$dir/torn.yaml" >"$dir/out" || fail "migrate"
assert_contains "the step that was left" "1 step applied" "$(cat "$dir/out")"
certmuster migrate --config "$dir/fresh.yaml" >"$dir/out"
schema_of fresh >"$dir/schema.fresh"
schema_of torn >"$dir/schema.torn"
cmp "$dir/schema.fresh" "$dir/schema.torn" || { diff "$dir/schema.fresh" "$dir/schema.torn" | head -20; fail "another schema than one that is made at once"; }
certmuster audit verify --config "$dir/torn.yaml" >"$dir/out" || fail "audit: $(cat "$dir/out")"
