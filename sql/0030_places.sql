-- The places of a certificate, a page at a time, each page read from where the one before ended: of an issuer that stands behind thousands of chains as of a leaf.

-- What may stand behind the leaf of a chain: few lists for many chains. The id is made as chain_id is: the first 16 bytes of SHA-256 over the fingerprints.
CREATE FUNCTION issuers_id(chain_fingerprints bytea[]) RETURNS uuid LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    behind bytea := '';
BEGIN
    FOR i IN 2..cardinality(chain_fingerprints) LOOP
        behind := behind || chain_fingerprints[i];
    END LOOP;
    RETURN encode(substr(sha256(behind), 1, 16), 'hex')::uuid;
END
$$;

CREATE TABLE chain_issuers (
    issuers_id   uuid PRIMARY KEY, -- of the chain's fingerprints
    fingerprints bytea[] NOT NULL  -- all but the leaf's, as they were served
);
INSERT INTO chain_issuers SELECT DISTINCT issuers_id(ch.fingerprints), ch.fingerprints[2:] FROM chain ch WHERE cardinality(ch.fingerprints) > 1;
CREATE INDEX chain_issuers_members ON chain_issuers USING gin (fingerprints) WITH (fastupdate = off);
CREATE INDEX chain_by_issuers ON chain (issuers_id(fingerprints), chain_id);
ANALYZE chain, chain_issuers;

-- Open spans of a certificate that nothing supersedes (place_certificate in 0005), behind a chain, place and role or before them, the nearest first; from_chain NULL: from the beginning
-- or the end. First the chains that it is the leaf of, then those that it is an issuer in, by issuers_id. with_it: the span of that key, too.
-- (OFFSET 0: found first and then sorted; a table that lies in that order already is not read through for it.)
DO $make$
DECLARE
    way record;
BEGIN
    FOR way IN SELECT * FROM (VALUES ('browse_places_behind', '>', '', '00000000-0000-0000-0000-000000000000'),
                                     ('browse_places_before', '<', ' DESC', 'ffffffff-ffff-ffff-ffff-ffffffffffff')) AS w(name, beyond, turn, first) LOOP
        EXECUTE replace(replace(replace(replace(replace($function$
CREATE FUNCTION {name}(of bytea, from_chain uuid, from_location uuid, from_role text, with_it boolean, most integer)
RETURNS TABLE (chain_id uuid, location_id uuid, role text, last_seen timestamptz)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 50
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_sort = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_memoize = off
SET max_parallel_workers_per_gather = 0 SET jit = off AS $body$
#variable_conflict use_column
DECLARE
    ends     CONSTANT uuid := '{first}';
    at       chain; -- where to go on
    is_leaf  boolean;
    from_ids uuid := ends;
    found    integer := 0;
    part     integer;
BEGIN
    SELECT ch.* INTO at FROM chain ch WHERE ch.chain_id = from_chain;
    IF at.chain_id IS NULL THEN
        is_leaf := '{beyond}' = '>'; -- at which end to begin
        from_location := ends;
        from_role := '';
        with_it := false;
    ELSE
        is_leaf := at.leaf_sha256 = of;
        from_ids := issuers_id(at.fingerprints);
    END IF;
    FOR step IN 1..2 LOOP
        IF is_leaf THEN
            RETURN QUERY
            SELECT c.chain_id, s.location_id, s.role, s.last_seen
              FROM (SELECT ch.chain_id, ch.leaf_sha256, ch.chain_id IS NOT DISTINCT FROM at.chain_id AS same
                      FROM (SELECT * FROM chain ch WHERE ch.leaf_sha256 = of OFFSET 0) ch
                     WHERE ch.chain_id {beyond}= coalesce(at.chain_id, ends)
                     ORDER BY ch.chain_id{turn}) c
             CROSS JOIN LATERAL ({spans}) s
             LIMIT most - found;
        ELSE
            RETURN QUERY
            SELECT c.chain_id, s.location_id, s.role, s.last_seen
              FROM (SELECT i.issuers_id
                      FROM (SELECT * FROM chain_issuers i WHERE i.fingerprints @> ARRAY[of] OFFSET 0) i
                     WHERE i.issuers_id {beyond}= from_ids
                     ORDER BY i.issuers_id{turn}) i
             CROSS JOIN LATERAL (SELECT ch.chain_id, ch.leaf_sha256, ch.chain_id IS NOT DISTINCT FROM at.chain_id AS same
                                   FROM chain ch
                                  WHERE issuers_id(ch.fingerprints) = i.issuers_id AND ch.leaf_sha256 <> of
                                    AND ch.chain_id {beyond}= CASE WHEN i.issuers_id = from_ids AND at.chain_id IS NOT NULL THEN at.chain_id ELSE ends END
                                  ORDER BY ch.chain_id{turn}) c
             CROSS JOIN LATERAL ({spans}) s
             LIMIT most - found;
        END IF;
        GET DIAGNOSTICS part = ROW_COUNT;
        found := found + part;
        EXIT WHEN found >= most OR is_leaf <> ('{beyond}' = '>');
        is_leaf := NOT is_leaf; -- from the beginning of the other half
        at := NULL;
        from_ids := ends;
        from_location := ends;
        from_role := '';
        with_it := false;
    END LOOP;
END
$body$
$function$,
            '{spans}', $spans$
                 SELECT s.location_id, s.role, s.last_seen
                   FROM sighting s
                  WHERE s.chain_id = c.chain_id AND s.closed_at IS NULL
                    AND s.location_id {beyond}= CASE WHEN c.same THEN from_location ELSE ends END
                    AND (NOT c.same OR (s.location_id, s.role) {beyond} (from_location, from_role) OR with_it AND s.location_id = from_location AND s.role = from_role)
                    AND (s.absent_runs = 0
                         OR NOT EXISTS (SELECT
                                          FROM sighting s2
                                          JOIN chain ch2 ON ch2.chain_id = s2.chain_id
                                          JOIN certificate new ON new.sha256 = ch2.leaf_sha256
                                          JOIN certificate old ON old.sha256 = c.leaf_sha256
                                         WHERE s2.location_id = s.location_id AND s2.role = s.role AND s2.closed_at IS NULL AND s2.absent_runs = 0
                                           AND s2.chain_id <> c.chain_id AND s2.first_seen > s.last_seen
                                           AND (new.not_after > old.not_after OR new.sha256 = old.sha256) AND new.key_alg = old.key_alg))
                  ORDER BY s.location_id{turn}, s.role{turn}$spans$),
            '{name}', way.name), '{beyond}', way.beyond), '{turn}', way.turn), '{first}', way.first);
    END LOOP;
END
$make$;

GRANT SELECT ON chain_issuers TO certmuster_read;
GRANT INSERT ON chain_issuers TO certmuster_ingest;
GRANT ALL ON chain_issuers TO certmuster_admin;
GRANT EXECUTE ON FUNCTION issuers_id(bytea[]), browse_places_behind(bytea, uuid, uuid, text, boolean, integer), browse_places_before(bytea, uuid, uuid, text, boolean, integer)
    TO certmuster_audit;
