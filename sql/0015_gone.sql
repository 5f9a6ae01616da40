-- Places that vanish and come back. A place is gone after as many absences as gone.after says: sweeps that could have seen it and say that it is not there. Silence is
-- no absence, nor is a host that cannot be reached, nor a run that was interrupted, lost or of which anything is missing.
--
-- A run's absences are taken once all that it told is stored (absences_take), by the collector whose turn it is. Each is dated to the begin of its run, so that whatever saw the
-- place since then stands against it, and a sweep counts once however many runs it had. What is kept is little: a few rows for each place that was missed, and one for each
-- that is gone; nothing for a place that is where it was.
--
-- What is gone has its spans closed, by which every view and every alert knows. A span that was closed so has fewer than three absent runs; one that another chain replaced
-- has three. When the place is seen again its old spans stay as they ended and a new one begins: the gap is history. When it turns out late that it was seen between the
-- absences, it was never gone: its spans are opened again (places_seen).

-- --- What a run said --------------------------------------------------------------------------------------------------------------------

ALTER TABLE run
    ADD COLUMN covered jsonb,           -- of a crawl: realm, host, roots, except, mounts, assets, as in the run record; NULL: it makes nothing absent
    ADD COLUMN stored_assets bigint NOT NULL DEFAULT 0, -- records of keys, stores, requests, lists and SSH certificates
    ADD COLUMN absences_taken boolean NOT NULL DEFAULT false;
UPDATE run SET absences_taken = true; -- what they told was not kept
CREATE INDEX run_untaken ON run (finished_at) WHERE finished_at IS NOT NULL AND NOT absences_taken;
CREATE INDEX run_covered ON run ((covered->>'host'), started_at) WHERE covered IS NOT NULL;

-- What a batch told of a run besides observation, a row for each kind of word. `there`: the run saw it. Not there: nothing listens, the name does not exist, the file is
-- not there. Kept 30 days, as observation.
CREATE TABLE told (
    run       uuid NOT NULL,
    batch_key text NOT NULL, -- '': found by absences_take
    what      text NOT NULL CHECK (what IN ('certificate', 'key', 'store', 'csr', 'crl', 'ssh_certificate', -- as in place_absence
                                            'name',              -- not there: places without address whose name does not exist
                                            'failure', 'damage', 'limit')), -- files that could not be read: at this place, there or behind it, to their end
    there     boolean NOT NULL,
    last_at   timestamptz NOT NULL,
    places    uuid[] NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run, batch_key, what, there)
);
CREATE INDEX told_stored_at ON told (stored_at);

-- --- Who is missed, who is gone ---------------------------------------------------------------------------------------------------------

-- `what` tells apart what may lie at one place: its certificates (a row of location_state), or the key that stands beside them under the same alias.
CREATE TABLE place_absence (
    location_id uuid NOT NULL,
    what        text NOT NULL,
    look        uuid NOT NULL, -- the sweep, or the run where there is none
    at          timestamptz NOT NULL, -- when the run began
    PRIMARY KEY (location_id, what, look)
);

CREATE TABLE place_gone (
    location_id uuid NOT NULL,
    what        text NOT NULL,
    looks       uuid[] NOT NULL,        -- that missed it, in order …
    ats         timestamptz[] NOT NULL, -- … and when each began
    since       timestamptz NOT NULL,   -- the first of them
    gone_at     timestamptz NOT NULL,   -- the last of them
    marked_at   timestamptz NOT NULL,
    PRIMARY KEY (location_id, what)
);
CREATE INDEX place_gone_marked_at ON place_gone (marked_at);

CREATE INDEX sighting_gone ON sighting (chain_id, location_id) WHERE closed_at IS NOT NULL AND absent_runs < 3;
ALTER TABLE location_state ADD COLUMN gone_at timestamptz; -- NULL: there, as far as is known. As in place_gone
CREATE INDEX location_state_gone ON location_state (gone_at) WHERE gone_at IS NOT NULL;
CREATE INDEX location_by_name ON location (name, port) WHERE kind = 'endpoint' AND name <> '';

