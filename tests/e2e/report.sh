#!/bin/bash
# Reports over a known inventory (tests/data/report/fixture.sql): counts as SQL has them, every format read back by somebody else's parser,
# hostile names inert, filters, owners, exit statuses, files that are whole or not there, and evidence that proves itself.
. "$(dirname "$0")/common.sh"
export CERTMUSTER_HOME=$dir/home
certmuster up --database-only >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "certmuster up"; }
inventory=1
report() { certmuster-report "$@"; }
rows() { report "$@" --format ndjson | wc -l; }

note "an inventory that is empty"
report expiring >"$dir/out"
assert_contains "empty" "nothing expires within 30 days (0 certificates, 0 places looked at, nobody looked yet)" "$(cat "$dir/out")"
report inventory --format csv >"$dir/out"
assert_eq "CSV of nothing is its head" 1 "$(wc -l <"$dir/out")"
report inventory --format json | jq -e '.count == 0 and .rows == []' >/dev/null || fail "JSON of nothing"
report inventory --format html -o "$dir/empty.html"

psql -X -q -v ON_ERROR_STOP=1 -v n=1000 -h "$(cat "$CERTMUSTER_HOME/sockets")" -U certmuster_admin -d certmuster -f "$CM_TOP/tests/data/report/fixture.sql" >"$dir/fixture.log"

note "counts are those of SQL"
for days in 0 7 30 90 4000; do
    expected=$(sql "SELECT count(*) FROM certificate_in_use WHERE not_after <= now() + interval '$days days'")
    assert_eq "expiring within $days days" "$expected" "$(rows expiring --within "${days}d")"
done
assert_eq "with trust anchors one more" "$(($(rows expiring) + 1))" "$(rows expiring --include trust)"
places=$(sql "SELECT count(*) FROM location_state")
assert_eq "every place but the one that holds an anchor alone" "$((places - 1))" "$(rows inventory)"
assert_eq "every place" "$places" "$(rows inventory --include trust)"
for owner in web-team db-team '<b>ops</b>'; do
    assert_eq "places of $owner" "$(sql "SELECT count(*) FROM location_state WHERE owner = '$owner'")" "$(rows inventory --owner "$owner")"
done
assert_eq "nobody's places" "$(sql "SELECT count(*) FROM location_state WHERE owner IS NULL")" "$(rows inventory --owner none --include trust)"
assert_eq "nobody's places by filter" "$(rows inventory --owner none)" "$(rows inventory --filter owner:none)"

note "one row as it shall be"
report expiring --filter 'name:*.shop.example.org' --format json >"$dir/shop.json"
jq -e '.count == 1 and (.rows[0] | .name == "*.shop.example.org" and .places == 12 and .failing_places == 1 and .unowned_places == 3 and .days_left == 4
    and .threshold == 7 and (.first_places | length) == 5 and .owners[0].name == "web-team" and .owners[0].contact == "+49 30 901820, #web"
    and .owners[0].email == ["web@example.org", "oncall@example.org"] and .verdict == "unable_to_get_issuer_cert_locally" and (.sha256 | length) == 64)' \
    "$dir/shop.json" >/dev/null || fail "shop: $(cat "$dir/shop.json")"
report expiring --filter 'name:*.shop.example.org place:www3.' --format json | jq -e '.rows[0].places == 1 and .rows[0].first_places == ["172.16.0.3:443 (www3.shop.example.org)"]' >/dev/null ||
    fail "a filter narrows to the places that pass"
report expiring --filter shop >"$dir/out"
assert_contains "whom to call" "web-team <web@example.org, oncall@example.org> +49 30 901820, #web; nobody" "$(cat "$dir/out")"
assert_contains "foot" "1 certificate expires within 30 days" "$(cat "$dir/out")"
assert_contains "foot" "unreachable is not absent" "$(cat "$dir/out")"
assert_eq "a renewal that was seen" 0 "$(rows expiring --filter renewed)"
assert_eq "what is gone" 0 "$(rows expiring --filter name:gone.example.org)"
report inventory --filter unreachable --format json | jq -e '.rows[0] | .result == "connect:timeout" and .name == "unreachable.example.org" and .last_failure > .last_ok
    and .detail == "no answer in 10 s"' >/dev/null || fail "a place that cannot be read keeps its certificate"
