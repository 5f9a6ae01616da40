-- Turns: a clock of the database that was ahead holds up nothing once it is set right; what failed comes again after a pause; a realm's limit holds also when it changes.

-- When its holder was last heard of, which is what `until` counts from.
ALTER TABLE lease ADD COLUMN heard_at timestamptz;

-- --- Limits ------------------------------------------------------------------------------------------------------------------------------

-- How many probes per second it was told that it may, of a scan; NULL: as many as it can.
ALTER TABLE lease ADD COLUMN rate integer;
UPDATE lease l SET rate = greatest(r.rate / realm_workers(r), 1)
  FROM sweep w JOIN realm_limit r ON r.realm = w.realm AND r.rate IS NOT NULL
 WHERE w.sweep_id = l.sweep_id AND w.kind = 'scan' AND l.ended_at IS NULL;

ALTER TABLE lease DROP CONSTRAINT lease_outcome_check;
ALTER TABLE lease ADD CONSTRAINT lease_outcome_check CHECK (outcome IN ('done', 'given_back', 'failed', 'expired', 'cancelled', 'window', 'limit'));

-- What a realm has left for one more lease of this kind: probes per second (NULL: any number, or a crawl, which has none), and, when nothing is left, why. Every lease is one of its workers; of its
-- rate only scans take a share: an even one, and no more than what others were told leaves. Of one that was told nothing nobody knows how fast it is: until it ends that is all of the rate.
CREATE FUNCTION realm_left(wanted_kind text, wanted_realm text, OUT rate integer, OUT full_of text) LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN wanted_kind = 'scan' AND r.rate IS NOT NULL THEN least(greatest(r.rate / realm_workers(r), 1), r.rate - x.given) END::integer,
           CASE WHEN x.leases >= r.workers THEN x.leases || CASE x.leases WHEN 1 THEN ' worker is' ELSE ' workers are' END || ' at work, of ' || r.workers
                WHEN wanted_kind = 'scan' AND x.scans >= realm_workers(r) THEN x.scans || CASE x.scans WHEN 1 THEN ' scan has' ELSE ' scans share' END || ' its ' || r.rate || ' probes/s'
                WHEN wanted_kind = 'scan' AND x.given >= r.rate THEN 'all of its ' || r.rate || ' probes/s are given out' END
      FROM (VALUES (wanted_realm)) AS v(realm)
      LEFT JOIN realm_limit r ON r.realm = v.realm
     CROSS JOIN LATERAL (
        SELECT count(*) AS leases, count(*) FILTER (WHERE w.kind = 'scan') AS scans, coalesce(sum(coalesce(l.rate, r.rate)) FILTER (WHERE w.kind = 'scan'), 0) AS given
          FROM lease l
          JOIN sweep w ON w.sweep_id = l.sweep_id
         WHERE l.ended_at IS NULL AND w.realm = r.realm) x
$$;

-- Whether a lease must end because its realm's rate was lowered: all scans together were told more than that, or this one was told nothing.
CREATE FUNCTION lease_too_fast(which uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM lease h
          JOIN sweep w ON w.sweep_id = h.sweep_id AND w.kind = 'scan'
          JOIN realm_limit r ON r.realm = w.realm AND r.rate IS NOT NULL
         WHERE h.lease_id = which
           AND (h.rate IS NULL
                OR r.rate < (SELECT sum(l.rate) FROM lease l JOIN sweep o ON o.sweep_id = l.sweep_id WHERE l.ended_at IS NULL AND o.realm = w.realm AND o.kind = 'scan')))
$$;

-- As in 0013, but that the rate is what was given when the lease was.
CREATE OR REPLACE VIEW lease_order AS
SELECT l.lease_id, l.scanner,
       json_strip_nulls(json_build_object(
           'lease', l.lease_id, 'sweep', w.sweep_id, 'plan', w.plan, 'number', s.number, 'kind', w.kind, 'realm', w.realm,
           'targets', s.targets,
           'arguments', p.arguments || CASE WHEN w.kind = 'scan' AND p.known AND NOT array_to_string(p.arguments, ' ') LIKE '%--starttls%'
                                            THEN '{--starttls=auto}'::text[] ELSE '{}' END,
           'rate', l.rate,
           'seconds', round(extract(epoch FROM l.until - l.taken_at), 3))) AS body
  FROM lease l
  JOIN sweep w ON w.sweep_id = l.sweep_id
  JOIN shard s ON s.sweep_id = l.sweep_id AND s.number = l.number
  JOIN sweep_plan p ON p.name = w.plan;

