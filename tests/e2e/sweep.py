#!/usr/bin/python3
"""Sweeps that workers share: shards by lease, workers that die or are told to go, coverage whose sums add up, cancelling, figures, what a
terminal shows, crawls, delivery that follows, another zone over TLS; two collectors on one database behind all of it, and a fleet of servers in front."""
import json, os, signal, socket, ssl, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collectd_tools import Collector, run_record
from spool_tools import segment
from sweep_tools import (adds_up, begin, certmuster, children_of, clean_up_after, COUNT, DEAD, done, equal, home, lease, LEASE_S,
                         NOBODY, play, PREFIX, sql, start, status, stop, sweep, wait_for, work, worker)

FORMER = "01900000-0000-7000-8000-0000000000aa"
CM_EXIT_KEPT = 3


def test_thin():
    sweep("create", "thin", "--target", f"127.128.0.0/26:{port}", "--target", f"127.77.0.0/30:{closed}", "--shard", "32")
    one = worker("thin-1")
    said = sweep("start", "thin", "--wait")
    assert "started thin: 3 shards, 68 probes" in said and "finished" in said, said
    c = adds_up("thin", status("thin"), 68)
    equal("certificates", 64, c["certificate"])
    equal("refused", 4, c["refused"])
    equal("the worker's end", 0, stop(one))
    equal("runs are leases", "3", sql("SELECT count(*) FROM run r JOIN lease l ON l.lease_id = r.run WHERE l.outcome = 'done' AND r.finished_at IS NOT NULL"))
    equal("the audit log", "sweep.create|thin\nsweep.start|thin", sql("SELECT action, subject FROM audit_log WHERE subject = 'thin' ORDER BY seq"))


def test_share():
    """Two workers at two collectors; one is killed in the middle of a shard. Its scanner ends with it, its shard is given again, and nothing is counted twice."""
    sweep("create", "share", "--target", f"{PREFIX}:{port}", "--target", f"{NOBODY}:{closed}", "--shard", "128", "--pass=--rate=300", "--pass=--timeout=20")
    victim = worker("share-2", url=f"unix:{work}/second.sock")
    sweep("start", "share")
    held = wait_for("a lease of the victim", lambda: sql("SELECT lease_id FROM lease WHERE scanner = 'share-2' AND ended_at IS NULL"))
    wait_for("its scanner to begin", lambda: children_of(victim.pid))
    scanner = children_of(victim.pid)[0]
    stop(victim, signal.SIGKILL)
    wait_for("the end of its scanner", lambda: not os.path.exists(f"/proc/{scanner}/exe"), 20)
    survivor = worker("share-1")
    wait_for("the lease to expire", lambda: sql(f"SELECT outcome FROM lease WHERE lease_id = '{held}'") == "expired", 30)
    heir = worker("share-2", url=f"unix:{work}/second.sock")  # what the victim's spool kept is delivered, and changes nothing
    wait_for("the end", lambda: status("share")["state"] == "finished", 120)
    told = status("share")
    c = adds_up("share", told, COUNT + DEAD)
    equal("certificates, refused, never", (COUNT, DEAD, 0), (c["certificate"], c["refused"], c["never"]))
    equal("shards", {"all": 17, "open": 0, "leased": 0, "done": 17, "abandoned": 0}, told["shards"])
    equal("places, each once", str(COUNT + DEAD), sql("SELECT count(*) FROM location WHERE port IN (%s, %s) AND ip <<= ANY ('{%s,%s}'::inet[])" % (port, closed, PREFIX, NOBODY)))
    equal("spans", str(COUNT), sql(f"SELECT count(*) FROM sighting s JOIN location l USING (location_id) WHERE l.port = {port} AND l.ip <<= '{PREFIX}'"))
    assert int(sql("SELECT count(DISTINCT scanner) FROM lease l JOIN sweep w USING (sweep_id) WHERE w.plan = 'share' AND outcome = 'done'")) == 2
    equal("runs of the killed lease that ended", "0", sql(f"SELECT count(*) FROM run WHERE run = '{held}' AND finished_at IS NOT NULL AND NOT interrupted"))
    equal("ends", (0, 0), (stop(survivor), stop(heir)))
    assert "17 done" in sweep("status", "share") and "finished" in sweep("list") and "share" in sweep("history", "share")


