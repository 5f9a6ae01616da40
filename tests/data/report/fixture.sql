-- An inventory for the tests of report: psql -v n=1000 -f fixture.sql, into an empty schema. Fingerprints are true (sha256 of der); der is
-- not a certificate but a text, since only the collector decodes. All times are relative to now().
SET search_path = certmuster;
BEGIN;

CREATE FUNCTION pg_temp.fp(label text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT sha256(convert_to(label, 'UTF8')) $$;
CREATE FUNCTION pg_temp.id(label text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$ SELECT md5(label)::uuid $$;

INSERT INTO owner (name, email, webhook, contact, environment, criticality) VALUES
    ('web-team', '{web@example.org,oncall@example.org}', NULL, '+49 30 901820, #web', 'production', 'high'),
    ('db-team', '{db@example.org}', 'https://hooks.example.org/db', NULL, 'production', 'high'),
    ('<b>ops</b>', '{}', NULL, E'=HYPERLINK("http://evil.example")', NULL, NULL);

-- n ordinary certificates, expiring from 20 days ago to more than a year ahead; every 7th lives 47 days.
CREATE TEMP TABLE bulk AS
SELECT i, 'certificate ' || i AS label, 'host-' || i || '.example.org' AS name,
       now() - interval '20 days' + i * (interval '420 days' / :n) AS not_after,
       CASE WHEN i % 7 = 0 THEN interval '47 days' ELSE interval '398 days' END AS life
  FROM generate_series(1, :n) AS i;

INSERT INTO certificate (sha256, der, subject, issuer, common_name, display_name, serial, not_before, not_after, spki_sha256, tbs_sha256,
                         key_alg, key_bits, curve, sig_alg, is_ca, self_issued, first_seen, last_seen)
SELECT pg_temp.fp(label), convert_to(label, 'UTF8'), 'CN=' || name, 'CN=Test Issuing CA ' || (i % 3 + 1) || ',O=Example', name, name,
       int4send(i), not_after - life, not_after, pg_temp.fp('spki' || i), pg_temp.fp('tbs' || i),
       CASE i % 2 WHEN 0 THEN 'RSA' ELSE 'EC' END, CASE i % 2 WHEN 0 THEN 2048 ELSE 256 END, CASE i % 2 WHEN 1 THEN 'P-256' END,
       'sha256WithRSAEncryption', false, false, now() - interval '30 days', now()
  FROM bulk;
INSERT INTO certificate_name (sha256, kind, name, reversed)
SELECT pg_temp.fp(label), kind, name, reverse(name) FROM bulk, unnest('{dns,cn}'::text[]) AS kind;
INSERT INTO certificate_name (sha256, kind, name, reversed)
SELECT pg_temp.fp(label), 'dns', 'alt-' || i || '.example.net', reverse('alt-' || i || '.example.net') FROM bulk WHERE i % 5 = 0;

-- Special ones. life and left in days.
CREATE TEMP TABLE special (label text, subject text, issuer text, name text, life float, days_left float, ca boolean, self boolean);
INSERT INTO special VALUES
    ('intermediate', 'CN=Test Issuing CA 1,O=Example', 'CN=Test Root,O=Example', 'Test Issuing CA 1', 3650, 1200, true, false),
    ('root', 'CN=Test Root,O=Example', 'CN=Test Root,O=Example', 'Test Root', 7300, 5, true, true),
    ('wildcard', 'CN=*.shop.example.org', 'CN=Test Issuing CA 2,O=Example', '*.shop.example.org', 398, 4.5, false, false),
    ('renewed-old', 'CN=renewed.example.org', 'CN=Test Issuing CA 1,O=Example', 'renewed.example.org', 90, 3, false, false),
    ('renewed-new', 'CN=renewed.example.org', 'CN=Test Issuing CA 1,O=Example', 'renewed.example.org', 90, 80, false, false),
    ('gone', 'CN=gone.example.org', 'CN=Test Issuing CA 1,O=Example', 'gone.example.org', 90, 2, false, false),
    ('dual', 'CN=dual.example.org', 'CN=Test Issuing CA 3,O=Example', 'dual.example.org', 398, 20, false, false),
    ('unreachable', 'CN=unreachable.example.org', 'CN=Test Issuing CA 3,O=Example', 'unreachable.example.org', 398, 6, false, false),
    ('keystore', E'CN=k\\,eystore', 'CN=Self', 'k,eystore', 3650, 10, false, true),
    ('hostile', E'CN=<script>alert("x")</script>\\, =cmd|''/C calc''!A0\n\033[31m\u202Eevil', E'O=</script><img src=x onerror=alert(1)>"\t',
     E'=cmd|''/C calc''!A0 <script>alert("x")</script>\n\033[31mred\u202Eevil"&amp;', 90, 1.5, false, false);
INSERT INTO certificate (sha256, der, subject, issuer, common_name, display_name, serial, not_before, not_after, spki_sha256, tbs_sha256,
                         key_alg, key_bits, sig_alg, is_ca, self_issued, first_seen, last_seen)
SELECT pg_temp.fp(label), convert_to(label, 'UTF8'), subject, issuer, name, name, '\x00ff', now() + (days_left - life) * interval '1 day',
       now() + days_left * interval '1 day', pg_temp.fp('spki ' || label), pg_temp.fp('tbs ' || label), 'RSA', 2048,
       'sha256WithRSAEncryption', ca, self, now() - interval '40 days', now()
  FROM special;
INSERT INTO certificate_name (sha256, kind, name, reversed) SELECT pg_temp.fp(label), 'dns', name, reverse(name) FROM special WHERE NOT ca;
INSERT INTO certificate (sha256, der, undecodable, display_name, first_seen, last_seen)
VALUES (pg_temp.fp('broken'), convert_to('broken', 'UTF8'), 'length runs past the end', encode(pg_temp.fp('broken'), 'hex'), now(), now());

-- Chains: leaf and intermediate for the bulk, the leaf alone for the special ones.
INSERT INTO chain (chain_id, fingerprints, leaf_sha256, earliest_not_after)
SELECT pg_temp.id('chain ' || label), ARRAY[pg_temp.fp(label), pg_temp.fp('intermediate')], pg_temp.fp(label), not_after FROM bulk;
INSERT INTO chain (chain_id, fingerprints, leaf_sha256, earliest_not_after)
SELECT pg_temp.id('chain ' || label), ARRAY[pg_temp.fp(label)], pg_temp.fp(label), now() + days_left * interval '1 day' FROM special;
INSERT INTO chain (chain_id, fingerprints, leaf_sha256) VALUES (pg_temp.id('chain broken'), ARRAY[pg_temp.fp('broken')], pg_temp.fp('broken'));
INSERT INTO chain_issuers SELECT DISTINCT issuers_id(fingerprints), fingerprints[2:] FROM chain WHERE cardinality(fingerprints) > 1 ON CONFLICT DO NOTHING;
INSERT INTO chain_verdict (chain_id, trust_store, verdict, depth, verified_at)
SELECT pg_temp.id('chain ' || label), 'system', CASE WHEN not_after < now() THEN 'cert_has_expired' ELSE 'ok' END, 0, now() FROM bulk;
INSERT INTO chain_verdict (chain_id, trust_store, verdict, depth, verified_at)
SELECT pg_temp.id('chain ' || label), 'system', CASE WHEN self THEN 'depth_zero_self_signed_cert' ELSE 'unable_to_get_issuer_cert_locally' END, 0,
       now() FROM special WHERE label <> 'dual';

-- Places.
CREATE TEMP TABLE spot (label text, kind text, realm text, ip inet, port integer, name text, host text, path text, inner_path text, entry text,
                        owner text, result text, detail text);
INSERT INTO spot SELECT 'bulk ' || i, 'endpoint', CASE WHEN i % 10 = 0 THEN 'dmz' ELSE 'default' END, '10.0.0.0'::inet + i, 443, name, NULL, NULL,
       NULL, NULL, CASE i % 4 WHEN 0 THEN 'web-team' WHEN 1 THEN 'db-team' END, 'ok', NULL FROM bulk;
INSERT INTO spot SELECT 'shop ' || i, 'endpoint', 'default', '172.16.0.0'::inet + i, 443, 'www' || i || '.shop.example.org', NULL, NULL, NULL, NULL,
       CASE WHEN i < 10 THEN 'web-team' END, CASE WHEN i = 3 THEN 'connect:timeout' ELSE 'ok' END, NULL FROM generate_series(1, 12) AS i;
INSERT INTO spot VALUES
    ('renewed', 'endpoint', 'default', '192.0.2.10', 443, 'renewed.example.org', NULL, NULL, NULL, NULL, 'web-team', 'ok', NULL),
    ('gone', 'endpoint', 'default', '192.0.2.11', 443, 'gone.example.org', NULL, NULL, NULL, NULL, 'web-team', 'ok', NULL),
    ('dual', 'endpoint', 'default', '2001:db8::1', 443, 'dual.example.org', NULL, NULL, NULL, NULL, 'db-team', 'ok', NULL),
    ('unreachable', 'endpoint', 'default', '192.0.2.12', 443, 'unreachable.example.org', NULL, NULL, NULL, NULL, 'db-team', 'connect:timeout',
     'no answer in 10 s'),
    ('never', 'endpoint', 'default', '192.0.2.13', 8443, '', NULL, NULL, NULL, NULL, NULL, 'connect:refused', E'connection\033[2J refused'),
    ('nxdomain', 'endpoint', 'default', NULL, 443, 'no-such.example.org', NULL, NULL, NULL, NULL, NULL, 'resolve:nxdomain', NULL),
    ('hidden', 'endpoint', 'default', '192.0.2.14', 443, 'hidden.example.org', NULL, NULL, NULL, NULL, NULL, '', NULL),
    ('hostile', 'endpoint', 'default', '192.0.2.15', 443, 'hostile.example.org', NULL, NULL, NULL, NULL, '<b>ops</b>', 'ok', NULL),
    ('broken', 'file', 'default', NULL, NULL, NULL, 'app1.example.org', E'/srv/@SUM(1+1)*cmd/<i>x\n.pem', '', '0', NULL, 'ok', NULL),
    ('keystore', 'file', 'default', NULL, NULL, NULL, 'app1.example.org', '/srv/app/keys.p12', 'inner.jks', 'alias 1', 'web-team', 'ok', NULL),
    ('bundle', 'file', 'default', NULL, NULL, NULL, 'app1.example.org', '/etc/ssl/certs/ca-certificates.crt', '', '1', NULL, 'ok', NULL);
INSERT INTO location (location_id, kind, realm, transport, ip, port, name, host, path, inner_path, entry, first_seen)
SELECT pg_temp.id('place ' || label), kind, realm, CASE kind WHEN 'endpoint' THEN 'tcp' END, ip, port, name, host, path, inner_path, entry,
       now() - interval '30 days' FROM spot;

INSERT INTO sighting (location_id, chain_id, role, first_seen, last_seen, source)
SELECT pg_temp.id('place bulk ' || i), pg_temp.id('chain ' || label), 'server', now() - interval '30 days', now() - interval '30 days', 'scan' FROM bulk;
INSERT INTO sighting (location_id, chain_id, role, first_seen, last_seen, source)
SELECT pg_temp.id('place shop ' || i), pg_temp.id('chain wildcard'), 'server', now() - interval '30 days', now(), 'scan' FROM generate_series(1, 12) AS i;
INSERT INTO sighting (location_id, chain_id, role, first_seen, last_seen, absent_runs, closed_at, source)
SELECT pg_temp.id('place ' || place), pg_temp.id('chain ' || chain), role, now() - CASE chain WHEN 'renewed-new' THEN interval '5 days' ELSE interval '30 days' END,
       now() - CASE chain WHEN 'renewed-old' THEN interval '6 days' ELSE interval '0' END, absent, closed, source
  FROM (VALUES ('renewed', 'renewed-old', 'server', 1, NULL, 'scan'), ('renewed', 'renewed-new', 'server', 0, NULL, 'scan'),
               ('gone', 'gone', 'server', 3, now(), 'scan'), ('gone', 'certificate 100', 'server', 0, NULL, 'scan'),
               ('dual', 'dual', 'server', 0, NULL, 'scan'), ('dual', 'certificate 300', 'server', 0, NULL, 'scan'),
               ('unreachable', 'unreachable', 'server', 0, NULL, 'scan'), ('hostile', 'hostile', 'server', 0, NULL, 'scan'),
               ('keystore', 'keystore', 'stored', 0, NULL, 'crawl'), ('broken', 'broken', 'stored', 0, NULL, 'crawl'),
               ('bundle', 'root', 'trust', 0, NULL, 'crawl')) AS v(place, chain, role, absent, closed, source);

INSERT INTO location_state (location_id, chains, earliest_not_after, owner, source, scanner, last_run, last_result, last_detail, last_ok,
                            last_failure, starttls, tls, file_meta)
SELECT pg_temp.id('place ' || sp.label), coalesce(s.chains, '{}'), s.earliest, sp.owner, CASE sp.kind WHEN 'file' THEN 'crawl' ELSE 'scan' END,
       'scanner-1', '019a0000-0000-7000-8000-000000000001', sp.result, sp.detail,
       CASE WHEN sp.label NOT IN ('never', 'nxdomain') THEN now() - interval '5 days' END,
       CASE WHEN sp.result NOT IN ('ok', '') THEN now() - interval '2 days' END, CASE WHEN sp.label = 'dual' THEN 'smtp' END,
       CASE WHEN sp.label = 'dual' THEN '{"version":"TLSv1.2","group":"secp384r1","staple":{"status":"revoked","next_update":"2099-01-01T00:00:00Z"},
                                        "scts":2,"ja3s":"0123456789abcdef0123456789abcdef","proof":"bad"}'::jsonb
            WHEN sp.kind = 'endpoint' AND sp.result IN ('ok', '') THEN '{"version":"TLSv1.3","cipher":"TLS_AES_128_GCM_SHA256"}'::jsonb END,
       CASE WHEN sp.kind = 'file' THEN '{"format":"pem","mode":"0644","uid":0}'::jsonb END
  FROM spot sp
  LEFT JOIN (SELECT sg.location_id, array_agg(sg.chain_id) AS chains, min(ch.earliest_not_after) AS earliest
               FROM sighting sg JOIN chain ch ON ch.chain_id = sg.chain_id WHERE sg.closed_at IS NULL GROUP BY sg.location_id) s
    ON s.location_id = pg_temp.id('place ' || sp.label);

-- Who looked: one run that found all as it was 3 hours ago, one that is lost, one that still goes on.
INSERT INTO scanner (name, realms, enrolled, first_seen, last_seen)
VALUES ('scanner-1', '{default,dmz}', 'unix:0', now() - interval '30 days', now());
INSERT INTO run (run, source, scanner, host, args, started_at, finished_at, interrupted, targets, ok, failed, stored_ok, stored_failed) VALUES
    ('019a0000-0000-7000-8000-000000000001', 'scan', 'scanner-1', 'scan.example.org', '["certmuster-scan","-f","targets.txt"]',
     now() - interval '5 days', now() - interval '119 hours', false, :n + 19, :n + 16, 3, :n + 16, 3),
    ('019a0000-0000-7000-8000-000000000002', 'scan', 'scanner-1', 'scan.example.org', '["certmuster-scan","10.0.0.0/8","=cmd()"]',
     now() - interval '4 hours', now() - interval '3 hours', false, :n + 19, :n + 15, 4, :n + 15, 4),
    ('019a0000-0000-7000-8000-000000000003', 'crawl', 'scanner-1', 'app1.example.org', '["certmuster-crawl","/srv"]',
     now() - interval '2 days', NULL, NULL, NULL, NULL, NULL, 1, 0);
DO $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_inherits WHERE inhparent = 'certmuster.observation'::regclass) THEN
        CREATE TABLE certmuster.observation_fixture PARTITION OF certmuster.observation DEFAULT;
    END IF;
END
$$;
INSERT INTO observation (day, batch_key, run, first_at, last_at, unchanged, failing)
SELECT (now() - interval '3 hours')::date, 'scanner-1/2/1', '019a0000-0000-7000-8000-000000000002', now() - interval '4 hours', now() - interval '3 hours',
       array_agg(pg_temp.id('place ' || label)) FILTER (WHERE result = 'ok' AND kind = 'endpoint'),
       array_agg(pg_temp.id('place ' || label)) FILTER (WHERE result NOT IN ('ok', '')) FROM spot;
COMMIT;
ANALYZE;