-- Whether all that a run told of is stored, and it ran to its end.
CREATE FUNCTION run_whole(r run) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(r.source IN ('scan', 'crawl') AND r.started_at IS NOT NULL AND r.finished_at IS NOT NULL AND NOT r.interrupted
                    AND r.stored_ok = r.ok AND r.stored_failed = r.failed
                    AND (r.covered IS NULL OR r.stored_assets = (r.covered->>'assets')::bigint), false)
$$;

-- '/', '/etc', '/etc/ssl' of '/etc/ssl'.
CREATE FUNCTION path_steps(path text) RETURNS SETOF text LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 8 AS $$
    SELECT CASE WHEN n.step = 1 THEN '/' ELSE array_to_string(p.names[:n.step], '/') END
      FROM (SELECT string_to_array(rtrim(path, '/'), '/') AS names) p, generate_series(1, cardinality(p.names)) AS n(step)
$$;

-- What lay where a crawl has looked and was not told by it. A file that could not be read to its end, one below a directory that could not be, what was left out
-- (file systems that are none, second names of one file) and what lies on a file system that is not mounted any more are not missed; nor is what lies inside a container below the step that could not be read.
CREATE FUNCTION crawl_missed(which uuid) RETURNS TABLE (location_id uuid, what text) LANGUAGE sql STABLE SET search_path = certmuster, pg_temp SET work_mem = '64MB' AS $$
    WITH known AS MATERIALIZED (
        SELECT l.location_id, l.path, l.inner_path
          FROM (SELECT r.covered->>'realm' AS realm, r.covered->>'host' AS host, ARRAY(SELECT jsonb_array_elements_text(r.covered->'roots')) AS roots
                  FROM run r WHERE r.run = which) c
          JOIN location l ON l.kind = 'file' AND l.host = c.host AND l.realm = c.realm
         WHERE EXISTS (SELECT FROM unnest(c.roots) AS root WHERE l.path = root OR starts_with(l.path, rtrim(root, '/') || '/'))),
    thing AS (
        SELECT st.location_id, 'certificate' AS what FROM location_state st WHERE st.chains <> '{}' OR st.last_result <> 'open:not_found'
         UNION ALL SELECT k.location_id, 'key' FROM key_file k
         UNION ALL SELECT k.location_id, 'store' FROM store k
         UNION ALL SELECT k.location_id, 'csr' FROM csr k
         UNION ALL SELECT k.location_id, 'crl' FROM crl k
         UNION ALL SELECT k.location_id, 'ssh_certificate' FROM ssh_certificate k),
    seen AS MATERIALIZED (
        SELECT 'certificate' AS what, unnest(o.unchanged || o.failing) AS location_id FROM observation o WHERE o.run = which
         UNION ALL
        SELECT CASE WHEN t.what IN ('failure', 'damage', 'limit') THEN 'certificate' ELSE t.what END, unnest(t.places) FROM told t WHERE t.run = which AND t.there),
    missed AS MATERIALIZED (
        SELECT k.location_id, h.what, k.path, k.inner_path
          FROM known k
          JOIN thing h ON h.location_id = k.location_id
         WHERE NOT EXISTS (SELECT FROM seen s WHERE s.what = h.what AND s.location_id = k.location_id)),
    obstacle AS MATERIALIZED (
        SELECT l.path, l.inner_path, t.what = 'limit' OR l.inner_path = '' OR (t.what = 'damage' AND l.entry = '') AS whole
          FROM told t CROSS JOIN LATERAL unnest(t.places) AS p(location_id) JOIN location l ON l.location_id = p.location_id
         WHERE t.run = which AND t.there AND t.what IN ('failure', 'damage', 'limit')
         UNION
        SELECT e.path, '', true FROM run r CROSS JOIN LATERAL jsonb_array_elements_text(r.covered->'except') AS e(path) WHERE r.run = which
         UNION -- what was mounted and is not any more, for four weeks: then it is not away but gone
        SELECT m.path, '', true
          FROM run r
          JOIN run e ON e.covered->>'host' = r.covered->>'host' AND e.covered->>'realm' = r.covered->>'realm'
                    AND e.started_at > r.started_at - interval '28 days' AND e.started_at < r.started_at
         CROSS JOIN LATERAL jsonb_array_elements_text(e.covered->'mounts') AS m(path)
         WHERE r.run = which AND r.covered ? 'mounts' AND NOT r.covered->'mounts' ? m.path)
    SELECT m.location_id, m.what FROM missed m
    EXCEPT
    SELECT m.location_id, m.what
      FROM missed m
     CROSS JOIN LATERAL path_steps(m.path) AS step
      JOIN obstacle o ON o.path = step
     WHERE o.path <> m.path OR o.whole OR m.inner_path = o.inner_path OR starts_with(m.inner_path, o.inner_path || '!')
