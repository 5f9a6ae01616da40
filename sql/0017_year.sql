-- After a year most certificates are history: renewed, and gone from every place. A list of what is there must not step over them one by one.

-- Since when it is nowhere: in no open span of any role, not even in one that a renewal supersedes, for which of two chains is the current one may change without either being
-- seen; NULL: it may be somewhere. Marked in slices by a collector (certificates_retire() below), taken back at once by whoever opens a span (collector/ingest/state.sql,
-- places_seen() of 0015). What was marked at the very moment at which it came back is found by the slices after, and daily by certificates_return().
ALTER TABLE certificate ADD COLUMN retired_at timestamptz;
-- Since when it is in open spans, but a renewal supersedes it in each: what expires next is mostly such, for as long as the runs that missed them are too few. Marked and asked again
-- by the same slices, a thousand at a time; taken back at once by whoever sees it or loses a run. A list may thus know some minutes late that one is the current one again because
-- its successor went away; alerts and reports look for themselves.
ALTER TABLE certificate ADD COLUMN superseded_at timestamptz;

-- What is read in order is what is there.
DROP INDEX certificate_by_expiry, certificate_by_name, certificate_not_after;
CREATE INDEX certificate_by_expiry ON certificate ((coalesce(not_after, 'infinity'::timestamptz)), sha256) WHERE retired_at IS NULL AND superseded_at IS NULL;
CREATE INDEX certificate_by_name ON certificate ((left(display_name, 100)), sha256) WHERE retired_at IS NULL AND superseded_at IS NULL;
CREATE INDEX certificate_not_after ON certificate (not_after) WHERE retired_at IS NULL;
CREATE INDEX certificate_retired ON certificate (retired_at) WHERE retired_at IS NOT NULL;
CREATE INDEX certificate_superseded ON certificate (superseded_at) WHERE superseded_at IS NOT NULL;

-- Functions of plpgsql are planned when they are first called, and once for a connection: what is rarely asked shall not be planned with every page.

-- Whether a certificate is in use, or in a trust store: as a leaf, which most are; else looked up by its chains, which of a CA may be all that there are, so a hundred of them are
-- asked first. Each step is a statement of its own, so that only what is needed is set up.
CREATE FUNCTION member_in_use(member bytea) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    chains uuid[];
BEGIN
    IF EXISTS (SELECT
                 FROM chain ch
                 JOIN sighting s ON s.chain_id = ch.chain_id AND s.closed_at IS NULL AND s.absent_runs = 0 AND s.role <> 'trust'
                WHERE ch.leaf_sha256 = member
               OFFSET 0) THEN
        RETURN true;
    END IF;
    chains := ARRAY(SELECT ch.chain_id FROM chain ch WHERE ch.fingerprints @> ARRAY[member] LIMIT 100);
    IF EXISTS (SELECT FROM place_certificate p WHERE p.chain_id = ANY (chains) AND p.sha256 = member AND p.role <> 'trust' AND NOT p.superseded) THEN
        RETURN true;
    END IF;
    RETURN cardinality(chains) = 100
       AND EXISTS (SELECT FROM place_certificate p
                    WHERE p.chain_id = ANY (ARRAY(SELECT ch.chain_id FROM chain ch WHERE ch.fingerprints @> ARRAY[member]))
                      AND p.sha256 = member AND p.role <> 'trust' AND NOT p.superseded);
END
$$;
CREATE FUNCTION member_in_trust(member bytea) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM place_certificate p
                    WHERE p.chain_id = ANY (ARRAY(SELECT ch.chain_id FROM chain ch WHERE ch.fingerprints @> ARRAY[member])) AND p.sha256 = member AND p.role = 'trust');
END
$$;

-- As in 0014, but what is retired is not looked up. Whoever reads in order says "current", which is what the indexes hold.
CREATE OR REPLACE VIEW browse_certificate AS
SELECT c.sha256, coalesce(c.not_after, 'infinity'::timestamptz) AS expires, left(c.display_name, 100) AS name_key,
       c.display_name, c.subject, c.issuer, c.serial, c.not_before, c.not_after, c.is_ca, c.self_issued, c.sig_alg, c.undecodable,
       key_text(c.key_alg, c.key_bits, c.curve) AS key, c.first_seen, c.der,
       c.retired_at IS NULL
       AND (EXISTS (SELECT FROM chain ch
                      JOIN sighting s ON s.chain_id = ch.chain_id AND s.closed_at IS NULL AND s.absent_runs = 0 AND s.role <> 'trust'
                     WHERE ch.leaf_sha256 = c.sha256)
            OR member_in_use(c.sha256)) AS in_use,
       c.retired_at IS NULL AND member_in_trust(c.sha256) AS in_trust,
       EXISTS (SELECT 1 FROM chain ch CROSS JOIN LATERAL chain_best(ch.chain_id) v
                WHERE ch.leaf_sha256 = c.sha256 AND v.verdict <> 'ok'
                  AND EXISTS (SELECT 1 FROM sighting s WHERE s.chain_id = ch.chain_id AND s.closed_at IS NULL)) AS not_trusted,
       c.retired_at IS NULL AND c.superseded_at IS NULL AS current
  FROM certificate c;

