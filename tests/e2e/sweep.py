#!/usr/bin/python3
"""Sweeps that scanners share: plans, shards by lease, workers that die, coverage whose sums add up, cancelling, schedules and windows without cron, limits of a realm, crawls, hostile
requests; two collectors on one database behind all of it, and a fleet of servers in front."""
import json, os, signal, socket, ssl, subprocess, sys, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collectd_tools import Collector, cert_record, certificate, failure, new_run, record, run_record, sha, sighting, stamp, template

BIN, TMP = os.environ["CM_BIN"], os.environ.get("TMPDIR", "/tmp")
work = f"{TMP}/sweep"
home = f"{work}/home"
os.makedirs(home, mode=0o755)
os.environ["PATH"] = f"{BIN}:/usr/lib/postgresql/15/bin:{os.environ['PATH']}"
os.environ["CERTMUSTER_HOME"] = home
processes, done = [], set()
LEASE_S = 4
COUNT, DEAD = 2048, 64
PREFIX, NOBODY = "127.128.0.0/21", "127.77.0.0/26"


def fail(text):
    print(f"FAIL: {text}")
    sys.exit(1)


def equal(what, expected, actual):
    if expected != actual:
        fail(f"{what}: expected {expected!r}, got {actual!r}")


def certmuster(*words, status=0):
    done = subprocess.run(["certmuster", *words], capture_output=True, text=True)
    equal(" ".join(words) + "\n" + done.stdout + done.stderr, status, done.returncode)
    return done.stdout + done.stderr


def sweep(*words, status=0):
    return certmuster("sweep", *words, status=status)


def sql(query, role="certmuster_admin"):
    done = subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", sockets, "-U", role, "-d", "certmuster",
                           "-c", "SET search_path = certmuster", "-c", query], capture_output=True, text=True)
    if done.returncode:
        fail(f"{query}: {done.stderr}")
    return done.stdout.strip()


def wait_for(what, fn, seconds=60):
    deadline = time.time() + seconds
    while not (value := fn()):
        if time.time() > deadline:
            print(sweep("status"), sql("SELECT * FROM lease"))
            fail(f"waited {seconds} s in vain for {what}")
        time.sleep(0.1)
    return value


def start(name, *command):
    process = subprocess.Popen(command, stdout=open(f"{work}/{name}.log", "ab"), stderr=subprocess.STDOUT)
    processes.append(process)
    return process


def stop(process, number=signal.SIGTERM):
    process.send_signal(number)
    code = process.wait(60)
    processes.remove(process)
    return code


def worker(name, kind="scan", url=None):
    """A scanner of that name with a spool of its own. Those that scan are of one host, for 127.0.0.1 is another place on each."""
    host = name if kind == "crawl" else "fleet"
    config = f"{work}/{name}.yaml"
    with open(config, "w") as f:
        f.write(f"scanner: {name}\nhost: {host}.example.org\nspool:\n  dir: {work}/spool-{name}\nsubmit:\n  wait: 5s\n")
    return start(name, "certmuster-submit", "--config", config, "--to", url or f"unix:{sockets}/collectd.sock", "--worker", kind)


def status(name):
    return json.loads(sweep("status", name, "--format", "json"))[0]


def adds_up(what, told, probes):
    c = told["coverage"]
    equal(f"{what}: the sum of its coverage", probes, c["certificate"] + c["no_certificate"] + c["refused"] + c["silent"] + c["unreachable"]
          + c["unresolved"] + c["other"] + c["never"])
    equal(f"{what}: probes", probes, c["probes"])
    return c


def lease(collector, kind="scan", scanner="manual", realm=None, **more):
    body = {"kind": kind, "scanner": scanner, **({"realm": realm} if realm else {}), **more}
    code, content = collector.request("POST", "/v1/leases", json.dumps(body).encode())
    return code, json.loads(content) if content else None


def report(collector, id, state, scanner="manual"):
    code, content = collector.request("POST", f"/v1/leases/{id}", json.dumps({"state": state, "scanner": scanner}).encode())
    return code, json.loads(content)


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
    equal("the killed run", "lost", sql(f"SELECT CASE WHEN finished_at IS NULL OR interrupted THEN 'lost' END FROM run WHERE run = '{held}'") or "lost")
    equal("ends", (0, 0), (stop(survivor), stop(heir)))
    assert "17 done" in sweep("status", "share") and "finished" in sweep("list") and "share" in sweep("history", "share")


