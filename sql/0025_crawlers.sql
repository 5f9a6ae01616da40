-- Whose files a crawl reads that names no scanner: of those who crawl. That a scanner is enrolled says nothing of it, nor that it was heard of: a certificate has also who scans, or only
-- reads /metrics, and a shard of theirs waits for nobody until the sweep's deadline.

-- Who crawled or asked for it in the last 7 days, of which realm; '': of any of its own.
CREATE VIEW crawler AS
SELECT a.scanner, a.realm FROM worker_asked a WHERE a.kind = 'crawl' AND a.asked_at > now() - interval '7 days'
UNION
SELECT r.scanner, '' FROM run r WHERE r.source = 'crawl' AND r.finished_at > now() - interval '7 days'
UNION
SELECT r.scanner, '' FROM run r WHERE r.source = 'crawl' AND r.finished_at IS NULL AND r.started_at > now() - interval '7 days';
GRANT SELECT ON crawler TO certmuster_read;

-- As in 0013, but for the last lines.
CREATE OR REPLACE FUNCTION sweep_start(plan_name text, started_by text) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    plan sweep_plan;
    id uuid := gen_random_uuid();
    piece record;
    bin text[] := '{}';
    bin_probes bigint := 0;
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
        IF cardinality(bin) > 0 AND (bin_probes + piece.probes > plan.shard_size OR cardinality(bin) >= 20000) THEN -- an order holds 8 MiB
            INSERT INTO shard (sweep_id, number, targets, probes, state) VALUES (id, shards, bin, bin_probes, 'open');
            shards := shards + 1;
            bin := '{}';
            bin_probes := 0;
        END IF;
        bin := bin || piece.target;
        bin_probes := bin_probes + piece.probes;
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
           AND (s.name = ANY (plan.scanners) OR (plan.scanners = '{}' AND EXISTS (SELECT FROM crawler c WHERE c.scanner = s.name AND c.realm IN (plan.realm, ''))));
        GET DIAGNOSTICS shards = ROW_COUNT;
    END IF;
    INSERT INTO sweep (sweep_id, plan, kind, realm, state, started_by, started_at, deadline, finished_at, shards, probes)
    VALUES (id, plan.name, plan.kind, plan.realm, CASE WHEN shards = 0 THEN 'finished' ELSE 'running' END, started_by, now(), now() + plan.lasts,
            CASE WHEN shards = 0 THEN now() END, shards, total);
    RETURN id;
END
$$;

-- Whose files a crawl that runs waits for: scanners with an open shard that have none in work and do not ask for one. NULL: nobody's, or the window is closed.
CREATE FUNCTION sweep_crawl_waits(which uuid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT 'for ' || string_agg(x.only_scanner || coalesce(', which last asked for crawl work ' || to_char(x.asked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'),
                                                           ', which never asked for crawl work'), '; ' ORDER BY x.rank) FILTER (WHERE x.rank <= 5)
           || CASE WHEN count(*) > 5 THEN '; and ' || count(*) - 5 || ' more' ELSE '' END
      FROM (SELECT s.only_scanner, y.asked_at, row_number() OVER (ORDER BY s.only_scanner) AS rank
              FROM sweep w
              JOIN sweep_plan p ON p.name = w.plan
              JOIN shard s ON s.sweep_id = w.sweep_id AND s.state = 'open' AND s.only_scanner IS NOT NULL
             CROSS JOIN LATERAL (SELECT max(a.asked_at) AS asked_at, max(a.again_by) AS again_by FROM worker_asked a
                                  WHERE a.scanner = s.only_scanner AND a.kind = 'crawl' AND a.realm IN (w.realm, '')) y
             WHERE w.sweep_id = which AND w.state = 'running' AND sweep_window_open(p, now()) AND coalesce(y.again_by < now(), true)
               AND NOT EXISTS (SELECT FROM lease l WHERE l.ended_at IS NULL AND l.scanner = s.only_scanner)) x
$$;

-- As all functions (0018); readers have the right by default.
GRANT EXECUTE ON FUNCTION sweep_crawl_waits(uuid) TO certmuster_audit;