def test_given_back():
    """SIGTERM: the scanner ends in order, what it found is there, the shard is open again and the attempt is not counted. Cancelling ends a scanner too."""
    sweep("create", "slow", "--target", f"127.128.0.0/25:{port}", "--shard", "128", "--pass=--rate=2")
    sweep("start", "slow")
    sweep("start", "slow", status=1)
    one = worker("slow-1")
    held = wait_for("the lease", lambda: sql("SELECT lease_id FROM lease WHERE scanner = 'slow-1' AND ended_at IS NULL"))
    wait_for("some of it to be found", lambda: sum(os.path.getsize(f"{work}/spool-slow-1/{n}") for n in os.listdir(f"{work}/spool-slow-1") if ".seg" in n) > 3000
             if os.path.isdir(f"{work}/spool-slow-1") else False)
    assert status("slow")["leases"][0]["scanner"] == "slow-1" and "slow-1" in sweep("status")
    equal("the worker's end", 0, stop(one))
    equal("given back", "given_back|open|0", sql(f"SELECT outcome, state, attempts FROM lease l JOIN shard s USING (sweep_id, number) WHERE l.lease_id = '{held}'"))
    equal("all of an interrupted run is stored", "t|t|t", sql(f"SELECT interrupted, stored_ok + stored_failed = targets, stored_ok > 0 FROM run WHERE run = '{held}'"))
    one = worker("slow-1")
    again = wait_for("the shard to be taken again", lambda: sql("SELECT lease_id FROM lease WHERE scanner = 'slow-1' AND ended_at IS NULL"))
    wait_for("its scanner", lambda: children_of(one.pid))
    sweep("delete", "slow", status=1)
    sweep("cancel", "slow")
    sweep("cancel", "slow", status=1)
    wait_for("its scanner to end", lambda: not children_of(one.pid), LEASE_S / 3 + 4)  # the next renewal, and the scanner's end; the shard takes a minute
    equal("cancelled", "cancelled|cancelled", sql(f"SELECT l.outcome, w.state FROM lease l JOIN sweep w USING (sweep_id) WHERE lease_id = '{again}'"))
    c = adds_up("cancelled", status("slow"), 128)
    equal("never tried to the end", 128, c["never"])
    equal("the worker goes on, and ends when told", (None, 0), (one.poll(), stop(one)))
    sweep("delete", "slow")


def test_metrics():
    """Figures of sweeps, of those that run and of the last one of each plan, never more than 16 of these."""
    one = Collector(f"{sockets}/collectd.sock")
    figures = lambda: dict(line.rsplit(" ", 1) for line in one.get("/metrics")[1].decode().splitlines() if line.startswith("certmuster_sweep"))
    sweep("create", "measured", "--target", "192.0.2.0/28", "--shard", "8")
    sweep("start", "measured")
    code, order = lease(one)
    equal("a lease", 200, code)
    wait_for("figures", lambda: figures().get("certmuster_sweeps_running") == "1" and figures()['certmuster_sweep_shards{state="leased"}'] == figures()['certmuster_sweep_shards{state="open"}'] == "1", 30)
    now = figures()
    equal("open", "1", now['certmuster_sweep_shards{state="open"}'])
    equal("places", "16", now['certmuster_sweep_places{class="never"}'])
    assert 0 < float(now["certmuster_sweep_lease_oldest_seconds"]) < 60, now
    sweep("cancel", "measured")
    wait_for("the end of it", lambda: figures()["certmuster_sweeps_running"] == "0" and figures().get('certmuster_sweep_last_shards_abandoned{plan="measured"}') == "2", 30)
    equal("never tried", "16", figures()['certmuster_sweep_last_places{plan="measured",class="never"}'])
    equal("of an earlier one", "64", figures()['certmuster_sweep_last_places{plan="thin",class="certificate"}']) if "test_thin" in done else None
    assert abs(float(figures()['certmuster_sweep_last_finished_timestamp_seconds{plan="measured"}']) - time.time()) < 120
    equal("no lease is out", "0.000", figures()["certmuster_sweep_lease_oldest_seconds"])
    sql("INSERT INTO sweep_plan (name, kind, realm, targets, shard_size, lasts, created_by, created_at) SELECT 'p' || g, 'scan', 'nowhere', '{}', 1, '1 day', 'x', now() FROM generate_series(1, 40) g")
    sql("SELECT sweep_start(name, 'x') FROM sweep_plan WHERE realm = 'nowhere'")
    wait_for("the newest", lambda: 'certmuster_sweep_last_places{plan="p40",class="never"}' in figures() or 'certmuster_sweep_last_places{plan="p7",class="never"}' in figures(), 30)
    equal("at most 16 plans", 16, len({name for name in figures() if "last_finished" in name}))
    sql("DELETE FROM sweep_plan WHERE realm = 'nowhere'")
    wait_for("plans that are gone are not told of", lambda: not any('plan="p' in name and 'plan="pause' not in name for name in figures()), 30)
    sweep("delete", "measured")


