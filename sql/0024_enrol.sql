-- Who asks for work, and of which realm: a sweep whose shards nobody asks for says so.

CREATE TABLE worker_asked (
    scanner  text        NOT NULL,
    kind     text        NOT NULL, -- scan or crawl
    realm    text        NOT NULL, -- '': any of its own
    asked_at timestamptz NOT NULL, -- to the minute
    again_by timestamptz NOT NULL, -- who has not asked again by then asks no more
    PRIMARY KEY (scanner, kind, realm)
);
GRANT SELECT ON worker_asked TO certmuster_read;
GRANT INSERT, UPDATE ON worker_asked TO certmuster_ingest;
GRANT ALL ON worker_asked TO certmuster_admin;

-- Notes it. false: the realm is not that scanner's. lasts: how long a lease does, of which workers without one let a small part pass before they ask again.
CREATE FUNCTION worker_asks(which text, wanted_kind text, wanted_realm text, lasts interval) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM scanner c WHERE c.name = which AND coalesce(wanted_realm = ANY (c.realms), true)) THEN
        RETURN false;
    END IF;
    INSERT INTO worker_asked AS w (scanner, kind, realm, asked_at, again_by)
    VALUES (which, wanted_kind, coalesce(wanted_realm, ''), now(), now() + greatest(interval '10 minutes', lasts / 8))
        ON CONFLICT (scanner, kind, realm) DO UPDATE SET asked_at = excluded.asked_at, again_by = excluded.again_by
     WHERE w.asked_at < now() - interval '1 minute';
    RETURN true;
END
$$;

-- As in 0019, and: scanners of the realm are there, but none of them asks to scan. Who has a shard of another sweep asks when that is done.
CREATE OR REPLACE FUNCTION sweep_waits(which uuid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN NOT sweep_window_open(p, now()) THEN
                     'the window of the plan is closed'
                     || coalesce(': ' || to_char(p.window_start, 'HH24:MI') || '-' || to_char(p.window_end, 'HH24:MI') || ' UTC', ' today')
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
GRANT EXECUTE ON FUNCTION worker_asks(text, text, text, interval) TO certmuster_audit;
