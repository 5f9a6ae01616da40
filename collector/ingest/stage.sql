-- Where a batch waits to be merged: temporary tables, made once per connection, emptied by every end of a transaction. No WAL.

-- One row per place of the batch that its digest did not tell to be unchanged, enough to tell whether it is as location_state says.
CREATE TEMP TABLE stage_place (
    location_id uuid NOT NULL,
    digest      uuid,            -- of what follows but first_at and source; NULL of kind m
    kind        "char" NOT NULL, -- o: sightings of one run in one role, f: failures that are alike, e: TLS without certificate, m: anything else
    first_at    timestamptz NOT NULL,
    result      text NOT NULL,
    role        text,
    chains      uuid[],          -- sorted
    source      text NOT NULL,
    tls         jsonb,
    starttls    text,
    file_meta   jsonb
) ON COMMIT DELETE ROWS;

-- Only for places that are not as they were: one row per record …
CREATE TEMP TABLE stage_look (
    location_id uuid NOT NULL,
    kind        "char" NOT NULL,  -- o, f or e
    round       integer NOT NULL, -- the how-manieth run of this batch at this place: merged one after the other
    run         uuid NOT NULL,
    first_at    timestamptz NOT NULL,
    last_at     timestamptz NOT NULL,
    chain_id    uuid,
    role        text,
    scanner     text NOT NULL,
    result      text NOT NULL,
    detail      text,
    source      text NOT NULL,
    tls         jsonb,
    starttls    text,
    file_meta   jsonb
) ON COMMIT DELETE ROWS;

-- … what they refer to …
CREATE TEMP TABLE stage_location (
    location_id uuid NOT NULL,
    kind text NOT NULL, realm text NOT NULL, transport text, ip inet, port integer, name text, host text, path text, inner_path text,
    entry text, first_seen timestamptz NOT NULL
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE stage_chain (chain_id uuid NOT NULL, fingerprints bytea[] NOT NULL) ON COMMIT DELETE ROWS;

-- … and what observation knows of them: until when they were as they were, and which runs of this batch said so already.
CREATE TEMP TABLE stage_fold (location_id uuid NOT NULL, ok_at timestamptz, failure_at timestamptz, runs uuid[]) ON COMMIT DELETE ROWS;

-- Certificates that were not stored when the batch was looked at, decoded here.
CREATE TEMP TABLE stage_certificate (
    sha256 bytea NOT NULL, der bytea NOT NULL, undecodable text, subject text, issuer text, common_name text, display_name text NOT NULL,
    serial bytea, not_before timestamptz, not_after timestamptz, spki_sha256 bytea, tbs_sha256 bytea, key_alg text, key_bits integer,
    curve text, sig_alg text, is_ca boolean, self_issued boolean, first_seen timestamptz NOT NULL, last_seen timestamptz NOT NULL
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE stage_name (sha256 bytea NOT NULL, kind text NOT NULL, name text NOT NULL) ON COMMIT DELETE ROWS;

CREATE TEMP TABLE stage_key (
    location_id uuid NOT NULL, kind text NOT NULL, encrypted boolean NOT NULL, spki_sha256 bytea, key_alg text, key_bits integer,
    first_seen timestamptz NOT NULL, last_seen timestamptz NOT NULL
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE stage_store (
    location_id uuid NOT NULL, format text NOT NULL, integrity text NOT NULL, entries bigint NOT NULL, weak jsonb,
    first_seen timestamptz NOT NULL, last_seen timestamptz NOT NULL
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE stage_csr (
    location_id uuid NOT NULL, facts jsonb NOT NULL, first_seen timestamptz NOT NULL, last_seen timestamptz NOT NULL
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE stage_crl (
    location_id uuid NOT NULL, facts jsonb NOT NULL, first_seen timestamptz NOT NULL, last_seen timestamptz NOT NULL
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE stage_ssh (
    location_id uuid NOT NULL, facts jsonb NOT NULL, first_seen timestamptz NOT NULL, last_seen timestamptz NOT NULL
) ON COMMIT DELETE ROWS;
CREATE TEMP TABLE stage_run (
    run uuid NOT NULL, source text NOT NULL, scanner text NOT NULL, host text, machine_id text, addresses jsonb, args jsonb,
    started_at timestamptz, finished_at timestamptz, interrupted boolean, targets bigint, ok bigint, failed bigint,
    stored_ok bigint NOT NULL, stored_failed bigint NOT NULL, results jsonb NOT NULL, counters jsonb
) ON COMMIT DELETE ROWS;
