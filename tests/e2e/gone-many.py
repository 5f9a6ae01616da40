#!/usr/bin/python3
# profile: release
"""Many places that vanish at once: what is read to mark them is what batches told since, once, not once for each place; nor does it grow with what was marked before, and when nothing is new
nothing is read, also after the inventory was restored on another server, whose transactions have other numbers. Counted are the rows that the server handles in every statement of a round,
in an inventory without statistics."""
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


def nothing_new(what):
    """A round in which nothing happened reads nothing and writes nothing."""
    before = sql("SELECT xmin, ctid, reached FROM upkeep WHERE task = 'gone'")
    idle = inventory.handled("SELECT gone FROM gone_round(3)")
    print(f"{what}: {idle[0]} rows")
    equal(f"{what}: marked", "0", idle[1])
    equal(f"{what}: written", before, sql("SELECT xmin, ctid, reached FROM upkeep WHERE task = 'gone'"))
    if idle[0] > 200:
        fail(f"{what}: it reads though nothing is new")


def told_meanwhile(number):
    """A batch that was under way while this place was marked, and had found it as it was."""
    equal(f"marked: {number}", "1", gone(number))
    sql(f"INSERT INTO batch (batch_key, scanner, received_at, stored) VALUES ('late{number}', 's', now() - interval '10 minutes', 1);"
        f"INSERT INTO observation (day, batch_key, run, first_at, last_at, unchanged, failing)"
        f" VALUES ((now() AT TIME ZONE 'UTC')::date, 'late{number}', gen_random_uuid(), now(), now(), ARRAY[md5('{4 * number}')::uuid], '{{}}')")


def gone(number):
    return sql(f"SELECT count(*) FROM place_gone WHERE location_id = md5('{4 * number}')::uuid")


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
nothing_new("nothing new")

# --- Restored --------------------------------------------------------------------------------------------------------------------------------
# On a server that counts from the beginning: what the other one stored lies in its future. (Its dump is one moment, so that all of this has one.)
HERE = sql("SELECT reached[5] FROM upkeep WHERE task = 'gone'")
equal("the collector may know the server", HERE, sql("SELECT server_identity()", role="certmuster_ingest"))
equal("which has a name", True, HERE.isdigit())
FAR = "(stored_in::text::bigint + (1::bigint << 40))::text::xid8"
told_meanwhile(1)  # the last that the other server stored: nobody asked it any more
sql(f"""UPDATE observation SET stored_in = {FAR};
INSERT INTO told (run, batch_key, what, there, last_at, places, stored_at)
SELECT gen_random_uuid(), 'k0.' || b, 'certificate', true, now() - interval '5 hours', ARRAY[md5((4 * b + 1)::text)::uuid], now() FROM generate_series(1, {BATCHES - 1}) b;
UPDATE told SET stored_in = {FAR};
UPDATE upkeep SET reached = ARRAY['{(1 << 40) - 9}:{(1 << 40) - 9}:', reached[2], reached[3], reached[4], 'another'] WHERE task = 'gone'""")
sql("SELECT gone_round(3)")
equal("what the other server stored last is asked", "0", gone(1))
nothing_new("after it was restored")
told_meanwhile(2)
sql("SELECT gone_round(3)")
equal("as is what is told since", "0", gone(2))
nothing_new("and nothing new again")
missed(4 * SLICE)
equal("marked", f"{SLICE}", sql("SELECT gone FROM gone_round(3)"))
told_meanwhile(4 * SLICE + 1)
sql("SELECT gone_round(3)")
equal("who was told of meanwhile", "0", gone(4 * SLICE + 1))
nothing_new("after that")
# On a server that has counted further, or has while it was restored: by its number, what was told here is long known there.
told_meanwhile(3)
sql("UPDATE upkeep SET reached = ARRAY[pg_current_snapshot()::text, reached[2], reached[3], reached[4], 'another'] WHERE task = 'gone'")
sql("SELECT gone_round(3)")
equal("told before the first round", "0", gone(3))
nothing_new("and restored once more")
print("ok")
sys.exit(inventory.end())
