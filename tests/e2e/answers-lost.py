#!/usr/bin/python3
# profile: release
"""Killed between a commit and its answer: the collector as PostgreSQL commits (a proxy between the two sees the moment), the worker as it says that a shard is done (a proxy between it and the collector).
Whoever did not hear comes again, with the same key or the same lease; nothing is lost and nothing is counted twice."""
import json, os, signal, socket, sys, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from chaos_tools import World, sigkill
from collectd_tools import *
from common import equal, play, wait_until

BIN, TMP = os.environ["CM_BIN"], os.environ.get("TMPDIR", "/tmp")
work = f"{TMP}/lost"
LEASE_S = 3
COUNT = 512


class Proxy:
    """Between a unix socket and another. Armed, it watches for what a client sends: then, before it is sent on or before its answer is, it calls act, and nothing more passes on that connection."""

    def __init__(self, path, target):
        self.target, self.trap = target, None
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o777)
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def arm(self, needle, before, act, answered=lambda data: True, greeting=b""):
        """needle: what is said, one after the other; greeting: only of connections whose first words hold it."""
        self.sprung = threading.Event()
        self.trap = (needle, before, act, answered, greeting)

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(self.target)
            except OSError:
                client.close()
                continue
            state = {"asked": False, "found": 0, "dead": False, "greeting": b""}
            threading.Thread(target=self.there, args=(client, server, state), daemon=True).start()
            threading.Thread(target=self.back, args=(client, server, state), daemon=True).start()

    def spring(self, state):
        state["dead"] = True
        act, self.trap = self.trap[2], None
        act()
        self.sprung.set()

    def pump(self, source, sink, state, look, greeted=None):
        try:
            while (data := source.recv(1 << 16)) and not state["dead"]:
                if greeted and not greeted["greeting"]:
                    greeted["greeting"] = data
                if self.trap and look(data):
                    self.spring(state)
                    break
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def there(self, client, server, state):
        def look(data):
            needle, before, _, _, greeting = self.trap
            for wanted in needle[state["found"]:]:
                if wanted not in data or greeting not in state["greeting"]:
                    break
                state["found"] += 1
            state["asked"] = state["found"] == len(needle)
            return state["asked"] and before
        self.pump(client, server, state, look, state)

    def back(self, client, server, state):
        self.pump(server, client, state, lambda data: state["asked"] and not self.trap[1] and self.trap[3](data))


def ready_for_query(data):
    """PostgreSQL has done what it was asked: its message Z ends the answer."""
    return data[-6:-1] == b"Z\0\0\0\x05"


class Victim:
    """A collector behind the proxy, begun again whenever it was killed."""

    def __init__(self):
        self.path = f"{work}/victim.sock"
        self.start()

    def start(self):
        self.process = world.start("victim", f"{BIN}/certmuster-collectd", "--config", f"{world.home}/certmuster.yaml", "--dsn", f"host={work}/pg dbname=certmuster user=certmuster_ingest",
                                   "--socket", self.path)
        deadline = time.time() + 20
        while time.time() < deadline:
            try:
                if Collector(self.path, 5).get("/healthz")[0] == 200:
                    return
            except OSError:
                pass
            time.sleep(0.02)
        raise AssertionError("the collector does not come up")

    def again(self):
        self.process.wait(20)
        equal("killed", -signal.SIGKILL, self.process.returncode)
        world.ended(self.process)
        self.start()

    def unanswered(self, needle, before, ask):
        """Asks, and the collector dies of it before it answers."""
        to_database.arm(needle, before, lambda: sigkill(self.process.pid), ready_for_query, b"collectd ingest")
        try:
            answer = ask(Collector(self.path, 30))
        except (OSError, http.client.HTTPException):
            answer = None
        equal("no answer", None, answer)
        assert to_database.sprung.wait(10), "the moment never came"
        self.again()


def batch_of(run, net, count=20):
    ders = [certificate(base, (net << 8) + i) for i in range(count)]
    return [run_record(run, "started", scanner="lost")] + [line for i, der in enumerate(ders) for line in (cert_record(der), sighting(f"198.51.{net}.{i}", [der], run, scanner="lost"))]


