#!/usr/bin/python3
"""The network between a scanner and its collector, and between the collector and its database, cut and mended: in the middle of a body, before an answer, packets that
vanish without a word, packets that are too large for a link in between. What was to be delivered stands once, and nobody waits for ever.

    edge (submit) ─ 10.9.0 ─ hub (collectd) ─ 10.9.1 ─ base (a relay to PostgreSQL's socket)
"""
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns_tools
from collectd_tools import Collector, cert_record, new_run, run_record, sighting
from common import equal, holds, note, wait_until
from netns_tools import BIN, Namespace, connect, main, stop, work

home = work + "/home"
os.environ["CERTMUSTER_HOME"] = home
os.environ["PATH"] = f"{BIN}:/usr/lib/postgresql/15/bin:/usr/sbin:{os.environ['PATH']}"
HUB, BASE, PORT = "10.9.0.1", "10.9.1.2", 8443
REPEATED = 'certmuster_batches_total{result="repeated"}'
SILENCE_MS = 3000  # of the database: the default is a minute

RELAY = """
import os, socket, sys, threading
def pump(one, other):
    try:
        while True:
            piece = one.recv(65536)
            if not piece:
                break
            other.sendall(piece)
    except OSError:
        pass
    for end in (one, other):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
listener = socket.create_server((sys.argv[1], 5432))
print("ready", flush=True)
while True:
    client, _ = listener.accept()
    server = socket.socket(socket.AF_UNIX)
    server.connect(sys.argv[2] + "/.s.PGSQL.5432")
    for pair in ((client, server), (server, client)):
        threading.Thread(target=pump, args=pair, daemon=True).start()
"""


def certmuster(*words):
    done = subprocess.run(["certmuster", *words], capture_output=True, text=True)
    holds(" ".join(words), done.returncode == 0, done.returncode, done.stdout, done.stderr)
    return done.stdout


def sockets():
    return open(home + "/sockets", encoding="utf-8").read().strip()


def sql(query):
    done = subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", sockets(), "-U", "certmuster_admin", "-d", "certmuster", "-c", "SET search_path = certmuster",
                           "-c", query], capture_output=True, text=True)
    holds(query, done.returncode == 0, done.stderr)
    return done.stdout.strip()


def write(name, text):
    with open(f"{work}/{name}", "w", encoding="utf-8") as file:
        file.write(text)
    return f"{work}/{name}"


def log(name):
    return open(f"{work}/{name}.log", encoding="utf-8", errors="replace").read()


def metrics():
    status, text = Collector(work + "/collectd.sock", timeout=20).get("/metrics")
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.decode().splitlines() if not line.startswith("#")}


def begin(namespace, name, *words):
    with open(f"{work}/{name}.log", "ab") as out:
        return namespace.start(*words, stdout=out, stderr=out)


def set_up():
    global edge, hub, base
    edge, hub, base = Namespace(), Namespace(), Namespace()
    connect(hub, edge, "veth0", "10.9.0")
    connect(hub, base, "veth1", "10.9.1")
    os.makedirs(home, mode=0o755)
    os.makedirs(work + "/tls", mode=0o755)
    write("ca.yaml", f"ca:\n  dir: {work}/ca\n")
    certmuster("up", "--database-only")
    certmuster("scanner", "collector", HUB, "--out", work + "/tls", "--config", work + "/ca.yaml")
    certmuster("scanner", "enrol", "edge", "--out", work + "/tls", "--config", work + "/ca.yaml")
    for name in ("collector.key", "collector.pem"):
        os.chmod(f"{work}/tls/{name}", 0o644)
    begin(base, "relay", "/usr/bin/python3", "-c", RELAY, BASE, sockets())
    wait_until("the relay", lambda: "ready" in log("relay"))
    write("collectd.yaml", f"collector:\n  listen: {HUB}:{PORT}\n  request_timeout: 5s\n  workers: 1\n  judge_interval: 500ms\n  trust_store: {work}/ca/ca.pem\n"
          f"  tls: {{cert: {work}/tls/collector.pem, key: {work}/tls/collector.key, client_ca: {work}/ca/ca.pem}}\n")
    write("edge.yaml", f"scanner: edge\nhost: edge.example.org\nspool: {{dir: {work}/spool}}\nsubmit:\n"
          f"  tls: {{cert: {work}/tls/edge.pem, key: {work}/tls/edge.key, ca: {work}/ca/ca.pem}}\n")
    begin(hub, "collectd", BIN + "/certmuster-collectd", "--config", work + "/collectd.yaml", "--socket", work + "/collectd.sock", "--dsn",
          f"host={BASE} dbname=certmuster user=certmuster_ingest sslmode=disable gssencmode=disable tcp_user_timeout={SILENCE_MS} keepalives_idle=1 keepalives_interval=1 connect_timeout=2")
    wait_until("the collector", lambda: "ready" in log("collectd"))


