-- Who did what: one row for every act by a person or a rule, each with the hash of the one before, so that a row that was changed, taken out or
-- put in afterwards is found (`certmuster audit verify`). Rows are added by audit_append() alone, in the transaction of the act itself.

CREATE TABLE audit_log (
    seq      bigint PRIMARY KEY,   -- 1, 2, 3 … without gaps
    at       timestamptz NOT NULL, -- to the microsecond
    actor    text NOT NULL,        -- who typed it, as the program tells: a login name, 'collector'
    db_user  text NOT NULL,        -- the database role that did it, as the server knows
    action   text NOT NULL,        -- 'owner.load', 'alert.acknowledge', 'scanner.add', …
    subject  text NOT NULL,        -- to what: a fingerprint, a scanner's name, a file
    detail   text NOT NULL,        -- a JSON object
    previous bytea NOT NULL CHECK (octet_length(previous) = 32), -- hash of the row before; 32 zero bytes for the first
    hash     bytea NOT NULL CHECK (octet_length(hash) = 32)      -- audit_hash() of all of this
);

-- The end of the chain, in one row that is locked by whoever adds: rows come one after the other. No sequence, no advisory lock.
CREATE TABLE audit_head (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one),
    seq  bigint NOT NULL,
    hash bytea NOT NULL
);
INSERT INTO audit_head (seq, hash) VALUES (0, decode(repeat('00', 32), 'hex'));

-- SHA-256 over the fields as UTF-8, each ended by a NUL, which no text holds: seq in decimal, at in UTC with microseconds, actor, db_user, action,
-- subject, detail, and the hash before in hex. Anybody can compute it from `certmuster audit export`.
CREATE FUNCTION audit_hash(seq bigint, at timestamptz, actor text, db_user text, action text, subject text, detail text, previous bytea)
RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(string_agg(convert_to(f.field, 'UTF8') || '\x00'::bytea, ''::bytea ORDER BY f.rank))
      FROM (VALUES (1, audit_hash.seq::text),
                   (2, to_char(audit_hash.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
                   (3, audit_hash.actor), (4, audit_hash.db_user), (5, audit_hash.action), (6, audit_hash.subject),
                   (7, audit_hash.detail), (8, encode(audit_hash.previous, 'hex'))) AS f(rank, field)
$$;

-- Adds a row and answers its number. Runs with the rights of certmuster_audit, which nobody logs in as: who may call this may add, not change.
CREATE FUNCTION audit_append(actor text, action text, subject text, detail text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = certmuster, pg_temp AS $$
DECLARE
    head audit_head;
    now_at timestamptz;
BEGIN
    PERFORM audit_append.detail::jsonb; -- an error unless it is JSON
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

-- Both tables and the function belong to a role of their own, of which nobody is a member once this is done.
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'certmuster_audit') THEN
        CREATE ROLE certmuster_audit NOLOGIN;
    END IF;
    EXECUTE format('GRANT certmuster_audit TO %I', current_user);
    GRANT USAGE, CREATE ON SCHEMA certmuster TO certmuster_audit;
    ALTER TABLE audit_log OWNER TO certmuster_audit;
    ALTER TABLE audit_head OWNER TO certmuster_audit;
    ALTER FUNCTION audit_append(text, text, text, text) OWNER TO certmuster_audit;
    REVOKE ALL ON audit_log, audit_head FROM PUBLIC, certmuster_ingest, certmuster_operate, certmuster_admin;
    REVOKE ALL ON FUNCTION audit_append(text, text, text, text) FROM PUBLIC;
    GRANT SELECT ON audit_log, audit_head TO certmuster_read;
    GRANT EXECUTE ON FUNCTION audit_append(text, text, text, text) TO certmuster_ingest, certmuster_operate, certmuster_admin;
    REVOKE CREATE ON SCHEMA certmuster FROM certmuster_audit;
    EXECUTE format('REVOKE certmuster_audit FROM %I', current_user);
END
$$;
