-- Several collectors on one inventory may name different trust stores: each judges with its own, and a store is kept for as long as somebody names it.

-- Which collector names which trust store. Confirmed every minute; who has not done so for a day names nothing any more.
CREATE TABLE trust_store_named (
    trust_store  text NOT NULL,
    collector    text NOT NULL, -- its host and where it listens, as in configuration; '': whoever did before collectors said so
    confirmed_at timestamptz NOT NULL,
    PRIMARY KEY (trust_store, collector)
);
INSERT INTO trust_store_named (trust_store, collector, confirmed_at) SELECT t.name, '', now() FROM trust_store t;

GRANT SELECT ON trust_store_named TO certmuster_read;
GRANT INSERT, UPDATE, DELETE ON trust_store_named TO certmuster_ingest;
GRANT ALL ON trust_store_named TO certmuster_admin;

-- A collector says which stores it names, and stores that nobody names are forgotten, with what was judged by them: their names are the answer. began: it says so for the first time
-- since it was started, so that what it named before counts no more, and remains are looked for that have no row in trust_store. Only then and when a store goes are verdicts read. Names of
-- one's own are taken back at no other time: of two collectors that have one name, none overrules the other for ever.
DROP FUNCTION trust_store_keep(text[]);
CREATE FUNCTION trust_stores_hold(who text, names text[], began boolean) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    gone jsonb;
BEGIN
    IF began THEN
        DELETE FROM trust_store_named n WHERE n.collector = who AND n.trust_store <> ALL (names);
    END IF;
    INSERT INTO trust_store_named AS n (trust_store, collector, confirmed_at) SELECT u.name, who, now() FROM unnest(names) AS u(name) ORDER BY 1
        ON CONFLICT (trust_store, collector) DO UPDATE SET confirmed_at = excluded.confirmed_at;
    DELETE FROM trust_store_named n WHERE n.confirmed_at < now() - interval '1 day';
    WITH lost AS (DELETE FROM trust_store t WHERE NOT EXISTS (SELECT FROM trust_store_named n WHERE n.trust_store = t.name) RETURNING t.name, t.digest)
    SELECT coalesce(jsonb_object_agg(l.name, l.digest), '{}') INTO gone FROM lost l;
    -- Who named one anew meanwhile has its row in trust_store before anything of it is on the docket.
    DELETE FROM docket d WHERE d.trust_store <> '' AND NOT EXISTS (SELECT FROM trust_store_named n WHERE n.trust_store = d.trust_store)
                           AND NOT EXISTS (SELECT FROM trust_store t WHERE t.name = d.trust_store);
    IF began OR gone <> '{}' THEN
        DELETE FROM chain_verdict v WHERE NOT EXISTS (SELECT FROM trust_store_named n WHERE n.trust_store = v.trust_store)
                                      AND NOT EXISTS (SELECT FROM trust_store t WHERE t.name = v.trust_store);
        DELETE FROM trust_anchor a WHERE NOT EXISTS (SELECT FROM trust_store_named n WHERE n.trust_store = a.trust_store)
                                     AND NOT EXISTS (SELECT FROM trust_store t WHERE t.name = a.trust_store);
    END IF;
    PERFORM audit_append('collector', 'trust_store.remove', g.key, jsonb_build_object('from', g.value)::text) FROM jsonb_each_text(gone) g ORDER BY g.key;
    RETURN QUERY SELECT g.key FROM jsonb_each_text(gone) g ORDER BY 1;
END
$$;

-- Every chain has a verdict by each store, or waits for one. Those of the next slice that do neither, because somebody deleted verdicts or restored a part of them, go on the docket: how
-- many they were, and where the slice ended; NULL: it was the last.
CREATE FUNCTION verdicts_lacking(after uuid, most integer, OUT upto uuid, OUT lacking bigint) LANGUAGE sql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET max_parallel_workers_per_gather = 0 SET jit = off AS $$
    WITH slice AS MATERIALIZED (SELECT ch.chain_id FROM chain ch WHERE ch.chain_id > verdicts_lacking.after ORDER BY ch.chain_id LIMIT verdicts_lacking.most),
    put AS (INSERT INTO docket (chain_id, trust_store)
            SELECT s.chain_id, t.name
              FROM slice s CROSS JOIN trust_store t
             WHERE NOT EXISTS (SELECT FROM chain_verdict v WHERE v.chain_id = s.chain_id AND v.trust_store = t.name)
               AND NOT EXISTS (SELECT FROM docket d WHERE d.chain_id = s.chain_id AND d.trust_store IN ('', t.name))
             ORDER BY 1, 2 ON CONFLICT DO NOTHING RETURNING 1)
    SELECT CASE WHEN (SELECT count(*) FROM slice) = verdicts_lacking.most THEN (SELECT s.chain_id FROM slice s ORDER BY s.chain_id DESC LIMIT 1) END,
           (SELECT count(*) FROM put)
$$;
INSERT INTO upkeep (task, done_at) VALUES ('verdicts', '-infinity');

GRANT EXECUTE ON FUNCTION trust_stores_hold(text, text[], boolean), verdicts_lacking(uuid, integer) TO certmuster_audit;