$$;

-- Takes the absences of one run that is whole; again, when something of before came late. What was gone by then already is not written again.
CREATE FUNCTION absences_take(which uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    taken run;
    counted uuid := coalesce((SELECT l.sweep_id FROM lease l WHERE l.lease_id = which), which);
BEGIN
    UPDATE run r SET absences_taken = true WHERE r.run = which RETURNING * INTO taken;
    IF taken.source = 'crawl' AND taken.covered IS NOT NULL THEN
        INSERT INTO told (run, batch_key, what, there, last_at, places)
        SELECT which, '', m.what, false, taken.started_at, array_agg(m.location_id) FROM crawl_missed(which) m GROUP BY m.what
        ON CONFLICT (run, batch_key, what, there) DO UPDATE SET places = excluded.places;
    END IF;
    INSERT INTO place_absence AS a (location_id, what, look, at)
    SELECT DISTINCT x.location_id, x.what, counted, taken.started_at
      FROM (SELECT p.location_id, t.what
              FROM told t CROSS JOIN LATERAL unnest(t.places) AS p(location_id)
             WHERE t.run = which AND NOT t.there AND t.what <> 'name'
             UNION ALL -- whoever goes by a name that does not exist reaches no address of it
            SELECT l.location_id, 'certificate'
              FROM told t CROSS JOIN LATERAL unnest(t.places) AS p(location_id)
              JOIN location n ON n.location_id = p.location_id
              JOIN location l ON l.kind = 'endpoint' AND l.name <> '' AND l.name = n.name AND l.port = n.port AND l.transport = n.transport AND l.realm = n.realm
             WHERE t.run = which AND NOT t.there AND t.what = 'name') x
      LEFT JOIN place_gone g ON g.location_id = x.location_id AND g.what = x.what
      LEFT JOIN location_state st ON st.location_id = x.location_id AND x.what = 'certificate'
      LEFT JOIN location l ON l.location_id = st.location_id
     WHERE (g.gone_at IS NULL OR taken.started_at < g.gone_at)
       AND (x.what <> 'certificate' OR st.chains <> '{}' OR l.kind = 'file' OR g.gone_at IS NOT NULL)
       AND coalesce(greatest(st.last_ok, CASE WHEN l.kind = 'file' THEN st.last_failure END), '-infinity') < taken.started_at
     ORDER BY 1, 2
    ON CONFLICT (location_id, what, look) DO UPDATE SET at = least(a.at, excluded.at) WHERE excluded.at < a.at;
END
$$;

-- --- Seen again -------------------------------------------------------------------------------------------------------------------------

-- Places were seen, each at some time: absences before are void. One that was gone is there again, unless it was seen before the first absence only. Of runs that began
-- after the look and miss the place the absences are taken once more: nobody writes them down while it is gone, nor before it is known. reopen: also the spans of a place that
-- was seen after all absences.
CREATE FUNCTION places_seen(ids uuid[], whats text[], ats timestamptz[], reopen boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    again uuid[];
    again_what text[];
    again_at timestamptz[];
BEGIN
    DELETE FROM place_absence a USING unnest(ids, whats, ats) AS s(location_id, what, at)
     WHERE a.location_id = s.location_id AND a.what = s.what AND a.at <= s.at;
    SELECT array_agg(g.location_id), array_agg(g.what), array_agg(s.at) INTO again, again_what, again_at
      FROM unnest(ids, whats, ats) AS s(location_id, what, at)
      JOIN place_gone g ON g.location_id = s.location_id AND g.what = s.what AND g.since <= s.at;
    UPDATE run r SET absences_taken = false
     WHERE r.absences_taken AND r.started_at > (SELECT min(a.at) FROM unnest(ats) AS a(at)) AND r.started_at > now() - interval '28 days' AND run_whole(r)
       AND EXISTS (SELECT
                     FROM unnest(ids, whats, ats) AS s(location_id, what, at)
                     JOIN location l ON l.location_id = s.location_id
                    WHERE s.at < r.started_at
                      AND CASE l.kind
                          WHEN 'file' THEN r.covered->>'host' = l.host AND r.covered->>'realm' = l.realm
                          ELSE EXISTS (SELECT FROM told t
                                        WHERE t.run = r.run AND NOT t.there AND t.what = 'certificate' AND l.location_id = ANY (t.places))
                               OR EXISTS (SELECT
                                            FROM location n
                                            JOIN told t ON t.run = r.run AND NOT t.there AND t.what = 'name' AND n.location_id = ANY (t.places)
                                           WHERE n.kind = 'endpoint' AND n.name <> '' AND n.name = l.name AND n.port = l.port AND n.ip IS NULL
                                             AND n.transport = l.transport AND n.realm = l.realm) END);
    IF again IS NULL THEN
        RETURN;
    END IF;
    WITH opened AS (
        UPDATE sighting s SET closed_at = NULL
          FROM unnest(again, again_what, again_at) AS b(location_id, what, at)
          JOIN place_gone g ON g.location_id = b.location_id AND g.what = b.what
         WHERE b.what = 'certificate' AND (reopen OR b.at < g.gone_at)
           AND s.location_id = b.location_id AND s.closed_at = g.gone_at AND s.absent_runs < 3
        RETURNING s.chain_id)
    UPDATE certificate c SET retired_at = NULL, superseded_at = NULL -- 0017
      FROM (SELECT DISTINCT m.sha256 FROM opened o JOIN chain ch ON ch.chain_id = o.chain_id CROSS JOIN LATERAL unnest(ch.fingerprints) AS m(sha256)) m
     WHERE c.sha256 = m.sha256 AND (c.retired_at IS NOT NULL OR c.superseded_at IS NOT NULL);
    UPDATE location_state st SET gone_at = NULL, digest = NULL
      FROM unnest(again, again_what) AS b(location_id, what)
     WHERE b.what = 'certificate' AND st.location_id = b.location_id;
    INSERT INTO place_absence (location_id, what, look, at)
    SELECT g.location_id, g.what, u.look, u.at
      FROM unnest(again, again_what, again_at) AS b(location_id, what, at)
      JOIN place_gone g ON g.location_id = b.location_id AND g.what = b.what
     CROSS JOIN LATERAL unnest(g.looks, g.ats) AS u(look, at)
     WHERE u.at > b.at
     ORDER BY 1, 2, 3
    ON CONFLICT DO NOTHING;
    DELETE FROM place_gone g USING unnest(again, again_what) AS b(location_id, what) WHERE g.location_id = b.location_id AND g.what = b.what;
END
$$;

-- When these were last seen, as far as that is later than `after`: by their own rows, and by what batches said of places that were as they were.
CREATE FUNCTION places_last_seen(ids uuid[], whats text[], after timestamptz) RETURNS TABLE (location_id uuid, what text, at timestamptz)
LANGUAGE sql STABLE SET search_path = certmuster, pg_temp AS $$
    WITH asked AS MATERIALIZED (SELECT DISTINCT a.location_id, a.what FROM unnest(ids, whats) AS a(location_id, what)),
    place AS MATERIALIZED (
        SELECT a.location_id, l.kind FROM asked a JOIN location l ON l.location_id = a.location_id WHERE a.what = 'certificate')
    SELECT x.location_id, x.what, max(x.at)
      FROM (SELECT st.location_id, 'certificate' AS what,
                   greatest(st.last_ok, CASE WHEN p.kind = 'file' AND st.last_result <> 'open:not_found' THEN st.last_failure END) AS at
              FROM place p JOIN location_state st ON st.location_id = p.location_id
             UNION ALL -- each row is read once and searched for all places: see places.sql of the collector for the form of this
            SELECT p.location_id, 'certificate', o.last_at
              FROM (SELECT b.last_at, b.unchanged || '{}'::uuid[] AS unchanged FROM observation b
                     WHERE b.last_at > after AND b.day >= (after AT TIME ZONE 'UTC')::date
                    OFFSET 0) o
             CROSS JOIN LATERAL unnest(CASE WHEN o.last_at > after THEN ARRAY(SELECT location_id FROM place) END) AS p(location_id)
             WHERE o.unchanged[width_bucket(p.location_id, o.unchanged)] = p.location_id
             UNION ALL
            SELECT p.location_id, 'certificate', o.last_at
              FROM (SELECT b.last_at, b.failing || '{}'::uuid[] AS failing FROM observation b
                     WHERE b.last_at > after AND b.day >= (after AT TIME ZONE 'UTC')::date AND b.failing <> '{}'
                    OFFSET 0) o
             CROSS JOIN LATERAL unnest(CASE WHEN o.last_at > after THEN ARRAY(SELECT location_id FROM place WHERE kind = 'file') END) AS p(location_id)
             WHERE o.failing[width_bucket(p.location_id, o.failing)] = p.location_id
             UNION ALL SELECT k.location_id, 'key', k.last_seen FROM key_file k WHERE k.location_id = ANY (ids)
             UNION ALL SELECT k.location_id, 'store', k.last_seen FROM store k WHERE k.location_id = ANY (ids)
             UNION ALL SELECT k.location_id, 'csr', k.last_seen FROM csr k WHERE k.location_id = ANY (ids)
             UNION ALL SELECT k.location_id, 'crl', k.last_seen FROM crl k WHERE k.location_id = ANY (ids)
             UNION ALL SELECT k.location_id, 'ssh_certificate', k.last_seen FROM ssh_certificate k WHERE k.location_id = ANY (ids)
             UNION ALL
            SELECT p.location_id, t.what, t.last_at
              FROM told t CROSS JOIN LATERAL unnest(t.places) AS p(location_id)
             WHERE t.there AND t.last_at > after AND t.what NOT IN ('failure', 'damage', 'limit') AND p.location_id = ANY (ids)) x
      JOIN asked a ON a.location_id = x.location_id AND a.what = x.what
     WHERE x.at > after
     GROUP BY x.location_id, x.what
$$;

-- --- Gone -------------------------------------------------------------------------------------------------------------------------------

-- Marks what was missed by `needed` sweeps since it was last seen, at most `most` places at a time; answers how many. A place that is gone already is dated anew when an
-- earlier absence has come late.
CREATE FUNCTION absences_mark(needed integer, most integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    ids uuid[];
    whats text[];
    earliest timestamptz;
    marked integer;
BEGIN
    SELECT array_agg(c.location_id), array_agg(c.what), min(c.since) INTO ids, whats, earliest
      FROM (SELECT a.location_id, a.what, min(a.at) AS since
              FROM place_absence a
              LEFT JOIN place_gone g ON g.location_id = a.location_id AND g.what = a.what
             GROUP BY a.location_id, a.what
            HAVING count(*) >= needed OR bool_or(g.gone_at IS NOT NULL)
             ORDER BY 1, 2
             LIMIT most) c;
    IF ids IS NULL THEN
        RETURN 0;
    END IF;
    -- As ingest does: a place belongs to one at a time.
    PERFORM FROM location l WHERE l.location_id = ANY (ids) ORDER BY l.location_id FOR NO KEY UPDATE;
    DELETE FROM place_absence a USING places_last_seen(ids, whats, earliest) s
     WHERE a.location_id = s.location_id AND a.what = s.what AND a.at <= s.at;
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
        RETURNING g.location_id, g.what),
    settled AS (
        DELETE FROM place_absence a USING gone g WHERE a.location_id = g.location_id AND a.what = g.what)
    SELECT array_agg(g.location_id), array_agg(g.what), count(*) INTO ids, whats, marked FROM gone g;
    IF marked > 0 THEN
        PERFORM places_close(ids, whats);
    END IF;
    RETURN marked;
END
$$;

-- The spans of places that are gone end, when they were last seen; what the place was found to be is no longer compared with (digest: 0016).
CREATE FUNCTION places_close(ids uuid[], whats text[]) RETURNS void LANGUAGE plpgsql SET search_path = certmuster, pg_temp AS $$
BEGIN
    WITH asked AS MATERIALIZED (
        SELECT g.location_id, g.gone_at, g.since
          FROM unnest(ids, whats) AS c(location_id, what)
          JOIN place_gone g ON g.location_id = c.location_id AND g.what = c.what
         WHERE g.what = 'certificate'),
    told AS MATERIALIZED ( -- by batches, before it was missed
        SELECT p.location_id, max(o.last_at) AS at
          FROM (SELECT b.last_at, b.unchanged || '{}'::uuid[] AS unchanged FROM observation b
                 WHERE b.day >= (now() AT TIME ZONE 'UTC')::date - 15
                OFFSET 0) o
         CROSS JOIN LATERAL unnest(CASE WHEN o.last_at IS NOT NULL THEN ARRAY(SELECT location_id FROM asked ORDER BY location_id) END,
                                   ARRAY(SELECT since FROM asked ORDER BY location_id)) AS p(location_id, since)
         WHERE o.last_at < p.since AND o.unchanged[width_bucket(p.location_id, o.unchanged)] = p.location_id
         GROUP BY p.location_id),
    gone AS MATERIALIZED (
        SELECT a.location_id, a.gone_at, st.gone_at AS before, t.at
          FROM asked a
          JOIN location_state st ON st.location_id = a.location_id
          LEFT JOIN told t ON t.location_id = a.location_id),
    spans AS (
        UPDATE sighting s
           SET closed_at = g.gone_at,
               last_seen = CASE WHEN s.absent_runs = 0 AND s.first_seen <= g.at THEN greatest(s.last_seen, g.at) ELSE s.last_seen END
          FROM gone g
         WHERE s.location_id = g.location_id AND (s.closed_at IS NULL OR (s.closed_at = g.before AND s.absent_runs < 3)))
    UPDATE location_state st
       SET gone_at = g.gone_at, chains = '{}', steady_role = NULL, earliest_not_after = NULL, last_ok = greatest(st.last_ok, g.at), digest = NULL
      FROM gone g
     WHERE st.location_id = g.location_id;
END
$$;

-- What is there now, of places whose spans were opened again.
CREATE FUNCTION places_renew(ids uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE location_state st
       SET chains = n.chains, earliest_not_after = n.earliest_not_after, steady_role = n.steady_role, digest = NULL
      FROM (SELECT s.location_id, array_agg(DISTINCT s.chain_id ORDER BY s.chain_id) AS chains, min(ch.earliest_not_after) AS earliest_not_after,
                   CASE WHEN max(s.absent_runs) = 0 AND min(s.role) = max(s.role) THEN min(s.role) END AS steady_role
              FROM sighting s
              JOIN chain ch ON ch.chain_id = s.chain_id
             WHERE s.location_id = ANY (ids) AND s.closed_at IS NULL
             GROUP BY s.location_id) n
     WHERE st.location_id = n.location_id;
END
$$;

-- --- Turns ------------------------------------------------------------------------------------------------------------------------------

INSERT INTO upkeep (task, done_at) VALUES ('gone', '-infinity'), ('absences', '-infinity');

-- What one collector does every few seconds: takes the absences of runs that have become whole, and marks. Runs that are not whole are
-- asked again, but for what is older than observation and told are kept for sure. A place that was seen by a batch which was stored while it was being marked is there again.
CREATE FUNCTION gone_round(needed integer, OUT runs integer, OUT gone integer) LANGUAGE plpgsql AS $$
DECLARE
    which uuid;
    ids uuid[];
    whats text[];
    ats timestamptz[];
BEGIN
    runs := 0;
    FOR which IN SELECT r.run FROM run r
                  WHERE r.finished_at IS NOT NULL AND NOT r.absences_taken AND r.started_at > now() - interval '28 days' AND run_whole(r)
                  ORDER BY r.finished_at LIMIT 100 LOOP
        PERFORM absences_take(which);
        runs := runs + 1;
    END LOOP;
    gone := absences_mark(needed, 2000);
    SELECT array_agg(s.location_id), array_agg(s.what), array_agg(s.at) INTO ids, whats, ats
      FROM (SELECT array_agg(g.location_id) AS ids, array_agg(g.what) AS whats, min(g.since) AS since
              FROM place_gone g WHERE g.marked_at BETWEEN now() - interval '10 minutes' AND now() - interval '1 second') c
     CROSS JOIN LATERAL places_last_seen(c.ids, c.whats, c.since) s
      JOIN place_gone g ON g.location_id = s.location_id AND g.what = s.what AND s.at >= g.since;
    IF ids IS NOT NULL THEN
        PERFORM FROM location l WHERE l.location_id = ANY (ids) ORDER BY l.location_id FOR NO KEY UPDATE;
        PERFORM places_seen(ids, whats, ats, true);
        PERFORM places_renew(ids);
    END IF;
END
$$;

-- Hourly: what was missed and has been seen since; runs that nobody will bring to their end; what is older than 30 days.
CREATE FUNCTION absences_tidy() RETURNS void LANGUAGE sql AS $$
    DELETE FROM place_absence a
     USING (SELECT s.location_id, s.what, s.at
              FROM (SELECT array_agg(p.location_id) AS ids, array_agg(p.what) AS whats, min(p.at) AS since
                      FROM (SELECT * FROM place_absence ORDER BY at LIMIT 20000) p) c
             CROSS JOIN LATERAL places_last_seen(c.ids, c.whats, c.since) s) seen
     WHERE a.location_id = seen.location_id AND a.what = seen.what AND a.at <= seen.at;
    UPDATE run r SET absences_taken = true
     WHERE r.finished_at IS NOT NULL AND NOT r.absences_taken AND (r.interrupted OR r.source NOT IN ('scan', 'crawl') OR r.finished_at < now() - interval '30 days');
    DELETE FROM told t WHERE (t.run, t.batch_key, t.what, t.there) IN
        (SELECT o.run, o.batch_key, o.what, o.there FROM told o WHERE o.stored_at < now() - interval '30 days' LIMIT 20000);
$$;

-- --- For readers ------------------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE VIEW place AS
SELECT l.location_id, l.kind, l.realm, l.transport, l.ip, l.port, l.name, l.host, l.path, l.inner_path, l.entry, l.first_seen,
       place_text(l) AS place, st.owner, o.email AS owner_email, o.contact AS owner_contact, o.environment, o.criticality,
       st.chains, st.earliest_not_after, st.source, st.scanner, st.last_result, st.last_detail, st.last_ok, st.last_failure,
       st.starttls, st.tls, st.file_meta, st.gone_at, g.since AS gone_since
  FROM location l
  JOIN location_state st ON st.location_id = l.location_id
  LEFT JOIN owner o ON o.name = st.owner
  LEFT JOIN place_gone g ON g.location_id = st.location_id AND g.what = 'certificate';

-- The certificates that were at places when these vanished.
CREATE VIEW gone_certificate AS
SELECT m.sha256, (m.position - 1)::integer AS position, s.chain_id, s.location_id, s.role, s.first_seen, s.last_seen, g.since, g.gone_at
  FROM place_gone g
  JOIN sighting s ON s.location_id = g.location_id AND s.closed_at = g.gone_at AND s.absent_runs < 3
  JOIN chain ch ON ch.chain_id = s.chain_id
 CROSS JOIN LATERAL unnest(ch.fingerprints) WITH ORDINALITY AS m(sha256, position)
 WHERE g.what = 'certificate';

CREATE OR REPLACE VIEW inventory_summary AS
SELECT now() AS at, p.places, p.failing, p.unowned,
       greatest((SELECT max(coalesce(finished_at, started_at)) FROM run), (SELECT max(last_at) FROM observation)) AS last_looked, p.gone
  FROM (SELECT count(*) FILTER (WHERE gone_at IS NULL) AS places, count(*) FILTER (WHERE gone_at IS NULL AND last_result NOT IN ('ok', '')) AS failing,
               count(*) FILTER (WHERE gone_at IS NULL AND owner IS NULL) AS unowned, count(gone_at) AS gone
          FROM location_state) p;

GRANT SELECT ON told, place_absence, place_gone, gone_certificate TO certmuster_read;
GRANT INSERT, UPDATE, DELETE ON told, place_absence, place_gone TO certmuster_ingest;
GRANT ALL ON told, place_absence, place_gone TO certmuster_admin;
