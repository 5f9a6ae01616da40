-- A page of the list is read from indexes: each row of a table that is asked for is on a page of its own.

-- Of a place its owner, of a chain its verdicts.
ALTER TABLE location_state
    DROP CONSTRAINT location_state_pkey,
    ADD CONSTRAINT location_state_pkey PRIMARY KEY (location_id) INCLUDE (digest, digest_at, owner);
ALTER TABLE chain_verdict
    DROP CONSTRAINT chain_verdict_pkey,
    ADD CONSTRAINT chain_verdict_pkey PRIMARY KEY (chain_id, trust_store) INCLUDE (verdict);

-- Of open spans what browse_uses() below looks at.
DROP INDEX sighting_open_chain, sighting_missed_chain, sighting_present;
CREATE INDEX sighting_open_chain ON sighting (chain_id, location_id) INCLUDE (role, absent_runs, first_seen) WHERE closed_at IS NULL;
CREATE INDEX sighting_missed_chain ON sighting (chain_id, location_id) INCLUDE (role, last_seen) WHERE closed_at IS NULL AND absent_runs > 0;
CREATE INDEX sighting_present ON sighting (location_id) INCLUDE (role, chain_id, first_seen) WHERE closed_at IS NULL AND absent_runs = 0;

-- As in 0017, but from the chain to its spans whatever the server knows of the tables: an inventory that filled within a minute has no statistics, and then all open spans were read for
-- each certificate (absent_runs < 1: as below).
CREATE OR REPLACE FUNCTION member_in_use(member bytea) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    chains uuid[];
BEGIN
    IF EXISTS (SELECT
                 FROM chain ch
                CROSS JOIN LATERAL (SELECT FROM sighting s WHERE s.chain_id = ch.chain_id AND s.closed_at IS NULL AND s.absent_runs < 1 AND s.role <> 'trust' LIMIT 1) s
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

-- As in 0017, but a chain that stands in trust stores alone, or that a renewal supersedes wherever it is, counts no more as not trusted.
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
                  AND EXISTS (SELECT 1 FROM place_certificate p WHERE p.chain_id = ch.chain_id AND p.sha256 = c.sha256 AND p.role <> 'trust' AND NOT p.superseded)) AS not_trusted,
       c.retired_at IS NULL AND c.superseded_at IS NULL AS current
  FROM certificate c;

