#!/bin/bash
# profile: release
# The benchmark of the reader works: a small run of the parts that need no peers, on captures that it makes itself, tells its tables, finds every certificate and judges
# no speed; and it does miss a certificate that is not told.
. "$(dirname "$0")/common.sh"
export CM_SHARED=$dir/none GOALS=no ROUNDS=1 BYTES=4000000 FLOWS=30000
bench=$CM_TOP/tests/bench/bench-watch
"$bench" "$CM_BIN" complete flood >"$dir/table" || { cat "$dir/table"; fail "bench-watch"; }
for row in '^ *20 captures × [0-9]+: ' '^ *told with the server that they belong to +[0-9]+ +0 ' '^30000 half-open flows, [0-9]+ packets' '^ *certificates of 30 honest handshakes +60 +0 missing'; do
    grep -Eq -- "$row" "$dir/table" || { cat "$dir/table"; fail "no row like: $row"; }
done
assert_eq "nothing is judged" 0 "$(grep -c MISSED "$dir/table")"

# A reader that is silent about some places.
mkdir -p "$dir/bin/tests"
ln -s "$CM_BIN/tests/bench" "$dir/bin/tests/bench"
printf '#!/bin/sh\n"%s/certmuster-watch" "$@" | grep -v "198[.]5[2-5][.]"\n' "$CM_BIN" >"$dir/bin/certmuster-watch"
chmod +x "$dir/bin/certmuster-watch"
GOALS=yes "$bench" "$dir/bin" complete >"$dir/table" && fail "what is not told is not missed"
grep -Eq '^ *told with the server that they belong to +([0-9]+) +[1-9][0-9]* .*MISSED' "$dir/table" || { cat "$dir/table"; fail "nothing is missing"; }
assert_eq "an unknown part is wrong use" 2 "$(status_of "$bench" "$CM_BIN" complete wings)"
