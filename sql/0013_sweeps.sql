-- Sweeps: what is to be looked at, when, by whom, and how far it came. A plan says what; a sweep is one time that it is done, cut into shards; scanners take
-- shards by lease. A lease's id is the id of the run that it is worked off by, so that shard and run are joined before anything is delivered.
-- All tables here are small and would be copied to every server.

CREATE TABLE sweep_plan (
    name         text PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('scan', 'crawl')),
    realm        text NOT NULL,
    targets      text[] NOT NULL DEFAULT '{}',    -- as certmuster-scan takes them, or paths for crawl
    known        boolean NOT NULL DEFAULT false,  -- also every endpoint of the realm that ever showed a certificate
    seen         boolean NOT NULL DEFAULT false,  -- also those where watch saw TLS and no certificate
    ports        text NOT NULL DEFAULT '443',     -- of targets that name none
    scanners     text[] NOT NULL DEFAULT '{}',    -- crawl: whose files; empty: every scanner of the realm heard of in the last 7 days
    arguments    text[] NOT NULL DEFAULT '{}',    -- '--timeout=5': what else the scanner is told
    shard_size   integer NOT NULL CHECK (shard_size BETWEEN 1 AND 1048576), -- probes of one shard, at most
    lasts        interval NOT NULL,               -- a sweep that is not done after so long ends as it stands
    every        interval,                        -- NULL: started by hand
    window_start time, window_end time,           -- UTC; NULL: at any time. From 22:00 to 06:00 is one window, of the day on which it opens
    weekdays     integer[] NOT NULL DEFAULT '{1,2,3,4,5,6,7}', -- ISO: 1 is Monday
    enabled      boolean NOT NULL DEFAULT true,
    next_at      timestamptz,                     -- when it is due; NULL: never by itself
    created_by   text NOT NULL,
    created_at   timestamptz NOT NULL
);

-- What all scanners of a realm may do together.
CREATE TABLE realm_limit (
    realm   text PRIMARY KEY,
    rate    integer CHECK (rate > 0),   -- probes per second; NULL: as fast as they are
    workers integer CHECK (workers > 0) -- leases at once
);

CREATE TABLE sweep (
    sweep_id    uuid PRIMARY KEY,
    plan        text NOT NULL,
    kind        text NOT NULL,
    realm       text NOT NULL,
    state       text NOT NULL CHECK (state IN ('running', 'finished', 'cancelled')),
    started_by  text NOT NULL, -- 'schedule', or who typed it
    started_at  timestamptz NOT NULL,
    deadline    timestamptz NOT NULL,
    finished_at timestamptz,
    shards      integer NOT NULL,
    probes      bigint NOT NULL -- as counted beforehand, a name as one address; 0 for crawl, where nobody can know
);
CREATE INDEX sweep_running ON sweep (plan) WHERE state = 'running';
CREATE INDEX sweep_started ON sweep (started_at);

CREATE TABLE shard (
    sweep_id     uuid NOT NULL,
    number       integer NOT NULL,
    only_scanner text,            -- NULL: any scanner of the realm
    targets      text[] NOT NULL, -- forgotten a week after the sweep
    probes       bigint NOT NULL,
    state        text NOT NULL CHECK (state IN ('open', 'leased', 'done', 'abandoned')),
    attempts     integer NOT NULL DEFAULT 0,
    lease_id     uuid,            -- who has it, or who finished it
    finished_at  timestamptz,
    PRIMARY KEY (sweep_id, number)
);
CREATE INDEX shard_open ON shard (sweep_id, attempts, number) WHERE state = 'open';
CREATE INDEX shard_leased ON shard (sweep_id, number) WHERE state = 'leased';

CREATE TABLE lease (
    lease_id uuid PRIMARY KEY, -- and the id of the run
    sweep_id uuid NOT NULL,
    number   integer NOT NULL,
    scanner  text NOT NULL,
    taken_at timestamptz NOT NULL,
    until    timestamptz NOT NULL,
    ended_at timestamptz,
    outcome  text CHECK (outcome IN ('done', 'given_back', 'failed', 'expired', 'cancelled', 'window'))
);
CREATE INDEX lease_shard ON lease (sweep_id, number);
CREATE INDEX lease_held ON lease (until) WHERE ended_at IS NULL;

-- How often each result was stored, {"ok":17,"connect:refused":3}: summed batch by batch, once for each key.
ALTER TABLE run ADD COLUMN results jsonb NOT NULL DEFAULT '{}';

