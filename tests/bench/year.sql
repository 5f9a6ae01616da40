-- A year of nights, from the certificates that year_certificates.py made: chains, places, spans, states, verdicts, batches, as the collector would have left them.
-- psql variables: tonight (seconds), places (how many). Night 0 is a year ago, night 364 the last. Everything random is a hash of what it is about.
SET search_path = certmuster, year;

-- A number from 0 to below `most`.
CREATE FUNCTION year.pick(what text, most integer) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ((hashtextextended(what, 0) & 9223372036854775807) % most)::integer
$$;
CREATE FUNCTION year.id_of(bytes bytea) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT encode(substr(sha256(bytes), 1, 16), 'hex')::uuid
$$;
CREATE FUNCTION year.field(text) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT convert_to($1, 'UTF8') || '\x00'::bytea $$;

-- Six scanners look every night, each with a run of its own; the year's last run of each is of night 364.
CREATE UNLOGGED TABLE year.scanner AS
SELECT s.n, 'scanner-' || s.n AS name, (ARRAY['default', 'default', 'default', 'dmz', 'plant', 'cloud'])[s.n + 1] AS realm FROM generate_series(0, 5) AS s(n);
CREATE UNLOGGED TABLE year.night AS
SELECT s.n AS scanner, s.name, d.night, to_timestamp(:tonight) - make_interval(days => 364 - d.night, hours => 4) AS at, year.id_of(year.field('run ' || s.n || ' ' || d.night)) AS run
  FROM year.scanner s, generate_series(0, 364) AS d(night);
ALTER TABLE year.night ADD PRIMARY KEY (scanner, night);
-- What a span that ended on a night was missed by.
CREATE UNLOGGED TABLE year.missed AS
SELECT n.scanner, n.night, n.at, n.run, coalesce(array_agg(m.run ORDER BY m.night) FILTER (WHERE m.run IS NOT NULL), '{}') AS runs,
       coalesce(array_agg(m.at ORDER BY m.night) FILTER (WHERE m.run IS NOT NULL), '{}') AS ats
  FROM year.night n
  LEFT JOIN year.night m ON m.scanner = n.scanner AND m.night BETWEEN n.night + 1 AND n.night + 3
 GROUP BY n.scanner, n.night, n.at, n.run;
ALTER TABLE year.missed ADD PRIMARY KEY (scanner, night);
ANALYZE year.night, year.missed;

-- --- Places ------------------------------------------------------------------------------------------------------------------------------

-- A line's first place is an endpoint, a quarter of the others are files; nine in ten were there all year. lag: nights between a renewal and its installation here.
CREATE UNLOGGED TABLE year.place AS
SELECT p.number, p.rank, p.n, p.is_file, s.n AS scanner, s.realm, p.lag, p.birth, p.failing, p.alone, p.name, p.port, p.ip, p.host, p.path, p.team,
       CASE WHEN p.is_file
            THEN year.id_of(year.field('file') || year.field(s.realm) || year.field(p.host) || year.field(p.path) || year.field('') || year.field('1'))
            ELSE year.id_of(year.field('endpoint') || year.field(s.realm) || year.field('tcp') || year.field(host(p.ip)) || year.field(p.port::text) || year.field(p.name)) END AS location_id
  FROM (SELECT q.number, q.rank, q.team, q.n, q.is_file, year.pick('s' || q.key, 6) AS scanner, q.wide % 3 AS lag,
               CASE WHEN q.wide % 100 < 90 OR q.rank = 1 THEN 0 ELSE year.pick('b' || q.key, 360) END AS birth,
               q.wide / 100 % 50 = 0 AS failing, q.is_file AND q.wide / 5000 % 10 < 4 AS alone,
               CASE WHEN q.wide / 50000 % 100 < 15 THEN '' ELSE replace(q.hosts, '*', 'n' || q.rank) END AS name,
               (ARRAY[443, 443, 443, 443, 443, 443, 8443, 636, 993, 5671])[q.wide / 7 % 10 + 1] AS port,
               CASE WHEN q.n % 7 = 0 THEN '2001:db8::'::inet + (q.n * 64) ELSE '10.0.0.0'::inet + q.n END AS ip,
               'h' || q.n / 3 || '.corp.example' AS host, '/etc/ssl/private/' || q.number || '-' || q.rank || '/fullchain.pem' AS path
          FROM (SELECT l.number, l.team, l.host AS hosts, r.rank, (row_number() OVER (ORDER BY l.number, r.rank))::bigint AS n, l.number || ' ' || r.rank AS key,
                       year.pick(l.number || ' ' || r.rank, 1000000000) AS wide, r.rank > 1 AND year.pick('k' || l.number || ' ' || r.rank, 100) < 28 AS is_file
                  FROM year.leaf l, generate_series(1, l.places) AS r(rank)
                 WHERE l.number >= 0 AND l.index = 0) q
         LIMIT :places) p
  JOIN year.scanner s ON s.n = p.scanner;

