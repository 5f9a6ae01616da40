#!/bin/bash
# profile: release
# The benchmark of the scanner works: a small run of the parts that need no peers tells its table, counts every endpoint, and judges no speed.
. "$(dirname "$0")/common.sh"
export COUNT=300 ROUNDS=1 MANY=3000 WAITING=600 GOALS=no
"$CM_TOP/tests/bench/bench-scan" "$CM_BIN" floors waiting million threads >"$dir/table" || { cat "$dir/table"; fail "bench-scan"; }
for row in '^canned tls12, 300 endpoints' '^canned tls13, 300 endpoints' '^ *floor-tls1[23] +[0-9.]+ ' '^ *certmuster-scan --json +[0-9.]+ .* × the floor' '^ +600 +[0-9.]+ .* bytes each' \
    '^ *sightings and failures +3000 +0 ' '^ *certificates: told, distinct leaves +300[0-9] +3000 ' '^ *--threads 2 +[0-9.]+ ' '× as fast[.] Client and fleet keep '; do
    grep -Eq -- "$row" "$dir/table" || { cat "$dir/table"; fail "no row like: $row"; }
done
assert_eq "nothing is judged" 0 "$(grep -c MISSED "$dir/table")"
assert_eq "an unknown part is wrong use" 2 "$(status_of "$CM_TOP/tests/bench/bench-scan" "$CM_BIN" floors wings)"
