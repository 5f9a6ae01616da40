-- The inventory: what was seen, where, and during which span. Read this file to know the data model.
--
-- Identities are content-addressed (see include/certmuster/ids.h), every primary key is the natural key and holds the distribution
-- column (sha256, chain_id or location_id), and there are no triggers, no LISTEN and no advisory locks: replay is harmless and the schema
-- can be spread over Citus nodes. Only the collector's ingest writes here.

-- Every distinct certificate. Fields are decoded by the collector from der; what a scanner said of them is not believed.
CREATE TABLE certificate (
    sha256        bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
    der           bytea NOT NULL,
    undecodable   text,        -- the reason; every field below is NULL then
    subject       text,        -- RFC 4514
    issuer        text,        -- RFC 4514
    common_name   text,        -- last CN of the subject
    display_name  text NOT NULL, -- what people call it: first DNS name, else CN, else subject, else its fingerprint
    serial        bytea,       -- INTEGER content octets
    not_before    timestamptz,
    not_after     timestamptz,
    spki_sha256   bytea,
    tbs_sha256    bytea,
    key_alg       text,
    key_bits      integer,
    curve         text,
    sig_alg       text,
    is_ca         boolean,
    self_issued   boolean,
    first_seen    timestamptz NOT NULL,
    last_seen     timestamptz NOT NULL  -- when a span with it was last written; see observation for the checks in between
);
CREATE INDEX certificate_not_after ON certificate (not_after);
CREATE INDEX certificate_spki ON certificate (spki_sha256);

-- Every SAN and CN, cut at 1,000 bytes (what an index entry can hold; DNS names end at 253). reversed serves suffix search: name LIKE
-- '%.example.org' is reversed LIKE 'gro.elpmaxe.%'.
CREATE TABLE certificate_name (
    sha256   bytea NOT NULL,
    kind     text NOT NULL CHECK (kind IN ('dns', 'ip', 'email', 'uri', 'cn')),
    name     text NOT NULL,
    reversed text NOT NULL,
    PRIMARY KEY (sha256, kind, name)
);
CREATE INDEX certificate_name_reversed ON certificate_name (reversed text_pattern_ops);

-- Every distinct chain as it was sent, leaf first.
CREATE TABLE chain (
    chain_id           uuid PRIMARY KEY,
    fingerprints       bytea[] NOT NULL CHECK (cardinality(fingerprints) BETWEEN 1 AND 100),
    leaf_sha256        bytea NOT NULL,
    earliest_not_after timestamptz -- of its certificates; NULL when none could be decoded
);
CREATE INDEX chain_leaf ON chain (leaf_sha256);
CREATE INDEX chain_members ON chain USING gin (fingerprints);

-- The verdict of one trust store over one chain, renewed daily because time is part of it.
CREATE TABLE chain_verdict (
    chain_id    uuid NOT NULL,
    trust_store text NOT NULL,      -- 'system', or a configured name
    verdict     text NOT NULL,      -- 'ok' or OpenSSL's X509_V_ERR name in lower case without prefix: 'cert_has_expired'
    depth       integer,            -- of the certificate at fault
    path        bytea[],            -- the path built, leaf first, trust anchor last; NULL unless ok
    verified_at timestamptz NOT NULL,
    PRIMARY KEY (chain_id, trust_store)
);
CREATE INDEX chain_verdict_age ON chain_verdict (verified_at);

-- Every place: an endpoint or an entry of a file.
CREATE TABLE location (
    location_id uuid PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('endpoint', 'file')),
    realm       text NOT NULL,
    transport   text, ip inet, port integer, name text, -- endpoint; ip NULL when the name does not resolve
    host        text, path text, inner_path text, entry text, -- file
    first_seen  timestamptz NOT NULL
);
CREATE INDEX location_ip ON location (ip, port) WHERE kind = 'endpoint';
CREATE INDEX location_path ON location (host, left(path, 500)) WHERE kind = 'file'; -- a path may be longer than an index entry

