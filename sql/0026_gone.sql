-- Marking what vanished costs as much for a place whether few or many vanish with it, and nothing when nothing is new. Before, each batch was searched for each place; and whoever
-- was marked within the last ten minutes was asked for again in every round.
--
-- What a round has to go on with stands in upkeep, `reached` of the task gone: a snapshot; how many absences are needed; the place and thing behind which it goes on to look for who
-- has so many, or nothing when all were looked at since the last absence was taken. All that was stored by transactions that this snapshot sees has been asked for the places that are marked.

-- By which transaction a row was stored; NULL: before this step.
ALTER TABLE observation ADD COLUMN stored_in xid8;
ALTER TABLE observation ALTER COLUMN stored_in SET DEFAULT pg_current_xact_id();
CREATE INDEX observation_stored_in ON observation (stored_in);
ALTER TABLE told ADD COLUMN stored_in xid8;
ALTER TABLE told ALTER COLUMN stored_in SET DEFAULT pg_current_xact_id();
CREATE INDEX told_stored_in ON told (stored_in);

UPDATE upkeep SET reached = ARRAY[pg_current_snapshot()::text, '', '00000000-0000-0000-0000-000000000000', ''] WHERE task = 'gone';
UPDATE upkeep SET done_at = '-infinity', reached = NULL WHERE task = 'absences';

-- --- Asking what batches told -------------------------------------------------------------------------------------------------------------

-- When batches last told of these places that they are as they were (failing: that they fail as before), between `after` and, of each, `until` (NULL: at any time); of batches that arrived
-- since a day; `news`: of those alone that this snapshot does not see. A few places are searched for in each batch, its arrays being sorted (see places.sql of the collector for the form
-- of this); of many all that was told is read once and looked up among them: `= ANY` of a constant is looked up by hash, which is why the plan is made anew each time.
CREATE FUNCTION observation_last(ids uuid[], failing boolean, after timestamptz, until timestamptz[], since date, news pg_snapshot)
RETURNS TABLE (location_id uuid, at timestamptz) LANGUAGE plpgsql STABLE
SET search_path = certmuster, pg_temp SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_hashjoin = on SET enable_nestloop = off SET enable_mergejoin = off
SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
#variable_conflict use_column
BEGIN
    IF cardinality(ids) <= 400 THEN
        RETURN QUERY
        SELECT p.id, max(o.at)
          FROM (SELECT b.last_at AS at, CASE WHEN observation_last.failing THEN b.failing ELSE b.unchanged END || '{}'::uuid[] AS places
                  FROM observation b
                 WHERE b.day >= since AND b.last_at > after AND (NOT observation_last.failing OR b.failing <> '{}')
                   AND (news IS NULL OR (b.stored_in >= pg_snapshot_xmin(news) AND NOT pg_visible_in_snapshot(b.stored_in, news)))
                OFFSET 0) o
          JOIN unnest(ids, until) AS p(id, until) ON o.places[width_bucket(p.id, o.places)] = p.id
         WHERE p.until IS NULL OR o.at < p.until
         GROUP BY p.id;
    ELSIF cardinality(ids) > 400 THEN
        RETURN QUERY
        SELECT o.id, max(o.at)
          FROM (SELECT t.id, t.at
                  FROM (SELECT b.last_at AS at, unnest(CASE WHEN observation_last.failing THEN b.failing ELSE b.unchanged END) AS id
                          FROM observation b
                         WHERE b.day >= since AND b.last_at > after AND (NOT observation_last.failing OR b.failing <> '{}')
                           AND (news IS NULL OR (b.stored_in >= pg_snapshot_xmin(news) AND NOT pg_visible_in_snapshot(b.stored_in, news)))) t
                 WHERE t.id = ANY (ids)
                OFFSET 0) o
          JOIN unnest(ids, until) AS p(id, until) ON p.id = o.id
         WHERE p.until IS NULL OR o.at < p.until
         GROUP BY o.id;
    END IF;
END
$$;

