#!/usr/bin/python3
# profile: release
"""Many places that vanish at once: what is read to mark them is what batches told since, once, not once for each place; nor does it grow with what was marked before, and when nothing is new
nothing is read. Counted are the rows that the server handles in every statement of a round, in an inventory without statistics."""
import os, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from gone_tools import Inventory, equal, fail

BATCHES, PLACES, SLICE = 500, 40, 1000
TOLD = BATCHES * PLACES  # a night
inventory = Inventory("gone-many")
sql = inventory.sql
sql(f"""INSERT INTO certificate (sha256, der, display_name, not_after, first_seen, last_seen) VALUES (sha256('c'), '', 'c', now() + interval '300 days', now(), now());
INSERT INTO chain (chain_id, fingerprints, leaf_sha256) VALUES (md5('c')::uuid, ARRAY[sha256('c')], sha256('c'));
INSERT INTO location (location_id, kind, realm, transport, ip, port, name, first_seen)
SELECT md5(i::text)::uuid, 'endpoint', 'default', 'tcp', '127.0.0.0'::inet + i, 443, '', now() - interval '30 days' FROM generate_series(1, {TOLD}) i;
INSERT INTO location_state (location_id, chains, steady_role, source, scanner, last_result, last_ok)
SELECT location_id, ARRAY[md5('c')::uuid], 'server', 'scan', 's', 'ok', now() - interval '10 days' FROM location;
INSERT INTO sighting (location_id, chain_id, role, first_seen, last_seen, source) SELECT location_id, md5('c')::uuid, 'server', now() - interval '30 days', now() - interval '10 days', 'scan' FROM location;
DO $$ BEGIN PERFORM observation_day((now() AT TIME ZONE 'UTC')::date - d) FROM generate_series(0, 4) d; END $$;
INSERT INTO observation (day, batch_key, run, first_at, last_at, unchanged, failing)
SELECT (now() AT TIME ZONE 'UTC')::date - d, 'k' || d || '.' || b, gen_random_uuid(), now() - make_interval(days => d), now() - make_interval(days => d), array_agg(p.id ORDER BY p.id), '{{}}'
  FROM generate_series(0, 4) d, generate_series(0, {BATCHES - 1}) b CROSS JOIN LATERAL (SELECT i, md5(i::text)::uuid AS id FROM generate_series(b * {PLACES} + 1, b * {PLACES} + {PLACES}) i) p
 WHERE d >= 3 OR p.i % 4 <> 0
 GROUP BY d, b""")


def missed(first):
    """That many more places were missed by the last three sweeps."""
    sql(f"""INSERT INTO place_absence (location_id, what, look, at)
            SELECT md5(i::text)::uuid, 'certificate', md5('look' || d)::uuid, now() - make_interval(days => d) - interval '1 hour'
              FROM generate_series({4 * first + 4}, {4 * (first + SLICE)}, 4) i, generate_series(0, 2) d;
            UPDATE upkeep SET reached[3:4] = ARRAY['00000000-0000-0000-0000-000000000000', ''] WHERE task = 'gone' AND reached IS NOT NULL""")


work = []
for number in range(4):
    missed(number * SLICE)
    work.append(inventory.handled("SELECT gone FROM gone_round(3)"))
    sql("UPDATE place_gone SET marked_at = marked_at - interval '2 seconds'")
    print(f"round {number + 1}: {work[-1][0]} rows for {work[-1][1]} places")
equal("marked", [str(SLICE)] * 4, [answer for _, answer in work])
equal("open spans", f"{TOLD - 4 * SLICE}", sql("SELECT count(*) FROM sighting WHERE closed_at IS NULL"))
if max(total for total, _ in work) > 30 * TOLD:
    fail("it reads for each place what all batches told")
if work[3][0] > 1.2 * work[0][0]:
    fail("it reads more when more was marked before")
idle = inventory.handled("SELECT gone FROM gone_round(3)")
print(f"nothing new: {idle[0]} rows")
equal("nothing new", "0", idle[1])
if idle[0] > 200:
    fail("it reads though nothing is new")
print("ok")
sys.exit(inventory.end())
