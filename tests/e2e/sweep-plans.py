#!/usr/bin/python3
"""Plans of sweeps, with leases taken by hand: attempts, schedules and windows without cron, limits of a realm, hostile requests, known places
and filters, pauses, plans deleted as they begin, realms that nobody scans; two collectors on one database."""
import json, os, subprocess, sys, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collectd_tools import Collector, cert_record, certificate, failure, new_run, record, run_record, sha, sighting, stamp, template
from sweep_tools import (adds_up, begin, certmuster, clean_up_after, equal, lease, LEASE_S, play, report, sql, start,
                         status, sweep, wait_for, work)


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
    equal("not to whom it failed while another is at work", (204, None), lease(one))
    code, order = lease(one, scanner="manual-5")
    equal("the fifth", 200, code)
    equal("nothing is left", (204, None), lease(two))
    equal("its run begins", 200, one.batch([run_record(order["lease"], "started", scanner="manual-5")])[0])
    wait_for("it to expire at a collector's upkeep", lambda: status("hand")["state"] == "finished", 20)
    equal("over", (409, "abandoned"), (report(one, order["lease"], "running", scanner="manual-5")[0], sql("SELECT s.state FROM shard s JOIN sweep w USING (sweep_id) WHERE plan = 'hand' AND s.number = 0")))
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
    next_in = lambda low, high: equal(f"next in {low} to {high}", "t", sql(f"SELECT next_at BETWEEN now() + interval '{low}' AND now() + interval '{high}' FROM sweep_plan WHERE name = 'due'"))
    sql("UPDATE sweep_plan SET every = '7 days', next_at = now() + interval '6 days' WHERE name = 'due'")
    for every, low, high in (("1h", "59 minutes", "60 minutes"), ("7d", "59 minutes", "60 minutes"), ("none", None, None), ("1h", "-1 minutes", "60 minutes")):
        sweep("edit", "due", "--every", every)
        if low:
            next_in(low, high)
    sql("UPDATE sweep_plan SET next_at = now() + interval '1 hour' WHERE name = 'due'")
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
    for realm in ("other", "x42501", "42501: y"):  # SQLSTATE of a right that the database's role lacks: of a client's words no more than words
        equal(f"realm {realm}", 403, lease(one, realm=realm)[0])
    sweep("cancel", "away")


