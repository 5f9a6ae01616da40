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
assert_eq "an unknown part is wrong use" 2 "$(status_of "$bench" "$CM_BIN" resweep wings)"
