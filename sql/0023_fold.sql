-- What observation knows of a place is folded into the place's own rows once the place falls silent, not while it goes on being told of: a fleet that is swept every night and does not
-- change is written nowhere but in observation. (Weekly, as in 0017, was a new version of each row a week: a kilobyte of WAL and more, for each place.)

-- The first day of arrival of which something may not be folded yet. Whoever asks when a place was last found as it was asks observation from here on, and the place's rows for what
-- was before.
CREATE FUNCTION observation_unfolded() RETURNS date LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT u.reached[1]::date - 1 FROM upkeep u WHERE u.task = 'fold'), '-infinity')
$$;

-- Begins a round. `reached` of fold_slice: the slice that is next, of how many, the first day that is looked at, and the day on which it began; of fold: the day on which the last round
-- began that came to its end. In slices of the space of ids, each a transaction; how many follows from the size of the table, for which statistics are not needed.
CREATE FUNCTION observation_fold_begin() RETURNS void LANGUAGE sql AS $$
    UPDATE upkeep
       SET done_at = '-infinity',
           reached = ARRAY[0, 1 + pg_relation_size('location_state') / (10 << 20)]::text[]
                     || ARRAY[greatest(observation_unfolded(), (now() AT TIME ZONE 'UTC')::date - 30), (now() AT TIME ZONE 'UTC')::date]::text[]
     WHERE task = 'fold_slice'
$$;

-- Folds the next slice: the places that were not seen on the day when the round began, nor on the day before. What tells of these days arrives on them or later, so that whoever begins there
-- with asking misses nothing; what arrives late is folded by the next round.
DROP FUNCTION observation_fold(integer);
CREATE FUNCTION observation_fold() RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
#variable_conflict use_column
DECLARE
    round    text[] := (SELECT u.reached FROM upkeep u WHERE u.task = 'fold_slice');
    slice    integer := round[1];
    slices   integer := round[2];
    since    date := round[3];
    began    date := round[4];
    -- The slice is what lies behind `low`, up to and with `high`.
    low      uuid := CASE WHEN slice > 0 THEN rpad(lpad(to_hex((65536::bigint * slice / slices)::integer), 4, '0'), 32, '0')::uuid END;
    high     uuid := CASE WHEN slice < slices - 1 THEN rpad(lpad(to_hex((65536::bigint * (slice + 1) / slices)::integer), 4, '0'), 32, '0')::uuid END;
    ids      uuid[];
    oks      timestamptz[];
    failures timestamptz[];
BEGIN
    IF round IS NULL THEN
        RETURN;
    END IF;
    WITH told AS (
        SELECT o.location_id, max(o.at) FILTER (WHERE o.ok) AS ok_at, max(o.at) FILTER (WHERE NOT o.ok) AS failure_at
          FROM (SELECT b.last_at AS at, x.location_id, x.ok
                  FROM (SELECT b.last_at, b.unchanged || '{}'::uuid[] AS unchanged, b.failing || '{}'::uuid[] AS failing
                          FROM observation b
                         WHERE b.day >= since
                        OFFSET 0) b -- the arrays are sorted, and out of TOAST for what follows: see places.sql of the collector
                 CROSS JOIN LATERAL (SELECT unnest(b.unchanged[CASE WHEN low IS NULL THEN 1 ELSE width_bucket(low, b.unchanged) + 1 END :
                                                               CASE WHEN high IS NULL THEN cardinality(b.unchanged) ELSE width_bucket(high, b.unchanged) END]) AS location_id, true AS ok
                                      UNION ALL
                                     SELECT unnest(b.failing[CASE WHEN low IS NULL THEN 1 ELSE width_bucket(low, b.failing) + 1 END :
                                                             CASE WHEN high IS NULL THEN cardinality(b.failing) ELSE width_bucket(high, b.failing) END]), false) x) o
         GROUP BY o.location_id
        HAVING max(o.at) < (began - 1)::timestamp AT TIME ZONE 'UTC')
    SELECT array_agg(t.location_id ORDER BY t.location_id), array_agg(t.ok_at ORDER BY t.location_id), array_agg(t.failure_at ORDER BY t.location_id)
      INTO ids, oks, failures
      FROM told t;
    PERFORM FROM location l WHERE l.location_id = ANY (ids) ORDER BY l.location_id FOR NO KEY UPDATE;
    UPDATE sighting s
       SET last_seen = f.ok_at
      FROM unnest(ids, oks) AS f(location_id, ok_at)
     WHERE s.location_id = f.location_id AND s.closed_at IS NULL AND s.absent_runs = 0 AND s.last_seen < f.ok_at AND s.first_seen <= f.ok_at;
    UPDATE location_state st
       SET last_ok = greatest(st.last_ok, f.ok_at), last_failure = greatest(st.last_failure, f.failure_at)
      FROM unnest(ids, oks, failures) AS f(location_id, ok_at, failure_at)
     WHERE st.location_id = f.location_id AND (st.last_ok < f.ok_at OR st.last_failure < f.failure_at);
    UPDATE upkeep SET reached = CASE WHEN slice + 1 < slices THEN ARRAY[(slice + 1)::text] || round[2:4] END WHERE task = 'fold_slice';
    UPDATE upkeep SET reached = ARRAY[began::text] WHERE task = 'fold' AND slice + 1 >= slices;
END
$$;
UPDATE upkeep SET reached = NULL WHERE task = 'fold_slice';
UPDATE upkeep SET done_at = '-infinity' WHERE task = 'fold';

-- When these places were last found as they were, well or failing, as far as observation knows and their own rows do not. From the newest day back until each was seen on the days that were
-- looked at: nothing that arrived before tells of later. (Of both kinds the later one is enough: what was before a change the place's rows know.) Each array is taken out of TOAST once and
-- searched for all places.
CREATE FUNCTION places_found(ids uuid[]) RETURNS TABLE (location_id uuid, ok_at timestamptz, failure_at timestamptz) LANGUAGE plpgsql STABLE ROWS 100
SET search_path = certmuster, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
#variable_conflict use_column
DECLARE
    today        date := (now() AT TIME ZONE 'UTC')::date;
    since        date := greatest(observation_unfolded(), today - 30);
    until        date := 'infinity';
    day          date := today - 1; -- most were seen since yesterday
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
                         WHERE b.day >= day AND b.day < until
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
        EXIT WHEN day <= since;
        ids := ARRAY(SELECT unnest(ids)
                     EXCEPT
                     SELECT f.id FROM unnest(found, oks, failures) AS f(id, ok_at, failure_at)
                      WHERE greatest(f.ok_at, f.failure_at) >= day::timestamp AT TIME ZONE 'UTC');
        until := day;
        day := day - 1;
    END LOOP;
    RETURN QUERY SELECT f.id, max(f.ok_at), max(f.failure_at) FROM unnest(all_found, all_oks, all_failures) AS f(id, ok_at, failure_at) GROUP BY f.id;
END
$$;
GRANT EXECUTE ON FUNCTION observation_unfolded(), observation_fold_begin(), observation_fold(), places_found(uuid[]) TO certmuster_audit;