def test_limit_changes():
    """A limit holds while it changes, too: no more is given than is left, who is too fast has to end, and crawls take nothing of the rate. Who waits for it is told so."""
    one = Collector(f"{sockets}/collectd.sock")
    take = lambda name, kind="scan": lease(one, kind, name)
    keep = lambda held: [report(one, order["lease"], "running", scanner=f"slow-{i}") for i, (_, order) in enumerate(held)]
    sweep("limit", "default", "--rate", "10", "--workers", "1")
    for plan in ("first", "second"):
        sweep("create", plan, "--target", "198.51.100.0/28", "--shard", "1")
        sweep("start", plan)
    code, order = take("slow-0")
    equal("all of the rate", (200, 10), (code, order["rate"]))
    equal("nothing is left", 204, take("slow-1")[0])
    equal("said", "the limit of realm default is reached: 1 worker is at work, of 1", status("second")["waits"])
    assert "waits     the limit of realm default is reached" in sweep("status", "second")
    sweep("limit", "default", "--workers", "10")
    equal("the first one has it all the same", [204] * 9, [take(f"slow-{i}")[0] for i in range(1, 10)])
    equal("said of the rate", "the limit of realm default is reached: all of its 10 probes/s are given out", status("second")["waits"])
    equal("it goes on", 200, keep([(code, order)])[0][0])
    equal("and gives back", 200, report(one, order["lease"], "given_back", scanner="slow-0")[0])
    held = [take(f"slow-{i}") for i in range(11)]
    equal("a tenth each", [(200, 1)] * 10 + [204], [(code, order["rate"]) for code, order in held[:10]] + [held[10][0]])
    sweep("limit", "default", "--rate", "4")
    answers = keep(held[:10])
    equal("six end, four are as fast as they may", [409] * 6 + [200] * 4, [code for code, _ in answers])
    assert "limit of the realm was lowered" in answers[0][1]["error"], answers[0]
    equal("nobody's fault", "16|0", sql("SELECT count(*), sum(s.attempts - CASE s.state WHEN 'leased' THEN 1 ELSE 0 END) FROM shard s JOIN sweep w USING (sweep_id) WHERE w.plan = 'first' AND w.state = 'running'"))
    equal("nothing is left again", 204, take("slow-0")[0])
    sweep("cancel", "first")
    sweep("limit", "default", "--rate", "none", "--workers", "none")
    code, free = take("free")
    equal("as fast as it can", (200, False), (code, "rate" in free))
    sweep("limit", "default", "--rate", "500")
    equal("nobody knows how fast that is", 204, take("slow-0")[0])
    equal("it ends", 409, report(one, free["lease"], "running", scanner="free")[0])
    # Crawls send no probes.
    names = [f"reads-{i}" for i in range(4)]
    sql(f"INSERT INTO scanner (name, enrolled, first_seen, last_seen) SELECT unnest('{{{','.join(names)}}}'::text[]), 'unix:0', now(), now()")
    sweep("create", "read", "--kind", "crawl", "--target", "/etc", *(word for name in names for word in ("--scanner", name)))
    sweep("start", "read")
    orders = [take(name, "crawl") for name in names]
    equal("four crawls", [(200, False)] * 4, [(code, "rate" in order) for code, order in orders])
    held = [take(f"slow-{i}") for i in range(5)]
    equal("four scans beside them", [(200, 125)] * 4 + [204], [(code, order["rate"]) for code, order in held[:4]] + [held[4][0]])
    sweep("cancel", "second")
    sweep("start", "second")
    sweep("limit", "default", "--workers", "4")
    equal("of four workers each is one", 204, take("slow-0")[0])
    equal("all of them crawl", "the limit of realm default is reached: 4 workers are at work, of 4", status("second")["waits"])
    sweep("limit", "default", "--rate", "none", "--workers", "none")
    for plan in ("second", "read"):
        sweep("cancel", plan)
    for plan in ("first", "second", "read"):
        sweep("delete", plan)
    sql("DELETE FROM scanner WHERE name LIKE 'reads-%'")


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
    for words, text in ((("create", "bad", "--target", "10.0.0.0/4"), "not a target: 10.0.0.0/4: a prefix this large is refused"), (("create", "bad", "--target", "https://x"), "not a target"),
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


def known_arguments(collector):
    sweep("start", "known")
    code, order = lease(collector)
    equal("a shard of known places", 200, code)
    equal("given back", 200, report(collector, order["lease"], "given_back")[0])
    sweep("cancel", "known")
    return order["arguments"]


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
    equal("starttls by itself", ["--starttls=auto"], known_arguments(one))


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
    for words, text in ((("edit", "narrow", "--filter", "place:"), "value is missing"), (("create", "x", "--known", "--filter", "nosuch:1"), "unknown key: nosuch: keys are name, issuer, place,"),
                        (("create", "x", "--target", "192.0.2.1", "--filter", "a"), "--filter narrows"),
                        (("create", "x", "--kind", "crawl", "--target", "/etc", "--filter", "a"), "a crawl has paths"), (("create", "x", "--known", "--filter", "a " * 3000), "--filter")):
        assert text in sweep(*words, status=2), words
    sweep("delete", "narrow")


def test_what_goes_together():
    """What is said of a plan must make sense with what it says already, and with its kind; what is long is told by its number in the audit log."""
    sweep("create", "places", "--target", "192.0.2.1")
    sweep("create", "paths", "--kind", "crawl", "--target", "/etc")
    for words, text in ((("create", "bad", "--target", "127.0.0.1", "--pass=--max-depth=3"), "a scan takes no --pass=--max-depth=3, but --timeout"),
                        (("create", "bad", "--kind", "crawl", "--target", "/etc", "--pass=--timeout=5"), "a crawl takes no --pass=--timeout=5, but "),
                        (("create", "bad", "--target", "192.0.2.1", "--scanner", "x"), "--scanner says whose files a crawl reads"),
                        (("create", "bad", "--target", "/etc"), "not a target: /etc"),
                        (("create", "bad", "--known", "--ports", "99-1"), "--ports takes ports, as 443,8000-8100"),
                        (("edit", "places", "--pass=--max-depth=3"), "a scan takes no --pass=--max-depth=3"), (("edit", "paths", "--pass=--timeout=5"), "a crawl takes no --pass=--timeout=5"),
                        (("edit", "places", "--filter", "status:expiring"), "--filter narrows"), (("edit", "paths", "--known", "--ports", "443", "--filter", "owner:x"), "a crawl has paths"),
                        (("edit", "places", "--target", "/etc"), "not a target: /etc"), (("edit", "paths", "--target", "192.0.2.1"), "begin with /"), (("edit", "places", "--scanner", "x"), "--scanner says")):
        said = sweep(*words, status=2)
        assert text in said and "192.0.2.1'" not in said, (words, said)
    equal("nothing came of it", "", sql("SELECT name FROM sweep_plan WHERE name = 'bad' OR name IN ('places', 'paths') AND (known OR filter <> '[]')"))
    equal("no edit is noted", "0", sql("SELECT count(*) FROM audit_log WHERE action = 'sweep.edit' AND subject IN ('places', 'paths')"))
    sweep("edit", "places", "--seen", "--filter", "status:failing", "--pass=--timeout=5")
    sweep("edit", "places", "--filter", "owner:x")
    sweep("edit", "paths", "--target", "/opt", "--pass=--max-depth=3", "--scanner", "x")
    edited = lambda: sql("SELECT concat_ws(' ', targets, known, seen, filter_text) FROM sweep_plan WHERE name = 'places'")
    for words, text in ((("--no-seen",), "--filter narrows"), (("--no-target", "--no-seen"), "nothing to sweep"), (("--no-target", "--target", "192.0.2.9"), "exclude one another")):
        assert text in sweep("edit", "places", *words, status=2), words
    for words, expected in ((("--no-target",), "{} f t owner:x"), (("--known", "--no-seen"), "{} t f owner:x"), (("--filter", "", "--no-known", "--target", "192.0.2.1"), "{192.0.2.1} f f")):
        sweep("edit", "places", *words)
        equal(words, expected, edited())
    assert "a crawl needs the paths" in sweep("edit", "paths", "--no-target", status=2)
    assert "--no-known" in sweep("create", "bad", "--target", "192.0.2.1", "--no-known", status=2)
    names = [word for i in range(3000) for word in ("--scanner", f"scanner-with-a-name-{i}")]
    sweep("create", "thousands", "--kind", "crawl", "--target", "/a", *names)
    sweep("create", "wild", "--kind", "crawl", *(word for i in range(20) for word in ("--target", f"/{i}" + "\\" * 3990)))
    told = lambda plan: json.loads(sql(f"SELECT detail FROM audit_log WHERE action = 'sweep.create' AND subject = '{plan}'  ORDER BY seq DESC LIMIT 1"))
    equal("as many", ("3000", "{\"/a\"}", "20"), (told("thousands")["scanners"], told("thousands")["targets"], told("wild")["targets"]))
    assert "the audit log takes 64 KiB" in sweep("create", "bad", "--target", "192.0.2.1", "--ports", "443," * 20000 + "443", status=3)
    equal("and nothing was made", "0", sql("SELECT count(*) FROM sweep_plan WHERE name = 'bad'"))
    for name in ("places", "paths", "thousands", "wild"):
        sweep("delete", name)


def test_worked_off():
    """No plan is made that no worker could work off: what is wrong, and where, is said instead, in one line. Flags' values are what the scanners themselves take."""
    long = f"{work}/long.txt"
    with open(long, "w") as f:
        f.write("# paths\n/etc\n/opt/" + "x" * 3996 + "\n")
    bad = f"{work}/bad.txt"
    with open(bad, "w") as f:
        f.write("192.0.2.1\n\n  192.0.2.300 # gone wrong\n")
    many = f"{work}/many.txt"
    with open(many, "w") as f:
        f.writelines(f"/srv/{'p' * 90}/{i}\n" for i in range(10000))
    scan, crawl = ("create", "bad", "--target", "192.0.2.1"), ("create", "bad", "--kind", "crawl", "--target", "/etc")
    for words, text in ((crawl[:-1] + ("/a\nb",), "not a target: /a\\x0Ab: it has a line break"), (crawl[:-1] + ("/" + "x" * 4000,), "it is longer than 4000 bytes"),
                        (crawl[:-2] + ("-f", long), f"{long}:3: not a target: /opt/xxxx"), (crawl[:-2] + ("-f", many), "10000 paths are more than a scanner is told at once"),
                        (("create", "bad", "-f", bad), f"{bad}:3: not a target: 192.0.2.300: neither an IP address nor a host name"), (("create", "bad", "--target", "a b"), "a character that no host name has"),
                        (scan + ("--pass=--timeout=abc",), "--pass=--timeout=abc: --timeout takes a duration such as 30s, 5m or 1d from 100ms to 1h"), (scan + ("--pass=--timeout=2h",), "--timeout takes a duration"),
                        (scan + ("--pass=--starttls=foo",), "--starttls takes smtp, imap, pop3, ldap, postgres, auto or none"), (scan + ("--pass=--threads=65",), "--threads takes a whole number from 1 to 64"),
                        (scan + ("--pass=--parallel=0",), "--parallel takes a whole number from 1 to 1000000"), (scan + ("--pass=--flight-limit=1",), "--flight-limit takes a size such as 512MiB from 16KiB to 64MiB"),
                        (scan + ("--pass=--rate=x1",), "--rate takes a whole number"), (crawl + ("--pass=--max-depth=61",), "--max-depth takes a whole number from 1 to 60"),
                        (crawl + ("--pass=--max-unpacked=12Q",), "--max-unpacked takes a size"), (scan + ("--pass=--prove",) * 32, "more than 31 flags with --pass"),
                        (scan + ("--realm", "dm z"), "'dm z' is no realm: no white space, no slash"), (scan + ("--realm", "dmz\x1b"), "is no realm"), (scan + ("--realm", ""), "is no realm"),
                        (("limit", "a\nb", "--rate", "5"), "'a\\x0Ab' is no realm"), (("limit", "a/b", "--rate", "5"), "is no realm")):
        said = sweep(*words, status=2)
        assert text in said and said.count("\n") == 1, (words, said)
    equal("no plan and no limit came of it", "0|0", sql("SELECT (SELECT count(*) FROM sweep_plan WHERE name = 'bad'), (SELECT count(*) FROM realm_limit WHERE realm ~ '[^a-z]')"))
    # What the check takes the scanner takes, and the most flags that a plan may have are not too many for a worker beside the one that the collector adds.
    flags = ["--timeout=0.5", "--starttls=none", "--parallel=9", "--rate=0", "--threads=2", "--flight-limit=16KiB"]
    equal("taken by the scanner", 0, subprocess.run(["certmuster-scan", "--no-submit", *flags, "127.0.0.1:1"], capture_output=True).returncode)
    flags = [f"--pass={flag}" for flag in flags]
    sweep("create", "flags", "--target", "192.0.2.1", *flags, *["--pass=--prove"] * (31 - len(flags)))
    sweep("edit", "flags", "--known", *["--pass=--prove"] * 31)
    sweep("start", "flags")
    code, order = lease(Collector(f"{sockets}/collectd.sock"))
    equal("flags of an order", (200, 32, "--starttls=auto"), (code, len(order["arguments"]), order["arguments"][-1]))
    sweep("cancel", "flags")
    sweep("delete", "flags")


def test_one_form():
    """A place that is written in two ways is one target, counted once, in the form that it goes to the scanner in."""
    pieces = "SELECT string_agg(x.target || ' ' || x.probes, '|') FROM sweep_plan p, sweep_pieces(p) x WHERE p.name = 'form'"
    sweep("create", "form", "--target", "::ffff:10.0.0.1", "--target", "10.0.0.0/30", "--target", "[::ffff:10.0.0.0/127]:443", "--target", "b\u00fccher.example", "--target", "xn--bcher-kva.example.",
          "--target", "B\u00dcCHER.example:443", "--target", "b\u00fccher.example@[2001:DB8:0::1]", "--target", "192.0.2.9/24:1,2,3,5")
    equal("in the plan", "10.0.0.1|10.0.0.0/30|10.0.0.0/31:443|xn--bcher-kva.example|xn--bcher-kva.example|xn--bcher-kva.example:443|xn--bcher-kva.example@[2001:db8::1]|192.0.2.0/24:1-3,5",
          sql("SELECT array_to_string(targets, '|') FROM sweep_plan WHERE name = 'form'"))
    equal("once", "10.0.0.0/30:443 4|xn--bcher-kva.example:443 1|xn--bcher-kva.example@[2001:db8::1]:443 1|192.0.2.0/24:1-3,5 1024", sql(pieces))
    sweep("edit", "form", "--target", "::ffff:0:0/104")
    equal("a mapped prefix", "0.0.0.0/8", sql("SELECT targets[1] FROM sweep_plan WHERE name = 'form'"))
    sweep("delete", "form")


def test_days():
    """What took days is told with them."""
    sweep("create", "days", "--target", "192.0.2.1")
    sweep("start", "days")
    sweep("cancel", "days")
    sql("UPDATE sweep SET started_at = finished_at - interval '50 hours' WHERE plan = 'days'")
    assert " 2d 02:00:00 " in sweep("history", "days"), sweep("history", "days")
    sql("UPDATE sweep SET started_at = finished_at - interval '90 minutes' WHERE plan = 'days'")
    assert " 01:30:00 " in sweep("history", "days"), sweep("history", "days")
    sql("INSERT INTO run (run, source, scanner, started_at, finished_at) VALUES (gen_random_uuid(), 'scan', 'days', now() - interval '74 hours', now())")
    assert " 3d 02:00:00 " in certmuster("run", "list"), certmuster("run", "list")
    sql("DELETE FROM run WHERE scanner = 'days'")
    sweep("delete", "days")


def test_taken_back():
    """What is said twice: the last one counts, where it takes back what was said before, too."""
    plan = lambda: sql("SELECT every, window_start, window_end, weekdays, filter_text, known FROM sweep_plan WHERE name = 'back'")
    sweep("create", "back", "--known", "--window", "22:00-06:00", "--window", "none", "--every", "24h", "--every", "none",
          "--days", "sat", "--days", "all", "--filter", "owner:shops", "--filter", "")
    equal("as if never said", "|||{1,2,3,4,5,6,7}||t", plan())
    sweep("edit", "back", "--window", "none", "--window", "22:00-06:00", "--every", "none", "--every", "24h", "--days", "all", "--days", "sat", "--filter", "", "--filter", "owner:shops", "--no-known", "--known")
    equal("said in the end", "24:00:00|22:00:00|06:00:00|{6}|owner:shops|t", plan())
    sweep("edit", "back", "--window", "01:00-02:00", "--window", "none", "--every", "1h", "--every", "none")
    equal("taken back in the end", "|||{6}|owner:shops|t", plan())
    sweep("delete", "back")


def test_no_plan():
    """A plan that is not there: one sentence on stderr and status 1, whatever was to be done with it. One of which no sweep ran is told apart."""
    for words in (("start",), ("status",), ("status", "--format", "json"), ("show",), ("show", "--format", "json"), ("history",), ("cancel",), ("enable",), ("disable",), ("delete",),
                  ("edit", "--known"), ("edit", "--kind", "crawl")):
        said = subprocess.run(["certmuster", "sweep", words[0], "NOSUCH", *words[1:]], capture_output=True, text=True)
        equal(words, (1, "", "certmuster sweep: there is no sweep plan 'NOSUCH'\n"), (said.returncode, said.stdout, said.stderr))
    equal("nothing is noted of it", "0", sql("SELECT count(*) FROM audit_log WHERE subject = 'NOSUCH'"))
    sweep("create", "fresh", "--target", "192.0.2.8")
    equal("not started", "no sweep of that plan was started yet\n", sweep("status", "fresh", status=1))
    assert "no sweep of 'fresh' is running" in sweep("cancel", "fresh", status=1)
    assert "is a sweep plan already" in sweep("create", "fresh", "--known", status=1)
    assert "is a plan of the other kind" in sweep("edit", "fresh", "--kind", "crawl", status=1)
    sweep("start", "fresh")
    id = status("fresh")["sweep"]
    assert "cancel that first" in sweep("delete", "fresh", status=1)
    sweep("cancel", id)
    assert f"no sweep of '{id}' is running" in sweep("cancel", id, status=1)
    sweep("delete", "fresh")
    assert "cancelled" in sweep("status", "fresh") and "cancelled" in sweep("history", "fresh")  # what it was is kept
    assert "there is no sweep plan 'fresh'" in sweep("show", "fresh", status=1)


def test_nothing_to_sweep():
    """A sweep without a shard is over when it begins, and whoever starts it hears why."""
    run, der = new_run(), certificate(template(work), 61)
    equal("stored", 200, Collector(f"{sockets}/collectd.sock").batch([cert_record(der), sighting("203.0.113.91", [der], run, scanner="manual"), sighting("203.0.113.92", [der], run, scanner="manual")])[0])
    sql("UPDATE location SET realm = 'quiet' WHERE ip IN ('203.0.113.91', '203.0.113.92')")
    sql("INSERT INTO scanner (name, realms, enrolled, first_seen, last_seen) VALUES ('sleeper', '{asleep}', 'unix:0', now(), now())")  # heard of, but not as a crawler
    for words, why in ((("--known", "--realm", "quiet", "--filter", "place:nosuch"), "the filter lets none of 2 endpoints of realm quiet pass: place:nosuch"),
                       (("--known", "--realm", "void"), "in realm void no endpoint ever showed a certificate"),
                       (("--seen", "--realm", "void", "--filter", "place:nosuch"), "in realm void watch saw no endpoint that hides its certificate"),
                       (("--known", "--seen", "--realm", "void"), "in realm void no endpoint ever showed a certificate, and watch saw no endpoint that hides its certificate"),
                       (("--kind", "crawl", "--realm", "void", "--target", "/etc"), "no scanner of realm void is known"),
                       (("--kind", "crawl", "--realm", "asleep", "--target", "/etc"), "no scanner of realm asleep crawled or asked for crawl work these 7 days (certmuster-submit --worker crawl)"),
                       (("--kind", "crawl", "--realm", "void", "--target", "/etc", "--scanner", "manual"), "none of the scanners that the plan names may look at realm void")):
        sweep("create", "idle", *words)
        for wait in ((), ("--wait",)):
            said = subprocess.run(["certmuster", "sweep", "start", "idle", *wait], capture_output=True, text=True)
            equal(words, (1, f"certmuster sweep: nothing to sweep: {why}\n"), (said.returncode, said.stderr))
            assert said.stdout.startswith("started idle: 0 shards") and ("coverage  0 reached" in said.stdout) == bool(wait), said.stdout
        equal("over", "finished", status("idle")["state"])
        sweep("delete", "idle")
    sweep("create", "idle", "--known", "--realm", "quiet", "--filter", "place:113.91")
    equal("one is something", True, sweep("start", "idle").startswith("started idle: 1 shards, 1 probes"))
    sweep("cancel", "idle")
    sweep("delete", "idle")
    sql("DELETE FROM scanner WHERE name = 'sleeper'")


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
    # The next moment at which it opens is after `at` and open, and nothing between is: asked minute by minute over ten days.
    for start, end, days in (("NULL", "NULL", "{1}"), ("'22:00'", "'06:00'", "{5}"), ("'08:00'", "'17:00'", "{2,4}"), ("'22:00'", "'00:00'", "{7}"), ("NULL", "NULL", "{1,2,3,4,5,6,7}")):
        wrong = sql(f"""SET timezone = 'Europe/Berlin';
            WITH minute AS (SELECT at, sweep_window_open({plan(start, end, days)}, at) AS open, sweep_window_next({plan(start, end, days)}, at) AS next FROM generate_series('2026-11-20 00:00+00'::timestamptz, '2026-12-05 00:00+00', '10 minutes') AS at),
                 right_one AS (SELECT m.*, min(m.at) FILTER (WHERE m.open) OVER (ORDER BY m.at DESC) AS wanted FROM minute m)
            SELECT count(*) FILTER (WHERE r.next IS DISTINCT FROM r.wanted), count(*) > 1000 FROM right_one r WHERE r.at < '2026-11-28 00:00+00'""")
        equal(f"the next opening of {start}-{end} {days}", "0|t", wrong)
    assert "a prefix this large is refused: at most an IPv4 /8 or an IPv6 /104" in sweep("create", "six", "--target", "2001:db8::/64", status=2)
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
    assert told["state"] == "running" and "waits " in sweep("status", "pause"), told
    opens = time.strftime("%a %Y-%m-%d ", time.gmtime(time.time() + 3600)) + at(60)
    equal("why it waits", f"the window of the plan is closed: {at(60)}-{at(120)} UTC; it opens {opens}", told["waits"])
    sql("UPDATE sweep_plan SET next_at = now() - interval '1 hour' WHERE name = 'pause'")
    assert f" {opens[4:]} " in sweep("list"), sweep("list")  # and not an hour ago
    later = (time.gmtime(time.time() + 3600).tm_wday + 2) % 7
    sweep("edit", "pause", "--days", ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][later])
    assert f"{at(120)} {['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'][later]} UTC; it opens {time.strftime('%a %Y-%m-%d ', time.gmtime(time.time() + 49 * 3600))}{at(60)}" in status("pause")["waits"], status("pause")
    sweep("edit", "pause", "--days", "all")
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
    wait_for("two turns of the schedule", lambda stamp=sql("SELECT done_at FROM upkeep WHERE task = 'starts'"): sql(f"SELECT done_at > '{stamp}'::timestamptz + interval '2 seconds' FROM upkeep WHERE task = 'starts'") == "t")
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