-- When batches told of these last, as far as that is later than `after`.
CREATE FUNCTION places_told(ids uuid[], whats text[], after timestamptz, news pg_snapshot) RETURNS TABLE (location_id uuid, what text, at timestamptz) LANGUAGE plpgsql STABLE
SET search_path = certmuster, pg_temp SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
#variable_conflict use_column
DECLARE
    since  date   := (after AT TIME ZONE 'UTC')::date;
    places uuid[] := ARRAY(SELECT a.id FROM unnest(ids, whats) AS a(id, what) WHERE a.what = 'certificate');
    files  uuid[] := ARRAY(SELECT l.location_id FROM location l WHERE l.location_id = ANY (places) AND l.kind = 'file');
BEGIN
    RETURN QUERY SELECT o.location_id, 'certificate'::text, o.at FROM observation_last(places, false, after, NULL, since, news) o;
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

-- When these were last seen, as their own rows say.
CREATE FUNCTION places_own(ids uuid[], whats text[]) RETURNS TABLE (location_id uuid, what text, at timestamptz) LANGUAGE sql STABLE
SET search_path = certmuster, pg_temp SET enable_nestloop = on SET enable_material = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
    SELECT st.location_id, 'certificate', greatest(st.last_ok, CASE WHEN l.kind = 'file' AND st.last_result <> 'open:not_found' THEN st.last_failure END)
      FROM location_state st JOIN location l ON l.location_id = st.location_id
     WHERE st.location_id = ANY (ARRAY(SELECT a.id FROM unnest(ids, whats) AS a(id, what) WHERE a.what = 'certificate'))
     UNION ALL
    SELECT k.location_id, 'key', k.last_seen FROM key_file k WHERE k.location_id = ANY (ARRAY(SELECT a.id FROM unnest(ids, whats) AS a(id, what) WHERE a.what = 'key'))
     UNION ALL
    SELECT k.location_id, 'store', k.last_seen FROM store k WHERE k.location_id = ANY (ARRAY(SELECT a.id FROM unnest(ids, whats) AS a(id, what) WHERE a.what = 'store'))
     UNION ALL
    SELECT k.location_id, 'csr', k.last_seen FROM csr k WHERE k.location_id = ANY (ARRAY(SELECT a.id FROM unnest(ids, whats) AS a(id, what) WHERE a.what = 'csr'))
     UNION ALL
    SELECT k.location_id, 'crl', k.last_seen FROM crl k WHERE k.location_id = ANY (ARRAY(SELECT a.id FROM unnest(ids, whats) AS a(id, what) WHERE a.what = 'crl'))
     UNION ALL
    SELECT k.location_id, 'ssh_certificate', k.last_seen
      FROM ssh_certificate k WHERE k.location_id = ANY (ARRAY(SELECT a.id FROM unnest(ids, whats) AS a(id, what) WHERE a.what = 'ssh_certificate'))
$$;
DROP FUNCTION places_last_seen(uuid[], text[], timestamptz);

-- --- Gone ---------------------------------------------------------------------------------------------------------------------------------

-- As in 0015, but who is next stands behind a place and thing, and what batches told is asked before the places are locked; under the lock only for what was told meanwhile.
DROP FUNCTION absences_mark(integer, integer);
CREATE FUNCTION absences_mark(needed integer, most integer, after_id uuid, after_what text, OUT marked integer, OUT next_id uuid, OUT next_what text) LANGUAGE plpgsql
SET search_path = certmuster, pg_temp SET enable_nestloop = on SET enable_material = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
DECLARE
    ids uuid[];
    whats text[];
    earliest timestamptz;
    before pg_snapshot;