def submit(name, path, *more):
    return begin(edge, name, BIN + "/certmuster-submit", "--config", work + "/edge.yaml", "--to", f"https://{HUB}:{PORT}", *more, path)


def stream(name, certificates, size=3000):
    """A file of records that does not compress: so many certificates that are none, each at a place."""
    run, lines = new_run(), []
    ders = [os.urandom(size) for _ in range(certificates)]
    lines = [cert_record(der) for der in ders]
    lines += [sighting(f"198.18.{i >> 8}.{i & 255}", [der], run, scanner="edge", port=1000 + len(runs)) for i, der in enumerate(ders)]
    lines.append(run_record(run, "finished", scanner="edge", targets=certificates, ok=certificates, failed=0))
    runs.append(run)
    return write(name, "\n".join(lines) + "\n"), run


runs = []


def link(namespace, name, state):
    namespace.run("ip", "link", "set", name, state)


def finish(process, name, run, count, seconds=60):
    began = time.monotonic()
    status = process.wait(seconds)
    netns_tools.started.remove(process)
    equal(f"submit's end; it said {log(name)}", 0, status)
    equal("stored once", f"{count}|{count}", sql(f"SELECT stored_ok, (SELECT count(*) FROM sighting s JOIN location l USING (location_id) WHERE l.port = {1000 + runs.index(run)}) FROM run WHERE run = '{run}'"))
    equal("no batch twice", "0", sql("SELECT count(*) - count(DISTINCT batch_key) FROM batch"))
    return time.monotonic() - began


def sent_bytes():
    return json.loads(edge.run("ip", "-s", "-j", "link", "show", "veth0"))[0]["stats64"]["tx"]["bytes"]


def test_middle_of_a_body():
    """the link goes down in the middle of a body, and comes back"""
    set_up()
    edge.run("tc", "qdisc", "add", "dev", "veth0", "root", "tbf", "rate", "8mbit", "burst", "64kb", "latency", "400ms")
    path, run = stream("body.ndjson", 1000)
    before = sent_bytes()
    process = submit("body", path)
    wait_until("half of the body", lambda: sent_bytes() - before > 1000000)
    link(edge, "veth0", "down")
    time.sleep(6.5)  # past the collector's request_timeout: it has let go meanwhile
    equal("nothing was stored of half a body", "", sql(f"SELECT stored_ok FROM run WHERE run = '{run}'"))
    link(edge, "veth0", "up")
    finish(process, "body", run, 1000)
    edge.run("tc", "qdisc", "del", "dev", "veth0", "root")


