#!/bin/bash
# profile: release
# The benchmark of the collector works: small runs of its parts tell their tables and judge no speed.
. "$(dirname "$0")/common.sh"
export GOALS=no ROUNDS=1
bench=$CM_TOP/tests/bench/bench-collector

# run PART ROW…: the part ends well and its table has a line like each ROW.
run() {
    local part=$1 row
    shift
    "$bench" "$CM_BIN" "$part" >"$dir/table" 2>"$dir/err" || { cat "$dir/table" "$dir/err"; fail "bench-collector $part"; }
    for row in "$@"; do
        grep -Eq -- "$row" "$dir/table" || { cat "$dir/table"; fail "no row like: $row"; }
    done
    assert_eq "nothing is judged" 0 "$(grep -c MISSED "$dir/table")"
}

PLACES=4000 CHAINS=200 run resweep '^resweep: 4000 places, 200 chains' '^ *first sweep, everything new +[0-9.]+ ' '^ *COPY of the same rows +[0-9.]+ ' \
    '^ *unchanged sweep, after a checkpoint +[0-9.]+ .* × COPY, ' '^ *sightings a second +[0-9]+ ' '^ *WAL, MB per million +[0-9.]+ ' \
    '^ *sightings stored, of the last sweep +4000 +4000 of 4000 ' '^ *found unchanged in observation +4000 +4000 of 4000 ' \
    '^ *inventory as after the first sweep +yes ' '^ *judged again +0 '
KINDS=mixed CERTIFICATES=700 JUDGED=50 run new '^new: mixed, in process' '^ *d2i_X509, one signature check +[0-9.]+ +1[.]00$' '^ *reading, decoding and judging .* × the least [(]goal: at most 1[.]6[)]' \
    '^ *decoding and judging, 2 threads +[0-9.]+ .* a second' '^new: mixed, end to end, 700' '^ *stored and judged, 1 worker +[0-9]+ ' '^ *judged again, 2 workers +[0-9]+ ' \
    '^ *issuer paths built, 1 worker +6 .* 6 for 1400 verdicts .*: ok' '^ *all stored, each chain judged once +yes .*: ok'
CERTIFICATES=20000 QUESTIONS=20 FINGERPRINTS=1000 run missing '^missing: 20000 known, 1000 in a question' '^ *looked up by key, by one backend +[0-9.]+' '^ *fingerprints checked +[0-9.]+ +[0-9]+ ' \
    '^ *answers that are right +20 .*: ok'
assert_eq "an unknown part is wrong use" 2 "$(status_of "$bench" "$CM_BIN" resweep wings)"
