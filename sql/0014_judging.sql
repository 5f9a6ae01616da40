-- Each distinct chain is judged once by each trust store, and again only when the answer may have changed: the store is another, a date has passed that matters, or
-- a CA certificate has come that was lacking.

-- Verdict 'incomplete': not to be verified from what was served, but with CA certificates that are known from elsewhere; path holds them.
ALTER TABLE chain_verdict
    ADD COLUMN effective_not_after timestamptz, -- earliest in the path; NULL unless ok or incomplete
    ADD COLUMN next_change timestamptz,         -- the next notBefore or notAfter that may change the verdict; NULL: time changes nothing
    ADD COLUMN missing_issuer text,             -- whose certificate was sought and is nowhere; RFC 4514
    ADD COLUMN waits_for text[];                -- md5 of the subjects that were sought in vain: a CA certificate of that name brings the chain back to the docket
COMMENT ON COLUMN chain_verdict.path IS 'the path built, leaf first, trust anchor last; NULL unless ok or incomplete';
DROP INDEX chain_verdict_age; -- nothing is judged again for its age alone
CREATE INDEX chain_verdict_next_change ON chain_verdict (next_change) WHERE next_change IS NOT NULL;
CREATE INDEX chain_verdict_waits_for ON chain_verdict USING gin (waits_for) WHERE waits_for IS NOT NULL;

-- What was wrong with how a chain was served, whoever trusts it. By names, key identifiers and key usages; signatures are the verdict's business.
CREATE TABLE chain_shape (
    chain_id      uuid PRIMARY KEY,
    ordered       boolean NOT NULL,  -- each certificate stands after one that it issued
    superfluous   smallint NOT NULL, -- members that are no issuer of the leaf nor of its issuers
    duplicates    smallint NOT NULL, -- members that repeat an earlier one
    undecodable   smallint NOT NULL,
    root_included boolean NOT NULL,  -- the self-signed end was sent along, though clients must have it anyway
    cross_signed  boolean NOT NULL   -- one CA key twice, under two issuers: clients may go either way
);

-- Chains that wait for the judge. trust_store '' stands for every store. Whoever takes a row locks it until the verdict is written. Nothing is in it to begin
-- with: a collector that finds no row for its store in trust_store (below) puts every chain here.
CREATE TABLE docket (
    chain_id    uuid NOT NULL,
    trust_store text NOT NULL DEFAULT '',
    PRIMARY KEY (chain_id, trust_store)
);

-- Whose anchors the verdicts are by. A collector that finds another file under a name puts every chain on the docket, and one whose own file is not this one judges nothing.
CREATE TABLE trust_store (
    name       text PRIMARY KEY, -- 'system' or as in trust.stores
    digest     text NOT NULL,    -- SHA-256 of the file
    changed_at timestamptz NOT NULL
);
DELETE FROM upkeep WHERE task LIKE 'trust\_store %';
-- Held by who brings CA certificates, and by who writes that one is lacking.
INSERT INTO upkeep (task, done_at) VALUES ('issuers', now());

-- One verdict for each chain, for views that show one: the kindest of all stores, since a chain of a private CA is well where the private store says so; of two others the system's.
CREATE FUNCTION chain_best(id uuid)
RETURNS TABLE (verdict text, trust_store text, depth integer, verified_at timestamptz, effective_not_after timestamptz, missing_issuer text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 AS $$
    SELECT v.verdict, v.trust_store, v.depth, v.verified_at, v.effective_not_after, v.missing_issuer
      FROM chain_verdict v
     WHERE v.chain_id = id
     ORDER BY v.verdict <> 'ok', v.verdict <> 'incomplete', v.trust_store <> 'system', v.trust_store
     LIMIT 1
$$;

-- What was wrong with how a chain was served, in words; NULL: nothing.
CREATE FUNCTION chain_faults(id uuid) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(concat_ws(', ', CASE WHEN NOT s.ordered THEN 'wrong order' END, CASE WHEN s.superfluous > 0 THEN s.superfluous || ' superfluous' END,
                            CASE WHEN s.duplicates > 0 THEN s.duplicates || ' twice' END, CASE WHEN s.undecodable > 0 THEN s.undecodable || ' undecodable' END,
                            CASE WHEN s.root_included THEN 'root included' END), '')
      FROM chain_shape s
     WHERE s.chain_id = id
$$;

-- As in 0008, with the verdict that is best of all stores.
CREATE OR REPLACE VIEW browse_certificate AS
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
       EXISTS (SELECT 1 FROM chain ch CROSS JOIN LATERAL chain_best(ch.chain_id) v
                WHERE ch.leaf_sha256 = c.sha256 AND v.verdict <> 'ok'
                  AND EXISTS (SELECT 1 FROM sighting s WHERE s.chain_id = ch.chain_id AND s.closed_at IS NULL)) AS not_trusted
  FROM certificate c;

CREATE OR REPLACE FUNCTION browse_use(certificate bytea, with_trust boolean, most integer, OUT places bigint, OUT owner text, OUT owners bigint,
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
             CROSS JOIN LATERAL chain_best(ch.chain_id) v
             WHERE ch.leaf_sha256 = browse_use.certificate
               AND EXISTS (SELECT 1 FROM sighting s WHERE s.chain_id = ch.chain_id AND s.closed_at IS NULL)
             ORDER BY v.verdict = 'ok', v.verdict
             LIMIT 1),
           -- An acknowledgement silences until a tighter threshold holds; it shows for as long.
           (SELECT bool_and(a.acked_at IS NOT NULL AND (a.acked_threshold IS NULL OR a.acked_threshold <= coalesce(a.threshold, 30)))
              FROM alert a WHERE a.sha256 = browse_use.certificate AND a.resolved_at IS NULL)
$$;

GRANT SELECT ON chain_shape, docket, trust_store TO certmuster_read;
GRANT INSERT, UPDATE, DELETE ON chain_shape, docket, trust_store TO certmuster_ingest;
GRANT ALL ON chain_shape, docket, trust_store TO certmuster_admin;