def test_crawlers():
    """A crawl that names nobody is for those who crawl: not for who is only enrolled, scans, or crawled weeks ago. Whose files are waited for is told."""
    one = Collector(f"{sockets}/collectd.sock")
    for name in ("dmz9", "prometheus", "scans", "crawled", "long-ago", "asks", "other-realm", "off"):
        realms = "{elsewhere}" if name == "other-realm" else "{files}"
        sql(f"INSERT INTO scanner (name, realms, enrolled, first_seen, last_seen) VALUES ('{name}', '{realms}', 'unix:0', now(), now())")
    for name, source, age in (("scans", "scan", 0), ("crawled", "crawl", 6), ("long-ago", "crawl", 8), ("off", "crawl", 0)):
        run, at = new_run(), time.time() - age * 86400
        equal(name, 200, one.batch([run_record(run, "started", at, name, source), run_record(run, "finished", at + 60, name, source, targets=0, ok=0, failed=0)])[0])
    sql("UPDATE scanner SET disabled = true WHERE name = 'off'")
    for name, kind in (("asks", "crawl"), ("other-realm", "crawl"), ("scans", "scan")):
        equal("nothing yet", 204, lease(one, kind, name)[0])
    sweep("create", "files", "--kind", "crawl", "--realm", "files", "--target", "/etc/ssl")
    equal("started", True, sweep("start", "files").startswith("started files: 2 shards,"))
    equal("whose files", "asks crawled", sql("SELECT string_agg(only_scanner, ' ' ORDER BY number) FROM shard JOIN sweep USING (sweep_id) WHERE plan = 'files'"))
    equal("who is waited for", "for crawled, which never asked for crawl work", status("files")["waits"])
    assert "\nwaits     for crawled, which never asked for crawl work\n" in sweep("status", "files")
    code, order = lease(one, "crawl", "asks")
    equal("its own", (200, ["/etc/ssl"]), (code, order["targets"]))
    equal("others are waited for meanwhile", "for crawled, which never asked for crawl work", status("files")["waits"])
    equal("given back", 200, report(one, order["lease"], "given_back", scanner="asks")[0])
    sql("UPDATE worker_asked SET asked_at = '2026-01-02 03:04:05+00', again_by = '2026-01-02 03:14:05+00' WHERE scanner = 'asks'")
    equal("both", "for asks, which last asked for crawl work 2026-01-02 03:04; crawled, which never asked for crawl work", status("files")["waits"])
    sweep("edit", "files", "--days", ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][(time.gmtime().tm_wday + 3) % 7])
    assert "window of the plan is closed" in status("files")["waits"], status("files")
    sweep("edit", "files", "--days", "all")
    for name in ("asks", "crawled"):
        equal("it asks", 200, lease(one, "crawl", name)[0])
    equal("nobody is waited for", False, "waits" in status("files"))
    sweep("cancel", "files")
    sweep("edit", "files", "--scanner", "dmz9")
    sweep("start", "files")
    equal("who is named has a shard", "for dmz9, which never asked for crawl work", status("files")["waits"])
    sweep("cancel", "files")
    sweep("delete", "files")
    names = "('dmz9', 'prometheus', 'scans', 'crawled', 'long-ago', 'asks', 'other-realm', 'off')"
    sql(f"DELETE FROM worker_asked WHERE scanner IN {names}; DELETE FROM scanner WHERE name IN {names}")


def main():
    global sockets, port, closed
    sockets, port, closed = begin()
    play([test_attempts, test_schedule, test_limits, test_limit_changes, test_hostile, test_known, test_filter, test_what_goes_together, test_worked_off, test_one_form, test_days, test_taken_back, test_no_plan,
          test_nothing_to_sweep, test_windows, test_pause, test_delete_at_the_start, test_nobody,
          test_crawlers])


clean_up_after(main)
