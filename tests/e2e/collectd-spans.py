#!/usr/bin/python3
"""What certmuster-collectd makes of many sweeps: spans, servers that show one chain and then another, sweeps that write nothing because
nothing changed, what is kept of handshakes, and upkeep."""
import json, os, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collectd_tools import *
from inventory_tools import *


def test_spans():
    c, ip = local(), "192.0.2.50"
    a, b = sha(D[4]), sha(D[5])
    sweep(c, new_run(), {ip: [D[4]]}, day(20))
    equal("begins", [f"{a}|{date(20)}|{date(20)}|0|f"], spans(ip))
    sweep(c, new_run(), {ip: [D[4]]}, day(19))
    equal("unchanged: the row stays", [f"{a}|{date(20)}|{date(20)}|0|f"], spans(ip))
    sweep(c, new_run(), {ip: None}, day(18))
    sweep(c, new_run(), {ip: None}, day(17))
    equal("failures end nothing", [f"{a}|{date(20)}|{date(19)}|0|f"], spans(ip))
    one = new_run()
    sweep(c, one, {ip: [D[5]]}, day(16))
    equal("a change; what was seen unchanged is folded in", [f"{a}|{date(20)}|{date(19)}|1|f", f"{b}|{date(16)}|{date(16)}|0|f"], spans(ip))
    sweep(c, one, {ip: [D[5]]}, day(16) + 60)
    sweep(c, one, {ip: [D[5]]}, day(16) + 120)
    equal("several records of one run count once", f"{a}|{date(20)}|{date(19)}|1|f", spans(ip)[0])
    sweep(c, new_run(), {ip: [D[5]]}, day(15))
    equal("twice", f"{a}|{date(20)}|{date(19)}|2|f", spans(ip)[0])
    sweep(c, new_run(), {ip: None}, day(14.5))
    equal("a failure is no absence", f"{a}|{date(20)}|{date(19)}|2|f", spans(ip)[0])
    sweep(c, new_run(), {ip: [D[5]]}, day(14))
    equal("three times: it ended", f"{a}|{date(20)}|{date(19)}|3|t", spans(ip)[0])
    equal("state", f"ok|1|{b}", sql(f"SELECT last_result, cardinality(chains), encode(leaf_sha256, 'hex') FROM location_state st JOIN location USING (location_id)"
                                    f" JOIN chain ON chain_id = chains[1] WHERE ip = '{ip}'"))
    # Late: seen after its end was told, before the third look; so there were only two absences after it.
    sweep(c, new_run(), {ip: [D[4]]}, day(15.5))
    equal("late arrival takes back what came before it", f"{a}|{date(20)}|{date(15.5)}|2|f", spans(ip)[0])
    sweep(c, new_run(), {ip: [D[4]]}, day(30))
    equal("late arrival begins earlier", f"{a}|{date(30)}|{date(15.5)}|2|f", spans(ip)[0])
    equal("place begins earlier", date(30), sql(f"SELECT to_char(first_seen, 'YYYY-MM-DD') FROM location WHERE ip = '{ip}'"))
    sweep(c, new_run(), {ip: [D[5]]}, day(13))
    equal("ended again", f"{a}|{date(30)}|{date(15.5)}|3|t", spans(ip)[0])
    sweep(c, new_run(), {ip: [D[4]]}, day(10))
    equal("back: a span of its own", [f"{a}|{date(30)}|{date(15.5)}|3|t", f"{b}|{date(16)}|{date(13)}|1|f", f"{a}|{date(10)}|{date(10)}|0|f"], spans(ip))
    sweep(c, new_run(), {ip: None}, day(25))
    equal("a late failure overrules nothing", "ok", sql(f"SELECT last_result FROM location_state JOIN location USING (location_id) WHERE ip = '{ip}'"))