BEGIN
    marked := 0;
    SELECT array_agg(c.location_id), array_agg(c.what), min(c.since) INTO ids, whats, earliest
      FROM (SELECT a.location_id, a.what, min(a.at) AS since
              FROM place_absence a
             WHERE (a.location_id, a.what) > (after_id, after_what)
             GROUP BY a.location_id, a.what
            HAVING count(*) >= needed OR EXISTS (SELECT FROM place_gone g WHERE g.location_id = a.location_id AND g.what = a.what OFFSET 0)
             ORDER BY 1, 2
             LIMIT most) c;
    IF ids IS NULL THEN
        RETURN;
    END IF;
    IF cardinality(ids) = most THEN
        next_id := ids[most];
        next_what := whats[most];
    END IF;
    before := pg_current_snapshot();
    DELETE FROM place_absence a USING places_told(ids, whats, earliest, NULL) s WHERE a.location_id = s.location_id AND a.what = s.what AND a.at <= s.at;
    -- As ingest does: a place belongs to one at a time.
    PERFORM FROM location l WHERE l.location_id = ANY (ids) ORDER BY l.location_id FOR NO KEY UPDATE;
    DELETE FROM place_absence a USING places_told(ids, whats, earliest, before) s WHERE a.location_id = s.location_id AND a.what = s.what AND a.at <= s.at;
    DELETE FROM place_absence a USING places_own(ids, whats) s WHERE a.location_id = s.location_id AND a.what = s.what AND a.at <= s.at;
    WITH every AS (
        SELECT u.location_id, u.what, u.look, min(u.at) AS at
          FROM (SELECT a.location_id, a.what, a.look, a.at
                  FROM place_absence a JOIN unnest(ids, whats) AS c(location_id, what) ON a.location_id = c.location_id AND a.what = c.what
                 UNION ALL
                SELECT g.location_id, g.what, e.look, e.at
                  FROM place_gone g JOIN unnest(ids, whats) AS c(location_id, what) ON g.location_id = c.location_id AND g.what = c.what
                 CROSS JOIN LATERAL unnest(g.looks, g.ats) AS e(look, at)) u
         GROUP BY u.location_id, u.what, u.look),
    first AS (
        SELECT r.location_id, r.what, array_agg(r.look ORDER BY r.at, r.look) AS looks, array_agg(r.at ORDER BY r.at, r.look) AS ats
          FROM (SELECT e.*, row_number() OVER (PARTITION BY e.location_id, e.what ORDER BY e.at, e.look) AS rank FROM every e) r
         WHERE r.rank <= needed
         GROUP BY r.location_id, r.what
        HAVING count(*) = needed),
    gone AS (
        INSERT INTO place_gone AS g (location_id, what, looks, ats, since, gone_at, marked_at)
        SELECT f.location_id, f.what, f.looks, f.ats, f.ats[1], f.ats[needed], now() FROM first f ORDER BY 1, 2
        ON CONFLICT (location_id, what) DO UPDATE
           SET looks = excluded.looks, ats = excluded.ats, since = excluded.since, gone_at = excluded.gone_at, marked_at = excluded.marked_at
        RETURNING g.location_id, g.what)
    SELECT array_agg(g.location_id), array_agg(g.what), count(*) INTO ids, whats, marked FROM gone g;
    IF marked > 0 THEN
        DELETE FROM place_absence a USING unnest(ids, whats) AS g(location_id, what) WHERE a.location_id = g.location_id AND a.what = g.what;
        PERFORM places_close(ids, whats);
    END IF;
END
$$;

-- As in 0015, but of batches only those are asked that may tell what the places' own rows do not (0023).
CREATE OR REPLACE FUNCTION places_close(ids uuid[], whats text[]) RETURNS void LANGUAGE plpgsql
SET search_path = certmuster, pg_temp SET enable_nestloop = on SET enable_material = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
DECLARE
    places uuid[];
    goes   timestamptz[];
    befores timestamptz[]; -- gone_at of what is dated anew
    lasts  timestamptz[]; -- when a batch told of it, before it was missed
    sinces timestamptz[];
