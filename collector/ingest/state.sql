-- What is at the changed places now. Written only where something differs, owners asked only where the chains do.
WITH look AS MATERIALIZED ( -- the latest word on each place, an endpoint record only where there is no other
    SELECT DISTINCT ON (k.location_id) k.*
      FROM pg_temp.stage_look k
     ORDER BY k.location_id, k.kind = 'e', k.last_at DESC, k.kind = 'o' DESC, k.chain_id),
seen AS MATERIALIZED ( -- the latest run that got through; of several chains that it saw always the same one's connection
    SELECT DISTINCT ON (k.location_id) k.location_id, k.last_at, k.source, k.tls, k.starttls, k.file_meta
      FROM pg_temp.stage_look k
     WHERE k.kind <> 'f'
     ORDER BY k.location_id, k.kind = 'e', k.round DESC, k.chain_id, k.last_at DESC),
failed AS MATERIALIZED (
    SELECT k.location_id, max(k.last_at) AS last_at FROM pg_temp.stage_look k WHERE k.kind = 'f' GROUP BY k.location_id),
span AS MATERIALIZED (
    SELECT s.location_id, array_agg(DISTINCT s.chain_id ORDER BY s.chain_id) AS chains, min(ch.earliest_not_after) AS earliest_not_after,
           CASE WHEN max(s.absent_runs) = 0 AND min(s.role) = max(s.role) THEN min(s.role) END AS steady_role
      FROM look
      JOIN sighting s ON s.location_id = look.location_id AND coalesce(s.closed_at, 'infinity') = 'infinity'
      JOIN chain ch ON ch.chain_id = s.chain_id
     GROUP BY s.location_id),
news AS MATERIALIZED (
    SELECT look.location_id, old.location_id IS NULL AS is_new, coalesce(span.chains, '{}') AS chains, span.earliest_not_after, span.steady_role,
           coalesce(span.chains, '{}') IS DISTINCT FROM old.chains AS moved, old.owner,
           fresh.is_latest, look.source, look.scanner, look.run, look.result, look.detail, old.source AS old_source,
           old.scanner AS old_scanner, old.last_run, old.last_result, old.last_detail,
           greatest(old.last_ok, fold.ok_at, seen.last_at) AS last_ok, greatest(old.last_failure, fold.failure_at, failed.last_at) AS last_failure,
           keep.tls AS keeps_tls, seen.tls, seen.starttls, seen.file_meta, old.tls AS old_tls, old.starttls AS old_starttls,
           old.file_meta AS old_file_meta, old.last_ok AS old_ok, old.last_failure AS old_failure,
           old.earliest_not_after AS old_earliest, old.steady_role AS old_steady
      FROM look
      LEFT JOIN span ON span.location_id = look.location_id
      LEFT JOIN seen ON seen.location_id = look.location_id
      LEFT JOIN failed ON failed.location_id = look.location_id
      LEFT JOIN location_state old ON old.location_id = look.location_id
      LEFT JOIN pg_temp.stage_fold fold ON fold.location_id = look.location_id
     CROSS JOIN LATERAL ( -- a late arrival does not overrule what came after it; an endpoint record overrules nothing
           SELECT (greatest(old.last_ok, old.last_failure, fold.ok_at, fold.failure_at) IS NULL
                   OR look.last_at >= greatest(old.last_ok, old.last_failure, fold.ok_at, fold.failure_at))
                  AND (look.kind <> 'e' OR old.last_result IS NULL OR old.last_result = '') AS is_latest) fresh
     CROSS JOIN LATERAL ( -- nor does what a reader of packets sees of TLS overrule what a scan asked for
           SELECT seen.location_id IS NULL OR seen.last_at < old.last_ok
                  OR (seen.source = 'watch' AND old.source <> 'watch' AND old.last_ok IS NOT NULL) AS tls) keep),