def test_balancer():
    c, ip, a, b = local(), "192.0.2.51", sha(D[4]), sha(D[5])
    for i in range(8):
        sweep(c, new_run(), {ip: [D[4 + i % 2]]}, day(20 - i))
    equal("in turns", [f"{a}|{date(20)}|{date(14)}|1|f", f"{b}|{date(19)}|{date(13)}|0|f"], spans(ip))
    ip = "192.0.2.52"
    for i in range(3):  # RSA and EC: both seen in every run, in one batch or two
        r = new_run()
        good(c.batch([sighting(ip, [D[4]], r, day(9 - i)), sighting(ip, [D[5]], r, day(9 - i) + 1, tls={"version": "TLSv1.2"})]), 2)
    equal("both", [f"{a}|{date(9)}|{date(9)}|0|f", f"{b}|{date(9)}|{date(9)}|0|f"], sorted(spans(ip), key=lambda s: s[:64] != a))
    for i in range(3):
        r = new_run()
        good(c.batch([sighting(ip, [D[4]], r, day(6 - i))]), 1)
        good(c.batch([sighting(ip, [D[5]], r, day(6 - i) + 1)]), 1)
    equal("both, in two batches of a run", ["0|f", "0|f"], sql("SELECT absent_runs, closed_at IS NOT NULL FROM sighting JOIN location USING (location_id)"
                                                               f" WHERE ip = '{ip}'").split("\n"))
    ip = "192.0.2.53"  # roles do not mix
    for i in range(4):
        good(c.batch([sighting(ip, [D[4]] if i == 0 else [D[5]], new_run(), day(9 - i), role="server" if i == 0 else "stored")]), 1)
    equal("another role's look is no absence", f"{a}|{date(9)}|{date(9)}|0|f", spans(ip)[0])
    ip, r = "192.0.2.54", [new_run() for _ in range(5)]  # many runs of one place in one batch
    good(c.batch([sighting(ip, [D[4]], r[0], day(9))] + [sighting(ip, [D[5]], r[i], day(9 - i)) for i in range(1, 5)]), 5)
    equal("rounds", [f"{a}|{date(9)}|{date(9)}|3|t", f"{b}|{date(8)}|{date(5)}|0|f"], spans(ip))
    lines = [failure("192.0.2.55", new_run(), day(5)) for _ in range(70)]
    good(c.batch(lines), 64, 6)


def test_unchanged():
    c, r = local(), new_run()
    places = {f"198.51.100.{i}": ([D[i % 6]] if i % 10 else None) for i in range(200)}
    sweep(c, r, places, day(3))
    before = versions()
    for back in (2, 1):
        sweep(c, new_run(), places, day(back))
    equal("rows written by two unchanged sweeps", before, versions())
    equal("the looks are kept", "20|180", sql("SELECT cardinality(failing), cardinality(unchanged) FROM observation WHERE cardinality(unchanged) = 180 LIMIT 1"))
    good(c.batch([record("endpoint", source="watch", at=stamp(day(0.5)), scanner="local", run=new_run(), endpoint=endpoint("198.51.100.1"),
                         tls={"version": "TLSv1.3", "ja3s": "0" * 32}),
                  sighting("198.51.100.2", [D[2]], new_run(), day(0.5), source="watch", tls={"version": "TLSv1.3", "ja3s": "f" * 32})]), 2)
    equal("what a reader of packets sees less of changes nothing", before, versions())
    good(c.batch([record("endpoint", source="watch", at=stamp(day(0.4)), scanner="local", run=new_run(), endpoint=endpoint("198.51.100.250"), tls={"version": "TLSv1.3"})]), 1)
    equal("an endpoint without certificates", "|{}", sql("SELECT last_result, chains FROM location_state JOIN location USING (location_id) WHERE ip = '198.51.100.250'"))


def test_interrupted():
    """A probe that ended because its run was interrupted is counted, and is no word on the place."""
    c, r, ip, never = local(), new_run(), "198.51.100.3", "198.51.100.252"
    sweep(c, new_run(), {ip: [D[2]]}, day(3))
    before = sql(f"SELECT st.* FROM location_state st JOIN location USING (location_id) WHERE ip = '{ip}'")
    good(c.batch([failure(at, r, day(0.2), stage="hello", error="cancelled") for at in (ip, never)]), 2)
    good(c.batch([failure(ip, r, day(0.2), stage="hello", error="reset", port=444), failure(ip, r, day(0.2), stage="connect", error="cancelled")]), 2)
    equal("as it was", before, sql(f"SELECT st.* FROM location_state st JOIN location USING (location_id) WHERE ip = '{ip}' AND port = 443"))
    equal("no place", "0", sql(f"SELECT count(*) FROM location WHERE ip = '{never}'"))
    equal("no look", "0", sql(f"SELECT count(*) FROM observation WHERE run = '{r}'"))
    equal("counted", {"connect:cancelled": 1, "hello:cancelled": 2, "hello:reset": 1}, json.loads(sql(f"SELECT results FROM run WHERE run = '{r}'")))
    equal("all of it", "0|4", sql(f"SELECT stored_ok, stored_failed FROM run WHERE run = '{r}'"))


