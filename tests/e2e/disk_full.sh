#!/bin/bash
# A disk that fills up under a running scan (a small tmpfs, in a mount namespace of its own): the scan stops starting probes and says
# so; with room again it goes on; with none it puts the last records elsewhere. No record is lost, none stands twice. A full
# spool (spool.max_bytes) refuses a new run.
. "$(dirname "$0")/common.sh"

if [ "${inside:-}" != yes ]; then
    unshare -m true 2>/dev/null || unshare -rm true 2>/dev/null || skip "no mount namespaces here"
    map=; [ "$(id -u)" = 0 ] || map=-r
    inside=yes exec unshare $map -m "$0"
fi

disk=$dir/disk
mkdir "$disk"
mount -t tmpfs -o size=256k tmpfs "$disk" 2>/dev/null || skip "no tmpfs here"
export TMPDIR=$dir
config() { # max_bytes wait
    cat >"$dir/c.yaml" <<YAML
host: scanner.example
spool: {dir: $disk/spool, max_bytes: $1}
submit: {wait: $2}
YAML
}
scan=(certmuster-scan --config "$dir/c.yaml" --to "unix:$dir/nobody.sock" --parallel 64 --timeout 5 -p 1)
# Every record that was kept, wherever: how many there are, and how many different ones.
count() {
    /usr/bin/python3 - "$disk/spool" "$dir" <<'PY'
import glob, json, sys, zlib
lines = []
for path in glob.glob(sys.argv[1] + "/*.seg*"):
    for line in open(path, "rb").read().split(b"\n")[:-1]:
        assert int(line[:8], 16) == zlib.crc32(line[9:]), path
        lines.append(line[9:])
for path in glob.glob(sys.argv[2] + "/certmuster-*.ndjson"):
    lines += open(path, "rb").read().splitlines()
records = [json.loads(x) for x in lines]
places = [(r["run"], r["endpoint"]["ip"]) for r in records if "endpoint" in r]
print(len(places), len(set(places)), sorted(r["state"] for r in records if r["type"] == "run"))
PY
}

note "the disk fills, and gets room again"
config 1GiB 5s
start scan "${scan[@]}" 127.77.0.0/21
wait_for 60 grep -q "no new work is started" "$dir/scan.log"
assert_eq "free blocks of the disk" 0 "$(df --output=avail "$disk" | tail -n 1 | tr -d ' ')"
mount -o remount,size=16m "$disk"
status=0; wait "$started" || status=$?
assert_eq "exit status of the scan" 0 "$status"
assert_contains "going on is said" "going on" "$(cat "$dir/scan.log")"
assert_contains "what is kept is said" "the spool keeps" "$(cat "$dir/scan.log")"
assert_eq "records" "2048 2048 ['finished', 'started']" "$(count)"

note "the disk stays full: the last records go elsewhere"
rm -rf "$disk/spool"
mount -o remount,size=256k "$disk"
config 1GiB 1s
# The scan waits for room as long as it has targets left; an interrupt ends it, and what it had begun is kept.
start scan2 "${scan[@]}" 127.77.0.0/21
wait_for 60 grep -q "no new work is started" "$dir/scan2.log"
kill -TERM "$started"
wait "$started" || true
assert_contains "where they are is said" "certmuster-submit $dir/certmuster-" "$(cat "$dir/scan2.log")"
read -r all distinct states <<<"$(count)"
assert_eq "nothing twice" "$all" "$distinct"
assert_eq "the run's records" "['finished', 'started']" "$states"
finished=$(cat "$dir"/certmuster-*.ndjson | grep '"state":"finished"' | sed 's/.*"targets":\([0-9]*\).*/\1/')
assert_eq "all probes that were told of" "$finished" "$all"
[ "$all" -gt 300 ] && [ "$all" -lt 2048 ] || fail "expected the scan to stop on the way, got $all"

note "a full spool refuses a run"
rm -f "$dir"/certmuster-*.ndjson
mount -o remount,size=16m "$disk"
config 1MiB 1s
dd if=/dev/zero of="$disk/spool/01900000-0000-7000-8000-000000000001-00000001.seg" bs=1M count=1 status=none
assert_eq "exit status" 3 "$(status_of "${scan[@]}" 127.0.0.1)"
assert_contains "why" "the spool is full" "$(cat "$dir/err")"