-- At most 64 results are told apart, whatever a scanner calls its errors.
CREATE FUNCTION results_sum(a jsonb, b jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN a = '{}' THEN b WHEN b = '{}' THEN a ELSE (
        SELECT jsonb_object_agg(k.result, k.count)
          FROM (SELECT CASE WHEN r.rank <= 64 THEN r.key ELSE 'other:other' END AS result, sum(r.count)::bigint AS count
                  FROM (SELECT e.key, sum(e.value::bigint) AS count, row_number() OVER (ORDER BY e.key <> 'ok', sum(e.value::bigint) DESC, e.key) AS rank
                          FROM (SELECT * FROM jsonb_each_text(a) UNION ALL SELECT * FROM jsonb_each_text(b)) e
                         GROUP BY e.key) r
                 GROUP BY 1) k) END
$$;

-- What a result says of the place: 'ok', 'reached' (somebody answered, no certificate came), 'refused', 'silent' (no answer in time), 'unreachable',
-- 'unresolved', 'other'. Unreachable and silent never mean absent.
CREATE FUNCTION result_class(result text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN result = 'ok' THEN 'ok'
                WHEN result = 'connect:refused' THEN 'refused'
                WHEN result = 'connect:timeout' THEN 'silent'
                WHEN result = 'connect:unreachable' THEN 'unreachable'
                WHEN result LIKE 'resolve:%' THEN 'unresolved'
                WHEN result LIKE '%:local' OR result LIKE '%:cancelled' THEN 'other'
                WHEN split_part(result, ':', 1) IN ('starttls', 'hello', 'certificate') OR result IN ('connect:reset', 'connect:closed') THEN 'reached'
                ELSE 'other' END
$$;

-- --- Targets -----------------------------------------------------------------------------------------------------------------------------

-- Reads one target, [NAME@]PLACE[:PORTS] as certmuster-scan(1) has it. prefix is NULL for a name that is to be resolved.
CREATE FUNCTION sweep_target(target text, default_ports text, OUT sni text, OUT prefix inet, OUT ports int4multirange, OUT host_bits integer)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    rest text := target;
    place text;
    listed text;
    bad text := format('not a target: %s', left(target, 200));
BEGIN
    sni := '';
    IF strpos(rest, '@') > 0 THEN
        sni := lower(split_part(rest, '@', 1));
        rest := substr(rest, strpos(rest, '@') + 1);
    END IF;
    IF rest ~ '^\[[^][]+\](:.+)?$' THEN
        place := substr(split_part(rest, ']', 1), 2);
        listed := nullif(substr(split_part(rest, ']', 2), 2), '');
    ELSIF rest ~ '^[^:]*:[^:]+$' THEN
        place := split_part(rest, ':', 1);
        listed := split_part(rest, ':', 2);
    ELSE
        place := rest;
    END IF;
    listed := coalesce(listed, default_ports);
    IF coalesce(place, '') = '' OR length(target) > 2000 OR place ~ '[[:space:][:cntrl:]@%]' OR place ~ '^-' OR sni ~ '^-|[[:space:][:cntrl:]/:%]'
       OR listed !~ '^[0-9]{1,5}(-[0-9]{1,5})?(,[0-9]{1,5}(-[0-9]{1,5})?)*$' THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = bad;
    END IF;
    BEGIN
        SELECT range_agg(int4range(split_part(p, '-', 1)::integer, coalesce(nullif(split_part(p, '-', 2), ''), p)::integer, '[]'))
          INTO ports FROM regexp_split_to_table(listed, ',') AS p;
        IF place ~ '^[0-9.]+(/[0-9]+)?$' OR place ~ ':' THEN
            prefix := network(place::inet)::inet;
        ELSIF place ~ '/' OR length(place) > 253 OR strpos(target, '@') > 0 THEN
            RAISE invalid_parameter_value;
        ELSE
            sni := lower(rtrim(place, '.'));
        END IF;
    EXCEPTION WHEN data_exception THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = bad;
    END;
    host_bits := CASE WHEN prefix IS NULL THEN 0 ELSE CASE family(prefix) WHEN 4 THEN 32 ELSE 128 END - masklen(prefix) END;
    IF host_bits > 24 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'more than 16,777,216 addresses: ' || left(target, 200);
    ELSIF lower(ports) < 1 OR upper(ports) > 65536 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = bad;
    END IF;
END
$$;

CREATE FUNCTION port_count(ports int4multirange) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(sum(upper(r) - lower(r)), 0)::integer FROM unnest(ports) AS r
$$;

-- The other way round: what certmuster-scan reads.
CREATE FUNCTION target_text(sni text, prefix inet, ports int4multirange) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN prefix IS NULL THEN sni
                ELSE CASE WHEN sni <> '' THEN sni || '@' ELSE '' END
                     || CASE WHEN family(prefix) = 6 THEN '[' || x.address || ']' ELSE x.address END END
           || ':' || (SELECT string_agg(lower(r) || CASE WHEN upper(r) - lower(r) > 1 THEN '-' || upper(r) - 1 ELSE '' END, ',' ORDER BY r) FROM unnest(ports) AS r)
      FROM (SELECT CASE WHEN masklen(prefix) = CASE family(prefix) WHEN 4 THEN 32 ELSE 128 END THEN host(prefix) ELSE text(prefix) END AS address) x
$$;

-- Everything that a plan's targets come to now, in pieces of at most its shard size, nothing twice: equal targets are one, what lies in a wider prefix with the same
-- name and port is left to that, and so are known places that a target covers.
CREATE FUNCTION sweep_pieces(plan sweep_plan) RETURNS TABLE (target text, probes bigint) LANGUAGE sql STABLE AS $$
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

-- Begins a sweep of a plan: its row and its shards. NULL: one of this plan is running. A sweep without anything to look at is finished at once.
CREATE FUNCTION sweep_start(plan_name text, started_by text) RETURNS uuid LANGUAGE plpgsql AS $$
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
           AND (s.name = ANY (plan.scanners) OR (plan.scanners = '{}' AND s.last_seen > now() - interval '7 days'));
        GET DIAGNOSTICS shards = ROW_COUNT;
    END IF;
    INSERT INTO sweep (sweep_id, plan, kind, realm, state, started_by, started_at, deadline, finished_at, shards, probes)
    VALUES (id, plan.name, plan.kind, plan.realm, CASE WHEN shards = 0 THEN 'finished' ELSE 'running' END, started_by, now(), now() + plan.lasts,
            CASE WHEN shards = 0 THEN now() END, shards, total);
    RETURN id;
END
$$;

-- --- Leases ------------------------------------------------------------------------------------------------------------------------------

CREATE FUNCTION sweep_window_open(plan sweep_plan, at timestamptz) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN plan.window_start IS NULL THEN extract(isodow FROM x.at)::integer = ANY (plan.weekdays)
                WHEN plan.window_start < plan.window_end
                THEN x.at::time >= plan.window_start AND x.at::time < plan.window_end AND extract(isodow FROM x.at)::integer = ANY (plan.weekdays)
                ELSE (x.at::time >= plan.window_start AND extract(isodow FROM x.at)::integer = ANY (plan.weekdays))
                     OR (x.at::time < plan.window_end AND extract(isodow FROM x.at - interval '1 day')::integer = ANY (plan.weekdays)) END
      FROM (SELECT at AT TIME ZONE 'UTC' AS at) x
$$;

-- How many leases a realm may have out at once, NULL: any number. Where probes per second are limited no worker gets less than one.
CREATE FUNCTION realm_workers(l realm_limit) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT least(CASE WHEN l.rate IS NOT NULL THEN coalesce(l.workers, 4) END, l.workers, l.rate)
$$;

-- A sweep of which no shard is left is over. Its row is locked by the caller.
CREATE FUNCTION sweep_settle(which uuid) RETURNS void LANGUAGE sql AS $$
    UPDATE sweep w SET state = 'finished', finished_at = now()
     WHERE w.sweep_id = which AND w.state = 'running'
       AND NOT EXISTS (SELECT FROM shard s WHERE s.sweep_id = w.sweep_id AND s.state IN ('open', 'leased'))
$$;

-- Ends one lease in any way but 'done'; the shard is open again, or abandoned when it failed five times. What is not its holder's fault is not counted.
CREATE FUNCTION lease_drop(which uuid, why text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    dropped lease;
BEGIN
    UPDATE lease l SET ended_at = now(), outcome = why WHERE l.lease_id = which AND l.ended_at IS NULL RETURNING * INTO dropped;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM FROM sweep w WHERE w.sweep_id = dropped.sweep_id FOR UPDATE;
    UPDATE shard s
       SET attempts = s.attempts - CASE WHEN why IN ('failed', 'expired') THEN 0 ELSE 1 END, lease_id = NULL,
           state = CASE WHEN why IN ('failed', 'expired') AND s.attempts >= 5 THEN 'abandoned' ELSE 'open' END,
           finished_at = CASE WHEN why IN ('failed', 'expired') AND s.attempts >= 5 THEN now() END
     WHERE s.sweep_id = dropped.sweep_id AND s.number = dropped.number AND s.lease_id = which AND s.state = 'leased';
    PERFORM sweep_settle(dropped.sweep_id);
END
$$;

-- Gives a scanner a shard that it may have, the oldest first: lease.*, or no row.
CREATE FUNCTION lease_take(new_id uuid, holder text, wanted_kind text, wanted_realm text, lasts interval) RETURNS SETOF lease LANGUAGE plpgsql AS $$
DECLARE
    running record;
    mine record;
    expired uuid;
BEGIN
    -- Scanners of one realm with a limit come one after the other, or two would both take the last place.
    PERFORM FROM realm_limit r JOIN scanner c ON r.realm = ANY (c.realms) WHERE c.name = holder ORDER BY r.realm FOR UPDATE OF r;
    FOR expired IN SELECT l.lease_id FROM lease l WHERE l.ended_at IS NULL AND l.until < now() ORDER BY l.lease_id FOR UPDATE SKIP LOCKED LOOP
        PERFORM lease_drop(expired, 'expired');
    END LOOP;
    FOR running IN
        SELECT w.sweep_id
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
        SELECT s.sweep_id, s.number INTO mine
          FROM shard s
         WHERE s.sweep_id = running.sweep_id AND s.state = 'open' AND coalesce(s.only_scanner, holder) = holder
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

-- What a lease's holder hears: the whole order, as JSON.
CREATE VIEW lease_order AS
SELECT l.lease_id, l.scanner,
       json_strip_nulls(json_build_object(
           'lease', l.lease_id, 'sweep', w.sweep_id, 'plan', w.plan, 'number', s.number, 'kind', w.kind, 'realm', w.realm,
           'targets', s.targets,
           'arguments', p.arguments || CASE WHEN w.kind = 'scan' AND p.known AND NOT array_to_string(p.arguments, ' ') LIKE '%--starttls%'
                                            THEN '{--starttls=auto}'::text[] ELSE '{}' END,
           'rate', (SELECT greatest(r.rate / realm_workers(r), 1) FROM realm_limit r WHERE r.realm = w.realm AND r.rate IS NOT NULL),
           'seconds', round(extract(epoch FROM l.until - l.taken_at), 3))) AS body
  FROM lease l
  JOIN sweep w ON w.sweep_id = l.sweep_id
  JOIN shard s ON s.sweep_id = l.sweep_id AND s.number = l.number
  JOIN sweep_plan p ON p.name = w.plan;

-- What the holder says of its lease: 'running', 'done', 'given_back', 'failed'. Answers 'ok'; 'early': done, but not everything that the run told of is stored yet (the lease
-- goes on); 'gone': it is not this scanner's any more, and why.
CREATE FUNCTION lease_report(which uuid, holder text, said text, lasts interval, OUT answer text, OUT reason text) LANGUAGE plpgsql AS $$
DECLARE
    held lease;
BEGIN
    SELECT * INTO held FROM lease l WHERE l.lease_id = which AND l.scanner = holder FOR UPDATE;
    IF NOT FOUND THEN
        answer := 'gone';
        reason := 'there is no such lease of this scanner';
        RETURN;
    ELSIF held.ended_at IS NULL AND said = 'running'
          AND NOT (SELECT sweep_window_open(p, now()) FROM sweep w JOIN sweep_plan p ON p.name = w.plan WHERE w.sweep_id = held.sweep_id) THEN
        PERFORM lease_drop(which, 'window');
        held.ended_at := now();
        held.outcome := 'window';
    END IF;
    answer := 'ok';
    IF held.ended_at IS NOT NULL THEN
        IF held.outcome IS DISTINCT FROM said THEN
            answer := 'gone';
            reason := CASE held.outcome WHEN 'cancelled' THEN 'the sweep was cancelled' WHEN 'expired' THEN 'the lease has expired'
                                        WHEN 'window' THEN 'the window of the plan has closed' ELSE 'the lease has ended: ' || held.outcome END;
        END IF;
    ELSIF said IN ('given_back', 'failed') THEN
        PERFORM lease_drop(which, said);
    ELSIF said = 'running' OR NOT EXISTS (SELECT FROM run r WHERE r.run = which AND r.scanner = holder AND r.finished_at IS NOT NULL AND NOT r.interrupted
                                             AND r.stored_ok + r.stored_failed >= r.targets) THEN
        UPDATE lease l SET until = now() + lasts WHERE l.lease_id = which;
        IF said = 'done' THEN
            answer := 'early';
            reason := 'not everything of this run is stored yet';
        END IF;
    ELSE
        PERFORM FROM sweep w WHERE w.sweep_id = held.sweep_id FOR UPDATE;
        UPDATE lease l SET ended_at = now(), outcome = 'done' WHERE l.lease_id = which;
        UPDATE shard s SET state = 'done', finished_at = now() WHERE s.sweep_id = held.sweep_id AND s.number = held.number AND s.lease_id = which;
        PERFORM sweep_settle(held.sweep_id);
    END IF;
END
$$;

-- Ends a sweep as it stands: leases end, shards that are not done are abandoned. false: it was not running.
CREATE FUNCTION sweep_end(which uuid, as_what text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    -- Leases first, as everywhere: who reports one waits or is waited for.
    PERFORM FROM lease l WHERE l.sweep_id = which AND l.ended_at IS NULL ORDER BY l.lease_id FOR UPDATE;
    PERFORM FROM sweep w WHERE w.sweep_id = which AND w.state = 'running' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    UPDATE shard s SET state = 'abandoned', lease_id = NULL, finished_at = now() WHERE s.sweep_id = which AND s.state IN ('open', 'leased');
    UPDATE lease l SET ended_at = now(), outcome = 'cancelled' WHERE l.sweep_id = which AND l.ended_at IS NULL; -- also one that was given out meanwhile
    UPDATE sweep w SET state = as_what, finished_at = now() WHERE w.sweep_id = which;
    RETURN true;
END
$$;

-- What collectors do every few seconds, one at a time: leases expire, sweeps end whose time is over, plans that are due begin, old rows go. Answers what was done.
CREATE FUNCTION sweep_upkeep() RETURNS TABLE (what text, plan text, detail text) LANGUAGE plpgsql AS $$
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
    FOR due IN SELECT p.* FROM sweep_plan p
                WHERE p.enabled AND p.next_at <= now() AND sweep_window_open(p, now())
                  AND NOT EXISTS (SELECT FROM sweep w WHERE w.plan = p.name AND w.state = 'running')
                ORDER BY p.name FOR UPDATE SKIP LOCKED LOOP
        UPDATE sweep_plan p
           SET next_at = CASE WHEN p.every IS NOT NULL
                              THEN p.next_at + p.every * (1 + floor(extract(epoch FROM now() - p.next_at) / extract(epoch FROM p.every))) END
         WHERE p.name = due.name;
        plan := due.name;
        BEGIN -- one plan's trouble is not the others'
            what := 'started';
            detail := sweep_start(due.name, 'schedule');
        EXCEPTION WHEN data_exception OR invalid_parameter_value THEN
            what := 'failed';
            detail := SQLERRM;
        END;
        IF detail IS NOT NULL THEN
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

-- --- How far it came ---------------------------------------------------------------------------------------------------------------------

-- One row per shard: what is stored of the run that has it or finished it. Of a shard that is done each place counts once, for a run tells of each once.
CREATE VIEW sweep_shard AS
SELECT s.sweep_id, s.number, s.only_scanner, s.state, s.attempts, s.probes, s.finished_at, s.lease_id, l.scanner, l.taken_at, l.until,
       coalesce(r.stored_ok + r.stored_failed, 0) AS told, CASE WHEN s.state = 'done' THEN coalesce(r.results, '{}') ELSE '{}' END AS results
  FROM shard s
  LEFT JOIN lease l ON l.lease_id = s.lease_id
  LEFT JOIN run r ON r.run = s.lease_id;

-- Coverage, of shards that are done; what others may have told is not counted, and what belongs to them was never tried to the end. Together: probes = certificate +
-- no_certificate + refused + silent + unreachable + unresolved + other + never, where names that resolve to several addresses may add to both sides.
CREATE VIEW sweep_coverage AS
SELECT w.sweep_id, greatest(w.probes, x.told + x.left_over) AS probes, x.told,
       x.certificate, x.no_certificate, x.certificate + x.no_certificate AS reached, x.refused, x.silent, x.unreachable, x.unresolved, x.other, x.left_over AS never
  FROM sweep w
 CROSS JOIN LATERAL (
    SELECT coalesce(sum(c.told), 0)::bigint AS told,
           coalesce(sum(CASE WHEN v.state = 'done' THEN greatest(v.probes - v.told, 0) ELSE v.probes END), 0)::bigint AS left_over,
           coalesce(sum(c.certificate), 0)::bigint AS certificate, coalesce(sum(c.reached), 0)::bigint AS no_certificate,
           coalesce(sum(c.refused), 0)::bigint AS refused, coalesce(sum(c.silent), 0)::bigint AS silent,
           coalesce(sum(c.unreachable), 0)::bigint AS unreachable, coalesce(sum(c.unresolved), 0)::bigint AS unresolved, coalesce(sum(c.other), 0)::bigint AS other
      FROM sweep_shard v
     CROSS JOIN LATERAL (
        SELECT sum(e.count) AS told, sum(e.count) FILTER (WHERE e.class = 'ok') AS certificate, sum(e.count) FILTER (WHERE e.class = 'reached') AS reached,
               sum(e.count) FILTER (WHERE e.class = 'refused') AS refused, sum(e.count) FILTER (WHERE e.class = 'silent') AS silent,
               sum(e.count) FILTER (WHERE e.class = 'unreachable') AS unreachable, sum(e.count) FILTER (WHERE e.class = 'unresolved') AS unresolved,
               sum(e.count) FILTER (WHERE e.class = 'other') AS other
          FROM (SELECT result_class(j.key) AS class, j.value::bigint AS count FROM jsonb_each_text(v.results) j) e) c
     WHERE v.sweep_id = w.sweep_id) x;

-- Progress: shards by state, probes told so far, how fast over the last ten minutes, and when it will be done at that rate (NULL: nobody can say).
CREATE VIEW sweep_progress AS
SELECT w.sweep_id, w.plan, w.kind, w.realm, w.state, w.started_by, w.started_at, w.finished_at, w.deadline, w.shards, w.probes,
       x.open, x.leased, x.done, x.abandoned, least(x.told, greatest(w.probes, x.told)) AS told, y.rate,
       CASE WHEN w.state = 'running' AND y.rate > 0 AND w.probes > 0 THEN now() + make_interval(secs => (greatest(w.probes - x.told, 0) / y.rate)::double precision) END AS eta
  FROM sweep w
 CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE v.state = 'open') AS open, count(*) FILTER (WHERE v.state = 'leased') AS leased,
           count(*) FILTER (WHERE v.state = 'done') AS done, count(*) FILTER (WHERE v.state = 'abandoned') AS abandoned,
           coalesce(sum(v.told), 0)::bigint AS told,
           coalesce(sum(v.told) FILTER (WHERE v.state = 'leased' OR v.finished_at > now() - interval '10 minutes'), 0) AS lately,
           min(v.taken_at) FILTER (WHERE v.state = 'leased' OR v.finished_at > now() - interval '10 minutes') AS since
      FROM sweep_shard v WHERE v.sweep_id = w.sweep_id) x
 CROSS JOIN LATERAL (
    SELECT CASE WHEN w.state = 'running' AND now() > x.since THEN round(x.lately / extract(epoch FROM now() - x.since), 1) END AS rate) y;

-- A run that was begun and never said that it finished, when its lease is over or 24 hours are. It does not count as having looked; should the end of it come late, it does.
CREATE VIEW run_lost AS
SELECT r.run
  FROM run r
 WHERE r.finished_at IS NULL
   AND (r.started_at < now() - interval '24 hours' OR EXISTS (SELECT FROM lease l WHERE l.lease_id = r.run AND l.outcome = 'expired'));

INSERT INTO upkeep (task, done_at) VALUES ('sweeps', '-infinity');

GRANT SELECT ON run_lost, sweep_plan, realm_limit, sweep, shard, lease, lease_order, sweep_shard, sweep_coverage, sweep_progress TO certmuster_read;
GRANT INSERT, UPDATE, DELETE ON sweep_plan, realm_limit TO certmuster_operate;
GRANT INSERT, UPDATE ON sweep, shard, lease TO certmuster_operate;
GRANT UPDATE ON sweep_plan TO certmuster_ingest; -- when it is due next
GRANT UPDATE ON realm_limit TO certmuster_ingest; -- to lock its row
GRANT INSERT, UPDATE, DELETE ON sweep, shard, lease TO certmuster_ingest;
