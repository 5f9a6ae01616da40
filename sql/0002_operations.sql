-- Who scans, what ran, and which batches were taken.

CREATE TABLE scanner (
    name       text PRIMARY KEY,
    realms     text[] NOT NULL DEFAULT '{default}', -- the network zones it may speak of, host:<host> of its own always
    enrolled   text NOT NULL,       -- 'unix:<uid>' or the client certificate's SHA-256 in hex
    disabled   boolean NOT NULL DEFAULT false,
    skewed_ms  bigint,              -- last clock difference beyond 5 min, NULL when in time
    first_seen timestamptz NOT NULL,
    last_seen  timestamptz NOT NULL
);

CREATE TABLE run (
    run         uuid PRIMARY KEY,
    source      text NOT NULL,
    scanner     text NOT NULL,
    host        text,
    machine_id  text,
    addresses   jsonb,
    args        jsonb,
    started_at  timestamptz,
    finished_at timestamptz,  -- NULL: still running, or lost when 24 h have passed
    interrupted boolean,
    targets     bigint,       -- as the scanner counted: targets = ok + failed
    ok          bigint,
    failed      bigint,
    stored_ok   bigint NOT NULL DEFAULT 0, -- as the collector counted: sighting records …
    stored_failed bigint NOT NULL DEFAULT 0, -- … and failure records of this run
    counters    jsonb         -- the last stats record
);
CREATE INDEX run_finished ON run (finished_at);

-- Idempotency keys, committed together with what the batch stored. Kept 400 days.
CREATE TABLE batch (
    batch_key   text PRIMARY KEY, -- '<scanner>/<run>/<segment>' or 'file/<sha256>'
    scanner     text NOT NULL,
    received_at timestamptz NOT NULL,
    stored      integer NOT NULL,
    rejected    jsonb NOT NULL DEFAULT '[]', -- [{"line":3,"reason":"…"}]: the answer, repeated for the same key
    skew_ms     bigint NOT NULL DEFAULT 0
);
CREATE INDEX batch_received ON batch (received_at);

-- What collectors do in turns, one at a time however many there are: whoever holds the row's lock does the work. No advisory locks.
CREATE TABLE upkeep (
    task    text PRIMARY KEY, -- 'partitions', 'keys', 'fold', 'lost_runs'; 'trust_store <sha256>': since when that file is the one
    done_at timestamptz NOT NULL
);
INSERT INTO upkeep (task, done_at) VALUES ('partitions', '-infinity'), ('keys', '-infinity'), ('fold', now()), ('lost_runs', '-infinity');