def test_batch():
    for net, before in enumerate((True, False) * 3):
        run, key = new_run(), f"lost/batch/{net}"
        lines = batch_of(run, net)
        victim.unanswered((b"INTO batch", b"COMMIT\0"), before, lambda c: c.batch(lines, key=key))
        kept = world.sql(f"SELECT count(*) FROM batch WHERE batch_key = '{key}'")
        equal("committed" if not before else "not committed", "0" if before else "1", kept)
        equal("stored of the run", "" if before else "20", world.sql(f"SELECT stored_ok FROM run WHERE run = '{run}'"))
        for _ in range(2):
            equal("the same key again", (200, {"stored": 41, "rejected": []}), Collector(victim.path).batch(lines, key=key))
        equal("once", "20|1", world.sql(f"SELECT stored_ok, (SELECT count(*) FROM batch WHERE batch_key = '{key}') FROM run WHERE run = '{run}'"))


def lease(collector, scanner):
    code, content = collector.request("POST", "/v1/leases", json.dumps({"kind": "scan", "scanner": scanner}).encode())
    return code, json.loads(content) if content else None


def report(collector, id, state, scanner):
    code, content = collector.request("POST", f"/v1/leases/{id}", json.dumps({"state": state, "scanner": scanner}).encode())
    return code, json.loads(content)


def done_run(collector, run, scanner, ip):
    der = certificate(base, 700000)
    lines = [run_record(run, "started", scanner=scanner), cert_record(der), sighting(ip, [der], run, scanner=scanner), run_record(run, "finished", scanner=scanner, targets=1, ok=1, failed=0)]
    equal("a whole run", 200, collector.batch(lines, key=f"{scanner}/{run}/1")[0])


def test_lease():
    """Taken and never heard of: it expires by itself and is given again. Done and never heard of: said again, it still is."""
    well = Collector(f"{world.sockets}/collectd.sock")
    for before in (True, False):
        plan = f"by-hand-{'before' if before else 'after'}"
        world.certmuster("sweep", "create", plan, "--target", "198.51.99.1", "--target", "198.51.99.2", "--shard", "1")
        world.certmuster("sweep", "start", plan)
        shards = lambda: world.sql(f"SELECT string_agg(shard.state || shard.attempts, ' ' ORDER BY shard.number) FROM shard JOIN sweep USING (sweep_id) WHERE plan = '{plan}'")
        victim.unanswered((b"lease_take(", b"COMMIT\0"), before, lambda c: lease(c, "one"))
        equal("taken", "open0 open0" if before else "leased1 open0", shards())
        code, order = lease(well, "one")
        equal("another one", (200, ["198.51.99.1:443" if before else "198.51.99.2:443"]), (code, order["targets"]))
        done_run(well, order["lease"], "one", order["targets"][0][:-4])
        victim.unanswered((b"lease_report(", b"COMMIT\0"), before, lambda c: report(c, order["lease"], "done", "one"))
        equal("said again", 200, report(well, order["lease"], "done", "one")[0])
        equal("and again", 200, report(Collector(victim.path), order["lease"], "done", "one")[0])
        wait_until("what nobody knows of to expire", lambda: "leased" not in shards(), 20)
        code, order = lease(well, "two")
        equal("given again", (200, ["198.51.99.2:443" if before else "198.51.99.1:443"]), (code, order["targets"]))
        done_run(well, order["lease"], "two", order["targets"][0][:-4])
        equal("done", 200, report(well, order["lease"], "done", "two")[0])
        coverage = world.sql(f"SELECT w.state, c.probes, c.told, c.certificate, c.never FROM sweep w JOIN sweep_coverage c USING (sweep_id) WHERE w.plan = '{plan}'")
        equal("the sweep", "finished|2|2|2|0", coverage)


def test_lost_run():
    """A scanner died after it told of another certificate, and its worker gave the shard up: the run does not count as having looked."""
    well = Collector(f"{world.sockets}/collectd.sock")
    old, new, place = certificate(base, 710000), certificate(base, 710001), "198.51.98.1"
    equal("there before", 200, well.batch([cert_record(old), sighting(place, [old], new_run(), at=time.time() - 5, scanner="one")])[0])
    world.certmuster("sweep", "create", "dies", "--target", place)
    world.certmuster("sweep", "start", "dies")
    code, order = lease(well, "one")
    equal("a shard", 200, code)
    run = order["lease"]
    equal("told before it died", 200, well.batch([run_record(run, "started", scanner="one"), cert_record(new), sighting(place, [new], run, scanner="one")], key=f"one/{run}/1")[0])
    equal("given up", 200, report(well, run, "failed", "one")[0])
    absent = lambda: world.sql(f"SELECT s.absent_runs FROM sighting s JOIN chain c USING (chain_id) WHERE c.leaf_sha256 = '\\x{sha(old)}'")
    equal("absent once", "1", absent())
    equal("lost", run, world.sql("SELECT run FROM run_lost"))
    world.sql("UPDATE upkeep SET done_at = '-infinity' WHERE task = 'lost_runs'")
    sigkill(victim.process.pid)
    victim.again()  # upkeep comes first
    wait_until("the absence to be taken back", lambda: absent() == "0", 20)
    world.certmuster("sweep", "cancel", "dies")


