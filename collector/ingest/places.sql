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

-- A chain that is new goes on the judge's docket.
WITH new AS (
INSERT INTO chain (chain_id, fingerprints, leaf_sha256, earliest_not_after)
SELECT s.chain_id, s.fingerprints, s.fingerprints[1],
       (SELECT min(c.not_after) FROM unnest(s.fingerprints) AS f(sha256) JOIN certificate c ON c.sha256 = f.sha256)
  FROM pg_temp.stage_chain s
 WHERE NOT EXISTS (SELECT FROM chain ch WHERE ch.chain_id = s.chain_id)
 ORDER BY s.chain_id
ON CONFLICT DO NOTHING
RETURNING chain_id)
INSERT INTO docket (chain_id) SELECT n.chain_id FROM new n ON CONFLICT DO NOTHING;

-- When the places that were here before were last found as they were. The arrays are sorted: width_bucket() searches them in halves, and
-- the concatenation keeps each out of TOAST while it does. 15 days are enough, since the weekly fold knows the rest, even if
-- one was missed.
INSERT INTO pg_temp.stage_fold (location_id, ok_at, failure_at, runs)
SELECT k.location_id, max(o.last_at) FILTER (WHERE o.unchanged[width_bucket(k.location_id, o.unchanged)] = k.location_id),
       max(o.last_at) FILTER (WHERE o.failing[width_bucket(k.location_id, o.failing)] = k.location_id),
       array_agg(o.run) FILTER (WHERE o.ours AND o.unchanged[width_bucket(k.location_id, o.unchanged)] = k.location_id)
  FROM (SELECT b.last_at, b.run, b.run IN (SELECT r.run FROM pg_temp.stage_run r) AS ours,
               b.unchanged || '{}'::uuid[] AS unchanged, b.failing || '{}'::uuid[] AS failing
          FROM observation b
         WHERE b.day >= (now() AT TIME ZONE 'UTC')::date - 15
        OFFSET 0) o
  JOIN (SELECT DISTINCT x.location_id
          FROM pg_temp.stage_look x
          JOIN location_state st ON st.location_id = x.location_id) k
    ON o.unchanged[width_bucket(k.location_id, o.unchanged)] = k.location_id
    OR o.failing[width_bucket(k.location_id, o.failing)] = k.location_id
 GROUP BY k.location_id;

UPDATE sighting s SET last_seen = f.ok_at
  FROM pg_temp.stage_fold f
 WHERE s.location_id = f.location_id AND coalesce(s.closed_at, 'infinity') = 'infinity' AND s.absent_runs = 0
   AND s.last_seen < f.ok_at AND s.first_seen <= f.ok_at;
