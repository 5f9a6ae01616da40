#!/bin/bash
# The data model can grow onto several nodes without a rewrite, read from the catalogue: natural primary keys that hold the distribution
# column, no triggers, no sequences, no LISTEN, no advisory locks, one level of partitions; and the rights of the four roles.
. "$(dirname "$0")/common.sh"
start_inventory
none() { # what, query that must find nothing
    local found
    found=$(sql "$2")
    [ -z "$found" ] || fail "$1: $found"
}
[ "$(sql "SELECT count(*) FROM pg_class WHERE relnamespace = 'certmuster'::regnamespace AND relkind IN ('r', 'p')")" -ge 20 ] || fail "the tables are not there"
none "tables without a primary key" "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'certmuster'::regnamespace AND c.relkind IN ('r', 'p')
    AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)"
# (delivery is spread by its own id.) Distributed tables carry location_id, sha256, chain_id, run, day or a natural key; where a table has location_id, sha256 or chain_id it is in the key.
none "primary keys without the distribution column" "
    SELECT c.relname FROM pg_class c
     WHERE c.relnamespace = 'certmuster'::regnamespace AND c.relkind IN ('r', 'p')
       AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname IN ('location_id', 'sha256', 'chain_id'))
       AND NOT EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
                        WHERE i.indrelid = c.oid AND i.indisprimary AND a.attname IN ('location_id', 'sha256', 'chain_id', 'delivery_id'))"
none "unique constraints besides primary keys" "SELECT i.indexrelid::regclass FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
     WHERE c.relnamespace = 'certmuster'::regnamespace AND i.indisunique AND NOT i.indisprimary"
none "triggers" "SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = 'certmuster'::regnamespace"
none "foreign keys" "SELECT conname FROM pg_constraint WHERE connamespace = 'certmuster'::regnamespace AND contype = 'f'"
none "sequences" "SELECT relname FROM pg_class WHERE relnamespace = 'certmuster'::regnamespace AND relkind = 'S'"
none "partitions of partitions" "SELECT c.relname FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid WHERE c.relnamespace = 'certmuster'::regnamespace AND c.relkind = 'p'"
grep -rnE 'pg_(try_)?advisory|[^a-z_](LISTEN|NOTIFY) [a-z]' "$CM_TOP/sql" "$CM_TOP/collector" "$CM_TOP/report" "$CM_TOP/lib" --include='*.c' --include='*.sql' |
    grep -vE '^[^:]*:[0-9]+: *(--|/?\*)' >"$dir/locks" || true
[ ! -s "$dir/locks" ] || { cat "$dir/locks"; fail "advisory locks or LISTEN in the sources"; }

# The ids of the SQL side, where it has them, and the library's test vectors are of one recipe.
/usr/bin/python3 - "$CM_TOP/tests/data/ids.tsv" <<'PY'
import hashlib, sys, uuid
rows = [l.rstrip("\n").split("\t") for l in open(sys.argv[1], encoding="utf-8") if l.strip() and not l.startswith("#")]
checked = 0
for kind, *rest in rows:
    if kind in ("endpoint", "file"):
        want, parts = rest[-1], rest[:-1]
        got = uuid.UUID(bytes=hashlib.sha256(b"".join(p.encode() + b"\0" for p in [kind] + parts)).digest()[:16])
        assert str(got) == want, (kind, parts, want, str(got))
        checked += 1
assert checked >= 4, f"only {checked} vectors"
PY

note "rights"
as() { PGOPTIONS='-c search_path=certmuster' psql -X -q -At -h "$(cat "$CERTMUSTER_HOME/sockets")" -U "$1" -d certmuster -c "$2" 2>&1; }
assert_eq "readers read" 0 "$(as certmuster_read 'SELECT count(*) FROM certificate')"
for statement in "DELETE FROM certificate" "INSERT INTO owner (name) VALUES ('x')" "UPDATE alert SET acked_by = 'x'" "CREATE TABLE x ()"; do
    assert_contains "certmuster_read: $statement" "permission denied" "$(as certmuster_read "$statement")"
done
assert_contains "operators write no observation" "permission denied" "$(as certmuster_operate 'DELETE FROM sighting')"
assert_contains "the collector assigns no owners" "permission denied" "$(as certmuster_ingest "INSERT INTO owner (name) VALUES ('x')")"