def test_terminal():
    """Following a sweep on a terminal: a line of progress that goes, then how it ended."""
    sweep("create", "shown", "--target", f"127.128.0.0/24:{port}", "--shard", "64", "--pass=--rate=60")
    sweep("start", "shown")
    one = worker("shown-1")
    ours, theirs = os.openpty()
    following = subprocess.Popen(["certmuster", "sweep", "status", "shown", "--wait"], stdout=subprocess.PIPE, stderr=theirs, text=True)
    os.close(theirs)
    out, _ = following.communicate(timeout=60)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    equal("nothing undone", 0, following.returncode)
    assert "of 256 probes" in shown and "/s" in shown and "ETA" in shown, shown
    assert "finished" in out and "256 reached" in out, out
    equal("ends", 0, stop(one))


def test_crawl():
    files = f"{work}/files"
    os.makedirs(files, exist_ok=True)
    os.chmod(work, 0o755)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{work}/x.key", "-out", f"{files}/one.pem",
                    "-days", "30", "-subj", "/CN=crawled.example.org"], check=True, capture_output=True)
    sql("INSERT INTO scanner (name, enrolled, first_seen, last_seen) VALUES ('files-2', 'unix:0', now(), now()), ('files-3', 'unix:0', now(), now())")
    sweep("create", "files", "--kind", "crawl", "--target", files, "--scanner", "files-2", "--scanner", "files-3", "--pass=--max-depth=3")
    sweep("start", "files")
    one, two = worker("files-2", "crawl"), worker("files-3", "crawl")
    wait_for("the crawls", lambda: status("files")["state"] == "finished", 60)
    told = status("files")
    equal("one shard each", (2, 0), (told["shards"]["done"], told["shards"]["abandoned"]))
    equal("found on both", 2, told["coverage"]["certificate"])
    equal("on each host", "files-2.example.org files-3.example.org", sql(f"SELECT string_agg(host, ' ' ORDER BY host) FROM location WHERE path = '{files}/one.pem'"))
    equal("ends", (0, 0), (stop(one), stop(two)))


def test_follow():
    """--follow delivers what comes, waits for a collector that is away, and ends when told."""
    config = f"{work}/follow.yaml"
    with open(config, "w") as f:
        f.write(f"scanner: follow-1\nhost: follow.example.org\nspool:\n  dir: {work}/spool-follow\nsubmit:\n  wait: 0s\n")
    third = f"{work}/third.sock"
    staying = start("follow", "certmuster-submit", "--config", config, "--to", f"unix:{third}", "--follow")
    kept = lambda: [n for n in os.listdir(f"{work}/spool-follow") if ".seg" in n] if os.path.isdir(f"{work}/spool-follow") else []
    certmuster("scan", "--config", config, "--to", f"unix:{third}", f"127.128.0.0/29:{port}")
    equal("kept", True, bool(kept()))
    wait_for("it to be told that the collector is away", lambda: "takes nothing now" in open(f"{work}/follow.log").read(), 20)
    server = start("third", "certmuster-collectd", "--config", f"{home}/certmuster.yaml", "--dsn", f"host={sockets} dbname=certmuster user=certmuster_ingest", "--socket", third)
    wait_for("what was kept to be delivered", lambda: not kept() and sql("SELECT stored_ok FROM run WHERE scanner = 'follow-1'") == "8", 40)
    subprocess.run(["certmuster", "scan", "--config", config, "--to", "unix:/nowhere", f"127.128.0.8/30:{port}"], capture_output=True)
    wait_for("what came to be delivered", lambda: sql("SELECT sum(stored_ok) FROM run WHERE scanner = 'follow-1'") == "12", 40)
    equal("ends", 0, stop(staying))
    stop(server)
    equal("what it said", 2, len(open(f"{work}/follow.log").read().splitlines()))


def context_of(name):
    context = ssl.create_default_context(cafile=f"{work}/ca/ca.pem")
    context.load_cert_chain(f"{work}/tls/{name}.pem", f"{work}/tls/{name}.key")
    return context


