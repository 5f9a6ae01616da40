#!/usr/bin/python3
# profile: release
"""Fleets of many hosts that crawl: what a run did not tell is asked of its own host's files, who crawls is asked once for a sweep and not once for each scanner, and which runs missed a place
that is found again of each run once. Counted are the rows that the server handles, in an inventory without statistics; and each answer is looked at."""
import os, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from gone_tools import Inventory, equal, fail

HOSTS, FILES, RUNS = 120, 60, 40  # files of a host; runs of a host before
ALL = HOSTS * FILES
inventory = Inventory("crawls-many")
sql = inventory.sql
sql(f"""INSERT INTO scanner (name, realms, enrolled, first_seen, last_seen) SELECT 'host' || i, '{{default}}', 'x' || i, now(), now() FROM generate_series(0, {HOSTS - 1}) i;
INSERT INTO chain (chain_id, fingerprints, leaf_sha256) VALUES (md5('c')::uuid, ARRAY[sha256('c')], sha256('c'));
INSERT INTO location (location_id, kind, realm, host, path, entry, inner_path, first_seen)
SELECT md5('f' || i)::uuid, 'file', 'default', 'host' || i % {HOSTS}, '/etc/ssl/' || i || '.pem', '1', '', now() - interval '30 days' FROM generate_series(0, {ALL - 1}) i;
INSERT INTO location_state (location_id, chains, steady_role, source, scanner, last_result, last_ok)
SELECT location_id, ARRAY[md5('c')::uuid], 'stored', 'crawl', host, 'ok', now() - interval '10 days' FROM location;
INSERT INTO key_file (location_id, kind, encrypted, spki_sha256, key_alg, key_bits, first_seen, last_seen)
SELECT location_id, 'pkcs8', false, sha256('k'), 'RSA', 2048, now() - interval '30 days', now() - interval '10 days' FROM location WHERE path LIKE '%7.pem';
SELECT observation_day((now() AT TIME ZONE 'UTC')::date)""")


def runs(number, began):
    """One of each host, that told of all its files but the first."""
    sql(f"""WITH made AS (
        INSERT INTO run (run, source, scanner, started_at, finished_at, interrupted, targets, ok, failed, stored_ok, stored_failed, results, covered, stored_assets)
        SELECT md5('r{number} ' || i)::uuid, 'crawl', 'host' || i, {began}, {began} + interval '5 minutes', false, {FILES - 1}, {FILES - 1}, 0, {FILES - 1}, 0, '{{}}',
               jsonb_build_object('realm', 'default', 'host', 'host' || i, 'roots', '["/etc"]'::jsonb, 'except', '[]'::jsonb, 'mounts', '["/"]'::jsonb, 'assets', 0), 0
          FROM generate_series(0, {HOSTS - 1}) i RETURNING run, scanner)
    INSERT INTO observation (day, batch_key, run, first_at, last_at, unchanged, failing)
    SELECT (now() AT TIME ZONE 'UTC')::date, m.run::text, m.run, {began}, {began},
           ARRAY(SELECT l.location_id FROM location l WHERE l.host = m.scanner AND l.path <> '/etc/ssl/' || substr(m.scanner, 5) || '.pem' ORDER BY l.location_id), '{{}}'
      FROM made m""")


runs(0, "now() - interval '1 hour'")
rows, taken = inventory.handled("SELECT gone_take()")
print(f"{rows} rows for {taken} of {HOSTS} runs of {FILES} files each")
equal("a hundred runs at a time", "100", taken)
if rows > 150 * 100 * FILES:  # of all files for each run it was twelve times that
    fail("what a run missed is asked of other hosts' files, too")
sql("SELECT gone_take()")
keys = sum(1 for i in range(HOSTS) if str(i).endswith("7"))
equal("what they missed", f"certificate {HOSTS}, key {keys + sum(1 for i in range(HOSTS, ALL) if str(i).endswith('7'))}",
      sql("SELECT string_agg(x.what || ' ' || x.n, ', ' ORDER BY x.what) FROM (SELECT a.what, count(*) AS n FROM place_absence a GROUP BY a.what) x"))

for number in range(1, RUNS):
    sql(f"""INSERT INTO run (run, source, scanner, started_at, finished_at, interrupted, targets, ok, failed, stored_ok, stored_failed, results, covered, stored_assets, absences_taken)
        SELECT gen_random_uuid(), 'crawl', 'host' || i, now() - interval '{number} days', now() - interval '{number} days', false, 1, 1, 0, 1, 0, '{{}}', NULL, 0, true FROM generate_series(0, {HOSTS - 11}) i""")
sql("UPDATE run SET scanner = 'host0' WHERE scanner IN ('host117', 'host118', 'host119')")
sql("""INSERT INTO sweep_plan (name, kind, realm, targets, scanners, ports, lasts, shard_size, created_by, created_at) SELECT 'files', 'crawl', 'default', '{/etc}', '{}', '443', '1 hour', 1000, 'me', now()""")
rows, _ = inventory.handled("SELECT sweep_start('files', 'me') IS NOT NULL")
print(f"{rows} rows for a sweep of {HOSTS} scanners after {RUNS * HOSTS} runs")
if rows > 5 * RUNS * HOSTS:
    fail("each scanner asks all runs")
equal("its shards are of those who crawled this week", f"{HOSTS - 3}", sql("SELECT count(DISTINCT only_scanner) FROM shard"))

# Found again, by looks of before those runs: each run that missed one of them is asked anew, and no other.
found = [1, 2, 3, HOSTS + 4]  # the last was told of by its run, which has a word on its host all the same
again = ", ".join(f"md5('f{i}')::uuid" for i in found)
sql(f"SELECT places_seen(ARRAY[{again}], ARRAY['certificate', 'certificate', 'certificate', 'certificate'], array_fill(now() - interval '2 hours', ARRAY[4]), false)")
equal("runs that are taken again", "host1 host2 host3 host4", sql("SELECT string_agg(r.scanner, ' ' ORDER BY r.scanner) FROM run r WHERE NOT r.absences_taken"))
equal("and nothing of looks after them", "0", sql(f"SELECT gone_take() * 0 + count(*) FROM runs_missed(ARRAY[{again}], array_fill(now(), ARRAY[4]), ARRAY(SELECT run FROM run))"))
print("ok")
sys.exit(inventory.end())
