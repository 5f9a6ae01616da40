#!/bin/bash
# The data model can grow onto several nodes without a rewrite, read from the catalogue: natural primary keys that hold the distribution
# column, no triggers, no sequences, no LISTEN, no advisory locks, one level of partitions; and the rights of the four roles.
. "$(dirname "$0")/common.sh"
start_inventory
[ "$(sql "SELECT count(*) FROM pg_class WHERE relnamespace = 'certmuster'::regnamespace AND relkind IN ('r', 'p')")" -ge 20 ] || fail "the tables are not there"

# Each rule: what is wrong, a query that must find nothing, and something that breaks the rule, made in a transaction that is undone: a rule that cannot find anything proves nothing.
declare -A query breach
ours="c.relnamespace = 'certmuster'::regnamespace"
query[no primary key]="SELECT c.relname FROM pg_class c WHERE $ours AND c.relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)"
breach[no primary key]="CREATE TABLE wrong (location_id uuid)"
# (delivery is spread by its own id.) Distributed tables carry location_id, sha256, chain_id, run, day or a natural key; where a table has location_id, sha256 or chain_id it is in the key.
query[a primary key without the distribution column]="SELECT c.relname FROM pg_class c
     WHERE $ours AND c.relkind IN ('r', 'p')
       AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname IN ('location_id', 'sha256', 'chain_id'))
       AND NOT EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
                        WHERE i.indrelid = c.oid AND i.indisprimary AND a.attname IN ('location_id', 'sha256', 'chain_id', 'delivery_id'))"
breach[a primary key without the distribution column]="CREATE TABLE wrong (id uuid PRIMARY KEY, location_id uuid)"
query[a unique index or exclusion besides the primary key]="SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE $ours AND (i.indisunique OR i.indisexclusion) AND NOT i.indisprimary"
breach[a unique index or exclusion besides the primary key]="CREATE UNIQUE INDEX wrong ON location (host)"
query[a trigger]="SELECT t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE $ours UNION ALL SELECT evtname FROM pg_event_trigger
     UNION ALL SELECT r.rulename FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE $ours AND c.relkind <> 'v'"
breach[a trigger]="CREATE TRIGGER wrong BEFORE UPDATE ON certificate FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()"
query[a foreign key]="SELECT conname FROM pg_constraint WHERE connamespace = 'certmuster'::regnamespace AND contype = 'f'"
breach[a foreign key]="ALTER TABLE sighting ADD CONSTRAINT wrong FOREIGN KEY (chain_id) REFERENCES chain"
query[a sequence or an identity]="SELECT c.relname FROM pg_class c WHERE $ours AND c.relkind = 'S' UNION ALL SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE $ours AND a.attidentity <> ''"
breach[a sequence or an identity]="CREATE TABLE wrong (sha256 bytea, n integer GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (sha256, n))"
query[a table that a crash empties]="SELECT c.relname FROM pg_class c WHERE $ours AND c.relkind IN ('r', 'p', 'i', 'I') AND c.relpersistence <> 'p'"
breach[a table that a crash empties]="CREATE UNLOGGED TABLE wrong (sha256 bytea PRIMARY KEY)"
query[partitions of partitions or inheritance]="SELECT c.relname FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid WHERE $ours AND (c.relkind = 'p' OR c.relkind = 'r' AND NOT c.relispartition)"
breach[partitions of partitions or inheritance]="CREATE TABLE wrong PARTITION OF observation FOR VALUES FROM ('2001-01-01') TO ('2001-01-02') PARTITION BY LIST (batch_key)"
query[a function that locks by advice or notifies]="SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'certmuster'::regnamespace AND p.prosrc ~* 'pg_(try_)?advisory|pg_notify|\\m(listen|notify)\\M'"
breach[a function that locks by advice or notifies]="CREATE FUNCTION wrong() RETURNS void LANGUAGE sql AS 'SELECT pg_advisory_xact_lock(1)'"
# (Where a function says use_column, a variable of a column's name is never read.)
query[a variable that a column hides]="SELECT DISTINCT p.proname || ': ' || m[1] FROM pg_proc p
     CROSS JOIN LATERAL regexp_matches(substring(p.prosrc FROM 'DECLARE(.*?)\nBEGIN'), '^ +(\w+) +\w', 'gn') AS m
      JOIN pg_attribute a ON a.attname = m[1] AND a.attnum > 0 JOIN pg_class c ON c.oid = a.attrelid
     WHERE p.pronamespace = 'certmuster'::regnamespace AND p.prosrc ~ 'variable_conflict use_column' AND $ours AND c.relkind IN ('r', 'p', 'v') AND p.prosrc ~ ('\m' || c.relname || '\M')"