-- Chains: two in five leaf and issuer, as many with the root as well, some four long; and the leaf alone, as files often hold it.
CREATE UNLOGGED TABLE year.chain AS
SELECT x.number, x.index, x.variant, x.sha256, x.issuer, x.first, x.until, x.fingerprints,
       year.id_of((SELECT string_agg(f.f, ''::bytea ORDER BY f.rank) FROM unnest(x.fingerprints) WITH ORDINALITY AS f(f, rank))) AS chain_id
  FROM (SELECT l.number, l.index, l.sha256, l.issuer, l.first, l.until, v.variant,
               CASE WHEN v.variant = 'alone' OR year.pick('c' || l.number, 100) < 8 THEN ARRAY[l.sha256]
                    WHEN year.pick('c' || l.number, 100) < 50 THEN ARRAY[l.sha256, i.sha256]
                    WHEN year.pick('c' || l.number, 100) < 90 THEN ARRAY[l.sha256, i.sha256, r.sha256]
                    ELSE ARRAY[l.sha256, i.sha256, (SELECT o.sha256 FROM year.leaf o WHERE o.number = l.issuer - 1), r.sha256] END AS fingerprints
          FROM year.leaf l
          JOIN year.leaf i ON i.number = l.issuer
          JOIN year.leaf r ON r.number = i.issuer
         CROSS JOIN (VALUES ('full'), ('alone')) AS v(variant)
         WHERE l.number >= 0
           AND (v.variant = 'full' OR EXISTS (SELECT FROM year.place p WHERE p.number = l.number AND p.alone))) x
 WHERE array_position(x.fingerprints, NULL) IS NULL;
CREATE INDEX ON year.chain (number, variant);
ANALYZE year.place, year.chain, year.leaf;

SELECT year.unindex('chain');
INSERT INTO chain (chain_id, fingerprints, leaf_sha256, earliest_not_after)
SELECT DISTINCT ON (c.chain_id) c.chain_id, c.fingerprints, c.sha256, least(k.not_after, i.not_after)
  FROM year.chain c
  JOIN certificate k ON k.sha256 = c.sha256
  JOIN year.leaf li ON li.number = c.issuer
  JOIN certificate i ON i.sha256 = CASE WHEN cardinality(c.fingerprints) > 1 THEN li.sha256 ELSE c.sha256 END
 ORDER BY c.chain_id;
SELECT year.reindex('chain');
INSERT INTO chain_issuers SELECT DISTINCT issuers_id(fingerprints), fingerprints[2:] FROM chain WHERE cardinality(fingerprints) > 1 ON CONFLICT DO NOTHING;

SELECT year.unindex('location');
INSERT INTO location (location_id, kind, realm, transport, ip, port, name, host, path, inner_path, entry, first_seen)
SELECT p.location_id, CASE WHEN p.is_file THEN 'file' ELSE 'endpoint' END, p.realm, CASE WHEN NOT p.is_file THEN 'tcp' END, CASE WHEN NOT p.is_file THEN p.ip END,
       CASE WHEN NOT p.is_file THEN p.port END, CASE WHEN NOT p.is_file THEN p.name END, CASE WHEN p.is_file THEN p.host END, CASE WHEN p.is_file THEN p.path END,
       CASE WHEN p.is_file THEN '' END, CASE WHEN p.is_file THEN '1' END, n.at
  FROM year.place p
  JOIN year.night n ON n.scanner = p.scanner AND n.night = p.birth;
SELECT year.reindex('location');