-- Open spans by chain, with what a count of places needs: read from the index alone. And those that some run missed, which may be superseded.
DROP INDEX sighting_open_chain;
CREATE INDEX sighting_open_chain ON sighting (chain_id, location_id) INCLUDE (role, absent_runs) WHERE closed_at IS NULL;
CREATE INDEX sighting_missed_chain ON sighting (chain_id) WHERE closed_at IS NULL AND absent_runs > 0;
-- What stands at a place now, asked for each place that a run missed: a year leaves several spans at each, of which this is one.
CREATE INDEX sighting_present ON sighting (location_id) WHERE closed_at IS NULL AND absent_runs = 0;

-- Where each of the certificates of a page is, at most `most` places, and who answers for it: in place of a call of browse_use (0014) for each of them. It is planned once for a
-- connection, and as what it is: lookups, however large the server takes the answer to be. Owners are those of the first 40 places; ids of places are hashes, so that these are
-- no worse than any 40. What some run missed may be superseded, as place_certificate (0005) has it; each
-- successor is looked up once, not for each place.
DROP FUNCTION browse_use(bytea, boolean, integer);
CREATE FUNCTION browse_uses(asked bytea[], with_trust boolean, most integer)
RETURNS TABLE (sha256 bytea, places bigint, owner text, owners bigint, verdict text, acknowledged boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 50
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_memoize = off
SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT a.sha256, coalesce(cardinality(s.ids), 0)::bigint, o.owner, o.owners,
           (SELECT v.verdict
              FROM chain ch
             CROSS JOIN LATERAL chain_best(ch.chain_id) v
             WHERE ch.leaf_sha256 = a.sha256
               AND EXISTS (SELECT FROM sighting s WHERE s.chain_id = ch.chain_id AND s.closed_at IS NULL OFFSET 0)
             ORDER BY v.verdict = 'ok', v.verdict
             LIMIT 1),
           -- An acknowledgement silences until a tighter threshold holds; it shows for as long.
           (SELECT bool_and(k.acked_at IS NOT NULL AND (k.acked_threshold IS NULL OR k.acked_threshold <= coalesce(k.threshold, 30)))
              FROM alert k WHERE k.sha256 = a.sha256 AND k.resolved_at IS NULL)
      FROM unnest(asked) AS a(sha256)
     CROSS JOIN LATERAL (SELECT array_agg(DISTINCT x.location_id) AS ids
                           FROM (SELECT s.location_id
                                   FROM chain ch
                                  CROSS JOIN LATERAL (SELECT s.location_id
                                                        FROM sighting s
                                                       WHERE s.chain_id = ch.chain_id AND s.closed_at IS NULL AND s.absent_runs = 0 AND (s.role <> 'trust' OR with_trust)
                                                       UNION ALL
                                                      (WITH missed AS MATERIALIZED (
                                                           SELECT s.location_id, s.role, after.chain_id AS successor
                                                             FROM sighting s
                                                             LEFT JOIN sighting after ON after.location_id = s.location_id AND after.role = s.role AND after.closed_at IS NULL
                                                                                     AND after.absent_runs = 0 AND after.chain_id <> s.chain_id AND after.first_seen > s.last_seen
                                                            WHERE s.chain_id = ch.chain_id AND s.closed_at IS NULL AND s.absent_runs > 0 AND (s.role <> 'trust' OR with_trust))
                                                       SELECT m.location_id
                                                         FROM missed m
                                                        GROUP BY m.location_id, m.role
                                                       HAVING coalesce(bool_and(m.successor <> ALL (ARRAY(
                                                                  SELECT n.successor
                                                                    FROM (SELECT DISTINCT m.successor FROM missed m) n
                                                                    JOIN chain ch2 ON ch2.chain_id = n.successor
                                                                    JOIN certificate new ON new.sha256 = ch2.leaf_sha256
                                                                    JOIN certificate old ON old.sha256 = ch.leaf_sha256
                                                                   WHERE (new.not_after > old.not_after OR new.sha256 = old.sha256) AND new.key_alg = old.key_alg))), true))) s
                                  WHERE ch.fingerprints @> ARRAY[a.sha256]
                                  LIMIT most) x) s
     CROSS JOIN LATERAL (SELECT (array_agg(t.owner ORDER BY t.owner = '', t.places DESC, t.owner))[1] AS owner, count(*) AS owners
                           FROM (SELECT coalesce(st.owner, '') AS owner, count(*) AS places
                                   FROM unnest(s.ids[1:40]) AS u(id)
                                   JOIN location_state st ON st.location_id = u.id
                                  GROUP BY 1) t) o;
END
$$;

-- Whether some open span has it: a hundred of its chains are asked first, as above.
CREATE FUNCTION member_open(member bytea) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM sighting s
                    WHERE s.closed_at IS NULL
                      AND s.chain_id = ANY (ARRAY(SELECT ch.chain_id FROM chain ch WHERE ch.fingerprints @> ARRAY[member] LIMIT 100)))
        OR EXISTS (SELECT FROM sighting s
                    WHERE s.closed_at IS NULL
                      AND s.chain_id = ANY (ARRAY(SELECT ch.chain_id FROM chain ch WHERE ch.fingerprints @> ARRAY[member])));
