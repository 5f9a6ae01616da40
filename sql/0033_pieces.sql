-- Shards hold what they are said to hold, ports of one address among them; and a window that is closed says when it opens.

-- The ports in slices of at most `size` ports and 256 ranges: one that is written as text is then shorter than what a worker takes for a target.
CREATE FUNCTION port_slices(ports int4multirange, size integer) RETURNS TABLE (slice int4multirange) LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT range_agg(int4range(x.low + greatest(g.cut * $2 - x.before, 0), x.low + least((g.cut + 1) * $2 - x.before, x.count)))
      FROM (SELECT r.*, sum(r.count) OVER (PARTITION BY r.block ORDER BY r.low)::integer - r.count AS before
              FROM (SELECT lower(u) AS low, upper(u) - lower(u) AS count, (row_number() OVER (ORDER BY u) - 1) / 256 AS block FROM unnest($1) AS u) r) x
     CROSS JOIN LATERAL generate_series(x.before / $2, (x.before + x.count - 1) / $2) AS g(cut)
     GROUP BY x.block, g.cut
     ORDER BY x.block, g.cut
$$;

-- As in 0027, but that ports of one address are cut, too, where they are more than a shard holds.
CREATE OR REPLACE FUNCTION sweep_pieces(plan sweep_plan) RETURNS TABLE (target text, probes bigint) LANGUAGE sql STABLE AS $$
    WITH named AS MATERIALIZED (
        SELECT min(x.rank) AS rank, t.sni, t.prefix, t.host_bits, range_agg(t.ports) AS ports
          FROM unnest(plan.targets) WITH ORDINALITY AS x(target, rank), sweep_target(x.target, plan.ports) t
         WHERE plan.kind = 'scan'
         GROUP BY t.sni, t.prefix, t.host_bits),
    -- Lengths of prefixes that may cover others; no family: names, which cover a place of that name whatever its address.
    level AS MATERIALIZED (SELECT DISTINCT family(n.prefix) AS family, masklen(n.prefix) AS length, n.host_bits > 0 AS wide FROM named n),
    place AS (
        SELECT l.name AS sni, l.ip AS prefix, range_agg(int4range(l.port, l.port, '[]')) AS ports
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
         GROUP BY l.name, l.ip),
    wanted AS (
        SELECT n.rank, n.sni, n.prefix, n.host_bits, n.ports, network(set_masklen(n.prefix, v.length))::inet AS below
          FROM named n
          LEFT JOIN level v ON v.wide AND v.family = family(n.prefix) AND v.length < masklen(n.prefix)
         UNION ALL
        SELECT 1::bigint << 62, k.sni, k.prefix, 0, k.ports, CASE WHEN v.family IS NULL THEN '0.0.0.0/0' ELSE network(set_masklen(k.prefix, v.length))::inet END
          FROM place k
          LEFT JOIN level v ON v.family IS NULL OR v.family = family(k.prefix) AND v.length <= masklen(k.prefix)),
    clear AS (
        SELECT x.rank, x.sni, x.prefix, x.host_bits, x.ports - coalesce(range_agg(x.covered), '{}') AS ports
          FROM (SELECT w.*, n.ports AS covered
                  FROM wanted w
                  FULL JOIN named n ON n.sni = w.sni AND coalesce(n.prefix, '0.0.0.0/0') = w.below
                OFFSET 0) x
         WHERE x.rank IS NOT NULL
         GROUP BY x.rank, x.sni, x.prefix, x.host_bits, x.ports),
    -- What fits as it is need not be cut, and is most of what there is.
    cut AS (
        SELECT c.rank, c.sni, c.prefix, c.host_bits, p.ports, p.count
          FROM (SELECT x.*, port_count(x.ports) AS count FROM clear x WHERE NOT isempty(x.ports) OFFSET 0) c
         CROSS JOIN LATERAL (
            SELECT c.ports, c.count WHERE c.count <= least(plan.shard_size, 256)
             UNION ALL
            SELECT s.slice, port_count(s.slice) FROM port_slices(c.ports, plan.shard_size) s WHERE c.count > least(plan.shard_size, 256)) p),
    fitting AS (
        SELECT c.*, least(c.host_bits, 32 - position(B'1' IN greatest(plan.shard_size / c.count, 1)::bit(32))) AS bits -- 2^bits addresses fit into a shard
          FROM cut c)
    SELECT target_text(f.sni, CASE WHEN f.prefix IS NOT NULL THEN set_masklen(f.prefix + (i.step << f.bits), masklen(f.prefix) + f.host_bits - f.bits) END, f.ports),
           (1::bigint << f.bits) * f.count
      FROM fitting f, generate_series(0::bigint, (1::bigint << (f.host_bits - f.bits)) - 1) AS i(step)
     ORDER BY f.rank, i.step, f.prefix, f.sni, lower(f.ports)
