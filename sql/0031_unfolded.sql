-- Nothing that observation knows of a place is forgotten before it is folded, however long nobody folded; and what another server stored, from which an inventory was restored, is not news for ever.

-- --- What observation forgets --------------------------------------------------------------------------------------------------------------

-- The days of observation that are older than 30 days, by the names of their tables, and whether all that they tell was folded.
CREATE FUNCTION observation_old() RETURNS TABLE (part text, folded boolean) LANGUAGE sql STABLE SET search_path = certmuster, pg_temp AS $$
    SELECT c.relname::text, coalesce(c.relname < 'observation_' || to_char(observation_unfolded(), 'YYYYMMDD'), false) -- before the first round there is no such day
      FROM pg_inherits i
      JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'certmuster.observation'::regclass AND c.relname ~ '^observation_[0-9]{8}$'
       AND c.relname < 'observation_' || to_char((now() AT TIME ZONE 'UTC')::date - 30, 'YYYYMMDD')
$$;

-- As in 0018, but what may not be folded yet stays: rows that are written only when a place falls silent know it from nowhere else. So a collector that stood still for months, or a backup from
-- then, loses nothing; and while folding fails observation grows, which the log and /metrics say.
CREATE OR REPLACE FUNCTION observation_forget() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = certmuster, pg_temp AS $$
DECLARE
    old record;
    dropped integer := 0;
BEGIN
    FOR old IN SELECT o.part FROM observation_old() o WHERE o.folded LOOP
        EXECUTE format('DROP TABLE certmuster.%I', old.part);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

-- As in 0023, but from the first day that is not folded, however long ago that was; and a round that did not come to its end goes on where it was: what it looked at is there still.
CREATE OR REPLACE FUNCTION observation_fold_begin() RETURNS void LANGUAGE sql AS $$
    UPDATE upkeep
       SET done_at = '-infinity',
           reached = coalesce(reached, ARRAY[0, 1 + pg_relation_size('location_state') / (10 << 20)]::text[]
                                       || ARRAY[observation_unfolded(), (now() AT TIME ZONE 'UTC')::date]::text[])
     WHERE task = 'fold_slice'
$$;
-- What is under way by the old rule does not begin there.
UPDATE upkeep SET reached = NULL WHERE task = 'fold_slice';
UPDATE upkeep SET done_at = '-infinity' WHERE task = 'fold';

-- As in 0023, but back to the first day that is not folded; days on which nothing arrived are passed over. And from the newest day back, as it was meant: a variable that has the name of a
-- column stands for the column, and so all days were read at once.
CREATE OR REPLACE FUNCTION places_found(ids uuid[]) RETURNS TABLE (location_id uuid, ok_at timestamptz, failure_at timestamptz) LANGUAGE plpgsql STABLE ROWS 100
SET search_path = certmuster, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
#variable_conflict use_column
DECLARE
    earliest     date := observation_unfolded();
    beyond       date := 'infinity';  -- the first day that was looked at
    newest       date := (now() AT TIME ZONE 'UTC')::date - 1; -- most were seen since yesterday
    found        uuid[];
    oks          timestamptz[];
    failures     timestamptz[];
    all_found    uuid[] := '{}';
    all_oks      timestamptz[] := '{}';
    all_failures timestamptz[] := '{}';
BEGIN
    WHILE ids <> '{}' AND newest IS NOT NULL LOOP
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
        newest := CASE WHEN ids <> '{}' THEN (SELECT max(b.day) FROM observation b WHERE b.day >= earliest AND b.day < beyond) END;
    END LOOP;
    RETURN QUERY SELECT f.id, max(f.ok_at), max(f.failure_at) FROM unnest(all_found, all_oks, all_failures) AS f(id, ok_at, failure_at) GROUP BY f.id;
END
$$;

-- --- What is news --------------------------------------------------------------------------------------------------------------------------

-- Whether a row was stored since this snapshot, by its stored_in; of NULL, everything was. What a transaction of this server stored, others see from a snapshot on that ends behind it; so a
-- greater number is another server's, from which the inventory was restored: such rows would be news until the server has counted as far. (A smaller one of another server is news at most
-- once, while this one counts past it.) Nobody asks for what the own transaction stored. Written to be inlined, so that the index on stored_in serves.
CREATE FUNCTION stored_since(stored_in xid8, news pg_snapshot) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT news IS NULL OR (stored_in >= pg_snapshot_xmin(news) AND stored_in < pg_snapshot_xmax(pg_current_snapshot()) AND NOT pg_visible_in_snapshot(stored_in, news))
$$;