def test_worker():
    """A worker dies as it says "done": before it is heard the shard is given to another and looked at again; after it, it is done."""
    for before in (True, False):
        plan = f"worker-{'before' if before else 'after'}"
        world.certmuster("sweep", "create", plan, "--target", f"127.128.0.0/23:{port}", "--shard", "128", "--pass=--timeout=30")
        world.certmuster("sweep", "start", plan)
        first = world.start("worker", f"{BIN}/certmuster-submit", "--config", world.config_of("first"), "--to", f"unix:{work}/http.sock", "--worker", "scan")
        # One lease is left to it, so that the trap springs at a shard in the middle.
        wait_until("a shard that is done", lambda: world.sql(f"SELECT count(*) FROM shard JOIN sweep USING (sweep_id) WHERE plan = '{plan}' AND shard.state = 'done'") != "0")
        to_collector.arm((b'"done"',), before, lambda: sigkill(first.pid))
        assert to_collector.sprung.wait(30), "no shard was done"
        equal("killed", -signal.SIGKILL, first.wait(10))
        world.ended(first)
        done = int(world.sql(f"SELECT count(*) FROM lease l JOIN sweep USING (sweep_id) WHERE plan = '{plan}' AND outcome = 'done'"))
        left = world.sql(f"SELECT count(*) FROM lease l JOIN sweep USING (sweep_id) WHERE plan = '{plan}' AND ended_at IS NULL")
        equal("what is left of it", "1" if before else "0", left)
        second = world.start("worker", f"{BIN}/certmuster-submit", "--config", world.config_of("second"), "--to", f"unix:{world.sockets}/collectd.sock", "--worker", "scan")
        wait_until("the end of the sweep", lambda: world.sql(f"SELECT state FROM sweep WHERE plan = '{plan}'") == "finished", 60)
        second.terminate()
        equal("ends", 0, second.wait(30))
        world.ended(second)
        equal("the sweep", f"{COUNT}|{COUNT}|{COUNT}|0", world.sql(f"SELECT c.probes, c.told, c.certificate, c.never FROM sweep w JOIN sweep_coverage c USING (sweep_id) WHERE w.plan = '{plan}'"))
        expired = world.sql(f"SELECT count(*) FROM lease l JOIN sweep USING (sweep_id) WHERE plan = '{plan}' AND outcome = 'expired'")
        equal("given again", "1" if before else "0", expired)
        looked = int(world.sql(f"SELECT sum(r.stored_ok) FROM run r JOIN lease l ON l.lease_id = r.run JOIN sweep USING (sweep_id) WHERE plan = '{plan}'"))
        equal("looked at twice", 128 if before else 0, looked - COUNT)
        equal("spans", str(COUNT), world.sql(f"SELECT count(*) FROM sighting s JOIN location l USING (location_id) WHERE l.port = {port}"))
        assert done >= 1


os.makedirs(f"{work}/pg")
os.chmod(work, 0o755)
base = template(work)
world = World(work, BIN, f"collector:\n  judge_interval: 200ms\n  lease: {LEASE_S}s\n", {"first": "", "second": "", "lost": ""})
with world:
    world.start("fleet", os.environ["CM_FLEET"], "many", "--dir", f"{work}/fleet", "--count", str(COUNT), "--base", "127.128.0.0", "--canned", "tls12")
    world.up()
    to_database = Proxy(f"{work}/pg/.s.PGSQL.5432", f"{world.sockets}/.s.PGSQL.5432")
    to_collector = Proxy(f"{work}/http.sock", f"{world.sockets}/collectd.sock")
    victim = Victim()
    port = wait_until("the fleet", lambda: next((line.split()[1] for line in open(f"{work}/fleet.log") if line.startswith("ready ")), None))
    play([test_batch, test_lease, test_lost_run, test_worker])
    world.judged()
    wrong = world.contradictions()
    assert not [x for x in wrong if "gap in its segments" not in x], wrong
