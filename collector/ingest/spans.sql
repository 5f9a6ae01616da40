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

-- A chain that was seen extends a span of its own: the latest that reaches the look, else the next one after it, back to it. Absences
-- before the look are taken back, and with them perhaps the end of the span; but not when the chain has come back in a later span, nor when
-- it was the place that vanished (fewer than three absent runs), for then it is known from the above that it had.
WITH seen AS MATERIALIZED (
    SELECT k.location_id, k.role, k.chain_id, k.run, min(k.first_at) AS first_at, max(k.last_at) AS last_at
      FROM pg_temp.stage_look k
     WHERE k.kind = 'o' AND k.round = current_setting('certmuster.round')::integer
     GROUP BY k.location_id, k.role, k.chain_id, k.run),
target AS (
    SELECT n.location_id, n.role, n.chain_id, n.run, s.first_seen AS span, least(s.first_seen, n.first_at) AS first_seen,
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
            WHERE t.location_id = n.location_id AND t.chain_id = n.chain_id AND t.role = n.role
              AND (t.closed_at IS NULL OR t.closed_at >= n.first_at)
            ORDER BY t.first_seen <= n.last_at DESC,
                     CASE WHEN t.first_seen <= n.last_at THEN n.last_at - t.first_seen ELSE t.first_seen - n.last_at END
            LIMIT 1) s
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

INSERT INTO sighting (location_id, chain_id, role, first_seen, last_seen, seen_run, source)
SELECT n.location_id, n.chain_id, n.role, n.first_at, n.last_at, n.run, n.source
  FROM (SELECT k.location_id, k.role, k.chain_id, k.run, min(k.first_at) AS first_at, max(k.last_at) AS last_at, min(k.source) AS source
          FROM pg_temp.stage_look k
         WHERE k.kind = 'o' AND k.round = current_setting('certmuster.round')::integer
         GROUP BY k.location_id, k.role, k.chain_id, k.run) n
 WHERE NOT EXISTS (SELECT FROM sighting s
                    WHERE s.location_id = n.location_id AND s.chain_id = n.chain_id AND s.role = n.role
                      AND s.first_seen <= n.first_at AND s.last_seen >= n.last_at)
 ORDER BY n.location_id, n.chain_id, n.role;

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
