-- What arrives late is no news: that a chain was away from a place since is known from the runs that came before it.

-- The runs that looked at a place after a time and saw something in that role, as far as spans and observation tell; of observation, which knows of no roles (NULL), the first three: they
-- are enough to end a span.
CREATE FUNCTION looks_since(ids uuid[], roles text[], ats timestamptz[]) RETURNS TABLE (location_id uuid, role text, run uuid, at timestamptz) LANGUAGE plpgsql STABLE STRICT ROWS 100
SET search_path = certmuster, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
#variable_conflict use_column
DECLARE
    earliest timestamptz := (SELECT min(a.at) FROM unnest(ats) AS a(at));
    next_day date := (earliest AT TIME ZONE 'UTC')::date;
    asked    uuid[] := ids; -- of which fewer than three runs are found
    since    timestamptz[] := ats;
    found    uuid[] := '{}';
    runs     uuid[] := '{}';
    times    timestamptz[] := '{}';
BEGIN
    -- (Of a span that began before it is known when its run began, not when it looked.)
    RETURN QUERY
    SELECT s.location_id, s.role, s.seen_run, CASE WHEN s.first_seen > a.at THEN s.first_seen ELSE s.last_seen END
      FROM unnest(ids, roles, ats) AS a(id, role, at)
      JOIN sighting s ON s.location_id = a.id AND s.role = a.role
     WHERE s.seen_run IS NOT NULL AND s.last_seen > a.at
       AND (s.first_seen > a.at OR EXISTS (SELECT FROM run r WHERE r.run = s.seen_run AND r.started_at > a.at));
    RETURN QUERY
    SELECT s.location_id, s.role, e.run, e.at
      FROM unnest(ids, roles, ats) AS a(id, role, at)
      JOIN sighting s ON s.location_id = a.id AND s.role = a.role
     CROSS JOIN LATERAL unnest(s.absent_run, s.absent_at) AS e(run, at)
     WHERE e.at > a.at;
    WHILE asked <> '{}' LOOP
        next_day := (SELECT min(b.day) FROM observation b WHERE b.day >= next_day);
        EXIT WHEN next_day IS NULL;
        SELECT found || coalesce(array_agg(t.id), '{}'), runs || coalesce(array_agg(t.run), '{}'), times || coalesce(array_agg(t.at), '{}')
          INTO found, runs, times
          FROM (SELECT p.id, o.run, min(o.last_at) AS at
                  FROM (SELECT b.run, b.first_at, b.last_at, b.unchanged || '{}'::uuid[] AS unchanged -- out of TOAST while it is searched
                          FROM observation b
                         WHERE b.day = next_day AND b.first_at > earliest
                        OFFSET 0) o
                 CROSS JOIN LATERAL (SELECT p.id FROM unnest(asked, since) AS p(id, at) WHERE p.at < o.first_at AND o.unchanged[width_bucket(p.id, o.unchanged)] = p.id) p
                 GROUP BY p.id, o.run) t;
        SELECT coalesce(array_agg(a.id), '{}'), coalesce(array_agg(a.at), '{}')
          INTO asked, since
          FROM unnest(asked, since) AS a(id, at)
         WHERE a.id NOT IN (SELECT f.id FROM unnest(found, runs) AS f(id, run) GROUP BY f.id HAVING count(DISTINCT f.run) >= 3);
        next_day := next_day + 1;
    END LOOP;
    RETURN QUERY SELECT f.id, NULL::text, f.run, f.at FROM unnest(found, runs, times) AS f(id, run, at);
END
$$;
GRANT EXECUTE ON FUNCTION looks_since(uuid[], text[], timestamptz[]) TO certmuster_audit;
