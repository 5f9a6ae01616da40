-- What certmuster-browse adds to the views of 0005: lists that are read a page at a time, from any place in the middle, without
-- ever counting or sorting the whole inventory. A page of 200 certificates costs tens of milliseconds whether 1,000 or 1,000,000 are
-- stored: their keys come off an index in order, and only those 200 are then joined with their places.

-- The two orders of the list. Names are cut: an index entry has to fit into a third of a page and a name need not.
CREATE INDEX certificate_by_expiry ON certificate ((coalesce(not_after, 'infinity'::timestamptz)), sha256);
CREATE INDEX certificate_by_name ON certificate ((left(display_name, 100)), sha256);
-- Wider than that of 0001, so that the 400,000 places of one chain can be paged by key as well.
DROP INDEX sighting_open_chain;
CREATE INDEX sighting_open_chain ON sighting (chain_id, location_id) WHERE closed_at IS NULL;
-- Chains are rare beside sightings. A list of pending entries, which every lookup would have to walk, buys nothing.
ALTER INDEX chain_members SET (fastupdate = off);

-- Every certificate with the keys of both orders. in_use and in_trust are looked up per row: they cost nothing unless asked for. They
-- ask three times, cheapest first: the chains that it leads, which are few; a hundred of those that it is in, which answers for an
-- intermediate of a million chains; and only then all of them. ARRAY(…) holds the plan to the index on the members, whatever the planner
-- believes of an array's selectivity.
CREATE VIEW browse_certificate AS
SELECT c.sha256, coalesce(c.not_after, 'infinity'::timestamptz) AS expires, left(c.display_name, 100) AS name_key,
       c.display_name, c.subject, c.issuer, c.serial, c.not_before, c.not_after, c.is_ca, c.self_issued, c.sig_alg, c.undecodable,
       key_text(c.key_alg, c.key_bits, c.curve) AS key, c.first_seen, c.der,
       EXISTS (SELECT 1 FROM place_certificate p
                WHERE p.leaf_sha256 = c.sha256 AND p.sha256 = c.sha256 AND p.role <> 'trust' AND NOT p.superseded)
       OR EXISTS (SELECT 1 FROM place_certificate p
                   WHERE p.chain_id = ANY (ARRAY(SELECT ch.chain_id FROM chain ch WHERE ch.fingerprints @> ARRAY[c.sha256] LIMIT 100))
                     AND p.sha256 = c.sha256 AND p.role <> 'trust' AND NOT p.superseded)
       OR EXISTS (SELECT 1 FROM place_certificate p
                   WHERE p.chain_id = ANY (ARRAY(SELECT ch.chain_id FROM chain ch WHERE ch.fingerprints @> ARRAY[c.sha256]))
                     AND p.sha256 = c.sha256 AND p.role <> 'trust' AND NOT p.superseded) AS in_use,
       EXISTS (SELECT 1 FROM place_certificate p
                WHERE p.chain_id = ANY (ARRAY(SELECT ch.chain_id FROM chain ch WHERE ch.fingerprints @> ARRAY[c.sha256]))
                  AND p.sha256 = c.sha256 AND p.role = 'trust') AS in_trust,
       EXISTS (SELECT 1 FROM chain ch JOIN chain_verdict v ON v.chain_id = ch.chain_id
                WHERE ch.leaf_sha256 = c.sha256 AND v.verdict <> 'ok'
                  AND EXISTS (SELECT 1 FROM sighting s WHERE s.chain_id = ch.chain_id AND s.closed_at IS NULL)) AS not_trusted
  FROM certificate c;

-- Where one certificate is and who answers for it. At most `most` places are looked at: places = most says "or more". owner is the one
-- with most places, nobody ('') only when it is nobody's everywhere. The settings hold the plan to lookups by index, whatever the
-- planner believes of an array's selectivity.
CREATE FUNCTION browse_use(certificate bytea, with_trust boolean, most integer, OUT places bigint, OUT owner text, OUT owners bigint,
                           OUT verdict text, OUT acknowledged boolean)
LANGUAGE sql STABLE AS $$
    WITH spot AS MATERIALIZED (
        SELECT DISTINCT x.location_id, coalesce(st.owner, '') AS owner
          FROM (SELECT p.location_id
                  FROM chain ch
                  JOIN place_certificate p ON p.chain_id = ch.chain_id
                 WHERE ch.fingerprints @> ARRAY[browse_use.certificate] AND p.sha256 = browse_use.certificate
                   AND (p.role <> 'trust' OR browse_use.with_trust) AND NOT p.superseded
                 LIMIT browse_use.most) x
          JOIN location_state st ON st.location_id = x.location_id)
    SELECT (SELECT count(*) FROM spot),
           (SELECT s.owner FROM spot s GROUP BY s.owner ORDER BY s.owner = '', count(*) DESC, s.owner LIMIT 1),
           (SELECT count(DISTINCT s.owner) FROM spot s),
           (SELECT v.verdict
              FROM chain ch
              JOIN chain_verdict v ON v.chain_id = ch.chain_id
             WHERE ch.leaf_sha256 = browse_use.certificate
               AND EXISTS (SELECT 1 FROM sighting s WHERE s.chain_id = ch.chain_id AND s.closed_at IS NULL)
             ORDER BY v.verdict = 'ok', v.trust_store
             LIMIT 1),
           -- An acknowledgement silences until a tighter threshold holds; it shows for as long.
           (SELECT bool_and(a.acked_at IS NOT NULL AND (a.acked_threshold IS NULL OR a.acked_threshold <= coalesce(a.threshold, 30)))
              FROM alert a WHERE a.sha256 = browse_use.certificate AND a.resolved_at IS NULL)
$$;

-- For filters by place and owner, what it takes and nothing that costs: the leaf at every place, and every certificate at every place.
CREATE VIEW browse_leaf AS
SELECT ch.leaf_sha256 AS sha256, place_text(l) AS place, st.owner
  FROM location l
  JOIN location_state st ON st.location_id = l.location_id
  JOIN sighting s ON s.location_id = l.location_id AND s.closed_at IS NULL
  JOIN chain ch ON ch.chain_id = s.chain_id;

CREATE VIEW browse_spot AS
SELECT m.sha256, place_text(l) AS place, l.realm, st.owner, st.last_result
  FROM location l
  JOIN location_state st ON st.location_id = l.location_id
  JOIN sighting s ON s.location_id = l.location_id AND s.closed_at IS NULL
  JOIN chain ch ON ch.chain_id = s.chain_id
 CROSS JOIN LATERAL unnest(ch.fingerprints) AS m(sha256);

GRANT SELECT ON browse_certificate, browse_leaf, browse_spot TO certmuster_read;