def test_tls():
    """A scanner of another zone, by its certificate: it gets that zone's work and nobody else's name."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        tls_port = s.getsockname()[1]
    server, client = f"{work}/tls.yaml", f"{work}/far-1.yaml"
    with open(server, "w") as f:
        f.write(f"ca:\n  dir: {work}/ca\ncollector:\n  lease: {LEASE_S}s\n  listen: 127.0.0.1:{tls_port}\n  tls:\n    cert: {work}/tls/collector.pem\n    key: {work}/tls/collector.key\n"
                f"    client_ca: {work}/ca/ca.pem\n")
    os.makedirs(f"{work}/tls")
    certmuster("scanner", "collector", "localhost", "--out", f"{work}/tls", "--config", server)
    certmuster("scanner", "enrol", "far-1", "--realm", "dmz", "--out", f"{work}/tls", "--config", server)
    with open(client, "w") as f:
        f.write(f"scanner: far-1\nhost: far-1\nrealm: dmz\nspool:\n  dir: {work}/spool-far-1\nsubmit:\n  tls:\n    cert: {work}/tls/far-1.pem\n    key: {work}/tls/far-1.key\n    ca: {work}/ca/ca.pem\n")
    collector = start("tls", "certmuster-collectd", "--config", server, "--dsn", f"host={sockets} dbname=certmuster user=certmuster_ingest", "--socket", f"{work}/tls.sock")
    wait_for("the collector over TLS", lambda: "ready" in open(f"{work}/tls.log").read())
    far = Collector(("localhost", tls_port, context_of("far-1")))
    sweep("create", "zone", "--realm", "dmz", "--target", f"127.128.0.0/28:{port}")
    sweep("create", "here", "--target", "192.0.2.0/30")
    sweep("start", "here")
    equal("another zone's", 204, lease(far, scanner="far-1")[0])
    equal("another's name", 403, lease(far, scanner="manual")[0])
    sweep("start", "zone")
    one = start("worker-far-1", "certmuster-submit", "--config", client, "--to", f"https://localhost:{tls_port}", "--worker", "scan")
    wait_for("the end of it", lambda: status("zone")["state"] == "finished", 60)
    equal("certificates", 16, adds_up("zone", status("zone"), 16)["certificate"])
    renewed(one, client, server, tls_port)
    equal("ends", (0, 0), (stop(one), stop(collector)))
    sweep("cancel", "here")


def renewed(one, client, server, tls_port):
    """Who stays goes on when its certificate is renewed and the one before is revoked, on the connections that it has kept until then. A segment of a name
    that the scanner had before hinders nobody."""
    spool, config, url = f"{work}/spool-far-follow", f"{work}/far-follow.yaml", f"https://localhost:{tls_port}"
    with open(config, "w") as f:
        f.write(open(client).read().replace(f"{work}/spool-far-1", spool).replace("submit:\n", "submit:\n  wait: 0s\n"))
    former = segment(spool, 1, [json.loads(run_record(FORMER, "started", scanner="far-0"))], FORMER, "far-0")
    staying = start("far-follow", "certmuster-submit", "--config", config, "--to", url, "--follow")
    for at, targets in enumerate(("127.128.1.0/30", "127.128.1.4/30")):
        subprocess.run(["certmuster", "scan", "--config", config, "--to", "unix:/nowhere", f"{targets}:{port}"], capture_output=True)
        wait_for("what came to be delivered", lambda: [n for n in os.listdir(spool) if ".seg" in n] == [os.path.basename(former)], 40)
        equal("stored", str(4 * at + 4), sql(f"SELECT sum(stored_ok) FROM run WHERE source = 'scan' AND scanner = 'far-1' AND targets = 4"))
        if at == 0:
            old = Collector(("localhost", tls_port, context_of("far-1")))
            certmuster("scanner", "enrol", "far-1", "--only", "--out", f"{work}/tls", "--config", server)
            equal("the one before", 403, old.request("POST", "/v1/missing", b'{"sha256":[]}')[0])
    sweep("start", "zone")
    wait_for("the end of it", lambda: status("zone")["state"] == "finished", 60)
    equal("certificates, with the new one", 16, adds_up("zone again", status("zone"), 16)["certificate"])
    equal("the follower ends", CM_EXIT_KEPT, stop(staying))
    equal("what it said of the other name", 1, open(f"{work}/far-follow.log").read().count('segments of scanner "far-0" are skipped: 403: the Idempotency-Key is another scanner'))


def main():
    global sockets, port, closed
    sockets, port, closed = begin()
    play([test_thin, test_share, test_given_back, test_metrics, test_terminal, test_crawl, test_follow, test_tls])


clean_up_after(main)
