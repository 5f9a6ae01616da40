-- Sweeps: known places narrowed down by a filter, plans that are deleted while a sweep of theirs begins, and what is asked for /metrics.

ALTER TABLE sweep_plan
    ADD COLUMN filter_text text NOT NULL DEFAULT '', -- as it was typed
    -- The same, read: [{"key":"owner","pattern":"%web%","negated":false}], all of which must hold. The keys are those of certmuster-report --filter, and for what has no
    -- pattern nobody (owner:none), expired, expiring, failing, ok, gone (status:).
    ADD COLUMN filter jsonb NOT NULL DEFAULT '[]';

-- The last sweep of a plan.
CREATE INDEX sweep_of_plan ON sweep (plan, started_at);

-- Everything that a plan's targets come to now, in pieces of at most its shard size, nothing twice: equal targets are one, what lies in a wider prefix with the same
-- name and port is left to that, and so are known places that a target covers. Of known places and those that watch saw, only what passes the filter.
CREATE OR REPLACE FUNCTION sweep_pieces(plan sweep_plan) RETURNS TABLE (target text, probes bigint) LANGUAGE sql STABLE AS $$
    WITH named AS MATERIALIZED (
        SELECT min(x.rank) AS rank, t.sni, t.prefix, t.host_bits, range_agg(t.ports) AS ports
          FROM unnest(plan.targets) WITH ORDINALITY AS x(target, rank), sweep_target(x.target, plan.ports) t
         WHERE plan.kind = 'scan'
         GROUP BY t.sni, t.prefix, t.host_bits),
    wide AS MATERIALIZED (SELECT n.* FROM named n WHERE n.host_bits > 0),
    clear AS (
        SELECT n.rank, n.sni, n.prefix, n.host_bits,
               n.ports - coalesce((SELECT range_agg(w.ports) FROM wide w WHERE w.sni = n.sni AND w.prefix >> n.prefix), '{}') AS ports
          FROM named n),
    fitting AS (
        SELECT c.*, least(c.host_bits, 32 - position(B'1' IN greatest(plan.shard_size / port_count(c.ports), 1)::bit(32))) AS bits -- 2^bits addresses fit into a shard
          FROM clear c WHERE NOT isempty(c.ports)),
    place AS (
        SELECT l.name AS sni, l.ip AS prefix, range_agg(int4range(l.port, l.port, '[]')) AS ports, count(*) AS probes
          FROM location l
          JOIN location_state st ON st.location_id = l.location_id
         WHERE (plan.known OR plan.seen) AND plan.kind = 'scan'
           AND l.kind = 'endpoint' AND l.realm = plan.realm AND l.transport = 'tcp' AND l.port > 0 AND (l.ip IS NOT NULL OR l.name <> '')
           AND (plan.known AND EXISTS (SELECT FROM sighting s WHERE s.location_id = l.location_id) OR plan.seen AND st.last_result = '')
           AND (plan.filter = '[]' OR NOT EXISTS (
                SELECT FROM jsonb_to_recordset(plan.filter) AS t(key text, pattern text, negated boolean)
                 WHERE t.negated = coalesce(CASE t.key
                       WHEN 'place' THEN lower(place_text(l)) LIKE t.pattern
                       WHEN 'owner' THEN lower(st.owner) LIKE t.pattern
                       WHEN 'nobody' THEN st.owner IS NULL
                       WHEN 'realm' THEN lower(l.realm) LIKE t.pattern
                       WHEN 'failing' THEN st.last_result NOT IN ('ok', '')
                       WHEN 'gone' THEN st.gone_at IS NOT NULL
                       WHEN 'ok' THEN st.last_result IN ('ok', '')
                                      AND NOT EXISTS (SELECT FROM certificate_place p WHERE p.location_id = l.location_id AND p.threshold IS NOT NULL)
                       ELSE t.key = 'any' AND (lower(place_text(l)) LIKE t.pattern OR lower(st.owner) LIKE t.pattern) IS TRUE
                            OR EXISTS (
                            SELECT FROM certificate_place p
                             WHERE p.location_id = l.location_id
                               AND CASE t.key
                                   WHEN 'issuer' THEN p.position = 0 AND lower(p.issuer) LIKE t.pattern
                                   WHEN 'key' THEN p.position = 0 AND lower(p.key) LIKE t.pattern
                                   WHEN 'fingerprint' THEN encode(p.sha256, 'hex') LIKE t.pattern
                                   WHEN 'expired' THEN p.not_after <= now()
                                   WHEN 'expiring' THEN p.not_after > now() AND p.threshold IS NOT NULL
                                   ELSE lower(p.display_name) LIKE t.pattern
                                        OR EXISTS (SELECT FROM certificate_name n WHERE n.sha256 = p.sha256 AND lower(n.name) LIKE t.pattern)
                                        OR t.key = 'any' AND (lower(p.subject) LIKE t.pattern OR lower(p.issuer) LIKE t.pattern
                                                              OR encode(p.sha256, 'hex') LIKE t.pattern) END) END, false)))
           AND NOT EXISTS (SELECT FROM named n WHERE n.sni = l.name AND n.prefix = l.ip AND n.ports @> l.port)
           AND NOT EXISTS (SELECT FROM named n WHERE n.sni = l.name AND n.prefix IS NULL AND n.ports @> l.port)
           AND NOT EXISTS (SELECT FROM wide w WHERE w.sni = l.name AND w.prefix >> l.ip AND w.ports @> l.port)
         GROUP BY l.name, l.ip)
    SELECT p.target, p.probes
      FROM (SELECT f.rank, i.step,
                   target_text(f.sni, CASE WHEN f.prefix IS NOT NULL
                                           THEN set_masklen(f.prefix + (i.step << f.bits), masklen(f.prefix) + f.host_bits - f.bits) END, f.ports) AS target,
                   (1::bigint << f.bits) * port_count(f.ports) AS probes
              FROM fitting f, generate_series(0::bigint, (1::bigint << (f.host_bits - f.bits)) - 1) AS i(step)
             UNION ALL
            SELECT 1::bigint << 62, row_number() OVER (ORDER BY k.prefix, k.sni), target_text(k.sni, k.prefix, k.ports), k.probes FROM place k) p
     ORDER BY p.rank, p.step
