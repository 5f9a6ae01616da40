-- A fleet for the tests of browse: `psql -v certificates=100000 -f browse-fleet.sql` into an empty inventory, in seconds.
--
-- Leaf i (1 ‥ certificates) is issued by one of 8 intermediates under 2 roots and stands at 1 ‥ 3 places; leaf 7 stands at 50,000 (a
-- wildcard behind a large balancer fleet). Expiry runs from 20 days ago to 380 days ahead, so a twentieth is expired. Leaf 1 is the
-- hostile one: its names hold escapes, markup, a spreadsheet formula, a newline, wide and combining characters. The rows are those
-- that ingest would write; only the DER is a placeholder, since browse reads decoded fields.
SET search_path = certmuster;
SET synchronous_commit = off;
BEGIN;

CREATE TEMPORARY TABLE fleet ON COMMIT DROP AS
SELECT i,
       sha256(('leaf ' || i)::bytea) AS sha256,
       sha256(('intermediate ' || i % 8)::bytea) AS intermediate,
       substr(sha256(('chain ' || i)::bytea), 1, 16) AS chain_bytes,
       (ARRAY['pay', 'www', 'api', 'mail', 'ldap', 'db', 'cache', 'vpn', 'git', 'login', 'shop', 'cdn'])[i % 12 + 1] AS service,
       (ARRAY['payments', 'web', 'platform', 'messaging', 'identity', 'data', 'data', 'network', 'platform', 'identity', 'web',
              NULL])[i % 12 + 1] AS owner,
       date_trunc('second', now()) - interval '20 days'
           + interval '400 days' * ((hashtextextended('expiry ' || i, 0) & 1073741823) / 1073741823.0) AS not_after
  FROM generate_series(1, :certificates) AS i;
ALTER TABLE fleet ADD name text;
UPDATE fleet SET name = CASE i WHEN 1 THEN E'\x1b[2J\x1b]0;owned\x07<script>alert(1)</script>=cmd()\n东京é.fleet.example'
                               WHEN 7 THEN '*.edge.fleet.example'
                               ELSE service || (i / 12) || '.fleet.example' END;
UPDATE fleet SET not_after = date_trunc('second', now()) + interval '50 minutes' WHERE i = 1;
UPDATE fleet SET not_after = date_trunc('second', now()) + interval '4 hours' WHERE i = 7;

INSERT INTO certificate (sha256, der, subject, issuer, common_name, display_name, serial, not_before, not_after, spki_sha256,
                         tbs_sha256, key_alg, key_bits, curve, sig_alg, is_ca, self_issued, first_seen, last_seen)
SELECT sha256, '\x3082'::bytea || sha256, 'CN=' || name || ',O=Fleet Example', 'CN=Fleet Issuing CA ' || i % 8 || ',O=Fleet Example',
       name, name, substr(sha256, 1, 16), not_after - CASE WHEN i % 5 = 0 THEN interval '47 days' ELSE interval '397 days' END, not_after,
       sha256(('key ' || i)::bytea), sha256(('tbs ' || i)::bytea), CASE WHEN i % 3 = 0 THEN 'RSA' ELSE 'EC' END,
       CASE WHEN i % 3 = 0 THEN 2048 ELSE 256 END, CASE WHEN i % 3 = 0 THEN NULL ELSE 'P-256' END,
       CASE WHEN i % 3 = 0 THEN 'sha256WithRSAEncryption' ELSE 'ecdsa-with-SHA256' END, false, false,
       not_after - interval '300 days', now() - interval '3 hours'
  FROM fleet;
INSERT INTO certificate (sha256, der, subject, issuer, common_name, display_name, serial, not_before, not_after, spki_sha256,
                         tbs_sha256, key_alg, key_bits, curve, sig_alg, is_ca, self_issued, first_seen, last_seen)
SELECT sha256((kind || ' ' || i)::bytea), '\x3082'::bytea || i::text::bytea, 'CN=' || name || ',O=Fleet Example',
       'CN=Fleet Root ' || i % 2 || ',O=Fleet Example', name, name, sha256((kind || i)::bytea), now() - interval '3 years',
       now() + CASE kind WHEN 'root' THEN interval '15 years' ELSE interval '4 years' END,
       sha256((kind || ' key ' || i)::bytea), sha256((kind || ' tbs ' || i)::bytea), 'EC', 384, 'P-384', 'ecdsa-with-SHA384', true,
       kind = 'root', now() - interval '400 days', now() - interval '3 hours'
  FROM (SELECT 'intermediate' AS kind, i, 'Fleet Issuing CA ' || i AS name FROM generate_series(0, 7) AS i
        UNION ALL SELECT 'root', i, 'Fleet Root ' || i FROM generate_series(0, 1) AS i) ca;

INSERT INTO certificate_name (sha256, kind, name, reversed)
SELECT sha256, 'dns', name, reverse(name) FROM fleet
UNION ALL SELECT sha256, 'cn', name, reverse(name) FROM fleet
UNION ALL SELECT sha256, 'dns', 'www.' || name, reverse('www.' || name) FROM fleet WHERE i % 4 = 0
UNION ALL SELECT sha256, 'dns', 'tenant' || n || '.fleet.example', reverse('tenant' || n || '.fleet.example')
            FROM fleet, generate_series(1, 200) AS n WHERE i = 7
