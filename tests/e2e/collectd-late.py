#!/usr/bin/python3
"""What arrives late, twice or all at once makes the same spans as what arrives in order: nothing is refused, no two spans of a chain overlap, and what was replaced since is no news."""
import itertools, os, random, re, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collectd_tools import *
from inventory_tools import *

HOUR = 3600


def lasting(number, begin, end):
    """The certificate of that number between these times; nobody asks here whether its signature is good."""
    times = iter(b"\x17\x0d" + time.strftime("%y%m%d%H%M%SZ", time.gmtime(t)).encode() for t in (begin, end))
    return re.sub(rb"\x17\x0d\d{12}Z", lambda _: next(times), certificate(template(TMP), number))


def exactly(ip):
    return sql(f"SELECT encode(leaf_sha256, 'hex'), s.first_seen, s.last_seen, s.absent_runs, s.closed_at FROM sighting s JOIN chain USING (chain_id) JOIN location l USING (location_id)"
               f" WHERE l.ip = '{ip}' ORDER BY s.first_seen").split("\n")


def test_both_sides():
    """A run that saw a chain before and after it was away, replayed in one batch, and a look that lasted as long."""
    c, ip, one = local(), "192.0.2.61", new_run()
    a, b = sha(D[0]), sha(D[1])
    begin = day(9)
    look = lambda hour, chain, run, **more: sighting(ip, [D[chain]], run, begin + hour * HOUR, **more)
    first, last = look(0, 0, one, source="watch"), look(5, 0, one, source="watch")
    good(c.batch([first]), 1)
    for hour in (1, 2, 3):
        good(c.batch([look(hour, 1, new_run())]), 1)
    good(c.batch([last]), 1)
    before = exactly(ip)
    equal("two spans, and one of the other chain", [a, b, a], [s[:64] for s in before])
    good(c.batch([first, last]), 2)
    equal("all of it again", before, exactly(ip))
    good(c.batch([look(5, 0, one, source="watch", since=stamp(begin), count=2)]), 1)
    equal("as one look from the first to the last", before, exactly(ip))
    good(c.batch([look(6, 0, one, source="watch", since=stamp(begin + 2 * HOUR), count=2)]), 1)
    rows = sql(f"SELECT extract(epoch FROM s.first_seen - to_timestamp({begin}))::integer / 3600, extract(epoch FROM s.last_seen - to_timestamp({begin}))::integer / 3600, s.closed_at IS NULL"
               f" FROM sighting s JOIN chain USING (chain_id) JOIN location l USING (location_id) WHERE l.ip = '{ip}' AND encode(leaf_sha256, 'hex') = '{a}' ORDER BY s.first_seen")
    equal("from the middle of the first to behind the second", "0|2|f\n5|6|t", rows)


def test_no_news():
    """Who was replaced before we hear of him is not there now, and alerts nobody; that the runs since saw another is known from the span or from observation."""
    c, now = local(), time.time()
    old, new = lasting(91, now - 93 * DAY, now - HOUR), lasting(92, now - 10 * DAY, now + 80 * DAY)
    due = "SELECT count(*) FROM expiry_due WHERE sha256 = '\\x" + sha(old) + "'"
    kept = lambda ip: sql(f"SELECT s.absent_runs, s.closed_at IS NULL FROM sighting s JOIN chain USING (chain_id) JOIN location l USING (location_id) WHERE l.ip = '{ip}' AND leaf_sha256 = '\\x{sha(old)}'")
    def see(ip, der, back):
        run = new_run()
        good(c.batch([cert_record(der), run_record(run, "started", day(back) - 5), sighting(ip, [der], run, day(back)), run_record(run, "finished", day(back) + 5, targets=1, ok=1, failed=0)]))
    for ip, looks, expected in (("192.0.2.71", (1,), "1|t"), ("192.0.2.72", (5, 4), "2|t"), ("192.0.2.73", (5, 4, 3, 2, 1), "3|f")):
        for back in looks:
            see(ip, new, back)
        see(ip, old, 7)
        equal(f"{ip}: replaced since", expected, kept(ip))
        equal("nothing is due", "0", sql(due))
    see("192.0.2.71", new, 0.5)
    see("192.0.2.71", new, 0.4)
    equal("ended by the runs that follow", "3|f", kept("192.0.2.71"))
    see("192.0.2.73", old, 6)
    equal("another late look does not bring it back", "3|f", kept("192.0.2.73"))
    see("192.0.2.74", old, 7)
    equal("what nobody saw replaced is due", "1", sql(due))


