-- Fleets of thousands of hosts that crawl every night: what is asked of runs and of what they told does not read whole tables.

-- Of runs whose absences were taken the newest that covered files, which every batch with files asks for; and those that began after a look that came late.
CREATE INDEX run_taken_files ON run (started_at) WHERE absences_taken AND covered IS NOT NULL;
CREATE INDEX run_taken ON run (started_at) WHERE absences_taken;

-- As in 0015, but of the host's files alone is asked what is there.
CREATE OR REPLACE FUNCTION crawl_not_told(which uuid) RETURNS TABLE (location_id uuid, what text) LANGUAGE sql STABLE
SET search_path = certmuster, pg_temp SET work_mem = '64MB' SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
    WITH known AS MATERIALIZED (
        SELECT l.location_id, l.path, l.inner_path
          FROM (SELECT r.covered->>'realm' AS realm, r.covered->>'host' AS host, ARRAY(SELECT jsonb_array_elements_text(r.covered->'roots')) AS roots
                  FROM run r WHERE r.run = which) c
          JOIN location l ON l.kind = 'file' AND l.host = c.host AND l.realm = c.realm
         WHERE EXISTS (SELECT FROM unnest(c.roots) AS root WHERE l.path = root OR starts_with(l.path, rtrim(root, '/') || '/'))),
    seen AS MATERIALIZED (
        SELECT 'certificate' AS what, unnest(o.unchanged || o.failing) AS location_id FROM observation o WHERE o.run = which
         UNION ALL
        SELECT CASE WHEN t.what IN ('failure', 'damage', 'limit') THEN 'certificate' ELSE t.what END, unnest(t.places) FROM told t WHERE t.run = which AND t.there),
    missed AS MATERIALIZED (
        SELECT k.location_id, h.what, k.path, k.inner_path
          FROM known k
         CROSS JOIN LATERAL (
               SELECT 'certificate' AS what FROM location_state st WHERE st.location_id = k.location_id AND (st.chains <> '{}' OR st.last_result <> 'open:not_found')
                UNION ALL SELECT 'key' FROM key_file f WHERE f.location_id = k.location_id
                UNION ALL SELECT 'store' FROM store f WHERE f.location_id = k.location_id
                UNION ALL SELECT 'csr' FROM csr f WHERE f.location_id = k.location_id
                UNION ALL SELECT 'crl' FROM crl f WHERE f.location_id = k.location_id
                UNION ALL SELECT 'ssh_certificate' FROM ssh_certificate f WHERE f.location_id = k.location_id
               OFFSET 0) h
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

-- As in 0028, but each of these things is looked up.
CREATE OR REPLACE FUNCTION places_of_others(which uuid, ids uuid[], whats text[]) RETURNS TABLE (location_id uuid, what text) LANGUAGE plpgsql STABLE
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
         CROSS JOIN LATERAL (SELECT l.realm, l.host FROM location l WHERE l.location_id = a.location_id AND l.kind = 'file' OFFSET 0) l),
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
      LEFT JOIN LATERAL (SELECT st.scanner FROM location_state st WHERE st.location_id = a.location_id AND a.what = 'certificate' AND st.last_result <> 'open:not_found' OFFSET 0) st ON true
      LEFT JOIN (SELECT DISTINCT ON (k.realm, k.host) k.realm, k.host, k.scanner
                   FROM looked k
                  WHERE k.scanner = mine.scanner OR k.scanner = ANY (others)
                  ORDER BY k.realm, k.host, k.started_at) first ON first.realm = a.realm AND first.host = a.host
     WHERE coalesce(t.scanner, st.scanner, first.scanner) = ANY (others);
END
$$;

