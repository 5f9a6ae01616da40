-- The places that changed: made, locked and brought up to date with what observation knows of them.

INSERT INTO location (location_id, kind, realm, transport, ip, port, name, host, path, inner_path, entry, first_seen)
SELECT s.location_id, s.kind, s.realm, s.transport, s.ip, s.port, s.name, s.host, s.path, s.inner_path, s.entry, s.first_seen
  FROM pg_temp.stage_location s
 WHERE NOT EXISTS (SELECT FROM location l WHERE l.location_id = s.location_id)
 ORDER BY s.location_id
ON CONFLICT DO NOTHING;

-- A place belongs to one batch at a time: this lock, or the insertion above, which the others wait for. In order, so never in a circle.
SELECT count(*)
  FROM (SELECT 1
          FROM location l
         WHERE l.location_id IN (SELECT k.location_id FROM pg_temp.stage_look k) AND l.xmin <> pg_current_xact_id()::xid
         ORDER BY l.location_id
           FOR NO KEY UPDATE) held;

UPDATE location l SET first_seen = s.first_seen
  FROM pg_temp.stage_location s
 WHERE s.location_id = l.location_id AND s.first_seen < l.first_seen;

-- A chain that is new goes on the judge's docket; its issuers are noted once for all chains that have them (0030).
WITH new AS (
INSERT INTO chain (chain_id, fingerprints, leaf_sha256, earliest_not_after)
SELECT s.chain_id, s.fingerprints, s.fingerprints[1],
       (SELECT min(c.not_after) FROM unnest(s.fingerprints) AS f(sha256) JOIN certificate c ON c.sha256 = f.sha256)
  FROM pg_temp.stage_chain s
 WHERE NOT EXISTS (SELECT FROM chain ch WHERE ch.chain_id = s.chain_id)
 ORDER BY s.chain_id
ON CONFLICT DO NOTHING
RETURNING chain_id, fingerprints),
issuers AS (
INSERT INTO chain_issuers (issuers_id, fingerprints)
SELECT i.issuers_id, i.fingerprints
  FROM (SELECT issuers_id(array_prepend(''::bytea, d.fingerprints)) AS issuers_id, d.fingerprints
          FROM (SELECT DISTINCT n.fingerprints[2:] AS fingerprints FROM new n WHERE cardinality(n.fingerprints) > 1) d
        OFFSET 0) i
 WHERE NOT EXISTS (SELECT FROM chain_issuers k WHERE k.issuers_id = i.issuers_id)
 ORDER BY i.issuers_id
ON CONFLICT DO NOTHING)
INSERT INTO docket (chain_id) SELECT n.chain_id FROM new n ON CONFLICT DO NOTHING;

-- When the places that were here before were last found as they were, and which runs of this batch said so already.
WITH known AS MATERIALIZED (
SELECT ARRAY(SELECT st.location_id
               FROM location_state st
              WHERE st.location_id IN (SELECT x.location_id FROM pg_temp.stage_look x)
              ORDER BY st.location_id) AS ids)
INSERT INTO pg_temp.stage_fold (location_id, ok_at, failure_at, runs)
SELECT t.location_id, min(t.ok_at), min(t.failure_at), array_agg(t.run) FILTER (WHERE t.run IS NOT NULL)
  FROM (SELECT f.location_id, f.ok_at, f.failure_at, NULL::uuid AS run
          FROM known k CROSS JOIN LATERAL places_found(k.ids) f
         UNION ALL
        SELECT p.id, NULL, NULL, o.run
          FROM (SELECT b.run, b.unchanged || '{}'::uuid[] AS unchanged -- sorted, and out of TOAST while it is searched
                  FROM observation b
                 WHERE b.run IN (SELECT r.run FROM pg_temp.stage_run r)
                OFFSET 0) o
         CROSS JOIN LATERAL (SELECT p.id
                               FROM unnest((SELECT k.ids FROM known k)) AS p(id)
                              WHERE o.unchanged[width_bucket(p.id, o.unchanged)] = p.id) p) t
 GROUP BY t.location_id;

UPDATE sighting s SET last_seen = f.ok_at
  FROM pg_temp.stage_fold f
 WHERE s.location_id = f.location_id AND coalesce(s.closed_at, 'infinity') = 'infinity' AND s.absent_runs = 0
   AND s.last_seen < f.ok_at AND s.first_seen <= f.ok_at;