def test_orders():
    """Histories at random, in order at one place, in another order and once more at its twin."""
    c, chance, told, runs = local(), random.Random(20), [], [new_run() for _ in range(60)]
    steps = {twin: [[] for _ in range(14)] for twin in (0, 1)}  # what is delivered together, of all places
    place = lambda twin, n: f"198.{18 + twin}.{n >> 8}.{n & 255}"
    for n in range(300):
        history = [(at, runs[at], chance.choice(["A", "B", "AB", "F", "A", "B", "C"])) for at in sorted(chance.sample(range(1, 60), chance.randint(4, 12)))]
        twice = len(history) > 3 and chance.random() < 0.3
        if twice:  # one run looks at two times
            both, one = chance.sample(range(len(history)), 2), new_run()
            history = [(at, one if i in both else run, kinds) for i, (at, run, kinds) in enumerate(history)]
        told.append((history, twice))
        for twin in steps:
            ip = place(twin, n)
            looks = [[failure(ip, run, day(25) + at * 2 * HOUR) if kind == "F" else sighting(ip, [D["ABC".index(kind)]], run, day(25) + at * 2 * HOUR) for kind in kinds] for at, run, kinds in history]
            if twin:
                chance.shuffle(looks)
                looks.append(list(itertools.chain(*looks)))
            for step, lines in zip(steps[twin], looks):
                step += lines
    for twin in steps:
        for step in steps[twin]:
            good(c.batch(step or [failure("198.20.0.1", new_run())]), len(step) or 1)
    several = "FROM sighting a JOIN sighting b USING (location_id, chain_id, role) JOIN location l USING (location_id) WHERE a.first_seen < b.first_seen"
    equal("spans that overlap", "", sql(f"SELECT DISTINCT l.ip {several} AND (b.first_seen <= a.last_seen OR a.closed_at IS NULL)"))
    equal("ends before it was seen", "", sql("SELECT l.ip FROM sighting s JOIN location l USING (location_id) WHERE s.closed_at < s.last_seen"))
    equal("absences before it was seen", "", sql("SELECT l.ip FROM sighting s JOIN location l USING (location_id) WHERE s.closed_at IS NULL AND EXISTS (SELECT FROM unnest(s.absent_at) a WHERE a <= s.last_seen)"))
    equal("absences as counted", "", sql("SELECT l.ip FROM sighting s JOIN location l USING (location_id) WHERE s.absent_runs <> cardinality(s.absent_run) OR s.absent_runs <> cardinality(s.absent_at)"))
    equal("states", "", sql("SELECT l.ip FROM location_state st JOIN location l USING (location_id) WHERE st.chains <> ARRAY(SELECT s.chain_id FROM sighting s WHERE s.location_id = st.location_id AND s.closed_at IS NULL ORDER BY 1)"))
    there = dict(line.split("|", 1) for line in sql("SELECT host(l.ip), string_agg(encode(ch.leaf_sha256, 'hex') || ' ' || s.absent_runs, ',' ORDER BY ch.leaf_sha256) FROM sighting s"
                                                    " JOIN chain ch USING (chain_id) JOIN location l USING (location_id) WHERE s.closed_at IS NULL AND l.ip << '198.18.0.0/15' GROUP BY l.ip").split("\n"))
    assert len(there) > 500, len(there)
    differ = [(n, history, there.get(place(0, n)), there.get(place(1, n))) for n, (history, twice) in enumerate(told) if not twice and there.get(place(0, n)) != there.get(place(1, n))]
    assert not differ, (len(differ), differ[:3])


play([test_both_sides, test_no_news, test_orders])
