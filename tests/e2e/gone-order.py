#!/usr/bin/python3
# profile: release
"""Places that vanish, from records: in whatever order batches arrive the inventory ends the same; which runs count and which do not; names that do not exist; sweeps of
many runs; two collectors on one database, which do it once."""
import itertools, os, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collectd_tools import Collector, cert_record, certificate, failure, new_run, record, run_record, sha, sighting, stamp, template
from gone_tools import Inventory, equal, fail

inventory = Inventory("gone-order")
sql = inventory.sql
first, second = Collector(inventory.collector("one")), Collector(inventory.collector("two"))
der = template(inventory.work)
RED, BLUE = certificate(der, 1), certificate(der, 2)
BASE = int(time.time()) - 20 * 3600
LOST, INTERRUPTED, SHORT, WHOLE = range(4)
turn = itertools.cycle((first, second))


def deliver(lines):
    status, answer = next(turn).batch(lines)
    if status != 200 or answer.get("rejected"):
        fail(f"{status} {answer}")


def run_of(at, lines, source="scan", ok=0, failed=0, end=WHOLE, run=None, **more):
    """The records of one run, begun at that time. lines: from its id."""
    run = run or new_run()
    out = [run_record(run, "started", at, source=source)] + lines(run)
    if end != LOST:
        out.append(run_record(run, "finished", at + 60, source=source, targets=ok + failed + (end == SHORT), ok=ok + (end == SHORT), failed=failed,
                              **({"interrupted": True} if end == INTERRUPTED else {}), **more))
    return out


def seen(ip, hour, chain=RED, source="scan"):
    at = BASE + hour * 3600
    return run_of(at, lambda run: [sighting(ip, [chain], run, at + 30, source=source)], source, ok=1)


def absent(ip, hour, stage="connect", error="refused", source="scan", end=WHOLE, run=None, **more):
    at = BASE + hour * 3600
    return run_of(at, lambda run: [failure(ip, run, at + 30, stage=stage, error=error, **more)], source, failed=1, end=end, run=run)


def states(where):
    """What stands at places, by address: when it went, its open and closed spans, which misses count."""
    out = {}
    for line in sql(f"""WITH place AS (SELECT location_id, host(ip) AS ip FROM location WHERE {where})
        SELECT ip, 1, 'gone', g.since::text, g.gone_at::text, NULL, NULL FROM place JOIN place_gone g USING (location_id) UNION ALL
        SELECT ip, 2, 'state', gone_at::text, earliest_not_after::text, chains::text, NULL FROM place JOIN location_state USING (location_id) UNION ALL
        SELECT ip, 3, 'span', s.first_seen::text, s.last_seen::text, ch.leaf_sha256::text, s.closed_at::text FROM place JOIN sighting s USING (location_id) JOIN chain ch USING (chain_id) UNION ALL
        SELECT ip, 4, 'missed', at::text, NULL, NULL, NULL FROM place JOIN place_absence USING (location_id) ORDER BY 1, 2, 4, 6""").splitlines():
        ip, rest = line.split("|", 1)
        out[ip] = out.get(ip, "") + rest + "\n"
    return out


deliver([cert_record(RED), cert_record(BLUE)] + seen("127.9.9.9", 0, RED) + seen("127.9.9.9", 0, BLUE))

def tidy():
    """As the hourly task does: slice by slice."""
    sql("UPDATE upkeep SET done_at = now(), reached = NULL WHERE task = 'absences'")
    while sql("SELECT absences_tidy()") == "t":
        pass


