#!/usr/bin/python3
# profile: release
"""Clocks a day off, ahead and behind: a scanner's, one that is set right between looking and telling, a collector's, and those of both ends of mutual TLS, and the database's. Nothing is in the future, what looked later counts as
later, who is off is flagged, what it said can be had back, leases and verdicts go by one clock. The programs themselves run with another time (faketime)."""
import glob, json, os, re, socket, ssl, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from chaos_tools import World
from collectd_tools import *
from common import equal, play, wait_until

BIN, TMP = os.environ["CM_BIN"], os.environ.get("TMPDIR", "/tmp")
work = f"{TMP}/clocks"
DAY = 86400
COUNT = 64
LIBRARY = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)
if not LIBRARY:
    print("faketime is not installed")
    sys.exit(77)


def with_clock(days, *command):
    """The monotonic clock is left alone, as by somebody who sets a clock wrong. Without the program faketime, which would stand between us and the one that it runs."""
    return ["env", f"LD_PRELOAD={LIBRARY}", "FAKETIME_DONT_FAKE_MONOTONIC=1", f"FAKETIME={days:+}d", *command] if days else list(command)


def run(days, *command, status=0):
    done = subprocess.run(with_clock(days, *command), env=world.environment, capture_output=True, text=True, timeout=120)
    equal(" ".join(command) + "\n" + done.stdout[-2000:] + done.stderr[-2000:], status, done.returncode)
    return done.stdout + done.stderr


def scan(days, name, to=None, targets=None, status=0):
    return run(days, f"{BIN}/certmuster-scan", "--config", world.config_of(name), "--to", to or local, "--timeout", "20", targets or f"127.128.0.0/26:{port}", status=status)


