#!/bin/bash
# profile: release
# The benchmark of a year works: a thousandth of it is made, every table is told, browse's own questions are answered, and places that are looked at once more are found
# unchanged, each of them. No speed is judged.
. "$(dirname "$0")/common.sh"
export GOALS=no SCALE=0.001 QUESTIONS=12
"$CM_TOP/tests/bench/bench-collector" "$CM_BIN" year >"$dir/table" 2>"$dir/err" || { cat "$dir/table" "$dir/err"; fail "bench-collector year"; }
for row in '^an inventory of 1,000 certificates, 3,000 places, 365 nights' '^ *certificate +[0-9]+ ' '^ *sighting +[0-9]+ ' '^ *observation, 30 days +[0-9]+ ' \
    '^ *the whole database .*\(goal: at most 12\)' '^ *next 50 to expire, owner and places +[0-9.]+ .*\(goal: at most 10\)' '^ *places of a certificate +[0-9.]+ ' \
    '^ *filter owner:team-7 ' '^ *a year of it'; do
    grep -Eq -- "$row" "$dir/table" || { cat "$dir/table" "$dir/err"; fail "no row like: $row"; }
done
grep -Eq '^ *delivered as it was .* ([0-9]+) of \1 ' "$dir/table" || { cat "$dir/table"; fail "places were found changed"; }
