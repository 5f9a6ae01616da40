#!/bin/bash
# The disk of the database, of the collector's log and of the scanner's rejected folder fills up (small tmpfs, in a mount namespace of our own): the
# collector answers 503 and lives, PostgreSQL comes back when there is room, and everything that was to be delivered stands once.
. "$(dirname "$0")/common.sh"

if [ "${inside:-}" != yes ]; then
    unshare -m true 2>/dev/null || skip "no mount namespaces here"
    inside=yes exec unshare -m "$0"
fi

export CERTMUSTER_HOME=$dir/home
mkdir -p "$CERTMUSTER_HOME"
mount -t tmpfs -o size=400m,mode=755 tmpfs "$CERTMUSTER_HOME" 2>/dev/null || skip "no tmpfs here"
inventory=1
cat >"$CERTMUSTER_HOME/certmuster.yaml" <<YAML
scanner: local
host: scanner.example
collector: {judge_interval: 1s}
YAML
certmuster up >"$dir/up.log" 2>&1 || { cat "$dir/up.log" >&2; fail "certmuster up"; }
postgres=$CERTMUSTER_HOME/postgres
collector=$(cat "$CERTMUSTER_HOME/collectd.pid")
socket=$(cat "$CERTMUSTER_HOME/sockets")/collectd.sock