$$;

-- As in 0025, but for the bytes of an order; and who crawls is asked once, not for each scanner.
CREATE OR REPLACE FUNCTION sweep_start(plan_name text, started_by text) RETURNS uuid LANGUAGE plpgsql SET jit = off AS $$
DECLARE
    plan sweep_plan;
    id uuid := gen_random_uuid();
    piece record;
    bin text[] := '{}';
    bin_probes bigint := 0;
    bin_bytes bigint := 0;
    total bigint := 0;
    shards integer := 0;
BEGIN
    SELECT * INTO plan FROM sweep_plan p WHERE p.name = plan_name FOR UPDATE; -- two at once come one after the other
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'no_data_found', MESSAGE = format('there is no sweep plan %s', plan_name);
    ELSIF EXISTS (SELECT FROM sweep w WHERE w.plan = plan_name AND w.state = 'running') THEN
        RETURN NULL;
    END IF;
    FOR piece IN SELECT * FROM sweep_pieces(plan) LOOP
        IF cardinality(bin) > 0 AND (bin_probes + piece.probes > plan.shard_size OR cardinality(bin) >= 20000 OR bin_bytes > 4000000) THEN -- an order holds 8 MiB
            INSERT INTO shard (sweep_id, number, targets, probes, state) VALUES (id, shards, bin, bin_probes, 'open');
            shards := shards + 1;
            bin := '{}';
            bin_probes := 0;
            bin_bytes := 0;
        END IF;
        bin := bin || piece.target;
        bin_probes := bin_probes + piece.probes;
        bin_bytes := bin_bytes + octet_length(piece.target);
        total := total + piece.probes;
        IF shards > 100000 THEN
            RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'more than 100,000 shards; make them larger (--shard)';
        END IF;
    END LOOP;
    IF cardinality(bin) > 0 THEN
        INSERT INTO shard (sweep_id, number, targets, probes, state) VALUES (id, shards, bin, bin_probes, 'open');
        shards := shards + 1;
    END IF;
    IF plan.kind = 'crawl' THEN
        INSERT INTO shard (sweep_id, number, only_scanner, targets, probes, state)
        SELECT id, row_number() OVER (ORDER BY s.name) - 1, s.name, plan.targets, 0, 'open'
          FROM scanner s
         WHERE NOT s.disabled AND plan.realm = ANY (s.realms)
           AND (s.name = ANY (plan.scanners) OR (plan.scanners = '{}' AND s.name IN (SELECT c.scanner FROM crawler c WHERE c.realm IN (plan.realm, ''))));
        GET DIAGNOSTICS shards = ROW_COUNT;
    END IF;
    INSERT INTO sweep (sweep_id, plan, kind, realm, state, started_by, started_at, deadline, finished_at, shards, probes)
    VALUES (id, plan.name, plan.kind, plan.realm, CASE WHEN shards = 0 THEN 'finished' ELSE 'running' END, started_by, now(), now() + plan.lasts,
            CASE WHEN shards = 0 THEN now() END, shards, total);
    RETURN id;
END
$$;

-- --- Windows -----------------------------------------------------------------------------------------------------------------------------