-- --- Spans -------------------------------------------------------------------------------------------------------------------------------

SELECT year.unindex('sighting');
INSERT INTO sighting (location_id, chain_id, role, first_seen, last_seen, seen_run, absent_runs, absent_run, absent_at, closed_at, source)
SELECT x.location_id, x.chain_id, x.role, b.at, CASE WHEN x.last < 364 THEN m.at ELSE folded.at END, b.run,
       CASE WHEN x.last < 364 THEN cardinality(m.runs) ELSE 0 END, CASE WHEN x.last < 364 THEN m.runs ELSE '{}' END, CASE WHEN x.last < 364 THEN m.ats ELSE '{}' END,
       CASE WHEN x.last < 364 AND cardinality(m.runs) = 3 THEN m.ats[3] END, x.source
  FROM (SELECT p.location_id, p.scanner, c.chain_id, CASE WHEN p.is_file THEN 'stored' ELSE 'server' END AS role, CASE WHEN p.is_file THEN 'crawl' ELSE 'scan' END AS source,
               greatest(c.first + CASE WHEN c.index = 0 THEN 0 ELSE p.lag END, p.birth) AS first, coalesce(c.until + p.lag - 1, 364) AS last
          FROM year.place p
          JOIN year.chain c ON c.number = p.number AND c.variant = CASE WHEN p.alone THEN 'alone' ELSE 'full' END) x
  JOIN year.missed b ON b.scanner = x.scanner AND b.night = least(x.first, 364)
  JOIN year.missed m ON m.scanner = x.scanner AND m.night = least(x.last, 364)
  JOIN year.night folded ON folded.scanner = x.scanner AND folded.night = greatest(x.first, 360)
 WHERE x.first <= x.last AND x.first <= 364;
SELECT year.reindex('sighting');
ANALYZE sighting, chain;

-- --- Whose they are ----------------------------------------------------------------------------------------------------------------------

INSERT INTO owner (name, email, contact, environment, criticality)
SELECT 'team-' || t, ARRAY['team-' || t || '@corp.example'], '+1 555 ' || 1000 + t, (ARRAY['production', 'staging', 'test'])[t % 3 + 1], (ARRAY['high', 'low'])[t % 2 + 1]
  FROM generate_series(0, 199) AS t
 UNION ALL SELECT 'plant', ARRAY['plant@corp.example'], NULL, 'production', 'high';
INSERT INTO owner_rule (position, owner, realm, name_like) VALUES (1, 'plant', 'plant', NULL);
INSERT INTO owner_rule (position, owner, name_like)
SELECT t + 2, 'team-' || t, owner_glob('*.team' || lpad(t::text, 3, '0') || '.corp.example') FROM generate_series(0, 199) AS t;

-- --- What is there now -------------------------------------------------------------------------------------------------------------------

SELECT year.unindex('location_state');
INSERT INTO location_state (location_id, chains, steady_role, earliest_not_after, owner, source, scanner, last_run, last_result, last_detail, last_ok, last_failure, starttls, tls,
                            file_meta)
