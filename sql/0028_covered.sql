-- Whose word it is that a file is not there: of the scanner that told of it last. Realms are of networks, and any scanner of one may say that it covered a host: of what it never told of it knows nothing.
-- A scanner that is disabled or was not heard of for a week has nothing to keep: whoever crawls in its stead (it was renamed, or another took over) is believed.

-- Of these things at files the ones that another scanner told of last before that run began; of what no crawl told in the last four weeks, those that
-- its state names another one for, else those of hosts that another one covered first.
CREATE FUNCTION places_of_others(which uuid, ids uuid[], whats text[]) RETURNS TABLE (location_id uuid, what text) LANGUAGE plpgsql STABLE
SET search_path = certmuster, pg_temp SET work_mem = '64MB' AS $$
#variable_conflict use_column
DECLARE
    mine   run := (SELECT r FROM run r WHERE r.run = which);
    others text[] := ARRAY(SELECT s.name FROM scanner s WHERE s.name <> mine.scanner AND NOT s.disabled AND s.last_seen > now() - interval '7 days');
BEGIN
    IF others = '{}' OR ids IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT a.location_id, a.what, l.realm, l.host
          FROM (SELECT DISTINCT * FROM unnest(ids, whats)) AS a(location_id, what)
          JOIN location l ON l.location_id = a.location_id AND l.kind = 'file'),
    looked AS MATERIALIZED ( -- at hosts where another one did, too
        SELECT h.realm, h.host, r.run, r.scanner, r.started_at
          FROM (SELECT DISTINCT a.realm, a.host FROM asked a) h
          JOIN run r ON r.covered->>'host' = h.host AND r.covered->>'realm' = h.realm AND r.started_at < mine.started_at
         WHERE EXISTS (SELECT FROM run o
                        WHERE o.covered->>'host' = h.host AND o.covered->>'realm' = h.realm AND o.started_at < mine.started_at AND o.scanner = ANY (others))),
    told AS MATERIALIZED (
        SELECT DISTINCT ON (a.location_id, a.what) a.location_id, a.what, t.scanner
          FROM (SELECT unnest(o.unchanged) AS location_id, 'certificate' AS what, k.scanner, k.started_at
                  FROM looked k JOIN observation o ON o.run = k.run
                 WHERE k.started_at > mine.started_at - interval '28 days'
                 UNION ALL
                SELECT unnest(t.places), CASE WHEN t.what IN ('failure', 'damage', 'limit') THEN 'certificate' ELSE t.what END, k.scanner, k.started_at
                  FROM looked k JOIN told t ON t.run = k.run AND t.there
                 WHERE k.started_at > mine.started_at - interval '28 days') t
          JOIN asked a ON a.location_id = t.location_id AND a.what = t.what
         ORDER BY a.location_id, a.what, t.started_at DESC)
    SELECT a.location_id, a.what
      FROM asked a
      LEFT JOIN told t ON t.location_id = a.location_id AND t.what = a.what
      LEFT JOIN location_state st ON st.location_id = a.location_id AND a.what = 'certificate' AND st.last_result <> 'open:not_found'
      LEFT JOIN (SELECT DISTINCT ON (k.realm, k.host) k.realm, k.host, k.scanner
                   FROM looked k
                  WHERE k.scanner = mine.scanner OR k.scanner = ANY (others)
                  ORDER BY k.realm, k.host, k.started_at) first ON first.realm = a.realm AND first.host = a.host
     WHERE coalesce(t.scanner, st.scanner, first.scanner) = ANY (others);
END
$$;

-- Of what a crawl did not tell, what it has a word on.
ALTER FUNCTION crawl_missed(uuid) RENAME TO crawl_not_told;
CREATE FUNCTION crawl_missed(which uuid) RETURNS TABLE (location_id uuid, what text) LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
DECLARE
    ids uuid[];
    whats text[];
BEGIN
    SELECT array_agg(m.location_id), array_agg(m.what) INTO ids, whats FROM crawl_not_told(which) m;
    RETURN QUERY SELECT u.location_id, u.what FROM unnest(ids, whats) AS u(location_id, what) EXCEPT SELECT o.location_id, o.what FROM places_of_others(which, ids, whats) o;
END
$$;

-- The same of files that a run says it was asked for and did not find. What was found missing when they were taken before is found anew: the keeper may have changed.
ALTER FUNCTION absences_take(uuid) RENAME TO absences_count;
CREATE FUNCTION absences_take(which uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    others uuid[];
BEGIN
    DELETE FROM told t WHERE t.run = which AND t.batch_key = '' AND NOT t.there;
    SELECT array_agg(o.location_id) INTO others
      FROM (SELECT array_agg(l.location_id) AS ids, array_agg('certificate'::text) AS whats
              FROM told t CROSS JOIN LATERAL unnest(t.places) AS p(location_id) JOIN location l ON l.location_id = p.location_id AND l.kind = 'file'
             WHERE t.run = which AND NOT t.there AND t.what = 'certificate') f
     CROSS JOIN LATERAL places_of_others(which, f.ids, f.whats) o;
    UPDATE told t SET places = ARRAY(SELECT unnest(t.places) EXCEPT SELECT unnest(others))
     WHERE t.run = which AND NOT t.there AND t.what = 'certificate' AND t.places && others;
    PERFORM absences_count(which);
END
$$;

GRANT EXECUTE ON FUNCTION places_of_others(uuid, uuid[], text[]), crawl_missed(uuid), absences_take(uuid) TO certmuster_audit;
