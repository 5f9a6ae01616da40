-- New certificates with their names. Sorted, so that batches which bring the same ones wait for each other and never in a circle.
WITH new AS (
    INSERT INTO certificate (sha256, der, undecodable, subject, issuer, common_name, display_name, serial, not_before, not_after,
                             spki_sha256, tbs_sha256, key_alg, key_bits, curve, sig_alg, is_ca, self_issued, first_seen, last_seen)
    SELECT s.sha256, s.der, s.undecodable, s.subject, s.issuer, s.common_name, s.display_name, s.serial, s.not_before, s.not_after,
           s.spki_sha256, s.tbs_sha256, s.key_alg, s.key_bits, s.curve, s.sig_alg, s.is_ca, s.self_issued, s.first_seen, s.last_seen
      FROM pg_temp.stage_certificate s
     ORDER BY s.sha256
    ON CONFLICT DO NOTHING
    RETURNING sha256)
INSERT INTO certificate_name (sha256, kind, name, reversed)
SELECT DISTINCT n.sha256, n.kind, n.name, reverse(n.name)
  FROM pg_temp.stage_name n
  JOIN new ON new.sha256 = n.sha256;

-- Chains that lack a CA certificate of this name are judged again. The row is held until what was inserted above can be seen, which the judge waits for when it
-- writes that a name is lacking (collector/judge/rulings.c): one of the two finds the other.
SELECT count(*)
  FROM (SELECT
          FROM upkeep u
         WHERE u.task = 'issuers' AND EXISTS (SELECT FROM pg_temp.stage_certificate s WHERE s.is_ca)
           FOR SHARE) held;

INSERT INTO docket (chain_id, trust_store)
SELECT v.chain_id, v.trust_store
  FROM chain_verdict v
 WHERE v.waits_for && ARRAY(SELECT md5(s.subject) FROM pg_temp.stage_certificate s WHERE s.is_ca)
 ORDER BY v.chain_id, v.trust_store
ON CONFLICT DO NOTHING;
