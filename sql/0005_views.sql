-- What browse, report, alerts and /metrics read. No reader joins the tables of 0001 by itself.

-- One row per open span and certificate of its chain. `position` is 0 for the leaf. A span is superseded when a later run reached the
-- place and saw another certificate with the same kind of key that lives longer, never seen there before the old one was seen last: a
-- renewal, told at once. Without such a successor the chain counts as there until 3 runs missed it: a balancer of which half is renewed
-- shows both in turns, and does not flap.
CREATE VIEW place_certificate AS
SELECT s.location_id, s.chain_id, s.role, s.first_seen, s.last_seen, s.absent_runs,
       (m.position - 1)::integer AS position, m.sha256, ch.leaf_sha256,
       s.absent_runs > 0 AND EXISTS (
           SELECT 1
             FROM sighting s2
             JOIN chain ch2 ON ch2.chain_id = s2.chain_id
             JOIN certificate new ON new.sha256 = ch2.leaf_sha256
             JOIN certificate old ON old.sha256 = ch.leaf_sha256
            WHERE s2.location_id = s.location_id AND s2.role = s.role AND s2.closed_at IS NULL AND s2.absent_runs = 0
              AND s2.chain_id <> s.chain_id AND s2.first_seen > s.last_seen
              AND (new.not_after > old.not_after OR (new.sha256 = old.sha256))
              AND new.key_alg = old.key_alg) AS superseded
  FROM sighting s
  JOIN chain ch ON ch.chain_id = s.chain_id
 CROSS JOIN LATERAL unnest(ch.fingerprints) WITH ORDINALITY AS m(sha256, position)
 WHERE s.closed_at IS NULL;

-- A place in one line of text, as people write it: "192.0.2.7:443 (www.example.org)", "host:/etc/ssl/x.pem#1".
CREATE FUNCTION place_text(l location) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE l.kind
           WHEN 'endpoint' THEN
               CASE WHEN l.ip IS NULL THEN l.name || ':' || l.port
                    ELSE (CASE WHEN family(l.ip) = 6 THEN '[' || host(l.ip) || ']' ELSE host(l.ip) END) || ':' || l.port
                         || CASE WHEN l.name <> '' THEN ' (' || l.name || ')' ELSE '' END
               END
           ELSE l.host || ':' || l.path || CASE WHEN l.inner_path <> '' THEN '!' || l.inner_path ELSE '' END
                || CASE WHEN l.entry <> '' THEN '#' || l.entry ELSE '' END
           END
$$;

-- Every place with its state: what the inventory report and browse's detail show.
CREATE VIEW place AS
SELECT l.location_id, l.kind, l.realm, l.transport, l.ip, l.port, l.name, l.host, l.path, l.inner_path, l.entry, l.first_seen,
       place_text(l) AS place, st.owner, o.email AS owner_email, o.contact AS owner_contact, o.environment, o.criticality,
       st.chains, st.earliest_not_after, st.source, st.scanner, st.last_result, st.last_detail, st.last_ok, st.last_failure,
       st.starttls, st.tls, st.file_meta
  FROM location l
  JOIN location_state st ON st.location_id = l.location_id
  LEFT JOIN owner o ON o.name = st.owner;

-- Every certificate that is somewhere now, with the number of places and the owners: one row per certificate, trust stores (role
-- trust) apart, since nobody is called for a root that a distribution ships. For counting and exporting all of them: it groups the whole
-- inventory once (0.8 s for 100,000). To read a page in some order, take browse_certificate (0008), which looks up what it shows.
CREATE VIEW certificate_in_use AS
SELECT c.sha256, c.display_name, c.subject, c.issuer, c.common_name, c.serial, c.not_before, c.not_after, c.key_alg, c.key_bits,
       c.curve, c.sig_alg, c.is_ca, c.self_issued, c.spki_sha256, c.first_seen,
       u.places, u.as_leaf, u.owners, u.roles,
       expiry_threshold(c.not_before, c.not_after, now()) AS threshold
  FROM certificate c
  JOIN (SELECT p.sha256, count(DISTINCT p.location_id) AS places, bool_or(p.position = 0) AS as_leaf,
               array_agg(DISTINCT coalesce(st.owner, '')) AS owners, array_agg(DISTINCT p.role) AS roles
          FROM place_certificate p
          JOIN location_state st ON st.location_id = p.location_id
         WHERE p.role <> 'trust' AND NOT p.superseded
         GROUP BY p.sha256) u ON u.sha256 = c.sha256;

-- What should be told now: one row per certificate and owner for which a threshold holds.
CREATE VIEW expiry_due AS
SELECT c.sha256, coalesce(st.owner, '') AS owner, count(DISTINCT p.location_id)::integer AS places,
       expiry_threshold(c.not_before, c.not_after, now()) AS threshold
  FROM certificate c
  JOIN place_certificate p ON p.sha256 = c.sha256
  JOIN location_state st ON st.location_id = p.location_id
 WHERE c.not_after <= now() + interval '31 days' AND p.role <> 'trust' AND NOT p.superseded
 GROUP BY c.sha256, c.not_before, c.not_after, coalesce(st.owner, '')
HAVING expiry_threshold(c.not_before, c.not_after, now()) IS NOT NULL;