class Fleet:
    """The same places with other certificates for every generation."""

    def __init__(self, generation, port="0"):
        self.process = subprocess.Popen([os.environ["CM_FLEET"], "many", "--dir", f"{work}/fleet-{generation}", "--count", str(COUNT), "--base", "127.128.0.0", "--port", port, "--canned", "tls12",
                                         "--days", "20"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.port = self.process.stdout.readline().split()[1]
        world.processes.append(self.process)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        world.ended(self.process)


def no_future():
    wrong = [x for x in world.contradictions() if "future" in x or "chains are not" in x or "finished run" in x]
    assert not wrong, wrong
    equal("batches, scanners, certificates, observations, verdicts of the future", "0", world.sql("""SELECT (SELECT count(*) FROM batch WHERE received_at > now())
        + (SELECT count(*) FROM scanner WHERE greatest(first_seen, last_seen) > now()) + (SELECT count(*) FROM certificate WHERE greatest(first_seen, last_seen) > now())
        + (SELECT count(*) FROM observation WHERE last_at > now()) + (SELECT count(*) FROM chain_verdict WHERE verified_at > now()) + (SELECT count(*) FROM location WHERE first_seen > now())"""))


def latest_run():
    """of the scan heard of last"""
    return world.sql("SELECT substring(batch_key from '/([^/]+)/') FROM batch WHERE batch_key ~ '/.*/' ORDER BY received_at DESC LIMIT 1")


def spans():
    """Of the fleet's places: open spans, closed ones, and how many certificates each place shows."""
    return world.sql(f"""SELECT count(*) FILTER (WHERE s.closed_at IS NULL), count(*) FILTER (WHERE s.closed_at IS NOT NULL), max(cardinality(st.chains))
                         FROM sighting s JOIN location l USING (location_id) JOIN location_state st USING (location_id) WHERE l.port = {port}""")


def flagged(name):
    rows = {row["name"]: row for row in json.loads(world.certmuster("scanner", "list", "--format", "json"))}
    return rows[name].get("skewed_ms") or 0


def test_scanner():
    """Ahead and behind, over a change of all certificates: the spans are as of scanners whose clocks are right."""
    global port
    fleet = Fleet(1)
    port = fleet.port
    scan(+1, "fast")
    no_future()
    equal("seen", f"{COUNT}|0|1", spans())
    at = world.sql(f"SELECT bool_and(last_seen BETWEEN now() - interval '2 minutes' AND now()) FROM sighting s JOIN location l USING (location_id) WHERE l.port = {port}")
    equal("when it was, not when it said", "t", at)
    times = world.sql("SELECT started_at BETWEEN now() - interval '2 minutes' AND now() AND finished_at BETWEEN started_at AND now() FROM run WHERE scanner = 'fast'")
    equal("its run", "t", times)
    assert abs(flagged("fast") + DAY * 1000) < 60000, flagged("fast")
    assert re.search(r"fast.*-864\d\d\.\d s", world.certmuster("scanner", "list")), world.certmuster("scanner", "list")
    fleet.stop()
    fleet = Fleet(2, port)
    scan(0, "right")
    equal("a true look is later than one of tomorrow", f"{2 * COUNT}|0|2", spans())
    equal("what is there now", "1", world.sql(f"SELECT count(DISTINCT st.scanner) FROM location_state st JOIN location l USING (location_id) WHERE l.port = {port} AND st.scanner = 'right'"))
    scan(-1, "slow")
    assert abs(flagged("slow") - DAY * 1000) < 60000, flagged("slow")
    equal("not flagged", 0, flagged("right"))
    equal("missed twice", f"{2 * COUNT}|0|2", spans())
    scan(+1, "fast")
    equal("missed three times, by clocks of three days", f"{COUNT}|{COUNT}|1", spans())
    closed = world.sql("SELECT bool_and(closed_at BETWEEN now() - interval '2 minutes' AND now() AND last_seen < closed_at) FROM sighting WHERE closed_at IS NOT NULL")
    equal("ended when it was", "t", closed)
    no_future()
    scan(0, "fast")
    equal("set right, no flag any more", 0, flagged("fast"))
    fleet.stop()


def test_raw():
    """What a scanner said of the time is what is stored less what it was off by."""
    run_id, der, said = new_run(), certificate(base, 1), time.time() + DAY
    one = Collector(f"{world.sockets}/collectd.sock")
    key = f"raw/{run_id}/1"
    equal("stored", 200, one.batch([cert_record(der), sighting("203.0.113.1", [der], run_id, at=said - 30, scanner="raw")], key=key, sent=said)[0])
    raw = world.sql(f"""SELECT (extract(epoch FROM s.last_seen - b.skew_ms * interval '1 ms') * 1000)::bigint FROM sighting s JOIN batch b ON b.batch_key LIKE '%/' || s.seen_run || '/%'
                        WHERE s.seen_run = '{run_id}'""")
    equal("raw", int((said - 30) * 1000), int(raw))
    no_future()


def test_set_right():
    """Looked at with a clock a day ahead, told when it was right again: of the present at most, and true looks count after it."""
    global port
    with open(world.config_of("mended"), "w") as f:
        f.write(f"scanner: mended\nhost: fleet.example.org\nspool:\n  dir: {work}/spool-mended\nsubmit:\n  wait: 0s\n")
    fleet = Fleet(3)
    port = fleet.port
    scan(+1, "mended", to="unix:/nowhere", status=0)
    run(0, f"{BIN}/certmuster-submit", "--config", world.config_of("mended"), "--to", local)
    no_future()
    equal("seen", f"{COUNT}|0|1", spans())
    equal("not off any more", 0, flagged("mended"))
    fleet.stop()
    fleet = Fleet(4, port)
    for _ in range(3):
        scan(0, "right")
    equal("true looks ended it", f"{COUNT}|{COUNT}|1", spans())
    fleet.stop()
    # Looked at with a clock a day behind, told when it was right: late, and it overrules nothing.
    fleet = Fleet(3, port)
    scan(-1, "mended", to="unix:/nowhere", status=0)
    before = world.sql(f"SELECT md5(string_agg(st::text, ',' ORDER BY st.location_id)) FROM location_state st JOIN location l USING (location_id) WHERE l.port = {port}")
    run(0, f"{BIN}/certmuster-submit", "--config", world.config_of("mended"), "--to", local)
    equal("a late arrival changes no state", before, world.sql(f"SELECT md5(string_agg(st::text, ',' ORDER BY st.location_id)) FROM location_state st JOIN location l USING (location_id) WHERE l.port = {port}"))
    no_future()
    fleet.stop()


def test_collector():
    """Collectors a day ahead and forty behind, beside one that is right, all on one database: theirs is not the clock that counts."""
    sockets = {}
    collectors = []
    partitions = lambda: world.sql("SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'observation'::regclass")
    before = partitions()
    world.sql("UPDATE upkeep SET done_at = '-infinity' WHERE task IN ('partitions', 'keys', 'lost_runs')")
    right = Collector(f"{world.sockets}/collectd.sock")
    world.certmuster("down")  # whoever judges and keeps up has a wrong clock
    world.certmuster("up", "--database-only")
    for days in (+1, -40):
        sockets[days] = f"{work}/off{days}.sock"
        collectors.append(world.start(f"off{days}", *with_clock(days, f"{BIN}/certmuster-collectd", "--config", f"{world.home}/certmuster.yaml", "--dsn",
                                                               f"host={world.sockets} dbname=certmuster user=certmuster_ingest", "--socket", sockets[days])))
    for path in sockets.values():
        wait_until("a collector", lambda: os.path.exists(path))
    fast, slow = Collector(sockets[+1]), Collector(sockets[-40])
    ders = [certificate(base, 100 + i) for i in range(3)]
    see = lambda one, der, run_id, ago=0.0: equal("stored", (200, []), (lambda s, a: (s, a["rejected"]))(*one.batch(
        [cert_record(der), sighting("203.0.113.9", [der], run_id, at=time.time() - ago, scanner="whole")], sent=time.time())))
    see(fast, ders[0], new_run())
    for one in (slow, fast, slow):
        see(one, ders[1], new_run())
    chains = world.sql("SELECT count(*) FILTER (WHERE s.closed_at IS NULL) || ' ' || count(*) FROM sighting s JOIN location l USING (location_id) WHERE host(l.ip) = '203.0.113.9'")
    equal("three later looks ended it", "1 2", chains)
    equal("the scanner is not the one that is off", 0, flagged("whole"))
    wait_until("upkeep", lambda: world.sql("SELECT count(*) FROM upkeep WHERE task IN ('partitions', 'keys', 'lost_runs') AND done_at = '-infinity'") == "0")
    equal("days that are kept", before, partitions())
    no_future()
    # Verdicts: a certificate that ends in half a day is well, whoever judges it.
    world.judged()
    short = f"{work}/short.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{work}/short.key", "-out", short, "-days", "1", "-subj", "/CN=short.example.org"],
                   check=True, capture_output=True)
    der = ssl.PEM_cert_to_DER_cert(open(short).read())
    see(slow, der, new_run())
    world.judged()
    verdict = world.sql(f"SELECT DISTINCT v.verdict FROM chain_verdict v JOIN chain c USING (chain_id) WHERE c.leaf_sha256 = '\\x{sha(der)}' AND v.trust_store = 'short'")
    assert verdict not in ("cert_has_expired", "cert_not_yet_valid"), verdict
    no_future()
    # A lease goes by the database's clock alone: taken at one collector, kept at the other, and neither's day ends it.
    world.certmuster("sweep", "create", "clock", "--target", "198.51.100.1")
    world.certmuster("sweep", "start", "clock")
    code, content = fast.request("POST", "/v1/leases", json.dumps({"kind": "scan", "scanner": "whole"}).encode())
    equal("a lease", 200, code)
    held = json.loads(content)["lease"]
    for one in (slow, fast, slow):
        time.sleep(0.4)
        equal("goes on", 200, one.request("POST", f"/v1/leases/{held}", b'{"state":"running","scanner":"whole"}')[0])
    oldest = lambda one: [float(line.split()[-1]) for line in one.get("/metrics")[1].decode().splitlines() if line.startswith("certmuster_sweep_lease_oldest_seconds ")][0]
    for one in (fast, slow):  # its age is the same by any clock
        wait_until("it to be among the figures", lambda: one.request("POST", f"/v1/leases/{held}", b'{"state":"running","scanner":"whole"}')[0] == 200 and oldest(one) > 0)
        assert oldest(one) < 600, oldest(one)
    left = float(world.sql(f"SELECT extract(epoch FROM until - now()) FROM lease WHERE lease_id = '{held}'"))
    assert 0 < left <= 3, left
    equal("no other has it", 204, slow.request("POST", "/v1/leases", b'{"kind":"scan","scanner":"whole-2"}')[0])
    wait_until("it to expire", lambda: world.sql(f"SELECT outcome FROM lease WHERE lease_id = '{held}'") == "expired", 10)
    world.certmuster("sweep", "cancel", "clock")
    age = lambda one: [float(line.split()[-1]) for line in one.get("/metrics")[1].decode().splitlines() if line.startswith('certmuster_last_sweep_age_seconds{source="scan"}')]
    for one in (fast, slow):
        wait_until("figures", lambda: age(one))
        assert 0 <= age(one)[0] < 600, age(one)
    for collector in collectors:
        collector.terminate()
        equal("ends", 0, collector.wait(30))
        world.ended(collector)
    world.certmuster("up")
    equal("healthy", 200, right.get("/healthz")[0])