def children_of(pid):
    try:
        return [int(word) for word in open(f"/proc/{pid}/task/{pid}/children").read().split()]
    except FileNotFoundError:
        return []


def test_given_back():
    """SIGTERM: the scanner ends in order, what it found is there, the shard is open again and the attempt is not counted. Cancelling ends a scanner too."""
    sweep("create", "slow", "--target", f"127.128.0.0/25:{port}", "--shard", "128", "--pass=--rate=10")
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
    wait_for("its scanner to end", lambda: not children_of(one.pid), 30)
    equal("cancelled", "cancelled|cancelled", sql(f"SELECT l.outcome, w.state FROM lease l JOIN sweep w USING (sweep_id) WHERE lease_id = '{again}'"))
    c = adds_up("cancelled", status("slow"), 128)
    equal("never tried to the end", 128, c["never"])
    equal("the worker goes on, and ends when told", (None, 0), (one.poll(), stop(one)))
    sweep("delete", "slow")


def test_attempts():
    """By hand: what is not done is given again, five times; what is done too early is not believed; who has nothing to do with it is refused."""
    one, two = Collector(f"{sockets}/collectd.sock"), Collector(f"{work}/second.sock")
    sweep("create", "hand", "--target", "192.0.2.0/29", "--shard", "4")
    sweep("start", "hand")
    code, first = lease(one)
    equal("a shard", (200, ["192.0.2.0/30:443"]), (code, first["targets"]))
    equal("lease, seconds", LEASE_S, first["seconds"])
    equal("done without a run", 425, report(one, first["lease"], "done")[0])
    equal("another's", 409, report(two, first["lease"], "done", scanner="other")[0])
    equal("kept at the other collector", 200, report(two, first["lease"], "running")[0])
    for attempt in range(5):
        if attempt:
            code, order = lease(two, scanner=f"manual-{attempt}")
            equal("given again", (200, [["192.0.2.4/30:443"], ["192.0.2.0/30:443"]][attempt > 1]), (code, order["targets"]))
            if attempt == 1:  # the other shard; a scanner that lies: finished, and nothing looked at
                run = order["lease"]
                equal("the lie is stored", 200, one.batch([run_record(run, "started", scanner="manual-1"),
                                                           run_record(run, "finished", scanner="manual-1", targets=0, ok=0, failed=0)])[0])
                equal("and believed as far as it says", 200, report(one, run, "done", scanner="manual-1")[0])
                equal("done twice", 200, report(two, run, "done", scanner="manual-1")[0])
                equal("done is done", 409, report(two, run, "failed", scanner="manual-1")[0])
                continue
        else:
            order = first
        scanner = "manual" if attempt == 0 else f"manual-{attempt}"
        equal("failed", 200, report(one, order["lease"], "failed", scanner=scanner)[0])
    equal("attempts", "done|1\nopen|4", sql("SELECT s.state, s.attempts FROM shard s JOIN sweep w USING (sweep_id) WHERE plan = 'hand' ORDER BY 1"))
    code, order = lease(one)
    equal("the fifth", 200, code)
    equal("nothing is left", (204, None), lease(two))
    equal("its run begins", 200, one.batch([run_record(order["lease"], "started", scanner="manual")])[0])
    wait_for("it to expire at a collector's upkeep", lambda: status("hand")["state"] == "finished", 20)
    equal("over", (409, "abandoned"), (report(one, order["lease"], "running")[0], sql("SELECT s.state FROM shard s JOIN sweep w USING (sweep_id) WHERE plan = 'hand' AND s.number = 0")))
    equal("its run", "lost", next(r["state"] for r in json.loads(certmuster("run", "list", "--format", "json")) if r["run"] == order["lease"]))
    equal("neither the lie nor the failures count", 8, adds_up("hand", status("hand"), 8)["never"])
    # Places that are told count as they were stored.
    sweep("start", "hand")
    code, order = lease(one)
    run, der = order["lease"], certificate(template(work), 1)
    lines = [run_record(run, "started", scanner="manual"), cert_record(der), sighting("192.0.2.0", [der], run, scanner="manual"),
             failure("192.0.2.1", run, scanner="manual", error="timeout"), failure("192.0.2.2", run, scanner="manual", error="unreachable")]
    equal("some", 200, one.batch(lines, key=f"manual/{run}/1")[0])
    equal("the same again", 200, two.batch(lines, key=f"manual/{run}/1")[0])
    last = [failure("192.0.2.3", run, scanner="manual", stage="hello", error="alert"), run_record(run, "finished", scanner="manual", targets=4, ok=1, failed=3)]
    equal("finished is not enough", 200, one.batch(last[1:], key=f"manual/{run}/3")[0])
    equal("not all is stored", 425, report(one, run, "done")[0])
    equal("the rest", 200, one.batch(last[:1], key=f"manual/{run}/2")[0])
    equal("all is stored", 200, report(two, run, "done")[0])
    c = adds_up("told", status("hand"), 8)
    equal("classes", {"certificate": 1, "no_certificate": 1, "reached": 2, "silent": 1, "unreachable": 1, "never": 4},
          {k: c[k] for k in ("certificate", "no_certificate", "reached", "silent", "unreachable", "never")})
    sql("UPDATE sweep SET deadline = now() WHERE plan = 'hand' AND state = 'running'")
    wait_for("the deadline", lambda: status("hand")["state"] == "finished", 20)
    equal("noted", "collector|hand", sql("SELECT actor, subject FROM audit_log WHERE action = 'sweep.overdue'"))


