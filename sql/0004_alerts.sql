-- Alerts are level-triggered: what is true now and was not yet told is told, so a missed run loses nothing.

-- One row per certificate and owner, however many places. owner '' stands for places that nobody owns (the fallback
-- recipients are told).
CREATE TABLE alert (
    sha256       bytea NOT NULL,
    owner        text NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('expiry')),
    opened_at    timestamptz NOT NULL,
    resolved_at  timestamptz,     -- NULL: true now
    resolution   text,            -- 'renewed', 'gone', 'reassigned'
    places       integer NOT NULL,
    threshold    integer,         -- the tightest threshold that holds now: 30, 14, 7, 3, 1, 0 (expired) days
    told_threshold integer,       -- the tightest one told; NULL: none yet
    told_at      timestamptz,
    acked_at     timestamptz,     -- silences until a tighter threshold holds
    acked_by     text,
    acked_note   text,
    acked_threshold integer,
    PRIMARY KEY (sha256, owner, kind)
);
CREATE INDEX alert_open ON alert (threshold) WHERE resolved_at IS NULL;

CREATE TABLE alert_event (
    sha256 bytea NOT NULL,
    owner  text NOT NULL,
    kind   text NOT NULL,
    at     timestamptz NOT NULL,
    event  text NOT NULL,   -- opened, threshold, told, acknowledged, unacknowledged, resolved, reopened
    actor  text NOT NULL,   -- 'collector' or a user
    detail text,
    PRIMARY KEY (sha256, owner, kind, at, event)
);

-- Every message to people. The row is committed before sending; one that is 'sending' after a crash is sent again with the same
-- message_id. 'sent' is never sent again.
CREATE TABLE delivery (
    delivery_id uuid PRIMARY KEY, -- first 16 bytes of SHA-256 over sha256, owner, kind, opened_at, event, threshold, channel, destination
    sha256      bytea NOT NULL,
    owner       text NOT NULL,
    kind        text NOT NULL,
    event       text NOT NULL CHECK (event IN ('told', 'resolved')),
    threshold   integer,
    channel     text NOT NULL CHECK (channel IN ('smtp', 'webhook')),
    destination text NOT NULL,
    message_id  text NOT NULL,    -- Message-ID, and Idempotency-Key of the webhook
    body        text NOT NULL,
    state       text NOT NULL CHECK (state IN ('pending', 'sending', 'sent', 'failed')),
    attempts    integer NOT NULL DEFAULT 0,
    next_try    timestamptz NOT NULL,
    created_at  timestamptz NOT NULL,
    sent_at     timestamptz,
    last_error  text
);
CREATE INDEX delivery_due ON delivery (next_try) WHERE state IN ('pending', 'sending');
CREATE INDEX delivery_alert ON delivery (sha256, owner, kind);

-- A threshold of N days holds for a certificate when what is left is at most min(N, lifetime × N / 90) days, so that a 47-day
-- certificate warns at 15.7, 7.3, 3.7, 1.6 and 0.5 days, not at birth. Answers the tightest that holds, NULL for none.
CREATE FUNCTION expiry_threshold(not_before timestamptz, not_after timestamptz, at timestamptz) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT min(t.days)
      FROM unnest(ARRAY[0, 1, 3, 7, 14, 30]) AS t(days)
     WHERE extract(epoch FROM not_after - at) <=
           least(t.days * 86400.0, extract(epoch FROM not_after - not_before) * t.days / 90.0)
$$;