def test_database():
    """PostgreSQL's clock is a day ahead for some seconds, and is set right: whatever waits for a time goes on from now, and nothing waits for tomorrow."""
    ahead = lambda seconds: world.sql(f"SELECT now() BETWEEN to_timestamp({time.time() + seconds - 60}) AND to_timestamp({time.time() + seconds + 60})") == "t"
    next_at = lambda plan: world.sql(f"SELECT next_at > now() AND next_at <= now() + every FROM sweep_plan WHERE name = '{plan}'")
    turns = "SELECT count(*) FROM upkeep WHERE isfinite(done_at) AND done_at "
    world.certmuster("down")
    run(+1, f"{BIN}/certmuster", "up")
    assert ahead(DAY)
    one = Collector(f"{world.sockets}/collectd.sock")
    for plan, every in (("hourly", "1h"), ("weekly", "7d")):
        world.certmuster("sweep", "create", plan, "--target", "198.51.100.8/30", "--shard", "2", "--every", every)
        wait_until(f"{plan} to begin", lambda: world.sql(f"SELECT state FROM sweep WHERE plan = '{plan}'") == "running")
    world.certmuster("sweep", "create", "nothing", "--known", "--filter", "name:nobody.example.org")
    world.certmuster("sweep", "start", "nothing", status=1)  # over at once
    orders = {}
    for name in ("dies", "lives"):
        code, content = one.request("POST", "/v1/leases", json.dumps({"kind": "scan", "scanner": name}).encode())
        equal("a lease", 200, code)
        orders[name] = json.loads(content)["lease"]
    told = """'host-of-nobody', 'expiry', now(), """
    world.sql(f"""INSERT INTO alert (sha256, owner, kind, opened_at, places, threshold, told_threshold, told_at) VALUES ('\\x07', {told} 1, 7, 14, now());
                  INSERT INTO delivery (delivery_id, sha256, owner, kind, event, threshold, channel, destination, message_id, body, state, next_try, created_at)
                  VALUES (gen_random_uuid(), '\\x07', 'host-of-nobody', 'expiry', 'told', 7, 'webhook', 'http://127.0.0.1:1/', 'm', '{{}}', 'pending', now() + interval '1 hour', now())""")
    wait_until("upkeep", lambda: int(world.sql(turns + "> now() - interval '5 minutes'")) >= 12)
    world.certmuster("down")
    world.certmuster("up")
    assert ahead(0)
    one = Collector(f"{world.sockets}/collectd.sock")
    wait_until("what is done by turns, all of it", lambda: world.sql(turns + "> clock_timestamp()") == "0", 30)
    wait_until("leases to be of today", lambda: world.sql("SELECT count(*) FROM lease WHERE ended_at IS NULL AND (until > now() + interval '4 seconds' OR taken_at > now())") == "0", 10)
    equal("who lives keeps it", 200, one.request("POST", f"/v1/leases/{orders['lives']}", b'{"state":"running","scanner":"lives"}')[0])
    wait_until("the other's to expire", lambda: world.sql(f"SELECT outcome FROM lease WHERE lease_id = '{orders['dies']}'") == "expired", 10)
    equal("turns of plans", ["t", "t"], [next_at("hourly"), next_at("weekly")])
    equal("sweeps of tomorrow, and later deadlines", "0", world.sql("SELECT count(*) FROM sweep WHERE started_at > now() OR state = 'running' AND deadline > now() + interval '7 days'"))
    equal("what goes on and what ended", "0|1", world.sql("""SELECT count(*) FILTER (WHERE state = 'running' AND finished_at IS NOT NULL), count(*) FILTER (WHERE state = 'finished' AND finished_at <= now())
                                                            FROM sweep WHERE plan IN ('hourly', 'weekly', 'nothing')"""))
    equal("heard of, and asked for work, tomorrow", "0", world.sql("SELECT (SELECT count(*) FROM scanner WHERE last_seen > now() AND last_seen <> first_seen) + (SELECT count(*) FROM worker_asked WHERE asked_at > now())"))
    equal("messages of tomorrow", "0", world.sql("SELECT (SELECT count(*) FROM delivery WHERE next_try > now() + interval '1 hour') + (SELECT count(*) FROM alert WHERE told_at > now() AND resolved_at IS NULL)"))
    world.certmuster("sweep", "create", "after", "--target", "198.51.100.9", "--every", "1h")
    wait_until("a plan of today to begin", lambda: world.sql("SELECT state FROM sweep WHERE plan = 'after'") == "running", 10)
    equal("healthy", 200, one.get("/healthz")[0])
    for plan in ("hourly", "weekly", "after"):
        world.certmuster("sweep", "cancel", plan)
        world.certmuster("sweep", "delete", plan)
    world.certmuster("sweep", "delete", "nothing")
    world.sql("DELETE FROM delivery WHERE sha256 = '\\x07'; DELETE FROM alert WHERE sha256 = '\\x07'; UPDATE scanner SET first_seen = last_seen WHERE first_seen > now(); "
              "UPDATE scanner SET first_seen = now(), last_seen = now() WHERE first_seen > now()")