SELECT p.location_id, o.chains, o.steady_role, o.earliest, CASE WHEN p.realm = 'plant' THEN 'plant' WHEN p.team < 200 THEN 'team-' || p.team END,
       CASE WHEN p.is_file THEN 'crawl' ELSE 'scan' END, 'scanner-' || p.scanner, o.run,
       CASE WHEN NOT p.failing THEN 'ok' WHEN p.is_file THEN 'open:denied' ELSE (ARRAY['connect:timeout', 'connect:refused', 'hello:alert'])[p.n % 3 + 1] END,
       CASE WHEN p.failing AND NOT p.is_file AND p.n % 3 = 2 THEN 'handshake_failure' END, o.last_seen, CASE WHEN p.failing THEN f.at + interval '1 second' END,
       CASE WHEN NOT p.is_file AND p.port = 5671 THEN 'postgres' END,
       CASE WHEN NOT p.is_file THEN (ARRAY['{"version":"TLSv1.3","cipher":"TLS_AES_256_GCM_SHA384","group":"x25519","alpn":"h2","client_auth":false}',
                                           '{"version":"TLSv1.3","cipher":"TLS_AES_128_GCM_SHA256","group":"X25519MLKEM768","client_auth":false}',
                                           '{"version":"TLSv1.2","cipher":"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384","group":"secp256r1","alpn":"http/1.1","client_auth":false}',
                                           '{"version":"TLSv1.2","cipher":"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256","group":"x25519","client_auth":true}'])[p.n % 4 + 1]::jsonb END,
       CASE WHEN p.is_file THEN jsonb_build_object('format', 'pem', 'mode', 384 + p.n % 3 * 28, 'uid', p.n % 2 * 33, 'gid', 33, 'size', 1400 + p.n % 4000,
                                                   'mtime', to_char(n.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')) END
  FROM year.place p
  JOIN (SELECT s.location_id, array_agg(s.chain_id ORDER BY s.chain_id) AS chains, min(ch.earliest_not_after) AS earliest, max(s.last_seen) AS last_seen,
               (array_agg(s.seen_run ORDER BY s.first_seen DESC))[1] AS run, CASE WHEN max(s.absent_runs) = 0 THEN min(s.role) END AS steady_role
          FROM sighting s
          JOIN chain ch ON ch.chain_id = s.chain_id
         WHERE s.closed_at IS NULL
         GROUP BY s.location_id) o ON o.location_id = p.location_id
  JOIN year.night n ON n.scanner = p.scanner AND n.night = p.birth
  JOIN year.night f ON f.scanner = p.scanner AND f.night = 363;
SELECT year.reindex('location_state');
DELETE FROM location l WHERE NOT EXISTS (SELECT FROM location_state st WHERE st.location_id = l.location_id);
DELETE FROM sighting s WHERE NOT EXISTS (SELECT FROM location_state st WHERE st.location_id = s.location_id);

-- --- What was judged: by the system's store, and by one of the house -----------------------------------------------------------------------

SELECT year.unindex('chain_verdict');
INSERT INTO chain_verdict (chain_id, trust_store, verdict, depth, path, effective_not_after, next_change, missing_issuer, waits_for, verified_at)
SELECT v.chain_id, v.store, v.verdict, CASE WHEN v.verdict NOT IN ('ok', 'incomplete') THEN 0 END, CASE WHEN v.verdict IN ('ok', 'incomplete') THEN ARRAY[v.sha256, v.issuer, v.root] END,
       CASE WHEN v.verdict IN ('ok', 'incomplete') THEN v.not_after END, CASE WHEN v.not_after > to_timestamp(:tonight) + interval '1 day' THEN v.not_after END, NULL,
       CASE WHEN v.verdict = 'unable_to_get_issuer_cert_locally' THEN ARRAY[md5(v.issuer::text)] END, greatest(v.not_before, to_timestamp(:tonight) - interval '365 days')
  FROM (SELECT DISTINCT ON (c.chain_id, t.store) c.chain_id, c.sha256, i.sha256 AS issuer, r.sha256 AS root, t.store, k.not_after, k.not_before,
               CASE WHEN k.not_after <= to_timestamp(:tonight) + interval '1 day' THEN 'cert_has_expired'
                    WHEN i.public <> (t.store = 'system') THEN CASE WHEN cardinality(c.fingerprints) > 2 THEN 'self_signed_cert_in_chain' ELSE 'unable_to_get_issuer_cert_locally' END
                    WHEN cardinality(c.fingerprints) = 1 THEN 'incomplete' ELSE 'ok' END AS verdict
          FROM year.chain c
          JOIN certificate k ON k.sha256 = c.sha256
          JOIN year.leaf i ON i.number = c.issuer
          JOIN year.leaf r ON r.number = i.issuer
         CROSS JOIN (VALUES ('system'), ('house')) AS t(store)
         ORDER BY c.chain_id, t.store) v;
SELECT year.reindex('chain_verdict');
INSERT INTO chain_shape (chain_id, ordered, superfluous, duplicates, undecodable, root_included, cross_signed)
SELECT ch.chain_id, true, CASE WHEN cardinality(ch.fingerprints) = 4 THEN 1 ELSE 0 END, 0, 0, cardinality(ch.fingerprints) > 2, false FROM chain ch;

-- --- The nights ----------------------------------------------------------------------------------------------------------------------------

INSERT INTO scanner (name, realms, enrolled, first_seen, last_seen)
SELECT s.name, ARRAY[s.realm], 'certificate', to_timestamp(:tonight) - interval '1 year', to_timestamp(:tonight) FROM year.scanner s
ON CONFLICT (name) DO UPDATE SET realms = excluded.realms;
-- Batches of 7,000 places, the same ones every night.
CREATE UNLOGGED TABLE year.batch AS
SELECT b.scanner, b.segment, array_agg(b.location_id ORDER BY b.location_id) FILTER (WHERE NOT b.failing) AS unchanged,
       coalesce(array_agg(b.location_id ORDER BY b.location_id) FILTER (WHERE b.failing), '{}') AS failing, count(*)::integer AS stored
  FROM (SELECT p.scanner, p.location_id, p.failing, (row_number() OVER (PARTITION BY p.scanner ORDER BY p.n) - 1) / 7000 AS segment
          FROM year.place p) b
 GROUP BY b.scanner, b.segment;
INSERT INTO run (run, source, scanner, host, machine_id, addresses, args, started_at, finished_at, interrupted, targets, ok, failed, stored_ok, stored_failed, results, counters)
SELECT n.run, 'scan', n.name, n.name || '.corp.example', md5(n.name), '["192.0.2.10","2001:db8::10"]', '["certmuster-scan","--json","--no-submit","-f","-","--starttls=auto","--timeout=5"]',
       n.at, n.at + interval '3 hours', false, t.stored, t.stored - t.failed, t.failed, t.stored - t.failed, t.failed,
       jsonb_build_object('ok', t.stored - t.failed, 'connect:timeout', t.failed), '{"endpoints_per_second":300}'
  FROM year.night n
  JOIN (SELECT b.scanner, sum(b.stored) AS stored, sum(cardinality(b.failing)) AS failed FROM year.batch b GROUP BY b.scanner) t ON t.scanner = n.scanner;
INSERT INTO batch (batch_key, scanner, received_at, stored)
SELECT n.name || '/' || n.run || '/' || b.segment, n.name, n.at + b.segment * interval '1 minute', b.stored FROM year.night n JOIN year.batch b ON b.scanner = n.scanner
 ORDER BY n.at, b.segment;
SELECT year.partition(back) FROM generate_series(31, 0, -1) AS back;
INSERT INTO observation (day, batch_key, run, first_at, last_at, unchanged, failing)
SELECT (n.at AT TIME ZONE 'UTC')::date, n.name || '/' || n.run || '/' || b.segment, n.run, n.at, n.at + interval '5 minutes', b.unchanged, b.failing
  FROM year.night n
  JOIN year.batch b ON b.scanner = n.scanner
 WHERE n.night >= 335
 ORDER BY n.night, n.scanner, b.segment;

-- --- What people and rules did -------------------------------------------------------------------------------------------------------------

-- Every tenth certificate that was replaced had a warning before.
INSERT INTO alert (sha256, owner, kind, opened_at, resolved_at, resolution, places, threshold, told_threshold, told_at)
SELECT l.sha256, coalesce('team-' || nullif(l.team, 239), ''), 'expiry', c.not_after - interval '14 days', c.not_after - interval '9 days', 'renewed', l.places, 14, 14, c.not_after - interval '14 days'
  FROM year.leaf l
  JOIN certificate c ON c.sha256 = l.sha256
 WHERE l.number >= 0 AND l.until IS NOT NULL AND year.pick('a' || l.number || ' ' || l.index, 10) = 0;
INSERT INTO alert_event (sha256, owner, kind, at, event, actor, detail)
SELECT a.sha256, a.owner, 'expiry', x.at, x.event, 'collector', x.detail
  FROM alert a
 CROSS JOIN LATERAL (VALUES (a.opened_at, 'opened', '14'), (a.told_at + interval '1 minute', 'told', 'smtp'), (a.resolved_at, 'resolved', 'renewed')) AS x(at, event, detail);
SELECT count(audit_append('operator-' || a % 7, 'alert.acknowledge', encode(sha256(a::text::bytea), 'hex'), '{"note":"renewal is ordered, ticket ' || a || '","until":"the next threshold"}'))
  FROM generate_series(1, greatest(:places / 300, 10)) AS a;
