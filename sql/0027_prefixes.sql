-- Sweeps of many prefixes begin in time that grows as their number does; those that are due begin beside the judge, and one that cannot begin waits for its next turn. A scanner at
-- which a shard failed does not get it back while another is at work.

-- As before, and without a query for what is one range: there may be a million of them.
CREATE OR REPLACE FUNCTION port_count(ports int4multirange) RETURNS integer LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    IF ports @> int4range(lower(ports), upper(ports)) THEN
        RETURN coalesce(upper(ports) - lower(ports), 0);
    END IF;
    RETURN (SELECT sum(upper(r) - lower(r))::integer FROM unnest(ports) AS r);
END
$$;

CREATE OR REPLACE FUNCTION target_text(sni text, prefix inet, ports int4multirange) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    place text := sni;
BEGIN
    IF prefix IS NOT NULL THEN
        place := CASE WHEN masklen(prefix) = CASE family(prefix) WHEN 4 THEN 32 ELSE 128 END THEN host(prefix) ELSE text(prefix) END;
        place := CASE WHEN sni <> '' THEN sni || '@' ELSE '' END || CASE family(prefix) WHEN 6 THEN '[' || place || ']' ELSE place END;
    END IF;
    IF upper(ports) - lower(ports) = 1 THEN
        RETURN place || ':' || lower(ports);
    END IF;
    RETURN place || ':' || (SELECT string_agg(lower(r) || CASE WHEN upper(r) - lower(r) > 1 THEN '-' || upper(r) - 1 ELSE '' END, ',' ORDER BY r) FROM unnest(ports) AS r);
END
$$;

-- Everything that a plan's targets come to now, in pieces of at most its shard size, nothing twice: equal targets are one, what lies in a wider prefix with the same
-- name and port is left to that, and so are known places that a target covers. Of known places and those that watch saw, only what passes the filter.
--
-- What covers a prefix is looked up: at each length that a target has, there is one prefix that can. FULL JOIN, which keeps more than is asked for, is never made
-- of one loop in another, whatever the planner thinks of how many there are; OFFSET 0 keeps it from being taken for a lesser one.
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
    fitting AS (
        SELECT c.*, least(c.host_bits, 32 - position(B'1' IN greatest(plan.shard_size / port_count(c.ports), 1)::bit(32))) AS bits -- 2^bits addresses fit into a shard
          FROM clear c WHERE NOT isempty(c.ports))
    SELECT target_text(f.sni, CASE WHEN f.prefix IS NOT NULL THEN set_masklen(f.prefix + (i.step << f.bits), masklen(f.prefix) + f.host_bits - f.bits) END, f.ports),
           (1::bigint << f.bits) * port_count(f.ports)
      FROM fitting f, generate_series(0::bigint, (1::bigint << (f.host_bits - f.bits)) - 1) AS i(step)
     ORDER BY f.rank, i.step, f.prefix, f.sni
$$;

-- To compile what is asked once for a million places takes longer than to ask it.
ALTER FUNCTION sweep_start(text, text) SET jit = off;

-- What collectors do every few seconds, one at a time: leases expire, sweeps end whose time is over, old rows go. Answers what was done.
CREATE OR REPLACE FUNCTION sweep_upkeep() RETURNS TABLE (what text, plan text, detail text) LANGUAGE plpgsql AS $$
DECLARE
    due record;
    id uuid;
BEGIN
    FOR id IN SELECT l.lease_id FROM lease l WHERE l.ended_at IS NULL AND l.until < now() ORDER BY l.lease_id FOR UPDATE SKIP LOCKED LOOP
        PERFORM lease_drop(id, 'expired');
    END LOOP;
    FOR due IN SELECT w.sweep_id, w.plan FROM sweep w WHERE w.state = 'running' AND w.deadline < now() ORDER BY w.sweep_id LOOP
        IF sweep_end(due.sweep_id, 'finished') THEN
            what := 'overdue'; plan := due.plan; detail := due.sweep_id;
            RETURN NEXT;
        END IF;
    END LOOP;
    UPDATE shard s SET targets = '{}' WHERE s.targets <> '{}'
       AND s.sweep_id IN (SELECT w.sweep_id FROM sweep w WHERE w.finished_at BETWEEN now() - interval '9 days' AND now() - interval '7 days');
    WITH old AS MATERIALIZED (SELECT w.sweep_id FROM sweep w WHERE w.finished_at < now() - interval '400 days' ORDER BY w.started_at LIMIT 20),
    leases AS (DELETE FROM lease l USING old WHERE l.sweep_id = old.sweep_id),
    shards AS (DELETE FROM shard s USING old WHERE s.sweep_id = old.sweep_id)
    DELETE FROM sweep w USING old WHERE w.sweep_id = old.sweep_id;
END
$$;

-- Begins the sweep of one plan that is due, and of which no other collector is beginning one: what came of it, or no row when nothing is due. Its next turn comes when it comes,
-- also when it could not begin, whatever it was, a statement that took too long among it; only what two did to one another is tried again.
CREATE FUNCTION sweep_begin_due() RETURNS TABLE (what text, plan text, detail text) LANGUAGE plpgsql AS $$
DECLARE
    due sweep_plan;