-- As in 0017; of 12 places the owners. Mostly one successor stands at all places of a chain that was renewed: those of the first two places are looked for at the others by their own
-- chain, which is one page of an index (and not by the place, each of which is on another: hence absent_runs < 1, which is not what sighting_present says), and only what is left is
-- looked up place by place. The verdict is the worst of the chains that it is the leaf of, at these places or, where they are too many to be all looked at, at any.
CREATE OR REPLACE FUNCTION browse_uses(asked bytea[], with_trust boolean, most integer)
RETURNS TABLE (sha256 bytea, places bigint, owner text, owners bigint, verdict text, acknowledged boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 50
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_memoize = off
SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT a.sha256, coalesce(cardinality(s.ids), 0)::bigint, o.owner, o.owners,
           (SELECT v.verdict
              FROM unnest(CASE WHEN s.rows < most THEN s.chains
                               ELSE ARRAY(SELECT ch.chain_id FROM chain ch
                                           WHERE ch.leaf_sha256 = a.sha256
                                             AND EXISTS (SELECT FROM place_certificate p
                                                          WHERE p.chain_id = ch.chain_id AND p.sha256 = a.sha256 AND NOT p.superseded AND (p.role <> 'trust' OR with_trust) OFFSET 0)) END) AS u(id)
             CROSS JOIN LATERAL chain_best(u.id) v
             ORDER BY v.verdict = 'ok', v.verdict
             LIMIT 1),
           -- An acknowledgement silences until a tighter threshold holds; it shows for as long.
           (SELECT bool_and(k.acked_at IS NOT NULL AND (k.acked_threshold IS NULL OR k.acked_threshold <= coalesce(k.threshold, 30)))
              FROM alert k WHERE k.sha256 = a.sha256 AND k.resolved_at IS NULL)
      FROM unnest(asked) AS a(sha256)
     CROSS JOIN LATERAL (SELECT array_agg(DISTINCT x.location_id) AS ids, array_agg(DISTINCT x.chain_id) FILTER (WHERE x.is_leaf) AS chains, count(*) AS rows
                           FROM (SELECT s.location_id, ch.chain_id, ch.leaf_sha256 = a.sha256 AS is_leaf
                                   FROM chain ch
                                  CROSS JOIN LATERAL (SELECT s.location_id
                                                        FROM sighting s
                                                       WHERE s.chain_id = ch.chain_id AND s.closed_at IS NULL AND s.absent_runs = 0 AND (s.role <> 'trust' OR with_trust)
                                                       UNION ALL
                                                      (WITH missed AS MATERIALIZED (
                                                           SELECT s.location_id, s.role, s.last_seen
                                                             FROM sighting s
                                                            WHERE s.chain_id = ch.chain_id AND s.closed_at IS NULL AND s.absent_runs > 0 AND (s.role <> 'trust' OR with_trust)),
                                                            likely AS MATERIALIZED (
                                                           SELECT n.successor
                                                             FROM (SELECT DISTINCT after.chain_id AS successor
                                                                     FROM (SELECT * FROM missed LIMIT 2) m
                                                                     JOIN sighting after ON after.location_id = m.location_id AND after.role = m.role AND after.closed_at IS NULL
                                                                                         AND after.absent_runs = 0 AND after.chain_id <> ch.chain_id AND after.first_seen > m.last_seen) n
                                                             JOIN chain ch2 ON ch2.chain_id = n.successor
                                                             JOIN certificate new ON new.sha256 = ch2.leaf_sha256
                                                             JOIN certificate old ON old.sha256 = ch.leaf_sha256
                                                            WHERE (new.not_after > old.not_after OR new.sha256 = old.sha256) AND new.key_alg = old.key_alg),
                                                            other AS MATERIALIZED (
                                                           SELECT m.location_id, m.role, after.chain_id AS successor
                                                             FROM missed m
                                                             LEFT JOIN sighting after ON after.location_id = m.location_id AND after.role = m.role AND after.closed_at IS NULL
                                                                                     AND after.absent_runs = 0 AND after.chain_id <> ch.chain_id AND after.first_seen > m.last_seen
                                                            WHERE NOT EXISTS (SELECT
                                                                                FROM likely y
                                                                                JOIN sighting s ON s.chain_id = y.successor AND s.location_id = m.location_id AND s.closed_at IS NULL
                                                                               WHERE s.role = m.role AND s.absent_runs < 1 AND s.first_seen > m.last_seen))
                                                       SELECT m.location_id
                                                         FROM other m
                                                        GROUP BY m.location_id, m.role
                                                       HAVING coalesce(bool_and(m.successor <> ALL (ARRAY(
                                                                  SELECT n.successor
                                                                    FROM (SELECT DISTINCT m.successor FROM other m) n
                                                                    JOIN chain ch2 ON ch2.chain_id = n.successor
                                                                    JOIN certificate new ON new.sha256 = ch2.leaf_sha256
                                                                    JOIN certificate old ON old.sha256 = ch.leaf_sha256
                                                                   WHERE (new.not_after > old.not_after OR new.sha256 = old.sha256) AND new.key_alg = old.key_alg))), true))) s
                                  WHERE ch.fingerprints @> ARRAY[a.sha256]
                                  LIMIT most) x) s
     CROSS JOIN LATERAL (SELECT (array_agg(t.owner ORDER BY t.owner = '', t.places DESC, t.owner))[1] AS owner, count(*) AS owners
                           FROM (SELECT coalesce(st.owner, '') AS owner, count(*) AS places
                                   FROM unnest(s.ids[1:12]) AS u(id)
                                   JOIN location_state st ON st.location_id = u.id
                                  GROUP BY 1) t) o;
END
$$;