BEGIN
    SELECT array_agg(g.location_id ORDER BY g.location_id), array_agg(g.since ORDER BY g.location_id)
      INTO places, sinces
      FROM unnest(ids, whats) AS c(location_id, what)
      JOIN place_gone g ON g.location_id = c.location_id AND g.what = c.what
     WHERE g.what = 'certificate';
    IF places IS NULL THEN
        RETURN;
    END IF;
    SELECT array_agg(st.location_id), array_agg(g.gone_at), array_agg(st.gone_at), array_agg(t.at)
      INTO places, goes, befores, lasts
      FROM (SELECT p.id, max(p.at) AS at
              FROM (SELECT unnest(places) AS id, NULL::timestamptz AS at
                     UNION ALL
                    SELECT o.location_id, o.at FROM observation_last(places, false, '-infinity', sinces, observation_unfolded(), NULL) o) p
             GROUP BY p.id) t
      JOIN place_gone g ON g.location_id = t.id AND g.what = 'certificate'
      JOIN location_state st ON st.location_id = t.id;
    UPDATE sighting s
       SET closed_at = g.gone_at,
           last_seen = CASE WHEN s.absent_runs = 0 AND s.first_seen <= g.at THEN greatest(s.last_seen, g.at) ELSE s.last_seen END
      FROM unnest(places, goes, befores, lasts) AS g(location_id, gone_at, before, at)
     WHERE s.location_id = g.location_id AND (s.closed_at IS NULL OR (s.closed_at = g.before AND s.absent_runs < 3));
    UPDATE location_state st
       SET gone_at = g.gone_at, chains = '{}', steady_role = NULL, earliest_not_after = NULL, last_ok = greatest(st.last_ok, g.at), digest = NULL
      FROM unnest(places, goes, lasts) AS g(location_id, gone_at, at)
     WHERE st.location_id = g.location_id;
END
$$;

-- What a run missed is taken by indexes, whatever the server knows of the tables; what a crawl did not tell of is a matter of whole tables.
ALTER FUNCTION absences_take(uuid) SET enable_nestloop = on SET enable_material = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET max_parallel_workers_per_gather = 0 SET jit = off;
ALTER FUNCTION crawl_missed(uuid) SET enable_nestloop = on SET enable_material = on SET enable_seqscan = on SET enable_hashjoin = on SET enable_mergejoin = on;

-- --- Turns --------------------------------------------------------------------------------------------------------------------------------

-- Who was marked while a batch was under way that had found it as it was: those are there again. Asked are batches that `news` does not see, each once, however late it was committed; and of
-- what is marked only what was within the quarter of an hour (a round takes ten minutes at most) before the first of them arrived, or later, for else the batch had known. Answers whether
-- there were any.
CREATE FUNCTION gone_again(news pg_snapshot) RETURNS boolean LANGUAGE plpgsql
SET search_path = certmuster, pg_temp SET enable_nestloop = on SET enable_material = off SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET max_parallel_workers_per_gather = 0 SET jit = off
SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    arrived timestamptz;
    keys    bigint;
    ids     uuid[];
    whats   text[];
    ats     timestamptz[];
BEGIN
    SELECT count(*), min(coalesce((SELECT min(b.received_at) FROM batch b WHERE b.batch_key IN (n.batch_key, regexp_replace(n.batch_key, '#[0-9]+$', ''))), '-infinity'))
      INTO keys, arrived
      FROM (SELECT o.batch_key FROM observation o WHERE o.day >= (now() AT TIME ZONE 'UTC')::date - 2 AND o.stored_in >= pg_snapshot_xmin(news) AND NOT pg_visible_in_snapshot(o.stored_in, news)
             UNION
            SELECT t.batch_key FROM told t WHERE t.stored_in >= pg_snapshot_xmin(news) AND NOT pg_visible_in_snapshot(t.stored_in, news) AND t.there) n;
    IF keys = 0 OR NOT EXISTS (SELECT FROM place_gone g WHERE g.marked_at > arrived - interval '15 minutes') THEN
        RETURN keys > 0;
    END IF;
    SELECT array_agg(x.location_id), array_agg(x.what), array_agg(x.at) INTO ids, whats, ats
      FROM (SELECT g.location_id, g.what, max(n.at) AS at
              FROM (SELECT 'certificate' AS what, o.last_at AS at, unnest(o.unchanged) AS id, false AS failing
                      FROM observation o WHERE o.day >= (now() AT TIME ZONE 'UTC')::date - 2 AND o.stored_in >= pg_snapshot_xmin(news) AND NOT pg_visible_in_snapshot(o.stored_in, news)
                     UNION ALL
                    SELECT 'certificate', o.last_at, unnest(o.failing), true
                      FROM observation o WHERE o.day >= (now() AT TIME ZONE 'UTC')::date - 2 AND o.stored_in >= pg_snapshot_xmin(news) AND NOT pg_visible_in_snapshot(o.stored_in, news)
                     UNION ALL
                    SELECT t.what, t.last_at, unnest(t.places), false
                      FROM told t WHERE t.stored_in >= pg_snapshot_xmin(news) AND NOT pg_visible_in_snapshot(t.stored_in, news)
                       AND t.there AND t.what NOT IN ('failure', 'damage', 'limit')) n
              JOIN place_gone g ON g.location_id = n.id AND g.what = n.what AND g.since <= n.at AND g.marked_at > arrived - interval '15 minutes'
              JOIN location l ON l.location_id = g.location_id AND (l.kind = 'file' OR NOT n.failing)
             GROUP BY g.location_id, g.what) x;
    IF ids IS NOT NULL THEN
        PERFORM FROM location l WHERE l.location_id = ANY (ids) ORDER BY l.location_id FOR NO KEY UPDATE;
        PERFORM places_seen(ids, whats, ats, true);
        PERFORM places_renew(ids);
    END IF;
    RETURN true;
