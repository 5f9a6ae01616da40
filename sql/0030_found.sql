-- A variable that has the name of a column stands for the column: places_found() of 0023 read all days where it meant the newest, 30 times as much as it had to.

-- As in 0023: when these places were last found as they were, well or failing, as far as observation knows and their own rows do not. From the newest day back until each was seen on the days
-- that were looked at: nothing that arrived before tells of later. (Of both kinds the later one is enough: what was before a change the place's rows know.)
CREATE OR REPLACE FUNCTION places_found(ids uuid[]) RETURNS TABLE (location_id uuid, ok_at timestamptz, failure_at timestamptz) LANGUAGE plpgsql STABLE ROWS 100
SET search_path = certmuster, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
#variable_conflict use_column
DECLARE
    today        date := (now() AT TIME ZONE 'UTC')::date;
    earliest     date := greatest(observation_unfolded(), today - 30);
    beyond       date := 'infinity';  -- the first day that was looked at
    newest       date := today - 1;   -- most were seen since yesterday
    found        uuid[];
    oks          timestamptz[];
    failures     timestamptz[];
    all_found    uuid[] := '{}';
    all_oks      timestamptz[] := '{}';
    all_failures timestamptz[] := '{}';
BEGIN
    WHILE ids <> '{}' LOOP
        SELECT array_agg(t.location_id), array_agg(t.ok_at), array_agg(t.failure_at)
          INTO found, oks, failures
          FROM (SELECT x.location_id, max(x.at) FILTER (WHERE x.ok) AS ok_at, max(x.at) FILTER (WHERE NOT x.ok) AS failure_at
                  FROM (SELECT b.last_at, b.unchanged || '{}'::uuid[] AS unchanged, b.failing || '{}'::uuid[] AS failing
                          FROM observation b
                         WHERE b.day >= newest AND b.day < beyond
                        OFFSET 0) o
                 CROSS JOIN LATERAL (SELECT p.id AS location_id, o.last_at AS at, true AS ok
                                       FROM unnest(ids) AS p(id)
                                      WHERE o.unchanged[width_bucket(p.id, o.unchanged)] = p.id
                                      UNION ALL
                                     SELECT p.id, o.last_at, false
                                       FROM unnest(CASE WHEN o.failing <> '{}' THEN ids END) AS p(id)
                                      WHERE o.failing[width_bucket(p.id, o.failing)] = p.id) x
                 GROUP BY x.location_id) t;
        all_found := all_found || found;
        all_oks := all_oks || oks;
        all_failures := all_failures || failures;
        EXIT WHEN newest <= earliest;
        ids := ARRAY(SELECT unnest(ids)
                     EXCEPT
                     SELECT f.id FROM unnest(found, oks, failures) AS f(id, ok_at, failure_at)
                      WHERE greatest(f.ok_at, f.failure_at) >= newest::timestamp AT TIME ZONE 'UTC');
        beyond := newest;
        newest := newest - 1;
    END LOOP;
    RETURN QUERY SELECT f.id, max(f.ok_at), max(f.failure_at) FROM unnest(all_found, all_oks, all_failures) AS f(id, ok_at, failure_at) GROUP BY f.id;
END
$$;

-- As in 0026, without a variable that a column hides.
CREATE OR REPLACE FUNCTION places_told(ids uuid[], whats text[], after timestamptz, news pg_snapshot) RETURNS TABLE (location_id uuid, what text, at timestamptz) LANGUAGE plpgsql STABLE
SET search_path = certmuster, pg_temp SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
#variable_conflict use_column
DECLARE
    since  date   := (after AT TIME ZONE 'UTC')::date;
    chains uuid[] := ARRAY(SELECT a.id FROM unnest(ids, whats) AS a(id, what) WHERE a.what = 'certificate');
    files  uuid[] := ARRAY(SELECT l.location_id FROM location l WHERE l.location_id = ANY (chains) AND l.kind = 'file');
BEGIN
    RETURN QUERY SELECT o.location_id, 'certificate'::text, o.at FROM observation_last(chains, false, after, NULL, since, news) o;
    RETURN QUERY SELECT o.location_id, 'certificate'::text, o.at FROM observation_last(files, true, after, NULL, since, news) o;
    RETURN QUERY
    SELECT t.id, t.what, max(t.at)
      FROM (SELECT t.what, t.last_at AS at, unnest(t.places) AS id
              FROM told t
             WHERE t.there AND t.last_at > after AND t.what NOT IN ('failure', 'damage', 'limit') AND t.what = ANY (whats)
               AND (news IS NULL OR (t.stored_in >= pg_snapshot_xmin(news) AND NOT pg_visible_in_snapshot(t.stored_in, news)))) t
     WHERE t.id = ANY (ids)
     GROUP BY t.id, t.what;
END
$$;
