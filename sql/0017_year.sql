-- After a year most certificates are history: renewed, and gone from every place. A list of what is there must not step over them one by one.

-- Since when it is nowhere: in no open span of any role, not even in one that a renewal supersedes, for which of two chains is the current one may change without either being
-- seen; NULL: it may be somewhere. Marked in slices by a collector (certificates_retire() below), taken back at once by whoever opens a span (collector/ingest/state.sql,
-- places_seen() of 0015). What was marked at the very moment at which it came back is found by the slices after, and daily by certificates_return().
ALTER TABLE certificate ADD COLUMN retired_at timestamptz;

-- What is read in order is what is there.
DROP INDEX certificate_by_expiry, certificate_by_name, certificate_not_after;
CREATE INDEX certificate_by_expiry ON certificate ((coalesce(not_after, 'infinity'::timestamptz)), sha256) WHERE retired_at IS NULL;
CREATE INDEX certificate_by_name ON certificate ((left(display_name, 100)), sha256) WHERE retired_at IS NULL;
CREATE INDEX certificate_not_after ON certificate (not_after) WHERE retired_at IS NULL;
CREATE INDEX certificate_retired ON certificate (retired_at) WHERE retired_at IS NOT NULL;

-- Functions of plpgsql are planned when they are first called, and once for a connection: what is rarely asked shall not be planned with every page.

-- Whether a span that some run missed was followed by a renewal, as place_certificate (0005) has it.
CREATE FUNCTION span_superseded(place uuid, chain uuid, what text, seen timestamptz) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN EXISTS (SELECT
                     FROM sighting s
                     JOIN chain ch ON ch.chain_id = s.chain_id
                     JOIN certificate new ON new.sha256 = ch.leaf_sha256
                     JOIN certificate old ON old.sha256 = (SELECT o.leaf_sha256 FROM chain o WHERE o.chain_id = chain)
                    WHERE s.location_id = place AND s.role = what AND s.closed_at IS NULL AND s.absent_runs = 0 AND s.chain_id <> chain AND s.first_seen > seen
                      AND (new.not_after > old.not_after OR new.sha256 = old.sha256) AND new.key_alg = old.key_alg);
END
$$;

-- Whether a certificate is in use, or in a trust store: looked up by its chains, which of a CA may be all that there are, so a hundred of them are asked first.
CREATE FUNCTION member_in_use(member bytea) RETURNS boolean LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM place_certificate p
                    WHERE p.chain_id = ANY (ARRAY(SELECT ch.chain_id FROM chain ch WHERE ch.fingerprints @> ARRAY[member] LIMIT 100))
                      AND p.sha256 = member AND p.role <> 'trust' AND NOT p.superseded)
        OR EXISTS (SELECT FROM place_certificate p
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
       c.retired_at IS NULL AS current
  FROM certificate c;

-- Open spans by chain, with what a count of places needs: read from the index alone. And those that some run missed, which may be superseded.
DROP INDEX sighting_open_chain;
CREATE INDEX sighting_open_chain ON sighting (chain_id, location_id) INCLUDE (role, absent_runs) WHERE closed_at IS NULL;
CREATE INDEX sighting_missed_chain ON sighting (chain_id) WHERE closed_at IS NULL AND absent_runs > 0;

-- As in 0014: where one certificate is, at most `most` places, and who answers for it. What stands in a query's FROM is planned as a part of it. Owners are those of the first 40
-- places; ids of places are hashes, so that these are no worse than any 40.
DROP FUNCTION browse_use(bytea, boolean, integer);
CREATE FUNCTION browse_use(certificate bytea, with_trust boolean, most integer)
RETURNS TABLE (places bigint, owner text, owners bigint, verdict text, acknowledged boolean) LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 AS $$
    SELECT n.places, o.owner, o.owners,
           (SELECT v.verdict
              FROM chain ch
             CROSS JOIN LATERAL chain_best(ch.chain_id) v
             WHERE ch.leaf_sha256 = browse_use.certificate
               AND EXISTS (SELECT FROM sighting s WHERE s.chain_id = ch.chain_id AND s.closed_at IS NULL)
             ORDER BY v.verdict = 'ok', v.verdict
             LIMIT 1),
           -- An acknowledgement silences until a tighter threshold holds; it shows for as long.
           (SELECT bool_and(a.acked_at IS NOT NULL AND (a.acked_threshold IS NULL OR a.acked_threshold <= coalesce(a.threshold, 30)))
              FROM alert a WHERE a.sha256 = browse_use.certificate AND a.resolved_at IS NULL)
      FROM (SELECT ARRAY(SELECT ch.chain_id FROM chain ch WHERE ch.fingerprints @> ARRAY[browse_use.certificate]) AS chains OFFSET 0) c
     CROSS JOIN LATERAL (SELECT array_agg(DISTINCT x.location_id) AS ids
                           FROM (SELECT x.location_id
                                   FROM (SELECT s.location_id
                                           FROM sighting s
                                          WHERE s.chain_id = ANY (c.chains) AND s.closed_at IS NULL AND s.absent_runs = 0 AND (s.role <> 'trust' OR with_trust)
                                          UNION ALL
                                         SELECT s.location_id
                                           FROM sighting s
                                          WHERE s.chain_id = ANY (c.chains) AND s.closed_at IS NULL AND s.absent_runs > 0 AND (s.role <> 'trust' OR with_trust)
                                            AND NOT span_superseded(s.location_id, s.chain_id, s.role, s.last_seen)) x
                                  LIMIT most) x) s
     CROSS JOIN LATERAL (SELECT coalesce(cardinality(s.ids), 0)::bigint AS places) n
     CROSS JOIN LATERAL (SELECT (array_agg(t.owner ORDER BY t.owner = '', t.places DESC, t.owner))[1] AS owner, count(*) AS owners
                           FROM (SELECT coalesce(st.owner, '') AS owner, count(*) AS places
                                   FROM unnest(s.ids[1:40]) AS u(id)
                                   JOIN location_state st ON st.location_id = u.id
                                  GROUP BY 1) t) o
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
             WHERE c.retired_at IS NULL AND (coalesce(c.not_after, 'infinity'::timestamptz), c.sha256) > (after_expires, after_sha256)
             ORDER BY coalesce(c.not_after, 'infinity'::timestamptz), c.sha256
             LIMIT most) x;
    UPDATE certificate c SET retired_at = now() WHERE c.sha256 = ANY (slice) AND c.retired_at IS NULL AND NOT member_open(c.sha256);
    GET DIAGNOSTICS retired = ROW_COUNT;
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
