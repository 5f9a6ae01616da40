-- What lies beside certificates: requests, revocation lists, SSH certificates; and what protects a keystore badly. facts holds every member of the
-- record but those that say where and when, so that nothing that a scanner told is lost; columns are what is searched and joined.

CREATE TABLE csr (
    location_id uuid PRIMARY KEY,
    sha256      bytea,       -- of its DER
    subject     text,        -- RFC 4514
    spki_sha256 bytea,       -- joins with certificate.spki_sha256 and key_file.spki_sha256: what became of the request, and whose key it is
    undecodable text,
    facts       jsonb NOT NULL,
    first_seen  timestamptz NOT NULL,
    last_seen   timestamptz NOT NULL
);
CREATE INDEX csr_spki ON csr (spki_sha256);

CREATE TABLE crl (
    location_id uuid PRIMARY KEY,
    sha256      bytea,
    issuer      text,
    this_update timestamptz,
    next_update timestamptz, -- NULL: it does not say
    entries     bigint,
    undecodable text,
    facts       jsonb NOT NULL,
    first_seen  timestamptz NOT NULL,
    last_seen   timestamptz NOT NULL
);
CREATE INDEX crl_next_update ON crl (next_update);

CREATE TABLE ssh_certificate (
    location_id    uuid PRIMARY KEY,
    sha256         bytea,
    role           text,        -- 'user', 'host', 'unknown'
    key_id         text,
    principals     text[],      -- empty: every one
    valid_after    timestamptz, -- NULL: always was
    valid_before   timestamptz, -- NULL: for ever
    ca_fingerprint text,        -- 'SHA256:…' as ssh-keygen prints it
    spki_sha256    bytea,
    undecodable    text,
    facts          jsonb NOT NULL,
    first_seen     timestamptz NOT NULL,
    last_seen      timestamptz NOT NULL
);
CREATE INDEX ssh_certificate_valid_before ON ssh_certificate (valid_before);

ALTER TABLE store ADD COLUMN weak text[] NOT NULL DEFAULT '{}'; -- words of the record schema: 'bks-v1', 'rc2-40', 'stash', …

GRANT SELECT ON csr, crl, ssh_certificate TO certmuster_read;
GRANT INSERT, UPDATE, DELETE ON csr, crl, ssh_certificate TO certmuster_ingest;