def test_schedule():
    """No cron: what is due begins by itself, once, however many collectors there are; in its window alone."""
    one = Collector(f"{sockets}/collectd.sock")
    sweep("create", "due", "--target", "192.0.2.7", "--every", "1h")
    wait_for("the schedule", lambda: sql("SELECT started_by FROM sweep WHERE plan = 'due'") == "schedule", 20)
    for _ in range(2):
        equal("one at a time", "1", sql("SELECT count(*) FROM sweep WHERE plan = 'due' AND state = 'running'"))
        sweep("cancel", "due")
        before = int(sql("SELECT count(*) FROM sweep WHERE plan = 'due'"))
        sql("UPDATE sweep_plan SET next_at = now() - interval '150 minutes' WHERE name = 'due'")
        wait_for("the next one", lambda: sql("SELECT count(*) FROM sweep WHERE plan = 'due' AND state = 'running'") == "1", 20)
        time.sleep(1)  # both collectors had several turns
        equal("begun once", before + 1, int(sql("SELECT count(*) FROM sweep WHERE plan = 'due'")))
        equal("in step", "t", sql("SELECT next_at BETWEEN now() + interval '25 minutes' AND now() + interval '30 minutes' FROM sweep_plan WHERE name = 'due'"))
    equal("in the audit log", "3", sql("SELECT count(*) FROM audit_log WHERE actor = 'collector' AND action = 'sweep.start' AND subject = 'due'"))
    hour = int(time.time() // 3600) % 24
    closed_now, open_now = f"{(hour + 2) % 24:02}:00-{(hour + 22) % 24:02}:30", f"{(hour + 22) % 24:02}:00-{(hour + 2) % 24:02}:00"
    sweep("edit", "due", "--window", closed_now)
    equal("the window is closed", 204, lease(one)[0])
    sweep("edit", "due", "--window", open_now)
    code, order = lease(one)
    equal("the window is open", 200, code)
    sweep("edit", "due", "--window", closed_now)
    code, answer = report(one, order["lease"], "running")
    assert code == 409 and "window" in answer["error"], answer
    equal("nobody's fault", "open|0", sql("SELECT s.state, s.attempts FROM shard s JOIN sweep w USING (sweep_id) WHERE w.plan = 'due' AND w.state = 'running'"))
    today = time.gmtime().tm_wday
    days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    sweep("edit", "due", "--window", "none", "--days", ",".join(d for i, d in enumerate(days) if i not in (today, (today + 1) % 7)))
    equal("not on this day", 204, lease(one)[0])
    sweep("edit", "due", "--days", "all")
    sweep("disable", "due")
    code, order = lease(one)
    equal("a plan that is disabled does not begin, and what runs goes on", 200, code)
    equal("given back", 200, report(one, order["lease"], "given_back")[0])
    sweep("cancel", "due")
    sweep("delete", "due")


def test_limits():
    one = Collector(f"{sockets}/collectd.sock")
    sweep("create", "many", "--target", "198.51.100.0/28", "--shard", "2")
    sweep("start", "many")
    sweep("limit", "default", "--rate", "100", "--workers", "3")
    taken = [lease(one, scanner=f"limit-{i}") for i in range(4)]
    equal("three at once", [200, 200, 200, 204], [code for code, _ in taken])
    equal("a third of the rate each", [33] * 3, [order["rate"] for _, order in taken[:3]])
    equal("one ends", 200, report(one, taken[0][1]["lease"], "given_back", scanner="limit-0")[0])
    answers = []
    threads = [threading.Thread(target=lambda i=i: answers.append(lease(Collector([f"{sockets}/collectd.sock", f"{work}/second.sock"][i % 2]), scanner=f"crowd-{i}"))) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal("eight at once for one place", [200] + [204] * 7, sorted(code for code, _ in answers))
    sweep("limit", "default", "--rate", "none", "--workers", "none")
    more = [lease(one, scanner=f"more-{i}") for i in range(6)]
    equal("all of the others", [200] * 5 + [204], [code for code, _ in more])
    equal("no limit is told", False, any("rate" in order for _, order in more[:5]))
    orders = [o for _, o in taken[1:3] + answers + more if o]
    equal("each shard once", 8, len({o["number"] for o in orders}))
    sweep("cancel", "many")
    # Realms: only what the scanner is enrolled for, and only what it says it is.
    sweep("create", "away", "--realm", "dmz", "--target", "192.0.2.9")
    sweep("start", "away")
    equal("another realm's", 204, lease(one)[0])
    sql("UPDATE scanner SET realms = '{default,dmz}' WHERE name = 'manual'")
    equal("not where it is", 204, lease(one, realm="default")[0])
    equal("its own", 200, lease(one, realm="dmz")[0])
    sql("UPDATE scanner SET realms = '{default}', disabled = true WHERE name = 'manual'")
    equal("disabled", 403, lease(one)[0])
    sql("UPDATE scanner SET disabled = false WHERE name = 'manual'")
    sql("INSERT INTO scanner (name, enrolled, first_seen, last_seen) VALUES ('far', 'certificate', now(), now())")
    equal("somebody else's name", 403, lease(one, scanner="far")[0])
    sweep("cancel", "away")


def test_hostile():
    one = Collector(f"{sockets}/collectd.sock")
    some = "01930000-0000-7000-8000-00000000000a"
    for body, code in ((b"", 400), (b"[]", 400), (b"{", 400), (b'{"kind":"scan","kind":"scan"}', 400), (b'{"kind":1}', 400), (b'{"kind":"scan","scanner":""}', 400),
                       (b'{"kind":"scan","scanner":7}', 400), (b'{"kind":"scan","realm":"%s"}' % (b"r" * 300), 400), (b"[" * 4000, 400), (b'{"a":' * 600 + b"1" + b"}" * 600, 400),
                       (b"\xff\xfe", 400), (b" " * 5000, 413), (b'{"kind":"scan\\u0000"}', 400), (b"\0" * 100, 400)):
        equal(f"taking with {body[:40]}", code, one.request("POST", "/v1/leases", body)[0])
        equal(f"reporting with {body[:40]}", code, one.request("POST", f"/v1/leases/{some}", body)[0])
    equal("no such lease", 409, report(one, some, "running")[0])
    for path, code in (("/v1/leases/", 404), ("/v1/leases/x", 404), (f"/v1/leases/{some}/", 404), (f"/v1/leases/{some}0", 404), ("/v1/leasesx", 404)):
        equal(path, code, one.request("POST", path, b'{"state":"running"}')[0])
    equal("a method", 405, one.request("GET", "/v1/leases")[0])
    for words, text in ((("create", "bad", "--target", "10.0.0.0/4"), "more than 16,777,216"), (("create", "bad", "--target", "https://x"), "not a target"),
                        (("create", "bad", "--target", "x:0"), "not a target"), (("create", "bad"), "nothing to sweep"), (("create", "a b", "--known"), "name"),
                        (("create", "bad", "--known", "--pass=--to=unix:/x"), "--pass takes"), (("create", "bad", "--known", "--window", "25:00-1:00"), "--window"),
                        (("create", "bad", "--known", "--days", "mon-"), "--days"), (("create", "bad", "--known", "--every", "5x"), "--every"),
                        (("create", "bad", "--kind", "crawl", "--target", "etc"), "begin with /"), (("create", "bad", "--target", "x", "--shard", "0"), "--shard")):
        said = sweep(*words, status=2)
        assert text in said, (words, said)
    sweep("start", "nothing", status=1)
    equal("no plan came of it", "0", sql("SELECT count(*) FROM sweep_plan WHERE name IN ('bad', 'a b')"))
    reader = subprocess.run(["psql", "-X", "-h", sockets, "-U", "certmuster_read", "-d", "certmuster", "-c", "UPDATE certmuster.sweep SET state = 'finished'"], capture_output=True, text=True)
    assert "permission denied" in reader.stderr, reader.stderr


def test_known():
    """What the inventory knows, and what watch saw without a certificate: each once, none that a target covers, none that never showed a certificate."""
    one = Collector(f"{sockets}/collectd.sock")
    run, der = new_run(), certificate(template(work), 2)
    see = lambda ip, **more: sighting(ip, [der], run, scanner="manual", **more)
    hidden = lambda ip, **more: record("endpoint", source="watch", at=stamp(time.time()), scanner="manual", run=run,
                                       endpoint={"realm": "default", "transport": "tcp", "ip": ip, "port": 8443, "name": "", **more}, tls={"version": "TLSv1.3"})
    code, answer = one.batch([cert_record(der), see("203.0.113.1"), see("203.0.113.1", name="www.example.org"), see("203.0.113.2", port=25), see("2001:db8::7", name="six.example.org"),
                              see("203.0.113.130"), failure("203.0.113.3", run, scanner="manual"), hidden("203.0.113.4"), hidden("203.0.113.5", name="seen.example.org")])
    equal("stored", (200, []), (code, answer["rejected"]))
    mine = "SELECT string_agg(target, ' ' ORDER BY target) FROM sweep_plan p, sweep_pieces(p) WHERE p.name = '%s' AND (target LIKE '%%203.0.113%%' OR target LIKE '%%2001:db8%%')"
    sweep("create", "known", "--known", "--target", "203.0.113.128/25")
    equal("known", "203.0.113.128/25:443 203.0.113.1:443 203.0.113.2:25 six.example.org@[2001:db8::7]:443 www.example.org@203.0.113.1:443", sql(mine % "known"))
    sweep("create", "seen", "--seen")
    equal("seen", "203.0.113.4:8443 seen.example.org@203.0.113.5:8443", sql(mine % "seen"))
    sweep("edit", "seen", "--target", "203.0.113.0/29:8443")
    equal("edited", "203.0.113.0/29:8443 seen.example.org@203.0.113.5:8443", sql(mine % "seen"))
    assert "203.0.113.0/29:8443" in sweep("show", "seen")
    equal("starttls by itself", ["--starttls=auto"], json.loads(sql("SELECT body FROM lease_order LIMIT 0") or "[]") or known_arguments(one))


def test_filter():
    """Known places narrowed down as reports are, read when a sweep begins."""
    one = Collector(f"{sockets}/collectd.sock")
    run, der, other = new_run(), certificate(template(work), 31), certificate(template(work), 32)
    see = lambda ip, der, **more: sighting(ip, [der], run, scanner="manual", **more)
    code, answer = one.batch([cert_record(der), cert_record(other), see("203.0.113.61", der), see("203.0.113.62", other, name="shop.example.org"), see("203.0.113.63", der, port=8443, at=time.time() - 60),
                              failure("203.0.113.63", run, scanner="manual", port=8443)])
    equal("stored", (200, []), (code, answer["rejected"]))
    owners = f"{work}/owners.yaml"
    with open(owners, "w") as f:
        f.write("owners:\n  Shops: {email: shop@example.org}\nrules:\n  - {cidr: 203.0.113.62/32, owner: Shops}\n")
    certmuster("owner", "load", owners)
    sweep("create", "narrow", "--known", "--filter", "place:203.0.113.6*")
    mine = lambda: sql("SELECT string_agg(target, ' ' ORDER BY target) FROM sweep_plan p, sweep_pieces(p) WHERE p.name = 'narrow'")
    bare, shop, failing = "203.0.113.61:443", "shop.example.org@203.0.113.62:443", "203.0.113.63:8443"
    for text, expected in (("place:113.6 owner:shops", [shop]), ("place:113.6 owner:none", [bare, failing]), ("place:113.6 -owner:shops", [bare, failing]), ("place:203.0.113.63:*", [failing]),
                           ("place:113.6 status:failing", [failing]), ("place:113.6 -status:failing", [bare, shop]), ("host-00000032", [shop]), ("place:113.6 name:*.example.org", [bare, failing, shop]),
                           (f"fingerprint:{sha(der)[:20]}", [bare, failing]), (f"{sha(other)[:20]}", [shop]), ("place:113.6 key:\"EC P-256\" issuer:host-", [bare, failing, shop]),
                           ("place:113.6 realm:dmz", []), ("place:113.6 status:expired", []), ("place:113.6 status:gone", []), ("place:113.6 -status:gone", [bare, failing, shop]), ("shops", [shop]), ("place:113.6 -name:nothing", [bare, failing, shop]),
                           ("place:113.6 \"%\"", []), ("place:'; --", [])):
        sweep("edit", "narrow", "--filter", text)
        equal(text, " ".join(expected), mine())
    equal("kept as typed", "place:'; --", json.loads(sweep("show", "narrow", "--format", "json"))[0]["filter"])
    before = len(mine().split())
    sweep("edit", "narrow", "--filter", "")
    assert len(mine().split()) >= before + 3, mine()
    equal("nothing is told of a filter", False, "filter" in sweep("show", "narrow"))
    for words, text in ((("edit", "narrow", "--filter", "place:"), "value is missing"), (("create", "x", "--target", "192.0.2.1", "--filter", "a"), "--filter narrows"),
                        (("create", "x", "--kind", "crawl", "--target", "/etc", "--filter", "a"), "a crawl has paths"), (("create", "x", "--known", "--filter", "a " * 3000), "--filter")):
        assert text in sweep(*words, status=2), words
    sweep("delete", "narrow")


def test_windows():
    """Which moments a window holds, by the database's own rule; and prefixes of IPv6, bounded."""
    plan = lambda start, end, days: f"jsonb_populate_record(NULL::sweep_plan, jsonb_build_object('window_start', {start}, 'window_end', {end}, 'weekdays', '{days}'::integer[]))"
    for start, end, days, at, expected in (
            ("NULL", "NULL", "{1}", "2026-11-23 00:00:00", "t"), ("NULL", "NULL", "{1}", "2026-11-22 23:59:59", "f"),  # the 23rd is a Monday
            ("'08:00'", "'17:00'", "{1,2,3,4,5,6,7}", "2026-11-23 08:00:00", "t"), ("'08:00'", "'17:00'", "{1,2,3,4,5,6,7}", "2026-11-23 17:00:00", "f"),
            ("'22:00'", "'06:00'", "{5}", "2026-11-27 21:59:59", "f"), ("'22:00'", "'06:00'", "{5}", "2026-11-27 22:00:00", "t"),  # Friday
            ("'22:00'", "'06:00'", "{5}", "2026-11-28 00:00:00", "t"), ("'22:00'", "'06:00'", "{5}", "2026-11-28 05:59:59", "t"),
            ("'22:00'", "'06:00'", "{5}", "2026-11-28 06:00:00", "f"), ("'22:00'", "'06:00'", "{5}", "2026-11-28 22:00:00", "f"),
            ("'22:00'", "'06:00'", "{6}", "2026-11-28 01:00:00", "f"), ("'22:00'", "'06:00'", "{7}", "2026-11-30 03:00:00", "t"),  # over the week's end
            ("'22:00'", "'00:00'", "{5}", "2026-11-27 23:59:59", "t"), ("'22:00'", "'00:00'", "{5}", "2026-11-28 00:00:00", "f"),
            ("'02:00'", "'03:00'", "{1,2,3,4,5,6,7}", "2026-03-29 02:30:00", "t")):  # UTC has no hour that is not there
        equal(f"{start}-{end} {days} at {at}", expected, sql(f"SET timezone = 'Europe/Berlin'; SELECT sweep_window_open({plan(start, end, days)}, '{at}+00')"))
    assert "more than 16,777,216" in sweep("create", "six", "--target", "2001:db8::/64", status=2)
    sweep("create", "six", "--target", "2001:db8::/120", "--target", "[2001:db8:1::]:443,8443", "--shard", "100")
    equal("pieces", "[2001:db8::/122]:443 64|[2001:db8::40/122]:443 64|[2001:db8::80/122]:443 64|[2001:db8::c0/122]:443 64|[2001:db8:1::]:443,8443 2",
          sql("SELECT string_agg(x.target || ' ' || x.probes, '|') FROM sweep_plan p, sweep_pieces(p) x WHERE p.name = 'six'"))
    sweep("delete", "six")


def test_pause():
    """A sweep that outlives its window waits, says so, and goes on in the next one; what comes more often than the window opens waits for it too."""
    one = Collector(f"{sockets}/collectd.sock")
    at = lambda minutes: time.strftime("%H:%M", time.gmtime(time.time() + minutes * 60))
    sweep("create", "pause", "--target", "192.0.2.0/29", "--shard", "4", "--every", "1m", "--window", f"{at(-60)}-{at(60)}")
    wait_for("its start", lambda: sql("SELECT count(*) FROM sweep WHERE plan = 'pause'") == "1")
    code, order = lease(one)
    equal("the window is open", 200, code)
    sweep("edit", "pause", "--window", f"{at(60)}-{at(120)}")
    equal("closed: the lease is over", 409, report(one, order["lease"], "running")[0])
    equal("closed", 204, lease(one)[0])
    told = status("pause")
    assert told["state"] == "running" and "window of the plan is closed" in told["waits"] and "waits " in sweep("status", "pause"), told
    sweep("edit", "pause", "--window", f"{at(-60)}-{at(60)}")
    taken = [lease(one, scanner="manual"), lease(one, scanner="manual-1")]
    equal("it goes on with both shards", [(200, 0), (200, 1)], sorted((code, order["number"]) for code, order in taken))
    equal("nothing waits", False, "waits" in status("pause"))
    # Deleting and cancelling while shards run.
    assert "cancel that first" in sweep("delete", "pause", status=1)
    sweep("cancel", "pause")
    equal("cancelled: both leases are over", [409, 409], [report(one, order["lease"], "running", scanner=name)[0] for (_, order), name in zip(taken, ("manual", "manual-1"))])
    equal("what comes too late changes nothing", "cancelled|2", sql("SELECT w.state, count(*) FROM sweep w JOIN shard s USING (sweep_id) WHERE w.plan = 'pause' AND s.state = 'abandoned' GROUP BY 1"))
    sweep("disable", "pause")
    sweep("edit", "pause", "--window", f"{at(60)}-{at(120)}")
    sql("UPDATE sweep_plan SET enabled = true, next_at = now() - interval '1 hour' WHERE name = 'pause'")
    wait_for("two turns of the schedule", lambda stamp=sql("SELECT done_at FROM upkeep WHERE task = 'sweeps'"): sql(f"SELECT done_at > '{stamp}'::timestamptz + interval '2 seconds' FROM upkeep WHERE task = 'sweeps'") == "t")
    equal("not in a closed window", "1", sql("SELECT count(*) FROM sweep WHERE plan = 'pause'"))
    sweep("delete", "pause")


def test_delete_at_the_start():
    """A plan is deleted in the very moment in which a sweep of it begins: one of the two wins, and nothing is left that runs for a plan that is gone."""
    sweep("create", "race", "--target", "192.0.2.0/30")
    holder = subprocess.Popen(["psql", "-X", "-q", "-At", "-h", sockets, "-U", "certmuster_admin", "-d", "certmuster"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    holder.stdin.write("BEGIN; SET search_path = certmuster; SELECT 'begun' FROM sweep_start('race', 'test');\n")
    holder.stdin.flush()
    equal("begun", "begun", holder.stdout.readline().strip())
    deleting = subprocess.Popen(["certmuster", "sweep", "delete", "race"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_for("the other to wait", lambda: sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%sweep_plan_delete%'") == "1")
    holder.stdin.write("COMMIT;\n")
    holder.stdin.close()
    equal("the end of the first", 0, holder.wait(30))
    assert "cancel that first" in deleting.communicate(timeout=30)[1]
    equal("not deleted", (1, "1"), (deleting.returncode, sql("SELECT count(*) FROM sweep_plan WHERE name = 'race'")))
    sweep("cancel", "race")
    sweep("delete", "race")


def test_nobody():
    """A realm without a scanner: the status says so, until there is one."""
    sweep("create", "lonely", "--realm", "island", "--target", "192.0.2.77")
    sweep("start", "lonely")
    equal("said", "no scanner of realm island is known", status("lonely")["waits"])
    assert "no scanner of realm island is known" in sweep("status")
    sql("INSERT INTO scanner (name, realms, enrolled, first_seen, last_seen) VALUES ('islander', '{island}', 'unix:0', now(), now() - interval '3 days')")
    assert "no scanner of realm island was heard of since" in status("lonely")["waits"], status("lonely")
    one = Collector(f"{sockets}/collectd.sock")
    equal("it asks", 200, lease(one, scanner="islander")[0])
    equal("heard of", "t", sql("SELECT last_seen > now() - interval '1 minute' FROM scanner WHERE name = 'islander'"))
    equal("nothing waits", False, "waits" in status("lonely"))
    sweep("cancel", "lonely")
    sql("DELETE FROM scanner WHERE name = 'islander'")


def test_metrics():
    """Figures of sweeps, of those that run and of the last one of each plan, never more than 16 of these."""
    one = Collector(f"{sockets}/collectd.sock")
    figures = lambda: dict(line.rsplit(" ", 1) for line in one.get("/metrics")[1].decode().splitlines() if line.startswith("certmuster_sweep"))
    sweep("create", "measured", "--target", "192.0.2.0/28", "--shard", "8")
    sweep("start", "measured")
    code, order = lease(one)
    equal("a lease", 200, code)
    wait_for("figures", lambda: figures().get("certmuster_sweeps_running") == "1" and figures()['certmuster_sweep_shards{state="leased"}'] == "1", 30)
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


def known_arguments(collector):
    sweep("start", "known")
    code, order = lease(collector)
    equal("a shard of known places", 200, code)
    equal("given back", 200, report(collector, order["lease"], "given_back")[0])
    sweep("cancel", "known")
    return order["arguments"]


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
    context = ssl.create_default_context(cafile=f"{work}/ca/ca.pem")
    context.load_cert_chain(f"{work}/tls/far-1.pem", f"{work}/tls/far-1.key")
    wait_for("the collector over TLS", lambda: "ready" in open(f"{work}/tls.log").read())
    far = Collector(("localhost", tls_port, context))
    sweep("create", "zone", "--realm", "dmz", "--target", f"127.128.0.0/28:{port}")
    sweep("create", "here", "--target", "192.0.2.0/30")
    sweep("start", "here")
    equal("another zone's", 204, lease(far, scanner="far-1")[0])
    equal("another's name", 403, lease(far, scanner="manual")[0])
    sweep("start", "zone")
    one = start("worker-far-1", "certmuster-submit", "--config", client, "--to", f"https://localhost:{tls_port}", "--worker", "scan")
    wait_for("the end of it", lambda: status("zone")["state"] == "finished", 60)
    equal("certificates", 16, adds_up("zone", status("zone"), 16)["certificate"])
    equal("ends", (0, 0), (stop(one), stop(collector)))
    sweep("cancel", "here")


TESTS = [test_thin, test_share, test_given_back, test_attempts, test_schedule, test_limits, test_hostile, test_known, test_filter, test_windows, test_pause, test_delete_at_the_start, test_nobody, test_metrics, test_terminal, test_crawl, test_follow, test_tls]


def main():
    global sockets, port, closed
    with open(f"{home}/certmuster.yaml", "w") as f:
        f.write(f"collector:\n  lease: {LEASE_S}s\n  judge_interval: 300ms\n")
    fleet = start("fleet", os.environ["CM_FLEET"], "many", "--dir", f"{work}/fleet", "--count", str(COUNT), "--base", "127.128.0.0", "--canned", "tls12")
    certmuster("up")
    sockets = open(f"{home}/sockets").read().strip()
    port = wait_for("the fleet", lambda: next((line.split()[1] for line in open(f"{work}/fleet.log") if line.startswith("ready ")), None))
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        closed = s.getsockname()[1]
    start("second", "certmuster-collectd", "--config", f"{home}/certmuster.yaml", "--dsn", f"host={sockets} dbname=certmuster user=certmuster_ingest", "--socket", f"{work}/second.sock")
    wait_for("the second collector", lambda: os.path.exists(f"{work}/second.sock"))
    names = sys.argv[1:]
    for test in TESTS:
        if not names or test.__name__ in names:
            began = time.time()
            test()
            done.add(test.__name__)
            print(f"{test.__name__}: {time.time() - began:.1f} s")
    fleet.poll() is None or fail("the fleet ended")


good = False
try:
    main()
    good = True
finally:
    for process in processes:
        process.terminate()
    subprocess.run(["certmuster", "down"], capture_output=True)
    for process in processes:
        process.wait(60)
    for name in os.listdir(work):
        if name.endswith(".log"):
            text = open(f"{work}/{name}").read()
            if not good or "Sanitizer" in text or "runtime error" in text:
                print(f"== {name}\n{text[-3000:]}")
                assert "Sanitizer" not in text and "runtime error" not in text
    if not good and os.path.isdir(f"{home}/log"):
        for name in os.listdir(f"{home}/log"):
            print(f"== {name}\n{open(f'{home}/log/{name}').read()[-3000:]}")