# Records that do not compress: so many certificates that are none, each at a place of its own.
make_records() { # file first count
    /usr/bin/python3 - "$@" <<'PY'
import base64, hashlib, json, os, sys, time
path, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
at, run = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()), f"{first:08d}-0000-4000-8000-000000000000"
with open(path, "w") as out:
    for i in range(first, first + count):
        der = os.urandom(2000)
        sha256 = hashlib.sha256(der).hexdigest()
        out.write(json.dumps({"v": 1, "type": "certificate", "sha256": sha256, "der": base64.b64encode(der).decode()}) + "\n")
        out.write(json.dumps({"v": 1, "type": "sighting", "source": "scan", "at": at, "scanner": "local", "run": run, "role": "server", "chain": [sha256],
                              "endpoint": {"realm": "default", "transport": "tcp", "ip": f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}", "port": 443, "name": ""}}) + "\n")
PY
}
code() { curl -s -o "$dir/answer" -w '%{http_code}' --unix-socket "$socket" "$@"; }
post() { code -H "Idempotency-Key: file/$1" --data-binary "@$2" http://x/v1/batches || true; }
stored() { sql "SELECT count(*), (SELECT count(*) FROM sighting), (SELECT count(*) FROM location), (SELECT count(*) - count(DISTINCT batch_key) FROM batch) FROM certificate"; }

note "the database's disk is full"
make_records "$dir/one" 0 1500
make_records "$dir/two" 1500 1500
assert_eq "a batch while there is room" 200 "$(post one "$dir/one")"
# All room is taken but what is already the server's: its next segment of WAL or page of a table has nowhere to go.
fill() { dd if=/dev/zero of="$CERTMUSTER_HOME/ballast" bs=64k status=none 2>/dev/null || true; }
fill
refused=
for i in 1 2 3 4 5 6 7 8; do
    make_records "$dir/more$i" $((3000 + 1500 * i)) 1500
    refused=$(post "more$i" "$dir/more$i")
    [ "$refused" = 200 ] || break
    fill
done
assert_eq "the answer with a full disk, after $i batches" 503 "$refused"
grep -q '"error"' "$dir/answer" || fail "no reason: $(cat "$dir/answer")"
assert_contains "when to come again" "Retry-After" "$(curl -s -D - -o /dev/null --unix-socket "$socket" -H "Idempotency-Key: file/again" --data-binary "@$dir/two" http://x/v1/batches)"
kill -0 "$collector" || fail "the collector went with the disk"
certmuster submit "$dir/two" >"$dir/submit.log" 2>&1 &
submit=$!
pids="$pids $submit"

note "room again"
sleep 2
rm "$CERTMUSTER_HOME/ballast"
certmuster up >>"$dir/up.log" 2>&1 || { cat "$dir/up.log" "$CERTMUSTER_HOME"/log/*; fail "certmuster up with room again"; }
wait_for 60 sh -c "[ \"\$(curl -s -o /dev/null -w '%{http_code}' --unix-socket '$socket' http://x/healthz)\" = 200 ]"
again() { [ "$(post "more$i" "$dir/more$i")" = 200 ]; }
wait_for 60 again
status=0; wait "$submit" || status=$?
[ "$status" = 0 ] || certmuster submit "$dir/two" || { cat "$dir/submit.log"; fail "submit after the disk was full"; }
expected=$((1500 * (i + 2)))
assert_eq "certificates, spans, places, keys taken twice" "$expected|$expected|$expected|0" "$(stored)"
assert_eq "the same again" 200 "$(post one "$dir/one")"
assert_eq "changes nothing" "$expected|$expected|$expected|0" "$(stored)"

note "the collector's log has no room"
[ "$collector" = "$(cat "$CERTMUSTER_HOME/collectd.pid")" ] || collector=$(cat "$CERTMUSTER_HOME/collectd.pid")
certmuster down >"$dir/down.log" 2>&1
mkdir -p "$dir/log"
mount -t tmpfs -o size=16k,mode=777 tmpfs "$dir/log"
dsn="host=$CERTMUSTER_HOME/run dbname=certmuster user=certmuster_ingest"
certmuster up --database-only >>"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "certmuster up --database-only"; }
dsn="host=$(cat "$CERTMUSTER_HOME/sockets") dbname=certmuster user=certmuster_ingest"
certmuster-collectd -v --socket "$dir/own.sock" --dsn "$dsn" 2>"$dir/log/collectd.log" &
own=$!
pids="$pids $own"
wait_for 30 test -S "$dir/own.sock"
socket=$dir/own.sock
wait_for 30 again # the key is known: an answer from it
for n in $(seq 200); do post "empty$n" /dev/null >/dev/null; done
assert_eq "free blocks for the log" 0 "$(df --output=avail "$dir/log" | tail -n 1 | tr -d ' ')"
make_records "$dir/last" 100000 50
assert_eq "a batch when nothing can be logged" 200 "$(post last "$dir/last")"
assert_eq "stored" "$((expected + 50))" "$(sql 'SELECT count(*) FROM certificate')"

note "the scanner's rejected folder has no room"
cat >"$dir/scanner.yaml" <<YAML
scanner: local
host: scanner.example
spool: {dir: $dir/spool}
submit: {wait: 3s}
YAML
mkdir -p "$dir/spool/rejected"
mount -t tmpfs -o size=4k,mode=755 tmpfs "$dir/spool/rejected"
dd if=/dev/zero of="$dir/spool/rejected/full" bs=4k count=4 status=none 2>/dev/null || true
crc() { /usr/bin/python3 -c 'import sys, zlib
for line in open(sys.argv[1], "rb").read().split(b"\n")[:-1]:
    sys.stdout.buffer.write(b"%08x %s\n" % (zlib.crc32(line), line))' "$1"; }
make_records "$dir/mixed" 200000 3
echo '{"v":1,"type":"failure","wrong":true}' >>"$dir/mixed"
crc "$dir/mixed" >"$dir/spool/01900000-0000-7000-8000-000000000001-00000001.seg"
status=$(status_of certmuster-submit --config "$dir/scanner.yaml" --to "unix:$socket" "$dir/spool")
[ "$status" != 0 ] || fail "a rejected line was lost and nothing said: $(cat "$dir/err" "$dir/out")"
[ -n "$(find "$dir/spool" -maxdepth 1 -name '*.seg*')" ] || fail "the segment is gone, its rejected line is nowhere"
assert_eq "the good ones are stored" 3 "$(sql "SELECT count(*) FROM location WHERE host(ip) LIKE '10.3.13.%'")"
rm "$dir/spool/rejected/full"
certmuster-submit --config "$dir/scanner.yaml" --to "unix:$socket" "$dir/spool" >"$dir/again.log" 2>&1 || true
assert_eq "segments left" 0 "$(find "$dir/spool" -maxdepth 1 -name '*.seg*' | wc -l)"
grep -rq wrong "$dir/spool/rejected" || fail "the rejected line is nowhere: $(ls -la "$dir/spool/rejected") $(cat "$dir/again.log")"
assert_eq "once" 3 "$(sql "SELECT count(*) FROM location WHERE host(ip) LIKE '10.3.13.%'")"
kill "$own"
wait "$own" || fail "the collector's end: $?"