report inventory --filter place:192.0.2.14 --format json | jq -e '.rows[0] | .result == "hidden" and (has("name") | not)' >/dev/null || fail "hidden"
report inventory --filter place:dual --format json | jq -e '.rows[0] | (.certificates | length) == 3 and .name == "dual.example.org" and .starttls == "smtp"' >/dev/null || fail "two chains at one place"
report inventory --filter place:dual --format json | jq -e '.rows[0] | .group == "secp384r1" and .staple == "revoked" and .staple_next_update == "2099-01-01T00:00:00Z"
    and .proof == "bad" and .ja3s == "0123456789abcdef0123456789abcdef"' >/dev/null || fail "what the handshake showed"
report inventory --filter name:host-7.example.org --format json | jq -e '.rows[0] | .tls_version == "TLSv1.3" and ([has("staple", "proof", "ja3s")] | any | not)' >/dev/null ||
    fail "what was not shown is absent"
assert_eq "checked in the batch 3 hours ago" "$(sql "SELECT utc_text(last_at) FROM observation LIMIT 1")" "$(report inventory --filter name:host-7.example.org --format json | jq -r '.rows[0].last_checked')"

note "filters"
assert_eq "a name" 1 "$(rows expiring --within 4000d --filter 'name:HOST-77.example.org')"
assert_eq "a word looks at places, too: the leaf and the intermediate that is there" 2 "$(rows expiring --within 4000d --filter 'HOST-77.example.org')"
assert_eq "a SAN" "$(sql "SELECT count(*) FROM certificate_name WHERE name LIKE 'alt-%'")" "$(rows expiring --within 4000d --filter 'name:alt-*.example.net')"
assert_eq "status: failing" "$(sql "SELECT count(*) FROM location_state WHERE last_result NOT IN ('ok', '')")" "$(rows inventory --filter status:failing)"
all=$(rows expiring --within 4000d)
for filter in status:expired 'issuer:"Issuing CA 2"' 'key:"EC P-256"' realm:dmz owner:web; do
    with=$(rows expiring --within 4000d --filter "$filter")
    [ "$with" -gt 0 ] && [ "$with" -lt "$all" ] || fail "$filter: $with of $all"
done
assert_eq "expired and not expired" "$all" "$(($(rows expiring --within 4000d --filter status:expired) + $(rows expiring --within 4000d --filter=-status:expired)))"
fingerprint=$(sql "SELECT encode(sha256, 'hex') FROM certificate WHERE common_name = 'host-500.example.org'")
assert_eq "a fingerprint" 1 "$(rows expiring --within 4000d --filter "fingerprint:${fingerprint:0:12}")"
for filter in nosuch:1 nosuch:x port:443; do
    report inventory --filter "$filter" >"$dir/out" 2>"$dir/err" && fail "$filter is accepted"
    grep -q "unknown key: ${filter%:*}: keys are name, issuer, place, owner, realm, key, fingerprint, status" "$dir/err" || fail "$filter: $(cat "$dir/err")"
done
assert_eq "an address and its port are text" "$(rows inventory --filter place:172.16.0.3:443)" "$(rows inventory --filter 172.16.0.3:443)"
assert_eq "so is an IPv6 address" 0 "$(rows inventory --filter dead:beef::1)"
assert_eq "SQL in a filter is text" 0 "$(rows expiring --filter "\"'; DROP TABLE certificate; --\"")"

note "formats, read by others"
for name in expiring inventory; do
    for format in text csv json ndjson html; do report $name --format $format -o "$dir/$name.$format"; done
done
report expiring >"$dir/stdout.text"
cmp "$dir/expiring.text" "$dir/stdout.text" || fail "-o and stdout differ"
/usr/bin/python3 - "$dir" <<'PY' || fail "formats"
import csv, json, sys
dir = sys.argv[1]
for name in ("expiring", "inventory"):
    rows = list(csv.DictReader(open(f"{dir}/{name}.csv", newline="", encoding="utf-8")))
    document = json.load(open(f"{dir}/{name}.json", encoding="utf-8"))
    lines = [json.loads(line) for line in open(f"{dir}/{name}.ndjson", encoding="utf-8")]
    assert document["rows"] == lines and document["count"] == len(lines) == len(rows) > 100, (name, len(rows), len(lines))
    assert open(f"{dir}/{name}.csv", "rb").read().count(b"\r\n") == len(rows) + 1
    for row, line in zip(rows, lines):
        assert None not in row and row["sha256"] == line.get("sha256", "") and row["not_after"] == line.get("not_after", "")
        for cell in row.values():
            assert not cell or cell[0] not in "=+@\t\r" and (cell[0] != "-" or cell[1:].isdigit()), cell
    hostile = [line for line in lines if line.get("name", "").startswith("=cmd")]
    assert len(hostile) == 1 and hostile[0]["name"] == "=cmd|'/C calc'!A0 <script>alert(\"x\")</script>\n\x1b[31mred\u202eevil\"&amp;", hostile
    for format in ("text", "csv", "json", "ndjson", "html"):
        text = open(f"{dir}/{name}.{format}", "rb").read().decode("utf-8")
        bad = {c for c in text if (ord(c) < 32 and c not in "\r\n") or 127 <= ord(c) < 160 or 0x202A <= ord(c) <= 0x202E}
        assert not bad, (name, format, bad)
        assert format == "text" or "cmd|" in text