-- --- Clocks ------------------------------------------------------------------------------------------------------------------------------

-- What stands where the clock was a minute or more ahead of now is brought back, so that what waits for a time does not wait until that one comes round: a lease lasts as long from now on as
-- it would have, a plan keeps its step and waits no longer than from one turn to the next, a message that was put off by an hour at most is sent. What was seen then is left as it was told.
CREATE FUNCTION clock_set_right() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ahead timestamptz := now() + interval '1 minute'; -- a transaction that began later, or a clock that is put back a little at a time, is not ahead
BEGIN
    UPDATE lease l SET taken_at = least(l.taken_at, now()), heard_at = now(), until = now() + (l.until - coalesce(l.heard_at, l.taken_at))
     WHERE l.ended_at IS NULL AND coalesce(l.heard_at, l.taken_at) > ahead;
    UPDATE sweep w SET started_at = now(), deadline = now() + (w.deadline - w.started_at), finished_at = CASE WHEN w.state <> 'running' THEN least(w.finished_at, now()) END
     WHERE w.started_at > ahead;
    UPDATE sweep_plan p SET next_at = p.next_at - p.every * floor(extract(epoch FROM p.next_at - now()) / extract(epoch FROM p.every))
     WHERE p.next_at > ahead + p.every;
    UPDATE worker_asked a SET asked_at = now(), again_by = now() + (a.again_by - a.asked_at) WHERE a.asked_at > ahead;
    UPDATE scanner c SET last_seen = now() WHERE c.last_seen > ahead AND c.last_seen <> c.first_seen; -- equal: it was not heard of since
    UPDATE delivery d SET next_try = now() WHERE d.state IN ('pending', 'sending') AND d.next_try > ahead + interval '1 hour';
    UPDATE alert a SET told_at = now() WHERE a.resolved_at IS NULL AND a.told_at > ahead;
END
$$;
INSERT INTO upkeep (task, done_at) VALUES ('clock', '-infinity');

-- As in 0027, but that who was done with one at a time that has not come is not at work until then.
CREATE OR REPLACE FUNCTION scanners_at_work(kind text, realm text) RETURNS TABLE (scanner text) LANGUAGE sql STABLE AS $$
    SELECT l.scanner
      FROM lease l
      JOIN sweep w ON w.sweep_id = l.sweep_id
     WHERE w.kind = $1 AND w.realm = $2
       AND (l.ended_at IS NULL AND l.until > now() OR l.outcome = 'done' AND l.ended_at BETWEEN now() - interval '10 minutes' AND now() + interval '1 minute')
     GROUP BY l.scanner
$$;

-- --- Leases ------------------------------------------------------------------------------------------------------------------------------

-- As in 0027, but for heard_at; and what the realm has left of its rate is given with it. What failed at a scanner, and is given to it all the same, rests before: an eighth of a lease, then
-- twice as long each time, at most a lease. Attempts are then used up in minutes, not in the seconds that a program takes that is not there.
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
        SELECT w.sweep_id, w.kind, w.realm, m.rate
          FROM sweep w
          JOIN sweep_plan p ON p.name = w.plan
          JOIN scanner c ON c.name = holder AND NOT c.disabled
         CROSS JOIN LATERAL realm_left(w.kind, w.realm) m
         WHERE w.state = 'running' AND w.kind = wanted_kind AND w.realm = ANY (c.realms) AND w.realm = coalesce(wanted_realm, w.realm)
           AND w.deadline > now() AND sweep_window_open(p, now()) AND m.full_of IS NULL
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
           AND (s.attempts = 0
                OR NOT EXISTS (SELECT FROM lease f
                                WHERE f.sweep_id = s.sweep_id AND f.number = s.number AND f.scanner = holder AND f.outcome = 'failed'
                                  AND f.ended_at BETWEEN now() - lasts * least(power(2, s.attempts - 1) / 8, 1) AND now() + interval '1 minute'))
         ORDER BY s.attempts, s.number
         LIMIT 1
           FOR UPDATE SKIP LOCKED;
        EXIT WHEN FOUND;
    END LOOP;
    IF mine IS NULL THEN
        RETURN;
    END IF;
    UPDATE shard s SET state = 'leased', attempts = s.attempts + 1, lease_id = new_id WHERE s.sweep_id = mine.sweep_id AND s.number = mine.number;
    RETURN QUERY INSERT INTO lease (lease_id, sweep_id, number, scanner, taken_at, heard_at, until, rate)
                 VALUES (new_id, mine.sweep_id, mine.number, holder, now(), now(), now() + lasts, running.rate) RETURNING *;