-- Of a server, what it does not share with one that was restored from its dumps. NULL: it does not tell us.
CREATE FUNCTION server_identity() RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF has_function_privilege('pg_control_system()', 'EXECUTE') THEN
        RETURN (SELECT c.system_identifier FROM pg_control_system() c);
    END IF;
    RETURN NULL;
END
$$;

-- As in 0026.
CREATE OR REPLACE FUNCTION observation_last(ids uuid[], failing boolean, after timestamptz, until timestamptz[], since date, news pg_snapshot)
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
                   AND stored_since(b.stored_in, news)
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
                           AND stored_since(b.stored_in, news)) t
                 WHERE t.id = ANY (ids)
                OFFSET 0) o
          JOIN unnest(ids, until) AS p(id, until) ON p.id = o.id
         WHERE p.until IS NULL OR o.at < p.until
         GROUP BY o.id;
    END IF;
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
               AND stored_since(t.stored_in, news)) t
     WHERE t.id = ANY (ids)
     GROUP BY t.id, t.what;
END
$$;

-- As in 0026; of NULL, what all batches of these days told is asked.
CREATE OR REPLACE FUNCTION gone_again(news pg_snapshot) RETURNS boolean LANGUAGE plpgsql
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
      FROM (SELECT o.batch_key FROM observation o WHERE o.day >= (now() AT TIME ZONE 'UTC')::date - 2 AND stored_since(o.stored_in, news)
             UNION
            SELECT t.batch_key FROM told t WHERE stored_since(t.stored_in, news) AND t.there) n;
    IF keys = 0 OR NOT EXISTS (SELECT FROM place_gone g WHERE g.marked_at > arrived - interval '15 minutes') THEN
        RETURN keys > 0;
    END IF;
    SELECT array_agg(x.location_id), array_agg(x.what), array_agg(x.at) INTO ids, whats, ats
      FROM (SELECT g.location_id, g.what, max(n.at) AS at
              FROM (SELECT 'certificate' AS what, o.last_at AS at, unnest(o.unchanged) AS id, false AS failing
                      FROM observation o WHERE o.day >= (now() AT TIME ZONE 'UTC')::date - 2 AND stored_since(o.stored_in, news)
                     UNION ALL
                    SELECT 'certificate', o.last_at, unnest(o.failing), true
                      FROM observation o WHERE o.day >= (now() AT TIME ZONE 'UTC')::date - 2 AND stored_since(o.stored_in, news)
                     UNION ALL
                    SELECT t.what, t.last_at, unnest(t.places), false
                      FROM told t WHERE stored_since(t.stored_in, news)
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

-- As in 0026, but what runs missed is taken before, by gone_take() of 0032; and `reached` says, behind the rest, of which server the snapshot is. Of another one, from which this inventory was restored, it says nothing about what was stored since: then
-- everything is asked, once.
DROP FUNCTION gone_round(integer);
CREATE FUNCTION gone_round(needed integer, OUT gone integer) LANGUAGE plpgsql AS $$
DECLARE
    state   text[] := (SELECT u.reached FROM upkeep u WHERE u.task = 'gone' FOR UPDATE);
    now_at  pg_snapshot := pg_current_snapshot(); -- before anything is asked
    news    pg_snapshot := state[1];
    next_id uuid := state[3];
    next_what text := state[4];
    server  text := server_identity();
    again   boolean;
BEGIN
    gone := 0;
    IF state[5] IS DISTINCT FROM server OR pg_snapshot_xmax(news) > pg_snapshot_xmax(now_at) THEN
        news := NULL;
    END IF;
    again := gone_again(news);
    IF state IS NULL OR state[2] <> needed::text THEN
        next_id := '00000000-0000-0000-0000-000000000000';
        next_what := '';
    END IF;
    IF next_id IS NOT NULL THEN
        SELECT m.marked, m.next_id, m.next_what INTO gone, next_id, next_what FROM absences_mark(needed, 5000, next_id, next_what) m;
    END IF;
    IF again OR gone > 0 OR (news::text, needed::text, next_id::text, next_what, server) IS DISTINCT FROM (state[1], state[2], state[3], state[4], state[5]) THEN
        UPDATE upkeep u SET reached = ARRAY[now_at::text, needed::text, next_id::text, next_what, server] WHERE u.task = 'gone';
    END IF;
END
$$;

GRANT EXECUTE ON FUNCTION gone_round(integer), observation_old(), stored_since(xid8, pg_snapshot), server_identity() TO certmuster_audit;