-- Which of these runs have a word on the absence of one of these places, each seen at a time before the run began.
CREATE FUNCTION runs_missed(ids uuid[], ats timestamptz[], runs uuid[]) RETURNS SETOF uuid LANGUAGE sql STABLE
SET search_path = certmuster, pg_temp SET enable_seqscan = off SET enable_nestloop = off SET enable_mergejoin = off SET enable_hashjoin = on SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
    WITH place AS MATERIALIZED (
        SELECT l.*, s.at
          FROM (SELECT l.location_id, l.kind, l.realm, l.host, l.transport, l.name, l.port FROM location l WHERE l.location_id = ANY (ids) OFFSET 0) l
          JOIN unnest(ids, ats) AS s(location_id, at) ON s.location_id = l.location_id),
    asked AS MATERIALIZED (SELECT r.run, r.started_at, r.covered->>'realm' AS realm, r.covered->>'host' AS host FROM run r WHERE r.run = ANY (runs)),
    missing AS MATERIALIZED (
        SELECT t.run, t.what, unnest(t.places) AS location_id FROM told t WHERE t.run = ANY (runs) AND NOT t.there AND t.what IN ('certificate', 'name')),
    spoke AS (
        SELECT a.run, a.started_at, f.at
          FROM asked a JOIN (SELECT p.realm, p.host, min(p.at) AS at FROM place p WHERE p.kind = 'file' GROUP BY p.realm, p.host) f ON f.realm = a.realm AND f.host = a.host
         UNION ALL
        SELECT a.run, a.started_at, p.at
          FROM missing m JOIN place p ON p.location_id = m.location_id JOIN asked a ON a.run = m.run
         WHERE m.what = 'certificate' AND p.kind <> 'file'
         UNION ALL -- whoever goes by a name that does not exist
        SELECT a.run, a.started_at, p.at
          FROM missing m
          JOIN (SELECT * FROM location n WHERE n.location_id = ANY (ARRAY(SELECT m.location_id FROM missing m WHERE m.what = 'name')) AND n.kind = 'endpoint' AND n.name <> '' AND n.ip IS NULL
                OFFSET 0) n ON n.location_id = m.location_id
          JOIN place p ON p.name = n.name AND p.port = n.port AND p.transport = n.transport AND p.realm = n.realm
          JOIN asked a ON a.run = m.run
         WHERE m.what = 'name' AND p.kind <> 'file')
    SELECT DISTINCT s.run FROM spoke s WHERE s.at < s.started_at
$$;

-- As in 0015, but of each run is asked once which of these places it missed, not of each place.
CREATE OR REPLACE FUNCTION places_seen(ids uuid[], whats text[], ats timestamptz[], reopen boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    again uuid[];
    again_what text[];
    again_at timestamptz[];
    runs uuid[];
BEGIN
    DELETE FROM place_absence a USING unnest(ids, whats, ats) AS s(location_id, what, at)
     WHERE a.location_id = s.location_id AND a.what = s.what AND a.at <= s.at;
    SELECT array_agg(g.location_id), array_agg(g.what), array_agg(s.at) INTO again, again_what, again_at
      FROM unnest(ids, whats, ats) AS s(location_id, what, at)
      JOIN place_gone g ON g.location_id = s.location_id AND g.what = s.what AND g.since <= s.at;
    runs := ARRAY(SELECT r.run FROM run r
                   WHERE r.absences_taken AND r.started_at > (SELECT min(a.at) FROM unnest(ats) AS a(at)) AND r.started_at > now() - interval '28 days' AND run_whole(r));
    IF runs <> '{}' THEN
        UPDATE run r SET absences_taken = false WHERE r.run = ANY (ARRAY(SELECT runs_missed(ids, ats, runs))) AND r.absences_taken;
    END IF;
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

-- As gone_round() did, of which it is now a turn of its own: batches hold places and note what runs stored, who marks holds places, and who takes what runs missed holds runs. Answers of how many
-- runs. What they missed is then looked through from the beginning.
CREATE FUNCTION gone_take() RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    which uuid;
    runs  integer := 0;
BEGIN
    PERFORM FROM upkeep u WHERE u.task = 'gone' FOR UPDATE;
    FOR which IN SELECT r.run FROM run r
                  WHERE r.finished_at IS NOT NULL AND NOT r.absences_taken AND r.started_at > now() - interval '28 days' AND run_whole(r)
                  ORDER BY r.finished_at LIMIT 100 LOOP
        PERFORM absences_take(which);
        runs := runs + 1;
    END LOOP;
    IF runs > 0 THEN
        UPDATE upkeep u SET reached[3:4] = ARRAY['00000000-0000-0000-0000-000000000000', ''] WHERE u.task = 'gone' AND u.reached IS NOT NULL;
    END IF;
    RETURN runs;
END
$$;
INSERT INTO upkeep (task, done_at) VALUES ('gone_take', '-infinity');
GRANT EXECUTE ON FUNCTION gone_take(), runs_missed(uuid[], timestamptz[], uuid[]) TO certmuster_audit;