END
$$;

-- Looks at the next `most` certificates in the order of their end, behind the one named, and answers the last; NULL: there are no more. First takes back those that came back
-- since they were marked.
CREATE FUNCTION certificates_retire(INOUT after_expires timestamptz, INOUT after_sha256 bytea, most integer, OUT retired bigint) LANGUAGE plpgsql AS $$
DECLARE
    slice bytea[];
BEGIN
    UPDATE certificate c SET retired_at = NULL WHERE c.retired_at > now() - interval '10 minutes' AND member_open(c.sha256);
    SELECT array_agg(x.sha256), (array_agg(x.expires ORDER BY x.expires DESC, x.sha256 DESC))[1], (array_agg(x.sha256 ORDER BY x.expires DESC, x.sha256 DESC))[1]
      INTO slice, after_expires, after_sha256
      FROM (SELECT c.sha256, coalesce(c.not_after, 'infinity'::timestamptz) AS expires
              FROM certificate c
             WHERE c.retired_at IS NULL AND c.superseded_at IS NULL AND (coalesce(c.not_after, 'infinity'::timestamptz), c.sha256) > (after_expires, after_sha256)
             ORDER BY coalesce(c.not_after, 'infinity'::timestamptz), c.sha256
             LIMIT most) x;
    UPDATE certificate c
       SET retired_at = CASE WHEN NOT o.open THEN now() END, superseded_at = CASE WHEN o.open THEN now() END
      FROM (SELECT u.sha256, member_open(u.sha256) AS open
              FROM unnest(slice) AS u(sha256)
             WHERE NOT member_in_use(u.sha256) AND NOT member_in_trust(u.sha256)
            OFFSET 0) o
     WHERE c.sha256 = o.sha256 AND c.retired_at IS NULL;
    GET DIAGNOSTICS retired = ROW_COUNT;
    UPDATE certificate c
       SET retired_at = CASE WHEN NOT o.open THEN now() END, superseded_at = CASE WHEN o.open AND NOT o.used THEN now() END
      FROM (SELECT u.sha256, member_open(u.sha256) AS open, member_in_use(u.sha256) OR member_in_trust(u.sha256) AS used
              FROM (SELECT m.sha256 FROM certificate m WHERE m.superseded_at < now() - interval '5 minutes' ORDER BY m.superseded_at LIMIT 1000) u
            OFFSET 0) o
     WHERE c.sha256 = o.sha256;
END
$$;

-- Once a day all of them are asked, however it came that one is somewhere: the leaf of a chain or any other member.
CREATE FUNCTION certificates_return() RETURNS void LANGUAGE sql AS $$
    UPDATE certificate c
       SET retired_at = NULL
     WHERE c.retired_at IS NOT NULL
       AND c.sha256 IN (SELECT m.sha256
                          FROM chain ch CROSS JOIN LATERAL unnest(ch.fingerprints) AS m(sha256)
                         WHERE EXISTS (SELECT FROM sighting s WHERE s.chain_id = ch.chain_id AND s.closed_at IS NULL))
$$;
INSERT INTO upkeep (task, done_at) VALUES ('retire', '-infinity'), ('return', now());

-- What observation knows is folded into the rows that it saved writing: weekly, a slice of places at a time, from the newest batch back. `reached`: day and key of the last batch
-- that was folded, NULL when there is none under way.
ALTER TABLE upkeep ADD COLUMN reached text[];
INSERT INTO upkeep (task, done_at) VALUES ('fold_slice', now());

-- Folds the next batches, of about `most` places or one. Of a place that a newer batch told of, nothing is left to write. Weekly means that nine days are enough.
CREATE FUNCTION observation_fold(most integer) RETURNS void LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
#variable_conflict use_column
DECLARE
    behind   text[] := (SELECT u.reached FROM upkeep u WHERE u.task = 'fold_slice');
    next     text[];
    ids      uuid[];
    oks      timestamptz[];
    failures timestamptz[];