$$;

-- Deletes a plan of which no sweep is running: a row, or none. Who begins one at the same time has the row locked, and is seen.
CREATE FUNCTION sweep_plan_delete(which text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM sweep_plan p WHERE p.name = which FOR UPDATE;
    RETURN QUERY DELETE FROM sweep_plan p WHERE p.name = which AND NOT EXISTS (SELECT FROM sweep w WHERE w.plan = p.name AND w.state = 'running') RETURNING p.name;
END
$$;

-- Why a sweep that runs does not come on: its window is closed, or there is nobody to take its shards. NULL: it does, or somebody may any moment.
CREATE FUNCTION sweep_waits(which uuid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN NOT sweep_window_open(p, now()) THEN
                     'the window of the plan is closed'
                     || coalesce(': ' || to_char(p.window_start, 'HH24:MI') || '-' || to_char(p.window_end, 'HH24:MI') || ' UTC', ' today')
                WHEN x.heard IS NULL THEN 'no scanner of realm ' || w.realm || ' is known'
                WHEN x.heard < now() - interval '10 minutes' THEN
                     'no scanner of realm ' || w.realm || ' was heard of since ' || to_char(x.heard AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') END
      FROM sweep w
      JOIN sweep_plan p ON p.name = w.plan
     CROSS JOIN LATERAL (SELECT max(c.last_seen) AS heard FROM scanner c WHERE NOT c.disabled AND w.realm = ANY (c.realms)) x
     WHERE w.sweep_id = which AND w.state = 'running'
       AND NOT EXISTS (SELECT FROM lease l WHERE l.sweep_id = w.sweep_id AND l.ended_at IS NULL)
$$;

-- As all functions (0018); readers have the right by default.
GRANT EXECUTE ON FUNCTION sweep_plan_delete(text), sweep_waits(uuid) TO certmuster_audit;
