-- One round of spans: per place, the looks of one run. certmuster.round says which.

-- Places that were missed or are gone and were seen after all (0015), and those of which this tells late. A file that cannot be read is
-- seen as well; an endpoint's failure sees nothing.
SELECT places_seen(array_agg(s.location_id), array_agg(s.what), array_agg(s.at), false)
  FROM (SELECT k.location_id, 'certificate' AS what, max(k.last_at) AS at
          FROM pg_temp.stage_look k
          LEFT JOIN location_state st ON st.location_id = k.location_id
          LEFT JOIN pg_temp.stage_fold f ON f.location_id = k.location_id
         WHERE k.round = current_setting('certmuster.round')::integer
           AND (k.kind = 'o' OR (k.kind = 'f' AND k.result ~ '^(open|decode):' AND k.result <> 'open:not_found'))
           AND (st.gone_at IS NOT NULL OR (st.chains = '{}' AND greatest(st.last_failure, f.failure_at) > k.last_at)
                OR EXISTS (SELECT FROM place_absence a WHERE a.location_id = k.location_id AND a.what = 'certificate')
                OR (k.source = 'crawl' AND k.last_at < (SELECT max(r.started_at) FROM run r WHERE r.absences_taken AND r.covered IS NOT NULL)))
         GROUP BY k.location_id) s
HAVING count(*) > 0;

-- A chain that was seen extends a span of its own: the latest that reaches the look, else the next one after it, back to it. A look is asked for its
-- beginning and its end, which may be of two spans, with a time between in which the chain was away; what lies behind all spans goes on with the last of
-- those that this run reached. Absences before the look are taken back, and with them perhaps the end of the span; but not when the chain has come back in a
-- later span, nor when it was the place that vanished (fewer than three absent runs), for then it is known from the above that it had.
WITH point AS MATERIALIZED (
    SELECT DISTINCT k.location_id, k.role, k.chain_id, k.run, p.at
      FROM pg_temp.stage_look k
     CROSS JOIN LATERAL (VALUES (k.first_at), (k.last_at)) AS p(at)
     WHERE k.kind = 'o' AND k.round = current_setting('certmuster.round')::integer),
reached AS MATERIALIZED (
    SELECT n.*, t.first_seen AS span
      FROM point n
      LEFT JOIN LATERAL (
           SELECT t.first_seen
             FROM sighting t
            WHERE t.location_id = n.location_id AND t.chain_id = n.chain_id AND t.role = n.role AND (t.closed_at IS NULL OR t.closed_at >= n.at)
            ORDER BY t.first_seen <= n.at DESC, CASE WHEN t.first_seen <= n.at THEN n.at - t.first_seen ELSE t.first_seen - n.at END
            LIMIT 1) t ON true),
seen AS MATERIALIZED (
    SELECT r.location_id, r.role, r.chain_id, r.run, r.span, min(r.at) AS first_at, max(r.at) AS last_at
      FROM (SELECT n.location_id, n.role, n.chain_id, n.run, n.at, coalesce(n.span, max(n.span) OVER (PARTITION BY n.location_id, n.role, n.chain_id)) AS span FROM reached n) r
     WHERE r.span IS NOT NULL
     GROUP BY r.location_id, r.role, r.chain_id, r.run, r.span),
target AS (
    SELECT n.location_id, n.role, n.chain_id, n.run, n.span, least(s.first_seen, n.first_at) AS first_seen,
           greatest(s.last_seen, n.last_at) AS last_seen, s.ends,
           CASE WHEN s.ends THEN s.absent_run ELSE kept.run END AS absent_run,
           CASE WHEN s.ends THEN s.absent_at ELSE kept.at END AS absent_at
      FROM seen n
     CROSS JOIN LATERAL (
           SELECT t.*, t.closed_at IS NOT NULL
                       AND (t.absent_runs < 3
                            OR (SELECT count(*) FROM unnest(t.absent_at) AS a(at) WHERE a.at > n.last_at) >= 3
                            OR EXISTS (SELECT FROM sighting later
                                        WHERE later.location_id = t.location_id AND later.chain_id = t.chain_id AND later.role = t.role
                                          AND later.first_seen > t.first_seen)) AS ends
             FROM sighting t
            WHERE t.location_id = n.location_id AND t.chain_id = n.chain_id AND t.role = n.role AND t.first_seen = n.span) s
     CROSS JOIN LATERAL (
           SELECT coalesce(array_agg(a.run ORDER BY a.at), '{}') AS run, coalesce(array_agg(a.at ORDER BY a.at), '{}') AS at
             FROM unnest(s.absent_run, s.absent_at) AS a(run, at)
            WHERE a.at > n.last_at AND a.run <> n.run) kept)
UPDATE sighting s
   SET first_seen = t.first_seen, last_seen = t.last_seen, seen_run = CASE WHEN t.last_seen > s.last_seen THEN t.run ELSE s.seen_run END,
       absent_runs = cardinality(t.absent_run), absent_run = t.absent_run, absent_at = t.absent_at,
       closed_at = CASE WHEN t.ends THEN s.closed_at END
  FROM target t
 WHERE s.location_id = t.location_id AND s.chain_id = t.chain_id AND s.role = t.role AND s.first_seen = t.span
   AND (t.first_seen < s.first_seen OR t.last_seen > s.last_seen OR t.absent_run <> s.absent_run OR (s.closed_at IS NOT NULL AND NOT t.ends));