UNION ALL SELECT sha256, 'dns', '*.fleet.example', reverse('*.fleet.example') FROM fleet WHERE i = 7;

INSERT INTO chain (chain_id, fingerprints, leaf_sha256, earliest_not_after)
SELECT encode(chain_bytes, 'hex')::uuid, ARRAY[sha256, intermediate, sha256(('root ' || i % 2)::bytea)], sha256, not_after FROM fleet;
INSERT INTO chain_issuers SELECT DISTINCT issuers_id(fingerprints), fingerprints[2:] FROM chain WHERE cardinality(fingerprints) > 1 ON CONFLICT DO NOTHING;
INSERT INTO chain_verdict (chain_id, trust_store, verdict, depth, path, verified_at)
SELECT encode(chain_bytes, 'hex')::uuid, 'system',
       CASE WHEN not_after < now() THEN 'cert_has_expired' WHEN i % 50 = 3 THEN 'unable_to_get_issuer_cert_locally' ELSE 'ok' END,
       0, NULL, now() - interval '2 hours'
  FROM fleet;

CREATE TEMPORARY TABLE spot ON COMMIT DROP AS
SELECT f.*, n, encode(substr(sha256(('place ' || f.i || ' ' || n)::bytea), 1, 16), 'hex')::uuid AS location_id,
       n = 3 AS is_file
  FROM fleet f, generate_series(1, CASE WHEN f.i = 7 THEN 50000 ELSE 1 + f.i % 3 END) AS n;
INSERT INTO location (location_id, kind, realm, transport, ip, port, name, host, path, inner_path, entry, first_seen)
SELECT location_id, 'endpoint', 'default', 'tcp', '10.0.0.0'::inet + (i * 3 + n) % 16777000, 443,
       CASE WHEN i IN (1, 7) THEN 'edge' || n || '.fleet.example' ELSE name END, NULL, NULL, NULL, NULL, now() - interval '300 days'
  FROM spot WHERE NOT is_file
UNION ALL
SELECT location_id, 'file', 'default', NULL, NULL, NULL, NULL, service || i % 40 || '.fleet.example',
       '/etc/ssl/' || service || '/' || i || '.pem', '', '1', now() - interval '300 days'
  FROM spot WHERE is_file;
INSERT INTO sighting (location_id, chain_id, role, first_seen, last_seen, source)
SELECT location_id, encode(chain_bytes, 'hex')::uuid, CASE WHEN is_file THEN 'stored' ELSE 'server' END,
       now() - interval '300 days', now() - interval '3 hours', CASE WHEN is_file THEN 'crawl' ELSE 'scan' END
  FROM spot;
INSERT INTO location_state (location_id, chains, earliest_not_after, owner, source, scanner, last_result, last_detail, last_ok,
                            last_failure, starttls, tls)
SELECT location_id, ARRAY[encode(chain_bytes, 'hex')::uuid], not_after, owner, CASE WHEN is_file THEN 'crawl' ELSE 'scan' END,
       'scanner1.fleet.example', CASE WHEN i % 40 = 9 AND n = 1 THEN 'connect:refused' ELSE 'ok' END, NULL, now() - interval '3 hours',
       CASE WHEN i % 40 = 9 AND n = 1 THEN now() - interval '1 hour' END,
       CASE WHEN service = 'mail' AND NOT is_file THEN 'smtp' END,
       CASE WHEN is_file THEN NULL
            ELSE jsonb_build_object('version', CASE WHEN i % 9 = 0 THEN 'TLSv1.2' ELSE 'TLSv1.3' END, 'cipher', 'TLS_AES_128_GCM_SHA256',
                                    'staple', CASE WHEN n % 9 = 0 THEN '{"status":"try_later"}'::jsonb
                                                   ELSE '{"status":"good","next_update":"2999-01-01T00:00:00Z"}' END,
                                    'ja3s', 'eb1d94daa7e0344597e756a1fb6e7054', 'proof', 'good')
            END
  FROM spot;

INSERT INTO owner (name, email, contact, environment, criticality) VALUES
    ('payments', '{payments-oncall@fleet.example}', '+49 30 5550 100, #payments-oncall', 'production', 'critical'),
    ('web', '{web@fleet.example}', '#web', 'production', 'high'),
    ('platform', '{platform@fleet.example}', '+49 30 5550 200', 'production', 'high'),
    ('messaging', '{mail-team@fleet.example}', '#messaging', 'production', 'medium'),
    ('identity', '{identity@fleet.example,identity-lead@fleet.example}', '+49 30 5550 300', 'production', 'critical'),
    ('data', '{data@fleet.example}', '#data', 'staging', 'low'),
    ('network', '{noc@fleet.example}', '+49 30 5550 400', 'production', 'high');
INSERT INTO alert (sha256, owner, kind, opened_at, places, threshold, told_threshold, told_at)
SELECT sha256, coalesce(owner, ''), 'expiry', now() - interval '2 days', 1, expiry_threshold(not_after - interval '397 days', not_after, now()),
       30, now() - interval '2 days'
  FROM fleet WHERE expiry_threshold(not_after - interval '397 days', not_after, now()) IS NOT NULL AND i % 5 <> 0;
INSERT INTO alert_event (sha256, owner, kind, at, event, actor)
SELECT sha256, owner, kind, opened_at, 'opened', 'collector' FROM alert;
COMMIT;
ANALYZE;
