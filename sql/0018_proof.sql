-- Rights as narrow as what the programs do, and acts that the audit log lacked: which configuration and which trust anchors the collectors work with. tests/e2e/roles.py holds
-- the table of who may do what, and tries all of it.

-- --- What is noted -------------------------------------------------------------------------------------------------------------------------

-- The configuration of each collector, secrets left out, as it was noted last: what the next one is compared with.
CREATE TABLE configuration (
    collector text PRIMARY KEY,     -- its host and where it listens
    settings  jsonb NOT NULL,       -- every key that is set, and the SHA-256 of files that say whom it trusts
    noted_at  timestamptz NOT NULL  -- last: at each start, and at each change
);

-- The anchors of each trust store: what verdicts can be checked with by others, and what the next version of the file is compared with.
CREATE TABLE trust_anchor (
    trust_store text NOT NULL,
    sha256      bytea NOT NULL CHECK (octet_length(sha256) = 32),
    subject     text NOT NULL,
    der         bytea NOT NULL,
    PRIMARY KEY (trust_store, sha256)
);

-- Notes what a collector works with; true: it was something else before, and the log says what. At most 40 keys and 200 characters of each are told.
CREATE FUNCTION configuration_note(who text, what jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    was configuration;
    changed jsonb;
    count bigint;
BEGIN
    INSERT INTO configuration (collector, settings, noted_at) VALUES (who, '{}', '-infinity') ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT was FROM configuration c WHERE c.collector = who FOR UPDATE;
    IF was.settings = what THEN
        UPDATE configuration c SET noted_at = now() WHERE c.collector = who;
        RETURN false;
    END IF;
    SELECT jsonb_object_agg(d.key, d.change) FILTER (WHERE d.rank <= 40), count(*) INTO changed, count
      FROM (SELECT key, row_number() OVER (ORDER BY key) AS rank,
                   jsonb_strip_nulls(jsonb_build_object('from', left(o.value, 200), 'to', left(n.value, 200))) AS change
              FROM jsonb_each_text(was.settings) o FULL JOIN jsonb_each_text(what) n USING (key)
             WHERE o.value IS DISTINCT FROM n.value) d;
    UPDATE configuration c SET settings = what, noted_at = now() WHERE c.collector = who;
    PERFORM audit_append('collector', 'collector.configure', who,
                         jsonb_build_object('changed', changed, 'keys', count, 'sha256', encode(sha256(convert_to(what::text, 'UTF8')), 'hex'))::text);
    RETURN true;
END
$$;

-- Notes the anchors of a trust store; NULL: they were these before. Else every chain goes on the docket, the log says which anchors came and went, 20 of each by name, and the
-- answer is how many chains. ders, in hex, is NULL where a file holds too many anchors to be compared.
CREATE FUNCTION trust_store_note(store text, new_digest text, subjects text[], ders text[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    old_digest text;
    chains bigint;
    told jsonb;
BEGIN
    INSERT INTO trust_store (name, digest, changed_at) VALUES (store, '', now()) ON CONFLICT DO NOTHING;
    SELECT t.digest INTO STRICT old_digest FROM trust_store t WHERE t.name = store FOR UPDATE;
    IF old_digest = new_digest THEN
        INSERT INTO trust_anchor (trust_store, sha256, subject, der) -- noted before anchors were kept
        SELECT store, sha256(decode(a.der, 'hex')), a.subject, decode(a.der, 'hex') FROM unnest(subjects, ders) AS a(subject, der)
         WHERE NOT EXISTS (SELECT FROM trust_anchor t WHERE t.trust_store = store) ON CONFLICT DO NOTHING;
        RETURN NULL;
    END IF;
    UPDATE trust_store t SET digest = new_digest, changed_at = now() WHERE t.name = store;
    WITH new AS MATERIALIZED (SELECT DISTINCT ON (sha256(x.der)) sha256(x.der) AS sha256, x.subject, x.der
                                FROM (SELECT a.subject, decode(a.der, 'hex') AS der FROM unnest(subjects, ders) AS a(subject, der)) x),
    gone AS (DELETE FROM trust_anchor a WHERE a.trust_store = store AND NOT EXISTS (SELECT FROM new n WHERE n.sha256 = a.sha256) RETURNING a.sha256, a.subject),
    came AS (INSERT INTO trust_anchor (trust_store, sha256, subject, der) SELECT store, n.sha256, n.subject, n.der FROM new n
                 ON CONFLICT DO NOTHING RETURNING trust_anchor.sha256, trust_anchor.subject)
    SELECT jsonb_build_object(
               'anchors', (SELECT count(*) FROM new), 'added', (SELECT count(*) FROM came), 'removed', (SELECT count(*) FROM gone),
               'added_subjects', (SELECT coalesce(jsonb_agg(left(c.subject, 200) ORDER BY c.subject, c.sha256), '[]') FROM (SELECT * FROM came ORDER BY subject, sha256 LIMIT 20) c),
               'removed_subjects', (SELECT coalesce(jsonb_agg(left(g.subject, 200) ORDER BY g.subject, g.sha256), '[]') FROM (SELECT * FROM gone ORDER BY subject, sha256 LIMIT 20) g))
      INTO told;
    INSERT INTO docket (chain_id, trust_store) SELECT ch.chain_id, store FROM chain ch ORDER BY 1 ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS chains = ROW_COUNT;
    IF ders IS NULL THEN
        told := jsonb_build_object('anchors', 'too many to be compared');
    END IF;
    PERFORM audit_append('collector', 'trust_store.change', store,
                         (jsonb_strip_nulls(jsonb_build_object('from', nullif(old_digest, ''), 'to', new_digest)) || told)::text);
    RETURN chains;
END
$$;

-- Forgets trust stores that are configured no more, with what was judged by them.
CREATE FUNCTION trust_store_keep(names text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    gone record;
BEGIN
    DELETE FROM docket d WHERE d.trust_store <> '' AND d.trust_store <> ALL (names);
    DELETE FROM chain_verdict v WHERE v.trust_store <> ALL (names);
    DELETE FROM trust_anchor a WHERE a.trust_store <> ALL (names);
    FOR gone IN DELETE FROM trust_store t WHERE t.name <> ALL (names) RETURNING t.name, t.digest LOOP
        PERFORM audit_append('collector', 'trust_store.remove', gone.name, jsonb_build_object('from', gone.digest)::text);
    END LOOP;
END
$$;

-- --- Days of observation -------------------------------------------------------------------------------------------------------------------

-- The collector makes and drops partitions by these alone, so that it needs no right to make anything in the schema, and cannot drop what is younger than 30 days.
CREATE FUNCTION observation_day(day date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = certmuster, pg_temp AS $$
DECLARE
    part text := 'observation_' || to_char(observation_day.day, 'YYYYMMDD');
BEGIN
    IF observation_day.day IS NULL OR abs(observation_day.day - current_date) > 400 THEN
        RAISE EXCEPTION USING ERRCODE = 'datetime_field_overflow', MESSAGE = format('the day %s is not one of these 400 days', observation_day.day);
    END IF;
    IF to_regclass('certmuster.' || part) IS NULL THEN
        BEGIN
            EXECUTE format('CREATE TABLE IF NOT EXISTS certmuster.%I PARTITION OF certmuster.observation FOR VALUES FROM (%L) TO (%L)',
                           part, observation_day.day, observation_day.day + 1);
        EXCEPTION WHEN duplicate_table OR unique_violation OR invalid_object_definition THEN -- IF NOT EXISTS does not see what another session is just making
            IF to_regclass('certmuster.' || part) IS NULL THEN
                RAISE;
            END IF;
        END;
    END IF;
END
$$;

CREATE FUNCTION observation_forget() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = certmuster, pg_temp AS $$
DECLARE
    part record;
    dropped integer := 0;
BEGIN
    FOR part IN SELECT c.relname
                  FROM pg_inherits i
                  JOIN pg_class c ON c.oid = i.inhrelid
                 WHERE i.inhparent = 'certmuster.observation'::regclass AND c.relname ~ '^observation_[0-9]{8}$'
                   AND c.relname < 'observation_' || to_char((now() AT TIME ZONE 'UTC')::date - 30, 'YYYYMMDD') LOOP
        EXECUTE format('DROP TABLE certmuster.%I', part.relname);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

DO $$
DECLARE
    part record;
BEGIN
    EXECUTE format('ALTER TABLE observation OWNER TO %I', current_user);
    FOR part IN SELECT i.inhrelid::regclass AS name FROM pg_inherits i WHERE i.inhparent = 'observation'::regclass LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO %I', part.name, current_user);
    END LOOP;
END
$$;
GRANT ALL ON observation TO certmuster_admin;
GRANT INSERT ON observation TO certmuster_ingest;
REVOKE CREATE ON SCHEMA certmuster FROM certmuster_ingest;

-- --- Rights --------------------------------------------------------------------------------------------------------------------------------

-- Who loads owners keeps batches from being stored by the old rules meanwhile, and must not be able to change anything but owners for that.
CREATE FUNCTION places_hold() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = certmuster, pg_temp AS $$
BEGIN
    LOCK TABLE certmuster.location_state IN SHARE ROW EXCLUSIVE MODE;
END
$$;

REVOKE UPDATE ON location_state, alert FROM certmuster_operate;
GRANT UPDATE (owner) ON location_state TO certmuster_operate;
GRANT UPDATE (acked_at, acked_by, acked_note, acked_threshold) ON alert TO certmuster_operate;

-- A certificate, a chain, a name never change; what happened stays; and nobody is enrolled, or given another realm, by what delivers records.
REVOKE DELETE ON certificate, certificate_name, chain, location, sighting, location_state, key_file, store, csr, crl, ssh_certificate, scanner, run, upkeep,
    alert, alert_event, delivery, chain_shape FROM certmuster_ingest;
REVOKE UPDATE ON certificate, certificate_name, chain, location, scanner, batch, alert_event, sweep_plan, realm_limit FROM certmuster_ingest;
GRANT UPDATE (first_seen, last_seen) ON certificate TO certmuster_ingest;
DO $$
DECLARE
    which text;
BEGIN
    FOR which IN SELECT attname FROM pg_attribute WHERE attrelid = 'certificate'::regclass AND attname IN ('retired_at', 'superseded_at') LOOP -- where it is, like when it was last somewhere
        EXECUTE format('GRANT UPDATE (%I) ON certificate TO certmuster_ingest', which);
    END LOOP;
END
$$;
GRANT UPDATE (first_seen) ON location TO certmuster_ingest;
GRANT UPDATE (last_seen, skewed_ms) ON scanner TO certmuster_ingest;
GRANT UPDATE (next_at) ON sweep_plan TO certmuster_ingest;
-- To lock a row takes the right to change a column of it: this one means nothing.
ALTER TABLE realm_limit ADD COLUMN turn boolean;
GRANT UPDATE (turn) ON realm_limit TO certmuster_ingest;

GRANT SELECT ON configuration, trust_anchor TO certmuster_read;
GRANT INSERT, UPDATE, DELETE ON configuration, trust_anchor TO certmuster_ingest;
GRANT ALL ON configuration, trust_anchor TO certmuster_admin;

-- Whoever may use the schema is a member of certmuster_read. Nobody else may call anything, now and later.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA certmuster GRANT EXECUTE ON FUNCTIONS TO certmuster_read;
DO $$
DECLARE
    f record;
BEGIN
    FOR f IN SELECT p.oid::regprocedure AS name, p.prosecdef FROM pg_proc p
              WHERE p.pronamespace = 'certmuster'::regnamespace AND p.proowner <> 'certmuster_audit'::regrole LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', f.name);
        IF NOT f.prosecdef THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO certmuster_read, certmuster_audit', f.name);
        END IF;
    END LOOP;
END
$$;
GRANT EXECUTE ON FUNCTION observation_day(date), observation_forget() TO certmuster_ingest;
GRANT EXECUTE ON FUNCTION places_hold() TO certmuster_operate, certmuster_admin;

-- --- The log -------------------------------------------------------------------------------------------------------------------------------

-- As in 0009, with bounds: a row that nobody can read would keep the log from being verified.
DO $outer$
BEGIN
    EXECUTE format('GRANT certmuster_audit TO %I', current_user);
    GRANT CREATE ON SCHEMA certmuster TO certmuster_audit;
    CREATE OR REPLACE FUNCTION audit_append(actor text, action text, subject text, detail text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = certmuster, pg_temp AS $$
    DECLARE
        head audit_head;
        now_at timestamptz;
    BEGIN
        IF octet_length(audit_append.actor) > 1024 OR octet_length(audit_append.action) > 256 OR octet_length(audit_append.subject) > 16384
           OR octet_length(audit_append.detail) > 1048576 THEN
            RAISE EXCEPTION USING ERRCODE = 'program_limit_exceeded', MESSAGE = 'an act of more than a mebibyte';
        ELSIF jsonb_typeof(audit_append.detail::jsonb) <> 'object' THEN -- an error unless it is JSON
            RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = 'the detail of an act is a JSON object';
        END IF;
        SELECT * INTO STRICT head FROM audit_head FOR UPDATE;
        now_at := clock_timestamp();
        head.seq := head.seq + 1;
        INSERT INTO audit_log (seq, at, actor, db_user, action, subject, detail, previous, hash)
        VALUES (head.seq, now_at, audit_append.actor, session_user, audit_append.action, audit_append.subject, audit_append.detail, head.hash,
                audit_hash(head.seq, now_at, audit_append.actor, session_user, audit_append.action, audit_append.subject,
                           audit_append.detail, head.hash))
        RETURNING audit_log.hash INTO head.hash;
        UPDATE audit_head SET seq = head.seq, hash = head.hash;
        RETURN head.seq;
    END
    $$;
    REVOKE CREATE ON SCHEMA certmuster FROM certmuster_audit;
    EXECUTE format('REVOKE certmuster_audit FROM %I', current_user);
END
$outer$;