END
$$;

-- What one collector does every few seconds: takes back marks that a batch speaks against, takes the absences of runs that have become whole, and marks at most 5,000 places. Runs
-- that are not whole are asked again, but for what is older than observation and told are kept for sure.
CREATE OR REPLACE FUNCTION gone_round(needed integer, OUT runs integer, OUT gone integer) LANGUAGE plpgsql AS $$
DECLARE
    state   text[] := (SELECT u.reached FROM upkeep u WHERE u.task = 'gone' FOR UPDATE);
    now_at  pg_snapshot := pg_current_snapshot(); -- before anything is asked
    news    pg_snapshot := state[1];
    next_id uuid := state[3];
    next_what text := state[4];
    which   uuid;
    again   boolean;
BEGIN
    runs := 0;
    gone := 0;
    -- Of another server, from which this inventory was restored: whatever it had under way did not come along.
    IF news IS NULL OR pg_snapshot_xmax(news) > pg_snapshot_xmax(now_at) THEN
        news := now_at;
    END IF;
    again := gone_again(news);
    FOR which IN SELECT r.run FROM run r
                  WHERE r.finished_at IS NOT NULL AND NOT r.absences_taken AND r.started_at > now() - interval '28 days' AND run_whole(r)
                  ORDER BY r.finished_at LIMIT 100 LOOP
        PERFORM absences_take(which);
        runs := runs + 1;
    END LOOP;
    IF runs > 0 OR state IS NULL OR state[2] <> needed::text THEN
        next_id := '00000000-0000-0000-0000-000000000000';
        next_what := '';
    END IF;
    IF next_id IS NOT NULL THEN
        SELECT m.marked, m.next_id, m.next_what INTO gone, next_id, next_what FROM absences_mark(needed, 5000, next_id, next_what) m;
    END IF;
    IF again OR gone > 0 OR (news::text, needed::text, next_id::text, next_what) IS DISTINCT FROM (state[1], state[2], state[3], state[4]) THEN
        UPDATE upkeep u SET reached = ARRAY[now_at::text, needed::text, next_id::text, next_what] WHERE u.task = 'gone';
    END IF;
END
$$;

-- Hourly, what was missed and has been seen since: batch for batch, from the one in `reached` (day and key) on, as many at a time as tell of a million places; in the end what no batch
-- tells, runs that nobody will bring to their end, and what is older than 30 days. Answers whether more is left, which the task then comes back for at once.
DROP FUNCTION absences_tidy();
CREATE FUNCTION absences_tidy() RETURNS boolean LANGUAGE plpgsql
SET search_path = certmuster, pg_temp SET work_mem = '64MB' SET enable_hashjoin = on SET enable_nestloop = off SET enable_mergejoin = off SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
DECLARE
    behind text[] := (SELECT u.reached FROM upkeep u WHERE u.task = 'absences' FOR UPDATE);
    ahead  text[];
    ids    uuid[];
    whats  text[];
