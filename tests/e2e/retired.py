#!/usr/bin/python3
# profile: release
"""What is marked as nowhere is hidden from every list: only what no open span holds may be. A certificate that a renewal supersedes stays until its span ends, so that it is
shown again when the run that missed it is lost; who comes back is shown at once; and what was marked beside the point is found again, an intermediate as well as a leaf."""
import os, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collectd_tools import Collector, cert_record, certificate, new_run, run_record, sha, sighting, template
from gone_tools import Inventory, equal, fail

inventory = Inventory("retired")
sql = inventory.sql
collector = Collector(inventory.collector("collectd"))
der = template(inventory.work)
OLD, NEW, CA, ROOT, LONE = (certificate(der, number) for number in range(1, 6))
BASE = int(time.time()) - 20 * 3600


def seen(hour, *chains, ip="127.1.0.1", end=True, role="server"):
    run, at = new_run(), BASE + hour * 3600
    lines = [run_record(run, "started", at)] + [sighting(ip, chain, run, at + 30, role=role) for chain in chains]
    lines += [run_record(run, "finished", at + 60, targets=len(chains), ok=len(chains), failed=0)] if end else []
    status, answer = collector.batch(lines)
    if status != 200 or answer.get("rejected"):
        fail(f"{status} {answer}")
    return run


def upkeep(task):
    """A collector that begins looks after all that is due."""
    sql(f"UPDATE upkeep SET done_at = now() - interval '2 days' WHERE task = '{task}'")
    inventory.collector(task)


def retire():
    sql("SELECT certificates_retire('-infinity', '', 1000)")


def retired():
    names = {sha(OLD): "old", sha(NEW): "new", sha(CA): "ca", sha(ROOT): "root", sha(LONE): "lone"}
    return sorted(names[line] for line in sql("SELECT encode(sha256, 'hex') FROM certificate WHERE retired_at IS NOT NULL").split())


def listed():
    """What a list looks at."""
    return sorted(name for name, der in (("old", OLD), ("new", NEW), ("ca", CA)) if sql(f"SELECT current FROM browse_certificate WHERE sha256 = '\\x{sha(der)}'") == "t")


def used(name):
    return sql(f"SELECT in_use FROM browse_certificate WHERE sha256 = '\\x{sha(name)}'") == "t"


status, answer = collector.batch([cert_record(c) for c in (OLD, NEW, CA, ROOT, LONE)])
equal("certificates", 200, status)
sql(f"UPDATE certificate SET not_after = not_after + interval '90 days' WHERE sha256 = '\\x{sha(NEW)}'")
retire()
equal("nobody has seen them", ["ca", "lone", "new", "old", "root"], retired())
seen(0, [OLD, CA])
seen(0, [ROOT], ip="127.1.0.2", role="trust")
equal("two are in use, one is trusted", ["lone", "new"], retired())

# --- Superseded, and not so --------------------------------------------------------------------------------------------------------------
lost = seen(1, [NEW], end=False)
equal("superseded", (False, True), (used(OLD), used(NEW)))
retire()
equal("what a renewal supersedes is not nowhere", ["lone"], retired())
equal("but lists need not look at it", ["new"], listed())
sql(f"UPDATE run SET started_at = now() - interval '2 days' WHERE run = '{lost}'")
upkeep("lost_runs")
inventory.wait_for("the lost run", lambda: sql("SELECT max(absent_runs) FROM sighting") == "0")
equal("both, as nobody missed either", (True, True, True), (used(OLD), used(NEW), used(CA)))
equal("and lists know", ["ca", "new", "old"], listed())

# --- Gone and back -----------------------------------------------------------------------------------------------------------------------
for hour in (2, 3, 4):
    seen(hour, [NEW])
retire()
equal("its span has ended, and its intermediate was nowhere else", ["ca", "lone", "old"], retired())
equal("not in use", (False, False), (used(OLD), used(CA)))
seen(1.5, [OLD, CA])
retire()
equal("a late word on when it was there", ["ca", "lone", "old"], retired())
seen(5, [OLD, CA], [NEW])
equal("back, and shown at once", ["lone"], retired())
equal("in use", (True, True), (used(OLD), used(CA)))

# --- Marked beside the point -------------------------------------------------------------------------------------------------------------
mark = "UPDATE certificate SET retired_at = now() - interval '{}' WHERE retired_at IS NULL"
sql(mark.format("1 second"))
retire()
equal("found by the next slice", ["lone"], retired())
sql(mark.format("3 days"))
upkeep("return")
inventory.wait_for("the daily look", lambda: len(retired()) < 5)
equal("found by the daily look: leaf, intermediate and trust anchor", ["lone"], retired())
sys.exit(inventory.end())