BEGIN
    LOOP
        SELECT p.* INTO due
          FROM sweep_plan p
         WHERE p.enabled AND p.next_at <= now() AND sweep_window_open(p, now())
           AND NOT EXISTS (SELECT FROM sweep w WHERE w.plan = p.name AND w.state = 'running')
         ORDER BY p.next_at, p.name
         LIMIT 1
           FOR UPDATE SKIP LOCKED;
        EXIT WHEN NOT FOUND;
        UPDATE sweep_plan p
           SET next_at = CASE WHEN p.every IS NOT NULL
                              THEN p.next_at + p.every * (1 + floor(extract(epoch FROM now() - p.next_at) / extract(epoch FROM p.every))) END
         WHERE p.name = due.name;
        plan := due.name;
        BEGIN
            what := 'started';
            detail := sweep_start(due.name, 'schedule');
        EXCEPTION
            WHEN transaction_rollback THEN
                RAISE;
            WHEN query_canceled OR OTHERS THEN -- OTHERS alone leaves out the former
                what := 'failed';
                detail := SQLERRM;
        END;
        IF detail IS NOT NULL THEN
            RETURN NEXT;
            EXIT;
        END IF;
    END LOOP;
END
$$;
INSERT INTO upkeep (task, done_at) VALUES ('starts', '-infinity');

-- Scanners at work on sweeps of this kind in this realm: they have a shard, or were done with one in the last ten minutes.
CREATE FUNCTION scanners_at_work(kind text, realm text) RETURNS TABLE (scanner text) LANGUAGE sql STABLE AS $$
    SELECT l.scanner
      FROM lease l
      JOIN sweep w ON w.sweep_id = l.sweep_id
     WHERE w.kind = $1 AND w.realm = $2 AND (l.ended_at IS NULL AND l.until > now() OR l.outcome = 'done' AND l.ended_at > now() - interval '10 minutes')
     GROUP BY l.scanner
$$;
CREATE INDEX lease_done ON lease (ended_at) WHERE outcome = 'done';

-- Gives a scanner a shard that it may have, the oldest first: lease.*, or no row. A shard that failed at it is left to those at work where it did not, so that one scanner that is broken does
-- not use up the attempts of all shards; nobody but the scanner whose files it is about could do it instead.
CREATE OR REPLACE FUNCTION lease_take(new_id uuid, holder text, wanted_kind text, wanted_realm text, lasts interval) RETURNS SETOF lease LANGUAGE plpgsql AS $$
DECLARE
    running record;
    mine record;
    expired uuid;
    others text[];
BEGIN
    -- Scanners of one realm with a limit come one after the other, or two would both take the last place.
    PERFORM FROM realm_limit r JOIN scanner c ON r.realm = ANY (c.realms) WHERE c.name = holder ORDER BY r.realm FOR UPDATE OF r;
    FOR expired IN SELECT l.lease_id FROM lease l WHERE l.ended_at IS NULL AND l.until < now() ORDER BY l.lease_id FOR UPDATE SKIP LOCKED LOOP
        PERFORM lease_drop(expired, 'expired');
    END LOOP;
    FOR running IN
        SELECT w.sweep_id, w.kind, w.realm
          FROM sweep w
          JOIN sweep_plan p ON p.name = w.plan
          JOIN scanner c ON c.name = holder AND NOT c.disabled
         WHERE w.state = 'running' AND w.kind = wanted_kind AND w.realm = ANY (c.realms) AND w.realm = coalesce(wanted_realm, w.realm)
           AND w.deadline > now() AND sweep_window_open(p, now())
           AND NOT EXISTS (SELECT FROM realm_limit r WHERE r.realm = w.realm
                              AND realm_workers(r) <= (SELECT count(*) FROM lease l JOIN sweep o ON o.sweep_id = l.sweep_id
                                                        WHERE l.ended_at IS NULL AND o.realm = w.realm))
         ORDER BY w.started_at, w.sweep_id
    LOOP
        others := ARRAY(SELECT a.scanner FROM scanners_at_work(running.kind, running.realm) a WHERE a.scanner <> holder);
        SELECT s.sweep_id, s.number INTO mine
          FROM shard s
         WHERE s.sweep_id = running.sweep_id AND s.state = 'open' AND coalesce(s.only_scanner, holder) = holder
           AND (s.attempts = 0 OR s.only_scanner IS NOT NULL OR others = '{}'
                OR NOT EXISTS (SELECT FROM lease f WHERE f.sweep_id = s.sweep_id AND f.number = s.number AND f.scanner = holder AND f.outcome IN ('failed', 'expired'))
                OR NOT EXISTS (SELECT unnest(others)
                               EXCEPT
                               SELECT f.scanner FROM lease f WHERE f.sweep_id = s.sweep_id AND f.number = s.number AND f.outcome IN ('failed', 'expired')))
         ORDER BY s.attempts, s.number
         LIMIT 1
           FOR UPDATE SKIP LOCKED;
        EXIT WHEN FOUND;
    END LOOP;
    IF mine IS NULL THEN
        RETURN;
    END IF;
    UPDATE shard s SET state = 'leased', attempts = s.attempts + 1, lease_id = new_id WHERE s.sweep_id = mine.sweep_id AND s.number = mine.number;
    RETURN QUERY INSERT INTO lease (lease_id, sweep_id, number, scanner, taken_at, until)
                 VALUES (new_id, mine.sweep_id, mine.number, holder, now(), now() + lasts) RETURNING *;
END
$$;

-- As all functions (0018); readers have the right by default.
GRANT EXECUTE ON FUNCTION sweep_begin_due(), scanners_at_work(text, text) TO certmuster_audit;