BEGIN
    IF behind IS NULL THEN
        RETURN;
    END IF;
    WITH slice AS MATERIALIZED (
        SELECT x.day, x.batch_key, x.last_at, x.unchanged, x.failing
          FROM (SELECT b.*, sum((pg_column_size(b.unchanged) + pg_column_size(b.failing)) / 16) OVER (ORDER BY b.day DESC, b.batch_key DESC) AS places,
                       row_number() OVER (ORDER BY b.day DESC, b.batch_key DESC) AS n
                  FROM (SELECT * FROM observation b
                         WHERE (b.day, b.batch_key) < (behind[1]::date, behind[2]) AND b.day >= (now() AT TIME ZONE 'UTC')::date - 9
                         ORDER BY b.day DESC, b.batch_key DESC
                         LIMIT 500) b) x
         WHERE x.n = 1 OR x.places <= most),
    told AS (
        SELECT o.location_id, max(o.at) FILTER (WHERE o.ok) AS ok_at, max(o.at) FILTER (WHERE NOT o.ok) AS failure_at
          FROM (SELECT unnest(b.unchanged) AS location_id, b.last_at AS at, true AS ok FROM slice b
                 UNION ALL
                SELECT unnest(b.failing), b.last_at, false FROM slice b) o
         GROUP BY o.location_id)
    SELECT (SELECT ARRAY[b.day::text, b.batch_key] FROM slice b ORDER BY b.day, b.batch_key LIMIT 1), array_agg(t.location_id ORDER BY t.location_id),
           array_agg(t.ok_at ORDER BY t.location_id), array_agg(t.failure_at ORDER BY t.location_id)
      INTO next, ids, oks, failures
      FROM told t
     WHERE EXISTS (SELECT FROM location_state st WHERE st.location_id = t.location_id AND (st.last_ok < t.ok_at OR st.last_failure < t.failure_at))
        OR EXISTS (SELECT FROM sighting s
                    WHERE s.location_id = t.location_id AND s.closed_at IS NULL AND s.absent_runs = 0 AND s.last_seen < t.ok_at AND s.first_seen <= t.ok_at);
    PERFORM FROM location l WHERE l.location_id = ANY (ids) ORDER BY l.location_id FOR NO KEY UPDATE;
    UPDATE sighting s
       SET last_seen = f.ok_at
      FROM unnest(ids, oks) AS f(location_id, ok_at)
     WHERE s.location_id = f.location_id AND s.closed_at IS NULL AND s.absent_runs = 0 AND s.last_seen < f.ok_at AND s.first_seen <= f.ok_at;
    UPDATE location_state st
       SET last_ok = greatest(st.last_ok, f.ok_at), last_failure = greatest(st.last_failure, f.failure_at)
      FROM unnest(ids, oks, failures) AS f(location_id, ok_at, failure_at)
     WHERE st.location_id = f.location_id AND (st.last_ok < f.ok_at OR st.last_failure < f.failure_at);
    UPDATE upkeep SET reached = next WHERE task = 'fold_slice';
END
$$;

-- As in 0005 and 0007; what is retired is at no place.
CREATE OR REPLACE VIEW expiry_due AS
SELECT c.sha256, coalesce(st.owner, '') AS owner, count(DISTINCT p.location_id)::integer AS places,
       expiry_threshold(c.not_before, c.not_after, now()) AS threshold
  FROM certificate c
  JOIN place_certificate p ON p.sha256 = c.sha256
  JOIN location_state st ON st.location_id = p.location_id
 WHERE c.retired_at IS NULL AND c.not_after <= now() + interval '31 days' AND p.role <> 'trust' AND NOT p.superseded
 GROUP BY c.sha256, c.not_before, c.not_after, coalesce(st.owner, '')
HAVING expiry_threshold(c.not_before, c.not_after, now()) IS NOT NULL;

CREATE OR REPLACE VIEW certificate_place AS
SELECT p.sha256, p.chain_id, p.role, p.position, p.location_id, c.display_name, c.subject, c.issuer, c.not_before, c.not_after,
       key_text(c.key_alg, c.key_bits, c.curve) AS key, expiry_threshold(c.not_before, c.not_after, now()) AS threshold,
       l.realm, place_text(l) AS place, st.owner, st.last_result
  FROM place_certificate p
  JOIN certificate c ON c.sha256 = p.sha256
  JOIN location l ON l.location_id = p.location_id
  JOIN location_state st ON st.location_id = p.location_id
 WHERE c.retired_at IS NULL AND NOT p.superseded;

-- What /metrics counts is counted in indexes.
CREATE INDEX certificate_undecodable ON certificate (sha256) WHERE undecodable IS NOT NULL;