def test_handshake():
    """What a scan tells of the handshake is kept as it came, what we do not know included; the same again writes nothing."""
    c, ip = local(), "198.51.100.251"
    said = {"version": "TLSv1.2", "cipher": "TLS_RSA_WITH_NULL_SHA", "client_auth": True, "client_ca": ["CN=a"], "scts": 2, "ja3s": "0123456789abcdef" * 2,
            "staple": {"status": "good", "this_update": "0000-01-01T00:00:00Z", "next_update": "9999-12-31T23:59:59Z"}, "proof": "good", "later": {"x": [1]}}
    kept = f"SELECT tls FROM location_state JOIN location USING (location_id) WHERE ip = '{ip}'"
    good(c.batch([sighting(ip, [D[1]], new_run(), day(4), tls=said)]), 1)
    equal("kept", said, json.loads(sql(kept)))
    before = versions()
    good(c.batch([sighting(ip, [D[1]], new_run(), day(3), tls=dict(reversed(said.items())))]), 1)
    equal("rows written by the same again", before, versions())
    good(c.batch([sighting(ip, [D[1]], new_run(), day(2), tls={**said, "staple": {"status": "revoked"}, "proof": "bad"})]), 1)
    equal("a staple that changed", "revoked|bad", sql(f"SELECT tls #>> '{{staple,status}}', tls ->> 'proof' FROM ({kept}) x"))
    wrong = [{"scts": []}, {"ja3s": "x"}, {"proof": "perhaps"}, {"staple": {}}, {"staple": {"status": "good", "next_update": "soon"}}, {"version": "TLSv9"}]
    good(c.batch([sighting(ip, [D[1]], new_run(), day(1), tls=tls) for tls in wrong]), 0, len(wrong))
    equal("one span", 1, len(spans(ip)))


def test_upkeep():
    """Old partitions go, tomorrow's is there; lost runs do not count as having looked; folding brings last_seen up to date."""
    c, ip, a = local(), "192.0.2.120", sha(D[4])
    lost = new_run()
    sweep(c, new_run(), {ip: [D[4]]}, day(9))
    good(c.batch([run_record(lost, "started", day(8))]), 1)
    sweep(c, lost, {ip: [D[5]]}, day(8))
    equal("missed once", f"{a}|{date(9)}|{date(9)}|1|f", spans(ip)[0])
    sweep(c, new_run(), {"192.0.2.121": [D[4]]}, day(9))
    sweep(c, new_run(), {"192.0.2.121": [D[4]]}, day(7))
    equal("not folded", f"{a}|{date(9)}|{date(9)}|0|f", spans("192.0.2.121")[0])
    sql("CREATE TABLE observation_20200101 PARTITION OF observation FOR VALUES FROM ('2020-01-01') TO ('2020-01-02');"
        "INSERT INTO batch (batch_key, scanner, received_at, stored) VALUES ('old', 'x', now() - interval '401 days', 0); UPDATE upkeep SET done_at = '-infinity' WHERE task !~ '^trust'")
    run("certmuster", "down")
    run("certmuster", "up")
    wait_until("old partition is dropped", lambda: sql("SELECT count(*) FROM pg_class WHERE relname = 'observation_20200101'") == "0")
    wait_until("old key is dropped", lambda: sql("SELECT count(*) FROM batch WHERE batch_key = 'old'") == "0")
    wait_until("a lost run did not look", lambda: spans(ip)[0] == f"{a}|{date(9)}|{date(9)}|0|f")
    wait_until("folded", lambda: spans("192.0.2.121")[0] == f"{a}|{date(9)}|{date(7)}|0|f")
    tomorrow = time.strftime("%Y%m%d", time.gmtime(time.time() + DAY))
    equal("tomorrow", "1", sql(f"SELECT count(*) FROM pg_class WHERE relname = 'observation_{tomorrow}'"))


play([test_spans, test_balancer, test_unchanged, test_interrupted, test_handshake, test_upkeep])
