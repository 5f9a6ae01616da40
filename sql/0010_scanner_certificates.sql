-- A scanner that delivers over TLS may hold several client certificates at once: the new one is enrolled, the scanner changes over, the old one ends or
-- is revoked. Nothing is restarted for that: every request asks this table.
CREATE TABLE scanner_certificate (
    sha256     text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'), -- of the DER, in hex
    scanner    text NOT NULL,
    not_after  timestamptz,          -- NULL: it was enrolled by its fingerprint alone
    added_at   timestamptz NOT NULL,
    revoked_at timestamptz           -- refused since then, whatever it says itself
);
CREATE INDEX scanner_certificate_scanner ON scanner_certificate (scanner);

INSERT INTO scanner_certificate (sha256, scanner, added_at)
SELECT DISTINCT ON (s.enrolled) s.enrolled, s.name, s.first_seen FROM scanner s WHERE s.enrolled ~ '^[0-9a-f]{64}$' ORDER BY s.enrolled, s.name;
UPDATE scanner SET enrolled = 'certificate' WHERE enrolled !~ '^unix:';
COMMENT ON COLUMN scanner.enrolled IS '''unix:<uid>'', or ''certificate'': see scanner_certificate';

GRANT SELECT ON scanner_certificate TO certmuster_read;
GRANT INSERT, UPDATE ON scanner_certificate TO certmuster_operate;