dates = [line["not_after"] for line in (json.loads(l) for l in open(f"{dir}/expiring.ndjson"))]
assert dates == sorted(dates), "soonest first"
PY
for name in expiring inventory; do
    for width in 60 80 130 250; do
        script -qec "stty cols $width; certmuster-report $name --filter -host-1" /dev/null >"$dir/tty" </dev/null
        widest=$(sed 's/\x1b\[[0-9;]*m//g; s/\r//; /^$/,$d' "$dir/tty" | wc -L)
        [ "$widest" -le "$width" ] && [ "$widest" -gt 40 ] || fail "$name: $widest columns on a terminal of $width: $(head -n 20 "$dir/tty")"
    done
done
grep -q $'\x1b\\[31m' "$dir/tty" || fail "no red for what has expired"

note "wrong use: one line, 2"
while read -r arguments; do
    eval "set -- $arguments"
    assert_eq "status of: $arguments" 2 "$(status_of certmuster-report "$@")"
    assert_eq "one line for: $arguments" 1 "$(wc -l <"$dir/err")"
    assert_eq "nothing on stdout for: $arguments" 0 "$(wc -c <"$dir/out")"
done <<'CASES'

expirin
expiring inventory
expiring --format pdf
expiring --within soon
expiring --within -3d
expiring --within 200000d
inventory --within 3d
expiring --filter 'ower:web'
expiring --filter '"open'
expiring --filter status:broken
expiring --owner web-taem
expiring --include roots
expiring --fail-on anything
expiring --no-such-flag
evidence
evidence --format csv -o x
list --format csv
CASES
status_of certmuster-report expiring --owner web-taem >/dev/null
assert_contains "near miss" "web-team" "$(cat "$dir/err")"
assert_eq "--fail-on with rows" 1 "$(status_of certmuster-report expiring --fail-on match)"
assert_eq "--fail-on without rows" 0 "$(status_of certmuster-report expiring --fail-on match --filter no-such-thing)"
assert_eq "list" "expiring inventory evidence" "$(report list | awk '{ print $1 }' | xargs)"

note "the role that reads is enough, and can do no more"
socket=$(cat "$CERTMUSTER_HOME/sockets")
echo "dsn: \"host=$socket dbname=certmuster user=certmuster_read\"" >"$dir/read.yaml"
assert_eq "by its name" "$(rows expiring)" "$(rows expiring --config "$dir/read.yaml")"
if [ "$(id -u)" -eq 0 ]; then
    assert_eq "another user" 3 "$(status_of setpriv --reuid=nobody --regid=nogroup --clear-groups certmuster-report expiring)"
    assert_contains "another user" "this inventory is another user's: use sudo" "$(cat "$dir/err")"
fi
psql -X -q -h "$socket" -U certmuster_read -d certmuster -c "DELETE FROM certmuster.owner" 2>"$dir/err" && fail "certmuster_read may write"

note "files are whole or not there"
echo earlier >"$dir/kept"
assert_eq "a full disk" 3 "$(status_of certmuster-report inventory --format csv -o /dev/full)"
assert_contains "a full disk" "No space left on device" "$(cat "$dir/err")"
assert_eq "one line" 1 "$(wc -l <"$dir/err")"
assert_not_contains "a full disk is no matter of the database" "certmuster up" "$(cat "$dir/err")"
assert_eq "a file size limit" 3 "$(ulimit -f 16; status_of certmuster-report inventory --format csv -o "$dir/kept")"
assert_eq "the earlier file" earlier "$(cat "$dir/kept")"
assert_eq "no such directory" 3 "$(status_of certmuster-report expiring -o "$dir/no/such/file")"
assert_eq "stdout full" 3 "$(status_of sh -c 'certmuster-report expiring >/dev/full')"
ls "$dir"/kept.* 2>/dev/null && fail "temporary files are left"