-- "22:00-06:00 fri"; '' for at any time.
CREATE FUNCTION sweep_window_text(plan sweep_plan) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT concat_ws(' ', to_char(plan.window_start, 'HH24:MI') || '-' || to_char(plan.window_end, 'HH24:MI'),
                     CASE WHEN cardinality(plan.weekdays) < 7 THEN (
                         SELECT string_agg((ARRAY['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])[d], ',' ORDER BY d) FROM unnest(plan.weekdays) AS d) END)
$$;

-- The first moment from `at` on at which the window is open.
CREATE FUNCTION sweep_window_next(plan sweep_plan, at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN sweep_window_open(plan, at) THEN at ELSE (
        SELECT min(x.opens) AT TIME ZONE 'UTC'
          FROM (SELECT date_trunc('day', at AT TIME ZONE 'UTC') + d * interval '1 day' + coalesce(plan.window_start, '00:00') AS opens FROM generate_series(0, 7) AS d) x
         WHERE extract(isodow FROM x.opens)::integer = ANY (plan.weekdays) AND x.opens > at AT TIME ZONE 'UTC') END
$$;

-- When a plan begins by itself next; NULL: never. One that is due already, and whose window is open, begins at the next turn of a collector, or when the sweep that runs is over.
CREATE FUNCTION sweep_plan_next(plan sweep_plan) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN plan.next_at > now() OR NOT sweep_window_open(plan, now()) THEN sweep_window_next(plan, greatest(plan.next_at, now())) ELSE plan.next_at END
     WHERE plan.next_at IS NOT NULL
$$;

-- As in 0024, but for the window.
CREATE OR REPLACE FUNCTION sweep_waits(which uuid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN NOT sweep_window_open(p, now()) THEN
                     'the window of the plan is closed: ' || sweep_window_text(p) || ' UTC; it opens ' || to_char(sweep_window_next(p, now()) AT TIME ZONE 'UTC', 'Dy YYYY-MM-DD HH24:MI')
                WHEN x.heard IS NULL THEN 'no scanner of realm ' || w.realm || ' is known'
                WHEN x.heard < now() - interval '10 minutes' THEN
                     'no scanner of realm ' || w.realm || ' was heard of since ' || to_char(x.heard AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
                WHEN w.kind = 'scan' AND NOT coalesce(y.again_by > now(), false) THEN
                     'no scanner of realm ' || w.realm || coalesce(' asked for work since ' || to_char(y.asked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), ' ever asked for work')
                     || ': certmuster-submit --worker scan does, where realm is configured so' END
      FROM sweep w
      JOIN sweep_plan p ON p.name = w.plan
     CROSS JOIN LATERAL (SELECT max(c.last_seen) AS heard FROM scanner c WHERE NOT c.disabled AND w.realm = ANY (c.realms)) x
     CROSS JOIN LATERAL (
        SELECT max(z.asked_at) AS asked_at, max(z.again_by) AS again_by
          FROM (SELECT a.asked_at, a.again_by
                  FROM worker_asked a
                  JOIN scanner c ON c.name = a.scanner AND NOT c.disabled AND w.realm = ANY (c.realms)
                 WHERE a.kind = w.kind AND a.realm IN (w.realm, '')
                 UNION ALL
                SELECT l.taken_at, l.until FROM lease l JOIN sweep o ON o.sweep_id = l.sweep_id WHERE l.ended_at IS NULL AND o.kind = w.kind AND o.realm = w.realm) z) y
     WHERE w.sweep_id = which AND w.state = 'running'
       AND NOT EXISTS (SELECT FROM lease l WHERE l.sweep_id = w.sweep_id AND l.ended_at IS NULL)
$$;

-- As all functions (0018); readers have the right by default.
GRANT EXECUTE ON FUNCTION port_slices(int4multirange, integer), sweep_window_text(sweep_plan), sweep_window_next(sweep_plan, timestamptz), sweep_plan_next(sweep_plan) TO certmuster_audit;