BEGIN
    IF behind IS NULL THEN
        SELECT ARRAY[coalesce((min(a.at) AT TIME ZONE 'UTC')::date, 'infinity')::text, ''] INTO behind FROM place_absence a WHERE a.what = 'certificate';
    END IF;
    SELECT ARRAY[o.day::text, o.batch_key] INTO ahead
      FROM (SELECT b.day, b.batch_key,
                   sum(pg_column_size(b.unchanged) + pg_column_size(b.failing)) OVER (ORDER BY b.day, b.batch_key) - pg_column_size(b.unchanged) - pg_column_size(b.failing) AS bytes
              FROM observation b
             WHERE b.day >= behind[1]::date AND (b.day, b.batch_key) > (behind[1]::date, behind[2])
             ORDER BY b.day, b.batch_key
             LIMIT 10000) o
     WHERE o.bytes < 16 << 20
     ORDER BY o.day DESC, o.batch_key DESC
     LIMIT 1;
    IF ahead IS NOT NULL THEN
        DELETE FROM place_absence a
         USING (SELECT b.last_at AS at, unnest(b.unchanged) AS id, false AS failing
                  FROM observation b
                 WHERE b.day BETWEEN behind[1]::date AND ahead[1]::date AND (b.day, b.batch_key) > (behind[1]::date, behind[2]) AND (b.day, b.batch_key) <= (ahead[1]::date, ahead[2])
                 UNION ALL
                SELECT b.last_at, unnest(b.failing), true
                  FROM observation b
                 WHERE b.day BETWEEN behind[1]::date AND ahead[1]::date AND (b.day, b.batch_key) > (behind[1]::date, behind[2]) AND (b.day, b.batch_key) <= (ahead[1]::date, ahead[2])
                   AND b.failing <> '{}') o
         WHERE a.location_id = o.id AND a.what = 'certificate' AND a.at <= o.at
           AND (NOT o.failing OR (SELECT l.kind = 'file' FROM location l WHERE l.location_id = a.location_id));
    ELSE
        DELETE FROM place_absence a
         USING (SELECT t.what, t.last_at AS at, unnest(t.places) AS id
                  FROM told t
                 WHERE t.there AND t.what NOT IN ('failure', 'damage', 'limit') AND t.last_at >= (SELECT min(p.at) FROM place_absence p)) t
         WHERE a.location_id = t.id AND a.what = t.what AND a.at <= t.at;
        SELECT array_agg(a.location_id), array_agg(a.what) INTO ids, whats FROM (SELECT DISTINCT p.location_id, p.what FROM place_absence p) a;
        DELETE FROM place_absence a USING places_own(ids, whats) s WHERE a.location_id = s.location_id AND a.what = s.what AND a.at <= s.at;
        UPDATE run r SET absences_taken = true
         WHERE r.finished_at IS NOT NULL AND NOT r.absences_taken AND (r.interrupted OR r.source NOT IN ('scan', 'crawl') OR r.finished_at < now() - interval '30 days');
        DELETE FROM told t WHERE (t.run, t.batch_key, t.what, t.there) IN
            (SELECT o.run, o.batch_key, o.what, o.there FROM told o WHERE o.stored_at < now() - interval '30 days' LIMIT 20000);
    END IF;
    UPDATE upkeep u SET reached = ahead, done_at = CASE WHEN ahead IS NULL THEN now() ELSE '-infinity' END WHERE u.task = 'absences';
    RETURN ahead IS NOT NULL;
END
$$;

GRANT EXECUTE ON FUNCTION observation_last(uuid[], boolean, timestamptz, timestamptz[], date, pg_snapshot), places_told(uuid[], text[], timestamptz, pg_snapshot), places_own(uuid[], text[]),
    absences_mark(integer, integer, uuid, text), gone_again(pg_snapshot), absences_tidy() TO certmuster_audit;