class Lock:
    """Holds a table, so that a batch waits in the middle of its transaction."""

    def __enter__(self):
        self.holder = subprocess.Popen(["psql", "-X", "-q", "-At", "-h", sockets(), "-U", "certmuster_admin", "-d", "certmuster"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.holder.stdin.write("SET search_path = certmuster; BEGIN; LOCK TABLE run IN ACCESS EXCLUSIVE MODE; SELECT 'held';\n")
        self.holder.stdin.flush()
        equal("the lock", "held", self.holder.stdout.readline().strip())
        return self

    def __exit__(self, *what):
        self.holder.communicate("COMMIT;\n")


def batch_in_work(name):
    """A submit whose batch of 50 waits for what is locked, and its run."""
    path, run = stream(name + ".ndjson", 50)
    process = submit(name, path)
    wait_until("the batch to be in work", waits_for_lock)
    return process, run


def waits_for_lock():
    return sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name LIKE '%ingest%'") != "0"


def test_before_the_answer():
    """the link goes down while the batch is being stored: the answer is lost, the collector gives the connection up, the same batch is sent again"""
    with Lock():
        process, run = batch_in_work("answer")
        link(edge, "veth0", "down")
    wait_until("it is stored, and nobody knows", lambda: sql(f"SELECT stored_ok FROM run WHERE run = '{run}'") == "50")
    time.sleep(6.5)
    repeated = metrics()[REPEATED]
    link(edge, "veth0", "up")
    took = finish(process, "answer", run, 50)
    note(f"delivered {took:.1f} s after the link was back; answered from the key: {metrics()[REPEATED] - repeated:.0f}")
    holds("soon", took < 40, took)


def test_refused_then_back():
    """the collector cannot be reached at all: submit comes again until its patience ends, says why, and delivers the next time"""
    link(hub, "veth0", "down")
    path, run = stream("away.ndjson", 20)
    began = time.monotonic()
    process = submit("away", path, "--wait", "4s")
    equal("its end: later", 3, process.wait(60))
    netns_tools.started.remove(process)
    holds("its patience is kept", 3 < time.monotonic() - began < 30, time.monotonic() - began)
    holds("it says why", "cannot be reached" in log("away") or "in time" in log("away"), log("away"))
    link(hub, "veth0", "up")
    finish(submit("again", path), "again", run, 20)


def test_black_hole():
    """a link that swallows large packets without a word: the handshake passes, the body does not, until it is mended"""
    hub.run("ip", "link", "set", "veth0", "mtu", "1100")
    hub.run("ip", "route", "replace", "10.9.0.0/24", "dev", "veth0", "src", HUB, "advmss", "1460")  # it says that it takes what it does not
    edge.run("ip", "link", "set", "veth0", "gso_max_segs", "1")  # packets as they are on a wire
    edge.run("sh", "-c", "echo 0 > /proc/sys/net/ipv4/tcp_mtu_probing")
    path, run = stream("hole.ndjson", 200)
    process = submit("hole", path)
    time.sleep(4)
    before = process.poll()
    stored = sql(f"SELECT stored_ok FROM run WHERE run = '{run}'")
    hub.run("ip", "link", "set", "veth0", "mtu", "1500")
    finish(process, "hole", run, 200)
    note(f"while it swallowed: {'nothing came through' if not stored else 'it came through'}")
    equal("submit waited", None, before)


def test_database_silent():
    """the database falls silent in the middle of a statement: the worker is free again in bounded time, 503 meanwhile, everything stored once when it is back"""
    with Lock():
        process, run = batch_in_work("silent")
        link(base, "veth1", "down")
        began = time.monotonic()
        wait_until("the worker to give up", lambda: metrics()["certmuster_working"] == 0 or metrics()["certmuster_database_up"] == 0, 30)
        took = time.monotonic() - began
        equal("the worker's answer", 0, metrics()["certmuster_database_up"])
        equal("health", 503, Collector(work + "/collectd.sock").get("/healthz")[0])
        # Its old transaction lives on at the server, which has not heard of it: it must not stand in the way for ever.
    time.sleep(1)
    link(base, "veth1", "up")
    finish(process, "silent", run, 50)
    note(f"the worker was free after {took:.1f} s of silence")
    holds("bounded", took < 6 * SILENCE_MS / 1000, took)
    wait_until("the judge, too, is back", lambda: metrics()["certmuster_database_up"] == 1)


def test_end():
    """nothing is left over"""
    for program in netns_tools.started[::-1]:
        if program.args and any("certmuster-collectd" in str(word) for word in program.args):
            equal("collectd's end", 0, stop(program))
    holds("no trouble in the log", all(word not in log("collectd") for word in ("Sanitizer", "runtime error", "batch_failed")), log("collectd")[-3000:])
    certmuster("down")


def guarded(test):
    def inner():
        try:
            test()
        except BaseException:
            for name in ("collectd", "relay"):
                if os.path.exists(f"{work}/{name}.log"):
                    print(f"== {name}\n{log(name)[-3000:]}")
            subprocess.run(["certmuster", "down"], capture_output=True)
            raise
    inner.__doc__ = test.__doc__
    return inner


main(*[guarded(test) for test in (test_middle_of_a_body, test_before_the_answer, test_refused_then_back, test_black_hole, test_database_silent, test_end)])
