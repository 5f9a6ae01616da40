-- Is it the certificate of the name that was asked for? And which CAs exist twice? Both can be read here, and asked by hand.

-- RFC 9525 §6: a DNS name of the certificate is equal to the one asked, without regard to case, or its left-most label is "*" as a whole and the rest is
-- equal; "*" stands for exactly one label. An address matches an iPAddress of the certificate, never a DNS name. The common name counts for nothing. NULL: nothing
-- was asked, or the certificate cannot be decoded.
CREATE FUNCTION name_matches(leaf bytea, asked text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN coalesce(asked, '') = '' OR NOT EXISTS (SELECT FROM certificate c WHERE c.sha256 = leaf AND c.undecodable IS NULL) THEN NULL
           ELSE EXISTS (SELECT
                          FROM certificate_name n
                         WHERE n.sha256 = leaf
                           AND CASE n.kind
                               WHEN 'dns' THEN asked !~ '^[0-9.]+$' AND asked !~ ':'
                                    AND (lower(n.name) = lower(asked)
                                         OR (starts_with(n.name, '*.') AND strpos(asked, '.') > 1
                                             AND lower(substr(n.name, 3)) = lower(substr(asked, strpos(asked, '.') + 1))
                                             AND strpos(substr(n.name, 3), '*') = 0))
                               WHEN 'ip' THEN n.name = asked
                               ELSE false END)
           END
$$;

-- Every server's leaf and what was asked for when it was shown: a name, or the address where none was known. An address in no certificate is usual, a name that
-- is not in it is not.
CREATE VIEW place_name AS
SELECT p.location_id, p.chain_id, p.sha256, l.name <> '' AS by_name, coalesce(nullif(l.name, ''), host(l.ip)) AS asked,
       name_matches(p.sha256, coalesce(nullif(l.name, ''), host(l.ip))) AS matches
  FROM place_certificate p
  JOIN location l ON l.location_id = p.location_id
 WHERE l.kind = 'endpoint' AND p.role = 'server' AND p.position = 0 AND NOT p.superseded;

-- Certificates of one CA key under one name from several issuers: chains may go either way, and one way may end sooner than the other.
CREATE INDEX certificate_ca_subject ON certificate (md5(subject)) WHERE is_ca; -- a subject may be longer than an index entry
CREATE VIEW cross_signed AS
SELECT c.sha256, o.sha256 AS other, c.subject, c.issuer, o.issuer AS other_issuer, c.not_after, o.not_after AS other_not_after
  FROM certificate c
  JOIN certificate o ON md5(o.subject) = md5(c.subject) AND o.subject = c.subject AND o.spki_sha256 = c.spki_sha256 AND o.issuer <> c.issuer
 WHERE c.is_ca AND o.is_ca;

GRANT SELECT ON place_name, cross_signed TO certmuster_read;
