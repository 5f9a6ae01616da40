#!/bin/bash
# The audit log: every act leaves a row, roles that act cannot change it, and whoever owns the database is found out: a row changed, taken out, put
# in, cut off the end. A foreign reader computes the same hashes.
. "$(dirname "$0")/common.sh"
export CERTMUSTER_HOME=$dir/home
certmuster up --database-only >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "certmuster up"; }
inventory=1
sockets=$(cat "$CERTMUSTER_HOME/sockets")
as() { psql -X -q -At -v ON_ERROR_STOP=1 -h "$sockets" -U "$1" -d certmuster -c "$2"; }
rows() { as certmuster_read "SELECT count(*) FROM audit_log"; }
last() { as certmuster_read "SELECT action || ' ' || subject || ' ' || actor || ' ' || db_user FROM audit_log ORDER BY seq DESC LIMIT 1"; }
me=${SUDO_USER:-$(id -un)}

note "acts"
before=$(rows) # the migrations since the log exists
assert_contains "the first row" "schema.migrate 0009_audit certmuster_admin" "$(as certmuster_read "SELECT action || ' ' || subject || ' ' || db_user FROM audit_log WHERE seq = 1")"
cat >"$dir/owners.yaml" <<'Y'
owners:
  web: {email: [web@example.org]}
rules:
  - {name: "*.example.org", owner: web}
Y
certmuster owner load "$dir/owners.yaml" >"$dir/out"
assert_eq "loading owners" "owner.load $dir/owners.yaml $me certmuster_operate" "$(last)"
! certmuster owner load /nonexistent 2>"$dir/err" || fail "loaded what is not there"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/k.pem" -out "$dir/c.pem" -days 9 -subj '/CN="quoted\\name'"'"'s' -addext 'subjectAltName=DNS:probe\"1' 2>"$dir/err" || { cat "$dir/err"; fail openssl; }
certmuster scanner add 'probe"1' --cert "$dir/c.pem" --realm dmz >"$dir/out"
assert_eq "enrolling" "scanner.add probe\"1 $me certmuster_operate" "$(last)"
certmuster scanner disable 'probe"1' >"$dir/out"
certmuster scanner enable 'probe"1' >"$dir/out"
assert_eq "enabling" "scanner.enable probe\"1 $me certmuster_operate" "$(last)"
assert_eq "nobody disabled" 1 "$(status_of certmuster scanner disable nobody)"
as certmuster_admin "INSERT INTO alert (sha256, owner, kind, opened_at, places, threshold) VALUES (decode(repeat('ab', 32), 'hex'), 'web', 'expiry', now(), 1, 7)"
certmuster alert ack abababab --note "käse \"quoted\" \\ back" >"$dir/out"
assert_eq "acknowledging" "alert.acknowledge $(printf 'ab%.0s' $(seq 32)) $me certmuster_operate" "$(last)"
assert_eq "its note" 'käse "quoted" \ back' "$(as certmuster_read "SELECT detail::json->>'note' FROM audit_log ORDER BY seq DESC LIMIT 1")"
certmuster alert unack abababab >"$dir/out"
assert_eq "rows of six acts" $((before + 6)) "$(rows)"