# Holds a lock on the table of owners, so that a report waits in the middle; released by unlock.
lock() {
    mkfifo "$dir/hold.$1"
    start "holder$1" psql -X -q -h "$socket" -U certmuster_admin -d certmuster -f "$dir/hold.$1"
    holder=$started
    exec 8>"$dir/hold.$1"
    echo "BEGIN; LOCK TABLE certmuster.owner IN ACCESS EXCLUSIVE MODE; SELECT 'held';" >&8
    wait_for 10 grep -q held "$dir/holder$1.log"
}
unlock() { # what was started meanwhile has inherited the pipe, so that closing it is not the end of it
    echo 'ROLLBACK; \q' >&8
    exec 8>&-
    wait "$holder" || true
}
waiting() { [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'certmuster-report' AND wait_event_type = 'Lock'")" -ge 1 ]; }

note "ended by a signal: nothing is left"
lock 1
start interrupted certmuster-report expiring -o "$dir/interrupted"
one=$started
start interrupted-evidence certmuster-report evidence -o "$dir/interrupted-evidence"
two=$started
both() { [ "$(sql "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'certmuster-report' AND wait_event_type = 'Lock'")" -ge 2 ]; }
wait_for 20 both
ls -d "$dir"/interrupted-evidence.?????? >/dev/null || fail "evidence is not written beside its place"
kill -TERM "$one" "$two"
wait "$one" && fail "ended by SIGTERM, but says success"
wait "$two" && fail "ended by SIGTERM, but says success"
ls -d "$dir"/interrupted "$dir"/interrupted.?????? "$dir"/interrupted-evidence* 2>/dev/null | grep -v '\.log$' && fail "something is left"
unlock

note "evidence"
report evidence -o "$dir/evidence"
(cd "$dir/evidence" && sha256sum --quiet -c MANIFEST.sha256) || fail "the manifest"
assert_eq "the manifest names every other file" "$(ls "$dir/evidence" | grep -v '^MANIFEST' | sort)" "$(sed 's/^[0-9a-f]*  //' "$dir/evidence/MANIFEST.sha256" | sort)"
/usr/bin/python3 - "$dir/evidence" "$places" "$(sql 'SELECT count(*) FROM certificate')" "$(sql 'SELECT count(*) FROM certificate_in_use')" <<'PY' || fail "evidence"
import base64, csv, hashlib, json, re, sys
dir, places, certificates, in_use = sys.argv[1], *map(int, sys.argv[2:])
read = lambda name: open(f"{dir}/{name}", newline="", encoding="utf-8")
rows = {name: list(csv.DictReader(read(name + ".csv"))) for name in ("inventory", "certificates", "coverage", "owners")}
lines = {name: [json.loads(line) for line in read(name + ".ndjson")] for name in ("inventory", "certificates")}
assert len(rows["inventory"]) == len(lines["inventory"]) == places
assert len(rows["certificates"]) == len(lines["certificates"]) == certificates
assert sum(c["in_use"] and c["roles"] != ["trust"] for c in lines["certificates"]) == in_use
assert [c for c in lines["certificates"] if "undecodable" in c][0]["undecodable"] == "length runs past the end"
pem = re.findall(r"# sha256 ([0-9a-f]{64})\n-----BEGIN CERTIFICATE-----\n(.*?)-----END CERTIFICATE-----\n", read("certificates.pem").read(), re.S)
assert len(pem) == certificates - 1  # one cannot be decoded
for sha256, text in pem:
    assert hashlib.sha256(base64.b64decode(text)).hexdigest() == sha256
    assert all(len(line) <= 64 for line in text.split("\n"))
coverage, scope = json.load(read("coverage.json")), json.load(read("scope.json"))
p = coverage["places"]
assert p["known"] == places == p["read"] + p["failing"] + p["hidden"] == sum(coverage["last_check_age"].values()), p
assert p["failing"] == 4 == sum(f["places"] for f in coverage["failing_by_reason"]) and p["never_read"] == 2 and p["failing_but_read_before"] == 2, p
assert sum(int(row["places"]) for row in rows["coverage"]) == places
assert sum(int(row["places"]) for row in rows["owners"]) == places and rows["owners"][-1]["owner"] == ""
runs = coverage["runs"]
assert runs["lost"] == 1 and runs["finished"] == 2 and runs["targets"] == runs["ok"] + runs["failed"], runs
assert [run["asked"] for run in scope["runs"]][1] == ["certmuster-crawl", "/srv"] and {r["realm"] for r in scope["realms"]} == {"default", "dmz"}
assert scope["at"] == coverage["at"] and scope["scanners"][0]["scanner"] == "scanner-1"
readme = read("README.txt").read()
for word in ("PCI DSS", "4.2.1.1", "2024/1774", "Article 7(4)", "NIST SP 1800-16", "sha256sum -c MANIFEST.sha256", *rows):
    assert word in readme, word
