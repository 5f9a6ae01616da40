#!/usr/bin/python3
# profile: release
"""A server that is set to answer before it has written (synchronous_commit = off) is killed the moment a batch was answered: what was told as stored stands all the same, for its sender has
forgotten it. Nobody else commits meanwhile, which would write it as well."""
import os, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from chaos_tools import World, sigkill
from collectd_tools import *
from common import wait_until

BIN, work = os.environ["CM_BIN"], os.environ.get("TMPDIR", "/tmp") + "/durable"
ROUNDS = 3
os.makedirs(work)
os.chmod(work, 0o755)
base = template(work)
world = World(work, BIN, "collector:\n  judge_interval: 60s\n", {})


def answered(number):
    """The run of a batch that was answered with 200 by a collector of its own; the database died then."""
    path, run = f"{work}/{number}.sock", new_run()
    process = world.start(f"collectd-{number}", f"{BIN}/certmuster-collectd", "--config", f"{world.home}/certmuster.yaml", "--socket", path, "--dsn",
                          f"host={world.sockets} dbname=certmuster user=certmuster_ingest options=-csynchronous_commit=off")
    wait_until("its socket", lambda: os.path.exists(path))
    collector, postmaster, der = Collector(path, 30), world.postmaster(), certificate(base, number)
    wait_until("the database", lambda: collector.get("/healthz")[0] == 200)
    answer = collector.batch([cert_record(der), sighting(f"198.51.100.{number}", [der], run)], key=f"file/{number}")
    assert sigkill(postmaster)
    assert answer == (200, {"stored": 2, "rejected": []}), answer
    process.terminate()
    assert process.wait(60) == 0, process.returncode
    world.ended(process)
    return run


with world:
    world.certmuster("up", "--database-only")
    world.sockets = open(f"{world.home}/sockets").read().strip()
    for number in range(ROUNDS):
        run = answered(number)
        world.certmuster("up", "--database-only")
        kept = world.sql(f"SELECT stored_ok FROM run WHERE run = '{run}'")
        assert kept == "1", f"answered as stored, and there is {kept or 'nothing'} (round {number})"