breach[a variable that a column hides]="CREATE FUNCTION wrong() RETURNS bigint LANGUAGE plpgsql AS E'\n#variable_conflict use_column\nDECLARE\n    day date := now();\nBEGIN\n    RETURN (SELECT count(*) FROM observation b WHERE b.day >= day);\nEND'"
for rule in "${!query[@]}"; do
    found=$(sql "${query[$rule]}")
    [ -z "$found" ] || fail "$rule: $found"
    found=$(sql "BEGIN; ${breach[$rule]}; ${query[$rule]}; ROLLBACK")
    [ -n "$found" ] || fail "$rule is not found: ${breach[$rule]}"
done
assert_eq "rules" 10 "${#query[@]}"

locks() { grep -rnE 'pg_(try_)?advisory|[^a-z_](LISTEN|NOTIFY) [a-z]' "$@" --include='*.c' --include='*.sql' | grep -vE '^[^:]*:[0-9]+: *(--|/?\*)'; }
! locks "$CM_TOP/sql" "$CM_TOP/collector" "$CM_TOP/report" "$CM_TOP/lib" || fail "advisory locks or LISTEN in the sources"
mkdir "$dir/seed"
for text in 'SELECT pg_advisory_lock(7);' 'db_exec(db, "LISTEN work", &error);' 'SELECT 1; NOTIFY work;' 'pg_try_advisory_xact_lock'; do
    echo "$text" >"$dir/seed/x.sql"
    locks "$dir/seed" >"$dir/out" || fail "not found in the sources: $text"
done

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

note "the map of sql/README.md"
sql "SELECT relname FROM pg_class c WHERE $ours AND relkind IN ('r', 'p', 'v') AND NOT relispartition AND relname <> 'schema_version'
     UNION SELECT proname FROM pg_proc WHERE pronamespace = 'certmuster'::regnamespace" >"$dir/objects"
/usr/bin/python3 - "$CM_TOP/sql" "$dir/objects" <<'PY'
import glob, os, re, sys
there, newest, told = set(open(sys.argv[2]).read().split()), {}, {}
for path in sorted(glob.glob(f"{sys.argv[1]}/*.sql")):
    text, step = open(path, encoding="utf-8").read(), os.path.basename(path)[:4]
    # Made, given another name, or made from a table of names.
    for names in re.findall(r"^\s*CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE|VIEW|TABLE) (?:IF NOT EXISTS )?(\w+)|RENAME TO (\w+);|\('(browse_places_\w+)'", text, re.M):
        newest["".join(names)] = [step]
    for names in re.findall(r"^\s*ALTER TABLE (?:ONLY )?(\w+)\s+(?:ADD|DROP|ALTER|RENAME)\b|^COMMENT ON COLUMN (\w+)\.", text, re.M):
        steps = newest["".join(names)]
        steps += [step] if step not in steps else []
for name, steps in re.findall(r"`(\w+)` (\d{4}(?: \d{4})*)", open(f"{sys.argv[1]}/README.md", encoding="utf-8").read()):
    assert name not in told, f"{name} stands there twice"
    told[name] = steps.split()
assert len(there) > 120 and there <= set(newest), there - set(newest)
wrong = [f"{name}: {told.get(name, 'not there')}, {newest[name] if name in there else 'is no more'}" for name in sorted(there | set(told)) if told.get(name) != newest.get(name) or name not in there]
assert not wrong, wrong
PY