-- The span during which a chain was at a place. first_seen = min, last_seen = max over everything reported, late arrivals included.
-- The span stays open (closed_at NULL) until the chain was absent in 3 runs that reached the place; it is not updated while
-- nothing changes (observation tells the last check). Only a successful look that saw another chain in the same role counts as
-- absence, and only when it came after last_seen; a later sighting of the chain, also one that arrives late, takes back the absences before it.
CREATE TABLE sighting (
    location_id uuid NOT NULL,
    chain_id    uuid NOT NULL,
    role        text NOT NULL CHECK (role IN ('server', 'client', 'stored', 'trust', 'signer')),
    first_seen  timestamptz NOT NULL,
    last_seen   timestamptz NOT NULL,
    seen_run    uuid,                        -- the run that last_seen is from, as far as this row was written
    absent_runs smallint NOT NULL DEFAULT 0, -- runs in a row that reached the place and saw another chain
    absent_run  uuid[] NOT NULL DEFAULT '{}', -- these runs: several records of one run count once
    absent_at   timestamptz[] NOT NULL DEFAULT '{}', -- and when each looked
    closed_at   timestamptz,                 -- when the third such run looked; the span ended at last_seen
    source      text NOT NULL,
    PRIMARY KEY (location_id, chain_id, role, first_seen)
);
CREATE INDEX sighting_open_chain ON sighting (chain_id) WHERE closed_at IS NULL;
CREATE INDEX sighting_missed ON sighting (location_id) WHERE closed_at IS NULL AND absent_runs > 0;

-- What is at a place now, and who answers for it. Written when something changes there, not once per sweep.
CREATE TABLE location_state (
    location_id        uuid PRIMARY KEY,
    chains             uuid[] NOT NULL DEFAULT '{}', -- of all open spans, sorted
    steady_role        text,                         -- the role of all open spans, if the last run that looked saw every one; else NULL
    earliest_not_after timestamptz,                  -- over those chains
    owner              text,                         -- owner.name; NULL: nobody
    source             text NOT NULL,
    scanner            text NOT NULL,
    last_run           uuid,         -- of the last change
    last_result        text NOT NULL, -- 'ok' or '<stage>:<error>' of a failure, '' for an endpoint whose certificate cannot be seen
    last_detail        text,         -- of a failure
    last_ok            timestamptz,  -- folded: at the last change, or weekly
    last_failure       timestamptz,
    starttls           text,
    tls                jsonb,        -- version, cipher, group, alpn, client_auth …
    file_meta          jsonb         -- format, mode, uid, gid, size, mtime
);
CREATE INDEX location_state_owner ON location_state (owner);
CREATE INDEX location_state_result ON location_state (last_result) WHERE last_result <> 'ok';

-- One row per batch (one per run, where a batch carries several): which places were checked and found as they were. day is that of
-- arrival. The collector makes the partitions, one a day, and drops them after 30 days.
CREATE TABLE observation (
    day       date NOT NULL,
    batch_key text NOT NULL,
    run       uuid NOT NULL,
    first_at  timestamptz NOT NULL,
    last_at   timestamptz NOT NULL,
    unchanged uuid[] NOT NULL, -- places whose sighting repeated what location_state holds; sorted, for width_bucket()
    failing   uuid[] NOT NULL, -- places that failed again in the same way; sorted
    PRIMARY KEY (day, batch_key)
) PARTITION BY RANGE (day);
CREATE INDEX observation_run ON observation (run);

-- Private keys: that one lies there, never the key.
CREATE TABLE key_file (
    location_id uuid PRIMARY KEY,
    kind        text NOT NULL,
    encrypted   boolean NOT NULL,
    spki_sha256 bytea,
    key_alg     text,
    key_bits    integer,
    first_seen  timestamptz NOT NULL,
    last_seen   timestamptz NOT NULL
);
CREATE INDEX key_file_spki ON key_file (spki_sha256);

-- A keystore as a whole.
CREATE TABLE store (
    location_id uuid PRIMARY KEY,
    format      text NOT NULL,
    integrity   text NOT NULL CHECK (integrity IN ('ok', 'bad', 'unchecked')),
    entries     bigint NOT NULL,
    first_seen  timestamptz NOT NULL,
    last_seen   timestamptz NOT NULL
);