note "verify, export, list"
certmuster audit verify >"$dir/out" || fail "verify: $(cat "$dir/out")"
head=$(sed -n 's/.* head \([0-9]*:[0-9a-f]\{64\}\)$/\1/p' "$dir/out")
[ -n "$head" ] || fail "no head: $(cat "$dir/out")"
certmuster audit verify --head "$head" >"$dir/out"
certmuster audit list -n 2 >"$dir/out"
assert_contains "list" "alert.unacknowledge" "$(cat "$dir/out")"
certmuster audit list --format json | jq -e '.[0].action == "alert.unacknowledge" and .[1].detail.note' >/dev/null || fail "list as JSON"
certmuster audit export >"$dir/acts.ndjson"
python3 - "$dir/acts.ndjson" "${head#*:}" <<'P' || fail "a foreign reader computes other hashes"
import hashlib, json, sys
previous, rows = "0" * 64, [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
for n, row in enumerate(rows, 1):
    fields = [str(n)] + [row[k] for k in ("at", "actor", "db_user", "action", "subject", "detail")] + [previous]
    previous = hashlib.sha256(b"".join(f.encode() + b"\0" for f in fields)).hexdigest()
    assert row["seq"] == n and row["hash"] == previous, row
assert previous == sys.argv[2]
P

note "what could not be written is no success: the head is to be kept"
for words in "audit verify" "audit list" "audit list --format json" "audit export" "sweep list" "scanner list" "run list" "owner list" "status" "config" "migrate --status" "--help"; do
    assert_eq "$words" 3 "$(status_of sh -c "certmuster-ctl $words >/dev/full")"
    assert_eq "$words: $(cat "$dir/err")" 1 "$(grep -c "cannot write to standard output: " "$dir/err")"
    assert_eq "$words: lines" 1 "$(wc -l <"$dir/err")"
done
certmuster audit export | head -n 1 >"$dir/out"

note "who acts cannot change what stands there"
for role in certmuster_read certmuster_ingest certmuster_operate; do
    for sql in "INSERT INTO audit_log SELECT 99, at, actor, db_user, action, subject, detail, previous, hash FROM audit_log LIMIT 1" "UPDATE audit_log SET actor = 'nobody'" \
        "DELETE FROM audit_log" "TRUNCATE audit_log" "UPDATE audit_head SET seq = 0" "DROP TABLE audit_log" "SET ROLE certmuster_audit" \
        "CREATE OR REPLACE FUNCTION audit_append(a text, b text, c text, d text) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'"; do
        ! as $role "$sql" 2>"$dir/err" || fail "$role may: $sql"
    done
done
! as certmuster_read "SELECT audit_append('x', 'x', 'x', '{}')" 2>"$dir/err" || fail "certmuster_read may add rows"
! as certmuster_operate "SELECT audit_append('x', 'x', 'x', 'no JSON')" 2>"$dir/err" || fail "a detail that is no JSON"
# Not by a superuser alone, as in a cluster of our own: the owner of a database of somebody else's, too, has no right to the tables.
assert_eq "rights of certmuster_admin" "" "$(as certmuster_admin "SELECT acl.privilege_type FROM pg_class t, aclexplode(t.relacl) acl WHERE t.relname IN ('audit_log', 'audit_head') AND acl.grantee = 'certmuster_admin'::regrole")"
certmuster audit verify --head "$head" >"$dir/out" || fail "after the attempts: $(cat "$dir/out")"

note "eight at once"
workers=
for i in 1 2 3 4 5 6 7 8; do
    (for j in 1 2 3 4 5; do as certmuster_operate "SELECT audit_append('crowd', 'test', '$i.$j', '{}')" >/dev/null; done) &
    workers="$workers $!"
done
for worker in $workers; do wait "$worker" || fail "one of eight failed"; done
certmuster audit verify --head "$head" >"$dir/out" || fail "after eight at once: $(cat "$dir/out")"
assert_eq "rows" $((before + 6 + 40)) "$(rows)"

note "whoever owns the database is found out"
found() { # what sql
    as certmuster_admin "CREATE TABLE IF NOT EXISTS public.kept_log AS SELECT * FROM audit_log; CREATE TABLE IF NOT EXISTS public.kept_head AS SELECT * FROM audit_head" 2>/dev/null
    as certmuster_admin "$2" >/dev/null
    assert_eq "$1" 1 "$(status_of certmuster audit verify --head "$head")"
    assert_eq "$1: lines" 1 "$(wc -l <"$dir/err")"
    echo "$1: $(cat "$dir/err")"
    as certmuster_admin "DELETE FROM audit_log; INSERT INTO audit_log SELECT * FROM public.kept_log; UPDATE audit_head SET seq = k.seq, hash = k.hash FROM public.kept_head k"
    certmuster audit verify --head "$head" >"$dir/out" || fail "after $1 was undone: $(cat "$dir/out")"
}
found "a changed actor" "UPDATE audit_log SET actor = 'somebody else' WHERE seq = 3"
found "a changed time" "UPDATE audit_log SET at = at + interval '1 microsecond' WHERE seq = 3"
found "a changed detail with its hash mended" "UPDATE audit_log SET detail = '{\"x\":1}' WHERE seq = 2; UPDATE audit_log SET hash = audit_hash(seq, at, actor, db_user, action, subject, detail, previous) WHERE seq = 2"
found "a row taken out" "DELETE FROM audit_log WHERE seq = 4"
found "a row put in" "INSERT INTO audit_log SELECT 1000, at, actor, db_user, action, subject, detail, previous, hash FROM audit_log WHERE seq = 5"
found "the last row cut off" "DELETE FROM audit_log WHERE seq = (SELECT max(seq) FROM audit_log)"
found "the end cut off, the head mended" "DELETE FROM audit_log WHERE seq > 3; UPDATE audit_head h SET seq = l.seq, hash = l.hash FROM audit_log l WHERE l.seq = 3"
found "written anew as a whole" "UPDATE audit_log SET actor = 'x' WHERE seq = 1;
    DO \$\$ DECLARE r audit_log; p bytea := decode(repeat('00', 32), 'hex'); BEGIN
      FOR r IN SELECT * FROM audit_log ORDER BY seq LOOP
        UPDATE audit_log SET previous = p, hash = audit_hash(r.seq, at, actor, db_user, action, subject, detail, p) WHERE seq = r.seq RETURNING hash INTO p;
      END LOOP; UPDATE audit_head SET hash = p; END \$\$"
assert_eq "emptied" 1 "$(as certmuster_admin "DELETE FROM audit_log; UPDATE audit_head SET seq = 0, hash = decode(repeat('00', 32), 'hex')"; status_of certmuster audit verify --head "$head")"

note "wrong use"
assert_eq "no verb" 2 "$(status_of certmuster audit)"
assert_eq "unknown verb" 2 "$(status_of certmuster audit erase)"
assert_eq "a head that is none" 2 "$(status_of certmuster audit verify --head 12)"
assert_eq "row 0 with a hash that no empty log has" 2 "$(status_of certmuster audit verify --head "0:${head#*:}")"
assert_contains "what is wrong with it" "--head 0 is that of an empty log" "$(cat "$dir/err")"
assert_eq "a number of its own kind" 2 "$(status_of certmuster audit verify --head " 3:${head#*:}")"
assert_eq "-n 0" 2 "$(status_of certmuster audit list -n 0)"
