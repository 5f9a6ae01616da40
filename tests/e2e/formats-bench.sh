#!/bin/bash
# profile: release
# The benchmark of the readers of files works: a small run tells its tables, finds every certificate and judges no speed; and it does miss one that is not told.
. "$(dirname "$0")/common.sh"
export GOALS=no ROUNDS=2 BYTES=1048576 ENTRIES=50 IMAGE=8388608
bench=$CM_TOP/tests/bench/bench-formats
"$bench" "$CM_BIN" >"$dir/table" || { cat "$dir/table"; fail "bench-formats"; }
for row in '^random, 1 MiB in contents of 64 KiB' '^ *memmem, one needle +[0-9.]+ +1[.]00$' '^ *the identifier +[0-9.]+ +[0-9.]+ +[0-9.]+ to [0-9.]+ \(goal: at least 0[.]3\)' \
    '^ *the search for PEM +[0-9.]+ ' '^ *both, as a crawl does them +[0-9.]+ ' '^text, ' '^base64, ' '^JKS of 50 entries' \
    '^ *certmuster-crawl --json .* × the least, .* \(goal: at most 3\)' '^ *certificates told +50 +50 of 50 ' \
    '^image.tar, 0[.]0 GB' '^image.tar.gz, ' '^ *certificates told +3 +3 of 3 '; do
    grep -Eq -- "$row" "$dir/table" || { cat "$dir/table"; fail "no row like: $row"; }
done
assert_eq "nothing is judged" 0 "$(grep -c MISSED "$dir/table")"

# A crawler that is silent about some entries.
mkdir -p "$dir/bin/tests"
ln -s "$CM_BIN/tests/bench" "$dir/bin/tests/bench"
printf '#!/bin/sh\n"%s/certmuster-crawl" "$@" | grep -v "certificate 7"\n' "$CM_BIN" >"$dir/bin/certmuster-crawl"
chmod +x "$dir/bin/certmuster-crawl"
GOALS=yes "$bench" "$dir/bin" keystore >"$dir/table" && fail "what is not told is not missed"
grep -Eq '^ *certificates told +49 .*MISSED' "$dir/table" || { cat "$dir/table"; fail "nothing is missing"; }
assert_eq "an unknown part is wrong use" 2 "$(status_of "$bench" "$CM_BIN" scan wings)"