final AS MATERIALIZED (
    SELECT n.location_id, n.is_new, n.moved, n.chains, n.steady_role, n.earliest_not_after, n.owner,
           CASE WHEN n.is_new OR (n.is_latest AND NOT coalesce(n.keeps_tls, false)) THEN n.source ELSE n.old_source END AS source,
           CASE WHEN n.is_new OR n.is_latest THEN n.scanner ELSE n.old_scanner END AS scanner,
           CASE WHEN n.is_new OR n.is_latest THEN n.run ELSE n.last_run END AS last_run,
           CASE WHEN n.is_new OR n.is_latest THEN n.result ELSE n.last_result END AS last_result,
           CASE WHEN n.is_new OR n.is_latest THEN n.detail ELSE n.last_detail END AS last_detail,
           n.last_ok, n.last_failure,
           CASE WHEN n.keeps_tls THEN n.old_tls ELSE n.tls END AS tls,
           CASE WHEN n.keeps_tls THEN n.old_starttls ELSE n.starttls END AS starttls,
           CASE WHEN n.keeps_tls THEN n.old_file_meta ELSE n.file_meta END AS file_meta
      FROM news n
     WHERE n.is_new OR n.moved OR n.earliest_not_after IS DISTINCT FROM n.old_earliest OR n.steady_role IS DISTINCT FROM n.old_steady
        OR n.last_ok IS DISTINCT FROM n.old_ok OR n.last_failure IS DISTINCT FROM n.old_failure
        OR (n.is_latest AND n.result <> n.last_result)
        OR (NOT coalesce(n.keeps_tls, false) AND (n.tls IS DISTINCT FROM n.old_tls OR n.starttls IS DISTINCT FROM n.old_starttls
                                                  OR n.file_meta IS DISTINCT FROM n.old_file_meta)))
INSERT INTO location_state AS st (location_id, chains, steady_role, earliest_not_after, owner, source, scanner, last_run, last_result, last_detail,
                                  last_ok, last_failure, starttls, tls, file_meta, digest, digest_at)
SELECT n.location_id, n.chains, n.steady_role, n.earliest_not_after,
       CASE WHEN n.is_new OR n.moved THEN o.owner ELSE n.owner END, n.source, n.scanner, n.last_run, n.last_result, n.last_detail,
       n.last_ok, n.last_failure, n.starttls, n.tls, n.file_meta, p.digest, CASE WHEN p.kind = 'f' THEN n.last_failure ELSE n.last_ok END
  FROM final n
  LEFT JOIN pg_temp.stage_place p -- only where it says what is so now, as in compare.sql; else the next look is compared
         ON p.location_id = n.location_id
        AND CASE p.kind
            WHEN 'o' THEN n.last_result = 'ok' AND n.steady_role = p.role AND n.chains = p.chains AND n.tls IS NOT DISTINCT FROM p.tls
                          AND n.starttls IS NOT DISTINCT FROM p.starttls AND n.file_meta IS NOT DISTINCT FROM p.file_meta
            WHEN 'f' THEN n.last_result = p.result
            WHEN 'e' THEN n.last_result = '' AND n.tls IS NOT DISTINCT FROM p.tls
            END
  LEFT JOIN owners_of((SELECT coalesce(array_agg(m.location_id), '{}')
                         FROM final m
                        WHERE (m.is_new OR m.moved) AND EXISTS (SELECT FROM owner_rule))) o ON o.location_id = n.location_id
 ORDER BY n.location_id
ON CONFLICT (location_id) DO UPDATE
   SET chains = excluded.chains, steady_role = excluded.steady_role, earliest_not_after = excluded.earliest_not_after, owner = excluded.owner,
       source = excluded.source, scanner = excluded.scanner, last_run = excluded.last_run, last_result = excluded.last_result,
       last_detail = excluded.last_detail, last_ok = excluded.last_ok, last_failure = excluded.last_failure,
       starttls = excluded.starttls, tls = excluded.tls, file_meta = excluded.file_meta, digest = excluded.digest, digest_at = excluded.digest_at;

-- "When a span with it was last written", to the day: an intermediate that a million chains share is not written a million times. And it is there (again).
UPDATE certificate c SET first_seen = least(c.first_seen, n.first_at), last_seen = greatest(c.last_seen, n.last_at), retired_at = NULL, superseded_at = NULL
  FROM (SELECT f.sha256, min(k.first_at) AS first_at, max(k.last_at) AS last_at
          FROM pg_temp.stage_look k
          JOIN pg_temp.stage_chain s ON s.chain_id = k.chain_id
         CROSS JOIN LATERAL unnest(s.fingerprints) AS f(sha256)
         GROUP BY f.sha256) n
 WHERE c.sha256 = n.sha256 AND (n.first_at < c.first_seen OR n.last_at > c.last_seen + interval '1 day' OR c.retired_at IS NOT NULL OR c.superseded_at IS NOT NULL);
