-- Whom to call: ordered rules from places and certificates to owners. `certmuster owner load FILE` replaces both tables and
-- assigns every place anew in one transaction.

CREATE TABLE owner (
    name        text PRIMARY KEY,
    email       text[] NOT NULL DEFAULT '{}',
    webhook     text,
    contact     text,   -- free text for people: a phone number, a chat room
    environment text,
    criticality text
);

-- The first rule (lowest position) whose every condition holds decides; a NULL condition holds always.
CREATE TABLE owner_rule (
    position    integer PRIMARY KEY,
    owner       text NOT NULL,
    name_like   text,   -- globs as LIKE patterns, made by owner_glob(), lower case: against the SNI, every DNS SAN and the CN
    cidr        cidr,   -- against the endpoint's address
    path_like   text,   -- against the file's path, in which case matters
    issuer_like text,   -- against the leaf's issuer, RFC 4514, lower case
    realm       text
);

-- '*' any run of characters (also dots and slashes), '?' one character; everything else is literal.
CREATE FUNCTION owner_glob(glob text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT translate(regexp_replace(glob, '([\\%_])', '\\\1', 'g'), '*?', '%_')
$$;

-- The glob that a pattern was made from, for people.
CREATE FUNCTION owner_unglob(pattern text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT string_agg(CASE p.part WHEN '%' THEN '*' WHEN '_' THEN '?' ELSE right(p.part, 1) END, '' ORDER BY p.rank)
      FROM regexp_matches(pattern, '\\.|.', 'g') WITH ORDINALITY AS m(parts, rank),
           LATERAL (SELECT m.parts[1] AS part, m.rank) p
$$;

-- How the rules as they stand decide over one place, by the leaf that was last seen there: the rule's position and owner, NULL when none
-- holds.
CREATE FUNCTION owner_decision(place uuid) RETURNS TABLE ("position" integer, owner text, leaf_sha256 bytea) LANGUAGE sql STABLE AS $$
    SELECT r.position, r.owner, leaf.sha256
      FROM location l
      LEFT JOIN LATERAL (SELECT c.sha256, lower(c.issuer) AS issuer
                           FROM sighting s
                           JOIN chain ch ON ch.chain_id = s.chain_id
                           JOIN certificate c ON c.sha256 = ch.leaf_sha256
                          WHERE s.location_id = l.location_id AND s.closed_at IS NULL
                          ORDER BY s.absent_runs, s.last_seen DESC, c.not_after DESC NULLS LAST
                          LIMIT 1) leaf ON true
      LEFT JOIN LATERAL (SELECT r.position, r.owner
                           FROM owner_rule r
                          WHERE (r.realm IS NULL OR r.realm = l.realm)
                            AND (r.cidr IS NULL OR (l.ip IS NOT NULL AND l.ip <<= r.cidr))
                            AND (r.path_like IS NULL OR l.path LIKE r.path_like)
                            AND (r.issuer_like IS NULL OR leaf.issuer LIKE r.issuer_like)
                            AND (r.name_like IS NULL OR l.name LIKE r.name_like
                                 OR EXISTS (SELECT 1 FROM certificate_name n
                                             WHERE n.sha256 = leaf.sha256 AND n.kind IN ('dns', 'cn') AND lower(n.name) LIKE r.name_like))
                          ORDER BY r.position
                          LIMIT 1) r ON true
     WHERE l.location_id = place
$$;

-- The same over many.
CREATE FUNCTION owners_of(places uuid[]) RETURNS TABLE (location_id uuid, owner text) LANGUAGE sql STABLE AS $$
    SELECT p.location_id, d.owner
      FROM unnest(places) AS p(location_id)
      JOIN location l ON l.location_id = p.location_id
     CROSS JOIN LATERAL owner_decision(p.location_id) d
$$;