-- A chain that no span of its own reaches begins one.
INSERT INTO sighting (location_id, chain_id, role, first_seen, last_seen, seen_run, source)
SELECT n.location_id, n.chain_id, n.role, n.first_at, n.last_at, n.run, n.source
  FROM (SELECT k.location_id, k.role, k.chain_id, k.run, min(k.first_at) AS first_at, max(k.last_at) AS last_at, min(k.source) AS source
          FROM pg_temp.stage_look k
         WHERE k.kind = 'o' AND k.round = current_setting('certmuster.round')::integer
         GROUP BY k.location_id, k.role, k.chain_id, k.run) n
 WHERE NOT EXISTS (SELECT FROM sighting s
                    WHERE s.location_id = n.location_id AND s.chain_id = n.chain_id AND s.role = n.role
                      AND s.first_seen <= n.last_at AND s.last_seen >= n.last_at)
 ORDER BY n.location_id, n.chain_id, n.role;

-- What arrived late, and so began a span or opened it again, may have been missed by runs that came before it: the first three that looked since are its absences.
WITH late AS MATERIALIZED (
    SELECT s.location_id, s.role, s.chain_id, s.first_seen, s.last_seen, s.seen_run, n.run, s.absent_run, s.absent_at
      FROM (SELECT DISTINCT k.location_id, k.role, k.chain_id, k.run FROM pg_temp.stage_look k
             WHERE k.kind = 'o' AND k.round = current_setting('certmuster.round')::integer) n
      JOIN sighting s ON s.location_id = n.location_id AND s.role = n.role AND s.chain_id = n.chain_id AND coalesce(s.closed_at, 'infinity') = 'infinity'
     WHERE EXISTS (SELECT FROM sighting o
                    WHERE o.location_id = s.location_id AND o.role = s.role AND o.chain_id <> s.chain_id AND o.last_seen > s.last_seen AND o.seen_run IS DISTINCT FROM n.run)),
missed AS (
    SELECT m.location_id, m.role, m.chain_id, m.first_seen, array_agg(m.run ORDER BY m.nth) AS run, array_agg(m.at ORDER BY m.nth) AS at
      FROM (SELECT x.location_id, x.role, x.chain_id, x.first_seen, x.run, min(x.at) AS at,
                   row_number() OVER (PARTITION BY x.location_id, x.role, x.chain_id, x.first_seen ORDER BY min(x.at), x.run) AS nth
              FROM (SELECT l.location_id, l.role, l.chain_id, l.first_seen, y.run, y.at
                      FROM (SELECT array_agg(q.location_id) AS ids, array_agg(q.role) AS roles, array_agg(q.last_seen) AS ats FROM late q) a
                     CROSS JOIN LATERAL looks_since(a.ids, a.roles, a.ats) y
                      JOIN late l ON l.location_id = y.location_id AND l.role = coalesce(y.role, l.role) AND l.last_seen < y.at
                     WHERE y.run <> l.run AND y.run IS DISTINCT FROM l.seen_run
                     UNION ALL
                    SELECT l.location_id, l.role, l.chain_id, l.first_seen, e.run, e.at FROM late l CROSS JOIN LATERAL unnest(l.absent_run, l.absent_at) AS e(run, at)) x
             GROUP BY x.location_id, x.role, x.chain_id, x.first_seen, x.run) m
     WHERE m.nth <= 3
     GROUP BY m.location_id, m.role, m.chain_id, m.first_seen)
UPDATE sighting s
   SET absent_runs = cardinality(m.run), absent_run = m.run, absent_at = m.at, closed_at = m.at[3]
  FROM missed m
 WHERE s.location_id = m.location_id AND s.role = m.role AND s.chain_id = m.chain_id AND s.first_seen = m.first_seen AND cardinality(m.run) > s.absent_runs;

-- Every other open span of the role was missed by this run, if the run looked after the chain was last seen and did not see it in
-- another batch. The third time ends the span. (Openness is asked in a way that keeps the planner off the indexes of open spans by chain:
-- the primary key leads with the place.)
UPDATE sighting s
   SET absent_runs = s.absent_runs + 1, absent_run = s.absent_run || n.run, absent_at = s.absent_at || n.at,
       closed_at = CASE WHEN s.absent_runs + 1 >= 3 THEN (SELECT max(a.at) FROM unnest(s.absent_at || n.at) AS a(at)) END
  FROM (SELECT k.location_id, k.role, k.run, max(k.last_at) AS at, array_agg(DISTINCT k.chain_id) AS chains
          FROM pg_temp.stage_look k
         WHERE k.kind = 'o' AND k.round = current_setting('certmuster.round')::integer
         GROUP BY k.location_id, k.role, k.run) n
  LEFT JOIN pg_temp.stage_fold f ON f.location_id = n.location_id
 WHERE s.location_id = n.location_id AND s.role = n.role AND coalesce(s.closed_at, 'infinity') = 'infinity' AND s.last_seen < n.at
   AND s.chain_id <> ALL (n.chains) AND s.seen_run IS DISTINCT FROM n.run AND n.run <> ALL (s.absent_run)
   AND n.run <> ALL (coalesce(f.runs, '{}'));

-- A place that is gone all the same, since all this was before, has nothing open.
UPDATE sighting s SET closed_at = st.gone_at
  FROM location_state st
 WHERE st.location_id IN (SELECT k.location_id FROM pg_temp.stage_look k) AND st.gone_at IS NOT NULL
   AND s.location_id = st.location_id AND coalesce(s.closed_at, 'infinity') = 'infinity';