def test_run_ids():
    """A worker whose clock is a day ahead, and one whose is a day behind, share a sweep: what they are called by does not matter, and a run of tomorrow is not lost today."""
    fleet = Fleet(5)
    world.certmuster("sweep", "create", "shared", "--target", f"127.128.0.0/26:{fleet.port}", "--shard", "8", "--pass=--rate=100")
    world.certmuster("sweep", "start", "shared")
    workers = [world.start(f"worker{days}", *with_clock(days, f"{BIN}/certmuster-submit", "--config", world.config_of(name), "--to", local, "--worker", "scan")) for name, days in (("fast", +1), ("slow", -1))]
    wait_until("the sweep", lambda: world.sql("SELECT state FROM sweep WHERE plan = 'shared'") == "finished", 60)
    for w in workers:
        w.terminate()
        equal("ends", 0, w.wait(30))
        world.ended(w)
    equal("its coverage", f"{COUNT}|{COUNT}|{COUNT}|0", world.sql("SELECT c.probes, c.told, c.certificate, c.never FROM sweep w JOIN sweep_coverage c USING (sweep_id) WHERE w.plan = 'shared'"))
    equal("done by both", "2", world.sql("SELECT count(DISTINCT l.scanner) FROM lease l JOIN sweep USING (sweep_id) WHERE plan = 'shared' AND outcome = 'done'"))
    equal("expired", "0", world.sql("SELECT count(*) FROM lease l JOIN sweep USING (sweep_id) WHERE plan = 'shared' AND outcome = 'expired'"))
    equal("lost", "0", world.sql("SELECT count(*) FROM run_lost"))
    no_future()
    fleet.stop()