END
$$;

-- As in 0013, but for heard_at; and one that is too fast for a limit that was lowered ends, as where a window closes.
CREATE OR REPLACE FUNCTION lease_report(which uuid, holder text, said text, lasts interval, OUT answer text, OUT reason text) LANGUAGE plpgsql AS $$
DECLARE
    held lease;
BEGIN
    SELECT * INTO held FROM lease l WHERE l.lease_id = which AND l.scanner = holder FOR UPDATE;
    IF NOT FOUND THEN
        answer := 'gone';
        reason := 'there is no such lease of this scanner';
        RETURN;
    ELSIF held.ended_at IS NULL AND said = 'running' THEN
        IF NOT (SELECT sweep_window_open(p, now()) FROM sweep w JOIN sweep_plan p ON p.name = w.plan WHERE w.sweep_id = held.sweep_id) THEN
            held.outcome := 'window';
        ELSIF lease_too_fast(which) THEN -- one after the other, or more would end than must
            PERFORM FROM realm_limit r JOIN sweep w ON w.realm = r.realm WHERE w.sweep_id = held.sweep_id FOR UPDATE OF r;
            held.outcome := CASE WHEN lease_too_fast(which) THEN 'limit' END;
        END IF;
        IF held.outcome IS NOT NULL THEN
            PERFORM lease_drop(which, held.outcome);
            held.ended_at := now();
        END IF;
    END IF;
    answer := 'ok';
    IF held.ended_at IS NOT NULL THEN
        IF held.outcome IS DISTINCT FROM said THEN
            answer := 'gone';
            reason := CASE held.outcome WHEN 'cancelled' THEN 'the sweep was cancelled' WHEN 'expired' THEN 'the lease has expired'
                                        WHEN 'window' THEN 'the window of the plan has closed'
                                        WHEN 'limit' THEN 'the limit of the realm was lowered' ELSE 'the lease has ended: ' || held.outcome END;
        END IF;
    ELSIF said IN ('given_back', 'failed') THEN
        PERFORM lease_drop(which, said);
    ELSIF said = 'running' OR NOT EXISTS (SELECT FROM run r WHERE r.run = which AND r.scanner = holder AND r.finished_at IS NOT NULL AND NOT r.interrupted
                                             AND r.stored_ok + r.stored_failed >= r.targets) THEN
        UPDATE lease l SET until = now() + lasts, heard_at = now() WHERE l.lease_id = which;
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

-- As in 0033, and: its realm has nothing left, or what is open failed.
CREATE OR REPLACE FUNCTION sweep_waits(which uuid) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN NOT sweep_window_open(p, now()) THEN
                     'the window of the plan is closed: ' || sweep_window_text(p) || ' UTC; it opens ' || to_char(sweep_window_next(p, now()) AT TIME ZONE 'UTC', 'Dy YYYY-MM-DD HH24:MI')
                WHEN x.heard IS NULL THEN 'no scanner of realm ' || w.realm || ' is known'
                WHEN x.heard < now() - interval '10 minutes' THEN
                     'no scanner of realm ' || w.realm || ' was heard of since ' || to_char(x.heard AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')
                WHEN w.kind = 'scan' AND NOT coalesce(y.again_by > now(), false) THEN
                     'no scanner of realm ' || w.realm || coalesce(' asked for work since ' || to_char(y.asked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI'), ' ever asked for work')
                     || ': certmuster-submit --worker scan does, where realm is configured so'
                WHEN m.full_of IS NOT NULL THEN 'the limit of realm ' || w.realm || ' is reached: ' || m.full_of
                WHEN EXISTS (SELECT FROM shard s WHERE s.sweep_id = w.sweep_id AND s.state = 'open')
                     AND NOT EXISTS (SELECT FROM shard s WHERE s.sweep_id = w.sweep_id AND s.state = 'open' AND s.attempts = 0) THEN
                     'every shard that is open failed; it is given again after a pause, until it failed five times' END
      FROM sweep w
      JOIN sweep_plan p ON p.name = w.plan
     CROSS JOIN LATERAL realm_left(w.kind, w.realm) m
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
GRANT EXECUTE ON FUNCTION clock_set_right(), realm_left(text, text), lease_too_fast(uuid) TO certmuster_audit;
