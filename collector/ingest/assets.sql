-- What is no certificate: keys, keystores, requests, revocation lists, SSH certificates. The latest word on each place stands; one that
-- says what is known already is written weekly at most, and one that arrives late moves nothing but first_seen. What had vanished is there
-- again (0015).

SELECT places_seen(array_agg(s.location_id), array_agg(s.what), array_agg(s.at), false)
  FROM (SELECT k.location_id, k.what, max(k.last_seen) AS at
          FROM (SELECT location_id, 'key' AS what, last_seen FROM pg_temp.stage_key
                 UNION ALL SELECT location_id, 'store', last_seen FROM pg_temp.stage_store
                 UNION ALL SELECT location_id, 'csr', last_seen FROM pg_temp.stage_csr
                 UNION ALL SELECT location_id, 'crl', last_seen FROM pg_temp.stage_crl
                 UNION ALL SELECT location_id, 'ssh_certificate', last_seen FROM pg_temp.stage_ssh) k
         WHERE EXISTS (SELECT FROM place_gone g WHERE g.location_id = k.location_id AND g.what = k.what)
            OR EXISTS (SELECT FROM place_absence a WHERE a.location_id = k.location_id AND a.what = k.what)
            OR k.last_seen < (SELECT max(r.started_at) FROM run r WHERE r.absences_taken AND r.covered IS NOT NULL)
         GROUP BY k.location_id, k.what) s
HAVING count(*) > 0;

INSERT INTO key_file (location_id, kind, encrypted, spki_sha256, key_alg, key_bits, first_seen, last_seen)
SELECT DISTINCT ON (s.location_id) s.location_id, s.kind, s.encrypted, s.spki_sha256, s.key_alg, s.key_bits, s.first_seen, s.last_seen
  FROM pg_temp.stage_key s
  LEFT JOIN key_file k ON k.location_id = s.location_id
 WHERE k.location_id IS NULL OR s.last_seen > k.last_seen + interval '7 days'
    OR (s.last_seen > k.last_seen AND (s.kind, s.encrypted, s.spki_sha256, s.key_alg, s.key_bits) IS DISTINCT FROM (k.kind, k.encrypted, k.spki_sha256, k.key_alg, k.key_bits))
 ORDER BY s.location_id, s.last_seen DESC
ON CONFLICT (location_id) DO UPDATE
   SET kind = excluded.kind,
       encrypted = excluded.encrypted,
       spki_sha256 = excluded.spki_sha256,
       key_alg = excluded.key_alg,
       key_bits = excluded.key_bits,
       last_seen = excluded.last_seen
 WHERE excluded.last_seen > key_file.last_seen;
UPDATE key_file k SET first_seen = s.first_seen
  FROM (SELECT location_id, min(first_seen) AS first_seen FROM pg_temp.stage_key GROUP BY location_id) s
 WHERE k.location_id = s.location_id AND s.first_seen < k.first_seen;

INSERT INTO store (location_id, format, integrity, entries, weak, first_seen, last_seen)
SELECT DISTINCT ON (s.location_id) s.location_id, s.format, s.integrity, s.entries, w.words, s.first_seen, s.last_seen
  FROM pg_temp.stage_store s
 CROSS JOIN LATERAL (SELECT coalesce(array_agg(e.word ORDER BY e.rank), '{}') AS words
                       FROM jsonb_array_elements_text(coalesce(s.weak, '[]')) WITH ORDINALITY AS e(word, rank)) w
  LEFT JOIN store k ON k.location_id = s.location_id
 WHERE k.location_id IS NULL OR s.last_seen > k.last_seen + interval '7 days'
    OR (s.last_seen > k.last_seen AND (s.format, s.integrity, s.entries, w.words) IS DISTINCT FROM (k.format, k.integrity, k.entries, k.weak))
 ORDER BY s.location_id, s.last_seen DESC
ON CONFLICT (location_id) DO UPDATE
   SET format = excluded.format,
       integrity = excluded.integrity,
       entries = excluded.entries,
       weak = excluded.weak,
       last_seen = excluded.last_seen
 WHERE excluded.last_seen > store.last_seen;
UPDATE store k SET first_seen = s.first_seen
  FROM (SELECT location_id, min(first_seen) AS first_seen FROM pg_temp.stage_store GROUP BY location_id) s
 WHERE k.location_id = s.location_id AND s.first_seen < k.first_seen;