def test_tls():
    """Certificates that are not yet valid by one end's clock: nothing is delivered, nothing is lost, and each end says why."""
    server = f"{work}/tls.yaml"
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        tls_port = s.getsockname()[1]
    with open(server, "w") as f:
        f.write(f"ca:\n  dir: {work}/ca\ncollector:\n  listen: 127.0.0.1:{tls_port}\n  tls:\n    cert: {work}/tls/collector.pem\n    key: {work}/tls/collector.key\n    client_ca: {work}/ca/ca.pem\n")
    os.makedirs(f"{work}/tls")
    world.certmuster("scanner", "collector", "localhost", "--out", f"{work}/tls", "--config", server)
    world.certmuster("scanner", "enrol", "zone-1", "--out", f"{work}/tls", "--config", server)
    config = world.config_of("zone-1")
    with open(config, "w") as f:
        f.write(f"scanner: zone-1\nhost: zone-1\nspool:\n  dir: {work}/spool-zone-1\nsubmit:\n  wait: 0s\n  tls:\n    cert: {work}/tls/zone-1.pem\n    key: {work}/tls/zone-1.key\n    ca: {work}/ca/ca.pem\n")

    def collector(days, name):
        process = world.start(name, *with_clock(days, f"{BIN}/certmuster-collectd", "--config", server, "--dsn", f"host={world.sockets} dbname=certmuster user=certmuster_ingest",
                                                        "--socket", f"{work}/{name}.sock"))
        wait_until("the collector over TLS", lambda: "ready" in open(f"{work}/{name}.log").read())
        return process
    said = lambda days, status: run(days, f"{BIN}/certmuster-submit", "--config", config, "--wait", "0s", "--to", f"https://localhost:{tls_port}", f"{work}/spool-zone-1", status=status)
    fleet = Fleet(6)
    scan(0, "zone-1", to="unix:/nowhere", targets=f"127.128.0.1:{fleet.port}")
    fleet.stop()
    right = collector(0, "before")
    text = said(-1, 3)
    assert "not yet valid" in text and "clock" in text and time.strftime("%Y-%m-%d", time.gmtime(time.time() - DAY)) in text, text
    text = said(+400, 3)
    assert "expired" in text and "clock" in text, text
    right.terminate()
    right.wait(30)
    world.ended(right)
    behind = collector(-1, "behind")
    text = said(0, 3)
    assert "clock here says" in text and "certificate" in text, text
    log = open(f"{work}/behind.log").read()
    assert "not yet valid" in log and "zone-1" in log, log
    behind.terminate()
    behind.wait(30)
    world.ended(behind)
    equal("nothing came", "0", world.sql("SELECT count(*) FROM run WHERE scanner = 'zone-1'"))
    right = collector(0, "after")
    said(0, 0)
    equal("nothing was lost", "1", world.sql("SELECT stored_ok FROM run WHERE scanner = 'zone-1'"))
    right.terminate()
    right.wait(30)
    world.ended(right)


os.makedirs(work)
os.chmod(work, 0o755)
base = template(work)
NAMES = ("fast", "slow", "right", "mended", "zone-1")
world = World(work, BIN, f"collector:\n  lease: 3s\n  judge_interval: 200ms\ntrust:\n  stores: ['short={work}/template.pem']\n", {name: "" for name in NAMES})
with open(f"{work}/template.pem", "w") as f:
    f.write(ssl.DER_cert_to_PEM_cert(base))
with world:
    world.up()
    local = f"unix:{world.sockets}/collectd.sock"
    play([test_scanner, test_raw, test_set_right, test_collector, test_database, test_run_ids, test_tls])
