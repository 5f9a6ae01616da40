#!/bin/bash
# The thresholds of expiry alerts to the second: min(days, lifetime x days / 90), for certificates of every usual lifetime.
. "$(dirname "$0")/common.sh"
export CERTMUSTER_HOME=$dir/home
certmuster up --database-only >"$dir/up.log" 2>&1 || { cat "$dir/up.log"; fail "certmuster up"; }
inventory=1
# For each lifetime and threshold: the second at which it begins to hold, and the second before, when only the next looser one does.
sql "
WITH lifetimes(days) AS (VALUES (1), (6), (10), (47), (89), (90), (100), (200), (398), (825), (3650)),
     thresholds(n, looser) AS (VALUES (30, NULL), (14, 30), (7, 14), (3, 7), (1, 3), (0, 1)),
     cases AS (
         SELECT l.days, t.n, t.looser, timestamptz '2026-01-01Z' AS born, timestamptz '2026-01-01Z' + l.days * interval '1 day' AS dies,
                least(t.n * 86400.0, l.days * 86400.0 * t.n / 90.0) AS left_s
           FROM lifetimes l, thresholds t)
SELECT days, n, expiry_threshold(born, dies, dies - left_s * interval '1 second'),
       expiry_threshold(born, dies, dies - (left_s + 1) * interval '1 second') IS NOT DISTINCT FROM looser
  FROM cases ORDER BY days, n" >"$dir/cases"
assert_eq "cases" 66 "$(wc -l <"$dir/cases")"
while IFS='|' read -r days n holds before; do
    assert_eq "threshold $n of a $days-day certificate, at its second" "$n" "$holds"
    assert_eq "threshold $n of a $days-day certificate, one second before" t "$before"
done <"$dir/cases"
note "as DESIGN says: 47 days"
sql "SELECT string_agg(round(47 * n / 90.0, 1)::text, ' ' ORDER BY n DESC) FROM (VALUES (30), (14), (7), (3), (1)) t(n)
      WHERE expiry_threshold('2026-01-01Z', '2026-02-17Z', timestamptz '2026-02-17Z' - 47 * n / 90.0 * interval '1 day') = n
        AND coalesce(expiry_threshold('2026-01-01Z', '2026-02-17Z', timestamptz '2026-02-17Z' - (47 * n / 90.0 + 0.01) * interval '1 day'), 99) > n" >"$dir/47"
assert_eq "47 days" "15.7 7.3 3.7 1.6 0.5" "$(cat "$dir/47")"
note "nothing holds at birth"
assert_eq "at birth" "t" "$(sql "SELECT bool_and(expiry_threshold('2026-01-01Z', timestamptz '2026-01-01Z' + d * interval '1 day', '2026-01-01Z') IS NULL) FROM generate_series(1, 400) d")"
note "odd ones: expired for years, lifetime zero or negative"
assert_eq "expired" 0 "$(sql "SELECT expiry_threshold('2001-01-01Z', '2002-01-01Z', '2026-01-01Z')")"
assert_eq "negative, past" 0 "$(sql "SELECT expiry_threshold('2026-01-02Z', '2026-01-01Z', '2026-01-01Z')")"
assert_eq "negative, future" "" "$(sql "SELECT expiry_threshold('2026-01-02Z', '2026-01-01Z', '2025-12-31Z')")"
assert_eq "unknown" "" "$(sql "SELECT expiry_threshold(NULL, NULL, now())")"
