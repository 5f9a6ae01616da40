-- Keys and keystores. One that is as it was is written weekly at most.
INSERT INTO key_file (location_id, kind, encrypted, spki_sha256, key_alg, key_bits, first_seen, last_seen)
SELECT DISTINCT ON (s.location_id) s.location_id, s.kind, s.encrypted, s.spki_sha256, s.key_alg, s.key_bits, s.first_seen, s.last_seen
  FROM pg_temp.stage_key s
  LEFT JOIN key_file k ON k.location_id = s.location_id
 WHERE k.location_id IS NULL OR s.first_seen < k.first_seen OR s.last_seen > k.last_seen + interval '7 days'
    OR (s.last_seen > k.last_seen AND (s.kind, s.encrypted, s.spki_sha256, s.key_alg, s.key_bits)
                                      IS DISTINCT FROM (k.kind, k.encrypted, k.spki_sha256, k.key_alg, k.key_bits))
 ORDER BY s.location_id, s.last_seen DESC
ON CONFLICT (location_id) DO UPDATE
   SET kind = excluded.kind, encrypted = excluded.encrypted, spki_sha256 = excluded.spki_sha256, key_alg = excluded.key_alg,
       key_bits = excluded.key_bits, first_seen = least(key_file.first_seen, excluded.first_seen),
       last_seen = greatest(key_file.last_seen, excluded.last_seen);

INSERT INTO store (location_id, format, integrity, entries, first_seen, last_seen)
SELECT DISTINCT ON (s.location_id) s.location_id, s.format, s.integrity, s.entries, s.first_seen, s.last_seen
  FROM pg_temp.stage_store s
  LEFT JOIN store k ON k.location_id = s.location_id
 WHERE k.location_id IS NULL OR s.first_seen < k.first_seen OR s.last_seen > k.last_seen + interval '7 days'
    OR (s.last_seen > k.last_seen AND (s.format, s.integrity, s.entries) IS DISTINCT FROM (k.format, k.integrity, k.entries))
 ORDER BY s.location_id, s.last_seen DESC
ON CONFLICT (location_id) DO UPDATE
   SET format = excluded.format, integrity = excluded.integrity, entries = excluded.entries,
       first_seen = least(store.first_seen, excluded.first_seen), last_seen = greatest(store.last_seen, excluded.last_seen);