# --- Any order ---------------------------------------------------------------------------------------------------------------------------
# A letter an hour: S seen, B seen with another certificate, A absent. Every order of arrival, each at a place of its own; the judge has its turn after every step.
for number, (story, gone) in enumerate([("SAAAA", True), ("SAASA", False), ("SASAAA", True), ("SABAAA", True)]):
    orders = list(itertools.permutations(range(len(story))))
    orders = orders[::len(orders) // 24]
    events = {"S": lambda ip, hour: seen(ip, hour), "B": lambda ip, hour: seen(ip, hour, BLUE), "A": lambda ip, hour: absent(ip, hour)}
    ips = [f"127.{20 + number}.{i // 250}.{1 + i % 250}" for i in range(len(orders))]
    for step in range(len(story)):
        for begin in range(0, len(orders), 100):
            deliver([line for ip, order in list(zip(ips, orders))[begin:begin + 100] for line in events[story[order[step]]](ip, order[step])])
        inventory.settle()
    tidy()
    found = states(f"ip <<= '127.{20 + number}.0.0/16'")
    expected = found[ips[0]]
    equal(f"{story}: gone", gone, "|gone|" in "|" + expected.replace("1|gone", "|gone|"))
    equal(f"{story}: open spans", 0 if gone else len(set(story) - {"A"}), sum("|span|" in line and line.endswith("|") for line in expected.splitlines()))
    for ip, order in zip(ips, orders):
        # Of two chains: where one ended for the other's sake depends on what came late; not what is there now.
        if found[ip] != expected if "B" not in story else found[ip].split("3|span")[0] != expected.split("3|span")[0]:
            fail(f"{story} in order {order}: expected\n{expected}\ngot\n{found[ip]}")
    print(f"{story}: {len(orders)} orders")

# --- Files and keys, in any order ----------------------------------------------------------------------------------------------------------
HOST = "files.example.org"


def place(path, entry="1"):
    return {"realm": "default", "host": HOST, "path": path, "entry": entry, "format": "pem"}


def crawled(root, hour, there):
    at = BASE + hour * 3600

    def lines(run):
        seen = [record("sighting", source="crawl", at=stamp(at + 30), scanner="local", run=run, file=place(root + "/a.pem"), role="stored", chain=[sha(RED)]),
                record("key", source="crawl", at=stamp(at + 31), scanner="local", run=run, file=place(root + "/a.pem", "key-1"), kind="pkcs8", encrypted=False)]
        return seen if there else []
    return run_of(at, lines, "crawl", ok=int(there), covered={"realm": "default", "host": HOST, "roots": [root], "assets": int(there)})


def files():
    out = {}
    for line in sql("""WITH place AS (SELECT location_id, split_part(path, '/', 2) AS root, entry FROM location WHERE host = 'files.example.org')
        SELECT root, entry, 1, g.since::text, g.gone_at::text, g.what FROM place JOIN place_gone g USING (location_id) UNION ALL
        SELECT root, entry, 2, s.first_seen::text, CASE WHEN s.closed_at IS NOT NULL THEN s.last_seen::text END, s.closed_at::text FROM place JOIN sighting s USING (location_id) UNION ALL
        SELECT root, entry, 3, at::text, what, NULL FROM place JOIN place_absence USING (location_id) ORDER BY 1, 2, 3, 4""").splitlines():
        root, rest = line.split("|", 1)
        out[root] = out.get(root, "") + rest + "\n"
    return out


for story, gone in (("SAAAA", 2), ("SAASAA", 0), ("SASAAA", 2)):
    orders = list(itertools.permutations(range(len(story))))
    orders = orders[::len(orders) // 24]
    roots = [f"{story}{i}" for i in range(len(orders))]
    for step in range(len(story)):
        deliver([line for root, order in zip(roots, orders) for line in crawled("/" + root, order[step], story[order[step]] == "S")])
        inventory.settle()
    tidy()
    found = files()
    equal(f"{story}: gone", gone, sum("|1|" in line for line in found[roots[0]].splitlines()))
    for root, order in zip(roots, orders):
        if found[root] != found[roots[0]]:
            fail(f"files {story} in order {order}: expected\n{found[roots[0]]}\ngot\n{found[root]}")
    print(f"files {story}: {len(orders)} orders")

# --- Which runs count --------------------------------------------------------------------------------------------------------------------
def gone(ip):
    return sql(f"SELECT count(*) FROM place_gone g JOIN location l USING (location_id) WHERE l.ip = '{ip}'") == "1"


def missed(ip):
    return int(sql(f"SELECT count(*) FROM place_absence a JOIN location l USING (location_id) WHERE l.ip = '{ip}'"))


deliver(seen("127.40.0.1", 0))
late = new_run()
for hour in (1, 2, 3, 4):
    deliver(absent("127.40.0.1", hour, end=LOST, run=late if hour == 4 else None))
    deliver(absent("127.40.0.1", hour, end=INTERRUPTED))
    deliver(absent("127.40.0.1", hour, end=SHORT))
    deliver(absent("127.40.0.1", hour, source="watch"))
    deliver(absent("127.40.0.1", hour, error="timeout"))
    deliver(absent("127.40.0.1", hour, error="unreachable"))
    deliver(absent("127.40.0.1", hour, error="reset"))
    deliver(absent("127.40.0.1", hour, stage="hello", error="closed"))
    deliver(absent("127.40.0.1", hour, stage="resolve", error="dns_failure"))
inventory.settle()
equal("of runs that do not count", (False, 0), (gone("127.40.0.1"), missed("127.40.0.1")))
deliver(absent("127.40.0.1", 5))
twice = absent("127.40.0.1", 6)
for collector in (first, second, first):
    equal("the same batch", 200, collector.batch(twice, key="file/" + "1" * 64)[0])
inventory.settle()
equal("two that do", 2, missed("127.40.0.1"))
deliver([run_record(late, "finished", BASE + 4 * 3600 + 60, targets=1, ok=0, failed=1)])
inventory.settle()
equal("the end of a lost run that comes late", True, gone("127.40.0.1"))

# One sweep counts once, however many runs it had.
deliver(seen("127.40.0.2", 0))
for number, hour in enumerate((1, 2, 3, 5)):
    run = new_run()
    sweep = "5eee0000-0000-4000-8000-000000000001" if number < 3 else new_run()
    sql(f"INSERT INTO lease (lease_id, sweep_id, number, scanner, taken_at, until) VALUES ('{run}', '{sweep}', {number}, 'local', now(), now() + interval '1 hour')")
    deliver(absent("127.40.0.2", hour, run=run))
inventory.settle()
equal("two sweeps of four runs", (False, 2), (gone("127.40.0.2"), missed("127.40.0.2")))

# A batch that found the place as it was, and was under way while it was marked; it is stored an hour later.
deliver(seen("127.40.0.60", 0))
id = sql("SELECT location_id FROM location WHERE ip = '127.40.0.60'")
under_way = subprocess.Popen(["psql", "-X", "-q", "-At", "-h", inventory.sockets, "-U", "certmuster_admin", "-d", "certmuster"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
under_way.stdin.write(f"""SET search_path = certmuster; BEGIN;
INSERT INTO batch (batch_key, scanner, received_at, stored) VALUES ('slow', 'local', now(), 1);
INSERT INTO observation (day, batch_key, run, first_at, last_at, unchanged, failing)
VALUES ((now() AT TIME ZONE 'UTC')::date, 'slow#1', gen_random_uuid(), to_timestamp({BASE + 4 * 3600}), to_timestamp({BASE + 4 * 3600}), '{{{id}}}', '{{}}');
SELECT 'stored';\n""")
under_way.stdin.flush()
equal("a slow batch", "stored", under_way.stdout.readline().strip())
for hour in (1, 2, 3):
    deliver(absent("127.40.0.60", hour))
inventory.settle()
inventory.wait_for("it to be marked", lambda: gone("127.40.0.60"))
sql(f"UPDATE place_gone SET marked_at = marked_at - interval '1 hour' WHERE location_id = '{id}'")
under_way.stdin.write("UPDATE batch SET received_at = received_at - interval '1 hour' WHERE batch_key = 'slow'; COMMIT;\n")
under_way.stdin.close()
equal("its end", 0, under_way.wait(30))
inventory.wait_for("the place to be there again", lambda: not gone("127.40.0.60"))
equal("its span", "1|f", sql(f"SELECT count(*), bool_or(closed_at IS NOT NULL) FROM sighting WHERE location_id = '{id}'"))

# A name that does not exist takes all its addresses along; one without addresses does not.
for ip, name in (("127.40.0.3", "old.example.org"), ("127.40.0.4", "old.example.org"), ("127.40.0.5", "new.example.org")):
    deliver(run_of(BASE, lambda run: [sighting(ip, [RED], run, BASE + 30, name=name)], ok=1))
for hour in (1, 2, 3):
    for name, error in (("old.example.org", "nxdomain"), ("new.example.org", "no_address")):
        deliver(run_of(BASE + hour * 3600, lambda run: [record("failure", source="scan", at=stamp(BASE + hour * 3600 + 30), scanner="local", run=run, stage="resolve", error=error,
                                                               endpoint={"realm": "default", "transport": "tcp", "port": 443, "name": name})], failed=1))
inventory.settle()
equal("names", [True, True, False], [gone(ip) for ip in ("127.40.0.3", "127.40.0.4", "127.40.0.5")])
deliver(run_of(BASE + 4 * 3600, lambda run: [sighting("127.40.0.3", [RED], run, BASE + 4 * 3600 + 30, name="old.example.org")], ok=1))
equal("one is seen", [False, True], [gone(ip) for ip in ("127.40.0.3", "127.40.0.4")])

# What another realm's scanner says is not heard, nor is a crawl that says nothing of where it looked.
deliver(crawled("/theirs", 0, True))
for hour in (1, 2, 3):
    run_lines = crawled("/theirs", hour, False)
    deliver([line.replace('"realm":"default","host":"files', '"realm":"dmz","host":"files') for line in run_lines])
    deliver(run_of(BASE + hour * 3600, lambda run: [], "crawl"))
inventory.settle()
equal("nobody missed it", "0", sql("SELECT count(*) FROM place_gone JOIN location USING (location_id) WHERE path LIKE '/theirs/%'"))
status, answer = first.batch([record("run", run=new_run(), source="crawl", state="finished", at=stamp(BASE), covered={"realm": "default", "host": HOST, "roots": ["etc"], "assets": 0})])
equal("a root that is no path", "not an absolute path: roots", answer["rejected"][0]["reason"])

# --- Whose word counts -------------------------------------------------------------------------------------------------------------------
def told_by(scanner, host, hour, there, not_found=False):
    """A crawl of /srv by a scanner: of a certificate and a key that are there, or of neither; or that did not find the file it was asked for."""
    at, run = BASE + hour * 3600, new_run()
    more = dict(source="crawl", at=stamp(at + 30), scanner=scanner, run=run)
    where = lambda entry: {"realm": "default", "host": host, "path": "/srv/a.pem", "entry": entry, "format": "pem"}
    lines = [record("sighting", **more, file=where("1"), role="stored", chain=[sha(RED)]), record("key", **more, file=where("key-1"), kind="pkcs8", encrypted=False)] if there else []
    if not_found:
        lines = [record("failure", **more, file=where("1"), stage="open", error="not_found")]
    deliver([run_record(run, "started", at, scanner=scanner, source="crawl"), *lines,
             run_record(run, "finished", at + 60, scanner=scanner, source="crawl", targets=len(lines[:1]), ok=int(there), failed=int(not_found),
                        covered={"realm": "default", "host": host, "roots": ["/srv"], "assets": int(there)})])


def vanished(host):
    inventory.settle()
    return sql(f"SELECT string_agg(g.what, ' ' ORDER BY g.what) FROM place_gone g JOIN location l USING (location_id) WHERE l.host = '{host}'")


def away(scanner, host, *hours, **how):
    for hour in hours:
        told_by(scanner, host, hour, False, **how)
    return vanished(host)


BOTH = "certificate key"
told_by("beta", "beta.host", 0, True)
equal("another says that it is not there", "", away("alpha", "beta.host", 1, 2, 3, 4))
equal("or that it did not find it", "", away("alpha", "beta.host", 5, 6, 7, 8, not_found=True))
equal("its own word", BOTH, away("beta", "beta.host", 9, 10, 11))
for number, (what, until) in enumerate({"disabled": "disabled = true", "not heard of for a week": "last_seen = now() - interval '8 days'"}.items()):
    host = f"taken{number}.host"
    told_by("beta", host, 0, True)
    equal("while it is there", "", away("alpha", host, 1, 2, 3))
    sql(f"UPDATE scanner SET {until} WHERE name = 'beta'")
    equal(f"once it is {what}", BOTH, away("alpha", host, 4, 5, 6))
    sql("UPDATE scanner SET disabled = false, last_seen = now() WHERE name = 'beta'")
told_by("beta", "both.host", 0, True)
told_by("alpha", "both.host", 1, True)
equal("of who told of it before the last", "", away("beta", "both.host", 2, 3, 4))
equal("of who told of it last", BOTH, away("alpha", "both.host", 5, 6, 7))
told_by("alpha", "both.host", 8, True)
equal("it is there again", "", vanished("both.host"))
told_by("beta", "old.host", 0, True)
sql("DELETE FROM told WHERE run IN (SELECT run FROM run WHERE covered->>'host' = 'old.host')")
equal("of what nobody told for long", "", away("alpha", "old.host", 1, 2, 3))
equal("a name that is in nobody's way", BOTH, away("beta", "old.host", 4, 5, 6))

# A batch that was under way while the place was marked: it is there, and was never gone.
deliver(seen("127.40.0.6", 0))
for hour in (1, 2, 3):
    deliver(absent("127.40.0.6", hour))
inventory.settle()
equal("gone", True, gone("127.40.0.6"))
sql(f"""INSERT INTO observation (day, batch_key, run, first_at, last_at, unchanged, failing)
        SELECT (now() AT TIME ZONE 'UTC')::date, 'file/late', gen_random_uuid(), now(), now(), ARRAY[location_id], '{{}}' FROM location WHERE ip = '127.40.0.6'""")
inventory.wait_for("what was overlooked", lambda: not gone("127.40.0.6"))
equal("as if nothing had been", "t", sql("SELECT cardinality(chains) = 1 AND gone_at IS NULL AND (SELECT closed_at IS NULL FROM sighting s WHERE s.location_id = st.location_id) "
                                         "FROM location_state st JOIN location l USING (location_id) WHERE l.ip = '127.40.0.6'"))

# A file that cannot be read and went away; of before that a word arrives late. It is there again, as unreadable as it was.
def damaged(path, hour):
    at = BASE + hour * 3600
    return run_of(at, lambda run: [record("failure", source="crawl", at=stamp(at + 30), scanner="local", run=run, file=place(path), stage="decode", error="malformed")], "crawl", failed=1,
                  covered={"realm": "default", "host": HOST, "roots": [os.path.dirname(path)], "assets": 0})


def state_of(path):
    return sql(f"SELECT gone_at IS NOT NULL, last_result FROM location_state JOIN location USING (location_id) WHERE path = '{path}'")


deliver(crawled("/broken", 0, True))
deliver(damaged("/broken/a.pem", 1))
for hour in (3, 4, 5):
    deliver(crawled("/broken", hour, False))
inventory.settle()
equal("unreadable, then gone", "t|decode:malformed", state_of("/broken/a.pem"))
deliver(damaged("/broken/a.pem", 2))
inventory.settle()
equal("what arrived late", "t|decode:malformed", state_of("/broken/a.pem"))
deliver(damaged("/broken/a.pem", 6))
inventory.settle()
equal("as it was and there", "f|decode:malformed", state_of("/broken/a.pem"))

# What is where it was costs nothing.
before = sql("SELECT count(*) FROM place_absence")
for hour in range(5, 9):
    deliver(seen("127.9.9.9", hour))
inventory.settle()
equal("rows", before, sql("SELECT count(*) FROM place_absence"))

print("ok")
sys.exit(inventory.end())