PY

note "evidence is one moment: what comes while it is written is not in it"
lock 2
start moment certmuster-report evidence -o "$dir/moment"
moment=$started
wait_for 20 waiting
sql "INSERT INTO location (location_id, kind, realm, transport, ip, port, name, first_seen) VALUES (md5('late')::uuid, 'endpoint', 'late', 'tcp', '192.0.2.99', 443, '', now());
     INSERT INTO location_state (location_id, source, scanner, last_result) VALUES (md5('late')::uuid, 'scan', 'scanner-1', 'ok');
     INSERT INTO certificate (sha256, der, display_name, first_seen, last_seen) VALUES (sha256('late'), 'late', 'late', now(), now())"
unlock
wait "$moment" || fail "evidence: $(cat "$dir/moment.log")"
grep -l late "$dir"/moment/* && fail "evidence of two moments"
jq -e ".places.known == $places" "$dir/moment/coverage.json" >/dev/null || fail "coverage of another moment"

note "evidence overwrites nothing of others"
mkdir "$dir/foreign"
echo mine >"$dir/foreign/thesis.txt"
assert_eq "a directory that holds other things" 2 "$(status_of certmuster-report evidence -o "$dir/foreign")"
assert_contains "it says what" "thesis.txt" "$(cat "$dir/err")"
assert_eq "untouched" "thesis.txt" "$(ls "$dir/foreign")"
report evidence -o "$dir/evidence"
(cd "$dir/evidence" && sha256sum --quiet -c MANIFEST.sha256) || fail "the manifest of the second"
grep -q late "$dir/evidence/certificates.csv" || fail "an earlier evidence is replaced by a newer one"
assert_eq "a full disk" 3 "$(ulimit -f 64; status_of certmuster-report evidence -o "$dir/evidence")"
assert_eq "one line" 1 "$(wc -l <"$dir/err")"
(cd "$dir/evidence" && sha256sum --quiet -c MANIFEST.sha256) || fail "a failed one touched the earlier evidence"
assert_eq "nothing half-written" "" "$(ls -d "$dir"/evidence.* "$dir"/foreign.* 2>/dev/null)"
if mkdir "$dir/small" && mount -t tmpfs -o size=100k none "$dir/small" 2>/dev/null; then
    mounted=$dir/small
    trap 'umount "$mounted"; finish' EXIT
    assert_eq "a disk that is really full" 3 "$(status_of certmuster-report evidence -o "$mounted/evidence")"
    assert_contains "it says so" "No space left on device" "$(cat "$dir/err")"
    assert_eq "nothing half-written there" "" "$(ls "$mounted")"
    umount "$mounted"
    trap finish EXIT
fi

note "PostgreSQL down: one line that says what to type, 3"
certmuster down >"$dir/down.log" 2>&1
for command in expiring "evidence -o $dir/never"; do
    # shellcheck disable=SC2086 # two words on purpose
    assert_eq "down: $command" 3 "$(status_of certmuster-report $command)"
    assert_eq "down, one line: $command" 1 "$(wc -l <"$dir/err")"
    assert_contains "down, what to type" "certmuster up" "$(cat "$dir/err")"
done
[ ! -e "$dir/never" ] || fail "evidence of nothing"
assert_eq "no inventory at all" 3 "$(CERTMUSTER_HOME=$dir/nowhere status_of certmuster-report expiring)"
assert_contains "no inventory, what to type" "certmuster up" "$(cat "$dir/err")"

note "the manual is true to --help"
manual=$CM_TOP/contrib/man/certmuster-report.1
report --help >"$dir/help"
for flag in $(grep -o -- '--[a-z-]*' "$dir/help" | sort -u); do grep -q -- "Fl ${flag#-}\>" "$manual" || fail "$flag is not in the manual"; done
for flag in $(grep -o 'Fl -[a-z-]*' "$manual" | sed 's/Fl -/--/' | sort -u); do grep -q -- "$flag\>" "$dir/help" || fail "the manual's $flag is not in --help"; done