INSERT INTO csr (location_id, sha256, subject, spki_sha256, undecodable, facts, first_seen, last_seen)
SELECT DISTINCT ON (s.location_id) s.location_id, decode(s.facts->>'sha256', 'hex'), s.facts->>'subject', decode(s.facts->>'spki_sha256', 'hex'),
       s.facts->>'undecodable', s.facts, s.first_seen, s.last_seen
  FROM pg_temp.stage_csr s
  LEFT JOIN csr k ON k.location_id = s.location_id
 WHERE k.location_id IS NULL OR s.last_seen > k.last_seen + interval '7 days'
    OR (s.last_seen > k.last_seen AND s.facts <> k.facts)
 ORDER BY s.location_id, s.last_seen DESC
ON CONFLICT (location_id) DO UPDATE
   SET sha256 = excluded.sha256,
       subject = excluded.subject,
       spki_sha256 = excluded.spki_sha256,
       undecodable = excluded.undecodable,
       facts = excluded.facts,
       last_seen = excluded.last_seen
 WHERE excluded.last_seen > csr.last_seen;
UPDATE csr k SET first_seen = s.first_seen
  FROM (SELECT location_id, min(first_seen) AS first_seen FROM pg_temp.stage_csr GROUP BY location_id) s
 WHERE k.location_id = s.location_id AND s.first_seen < k.first_seen;

INSERT INTO crl (location_id, sha256, issuer, this_update, next_update, entries, undecodable, facts, first_seen, last_seen)
SELECT DISTINCT ON (s.location_id) s.location_id, decode(s.facts->>'sha256', 'hex'), s.facts->>'issuer', (s.facts->>'this_update')::timestamptz,
       (s.facts->>'next_update')::timestamptz, (s.facts->>'entries')::bigint, s.facts->>'undecodable', s.facts, s.first_seen, s.last_seen
  FROM pg_temp.stage_crl s
  LEFT JOIN crl k ON k.location_id = s.location_id
 WHERE k.location_id IS NULL OR s.last_seen > k.last_seen + interval '7 days'
    OR (s.last_seen > k.last_seen AND s.facts <> k.facts)
 ORDER BY s.location_id, s.last_seen DESC
ON CONFLICT (location_id) DO UPDATE
   SET sha256 = excluded.sha256,
       issuer = excluded.issuer,
       this_update = excluded.this_update,
       next_update = excluded.next_update,
       entries = excluded.entries,
       undecodable = excluded.undecodable,
       facts = excluded.facts,
       last_seen = excluded.last_seen
 WHERE excluded.last_seen > crl.last_seen;
UPDATE crl k SET first_seen = s.first_seen
  FROM (SELECT location_id, min(first_seen) AS first_seen FROM pg_temp.stage_crl GROUP BY location_id) s
 WHERE k.location_id = s.location_id AND s.first_seen < k.first_seen;

INSERT INTO ssh_certificate (location_id, sha256, role, key_id, principals, valid_after, valid_before, ca_fingerprint, spki_sha256, undecodable,
       facts, first_seen, last_seen)
SELECT DISTINCT ON (s.location_id) s.location_id, decode(s.facts->>'sha256', 'hex'), s.facts->>'role', s.facts->>'key_id', CASE WHEN s.facts ?
       'principals' THEN ARRAY(SELECT jsonb_array_elements_text(s.facts->'principals')) END, (s.facts->>'valid_after')::timestamptz,
       (s.facts->>'valid_before')::timestamptz, s.facts->>'ca_fingerprint', decode(s.facts->>'spki_sha256', 'hex'), s.facts->>'undecodable', s.facts,
       s.first_seen, s.last_seen
  FROM pg_temp.stage_ssh s
  LEFT JOIN ssh_certificate k ON k.location_id = s.location_id
 WHERE k.location_id IS NULL OR s.last_seen > k.last_seen + interval '7 days'
    OR (s.last_seen > k.last_seen AND s.facts <> k.facts)
 ORDER BY s.location_id, s.last_seen DESC
ON CONFLICT (location_id) DO UPDATE
   SET sha256 = excluded.sha256,
       role = excluded.role,
       key_id = excluded.key_id,
       principals = excluded.principals,
       valid_after = excluded.valid_after,
       valid_before = excluded.valid_before,
       ca_fingerprint = excluded.ca_fingerprint,
       spki_sha256 = excluded.spki_sha256,
       undecodable = excluded.undecodable,
       facts = excluded.facts,
       last_seen = excluded.last_seen
 WHERE excluded.last_seen > ssh_certificate.last_seen;
UPDATE ssh_certificate k SET first_seen = s.first_seen
  FROM (SELECT location_id, min(first_seen) AS first_seen FROM pg_temp.stage_ssh GROUP BY location_id) s
 WHERE k.location_id = s.location_id AND s.first_seen < k.first_seen;
