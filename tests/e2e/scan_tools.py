"""What the scan tests in Python share: running certmuster-scan, reading its records, servers that misbehave. Not a test itself."""
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import jsonschema

from common import equal, holds, note, play_parts, wait_until

TOP, BIN, FLEET = os.environ["CM_TOP"], os.environ["CM_BIN"], os.environ["CM_FLEET"]
SCHEMA_CHECKS = 300  # records of a run that are held against the schema; it is slow
SCAN = BIN + "/certmuster-scan"
MORE = os.environ.get("SCAN_ARGS", "").split()  # for every run, e.g. "--threads 4"
work = tempfile.mkdtemp(dir=os.environ.get("TMPDIR"))
os.environ["CERTMUSTER_HOME"] = work + "/no-home"
started = []
schema = jsonschema.Draft202012Validator(json.load(open(TOP + "/contrib/schema/record-v1.schema.json", encoding="utf-8")))


class Run:
    """One finished run with --json: its records by type, what it said on stderr, how long it took. Checks that the counts add up."""

    def __init__(self, status, out, err, seconds):
        self.status, self.err, self.seconds = status, err, seconds
        self.records = [json.loads(line) for line in out.splitlines()]
        for record in self.records[:SCHEMA_CHECKS] + self.records[-1:]:
            wrong = next(schema.iter_errors(record), None)
            holds("the schema", wrong is None, wrong and wrong.message, record)
        self.sightings = [r for r in self.records if r["type"] == "sighting"]
        self.failures = [r for r in self.records if r["type"] == "failure"]
        self.probes = self.sightings + self.failures
        self.finished = [r for r in self.records if r["type"] == "run" and r["state"] == "finished"]
        if self.finished:
            last = self.finished[-1]
            equal("the finished record is the last", last, self.records[-1])
            equal("ok", len(self.sightings), last["ok"])
            equal("failed", len(self.failures), last["failed"])
            equal("targets", last["ok"] + last["failed"], last["targets"])
        places = [place(r) for r in self.probes]
        equal("each probe is told once", len(places), len(set(places)))

    def failure(self):
        equal("one failure, no sighting", (1, 0), (len(self.failures), len(self.sightings)))
        return self.failures[0]


def place(record):
    end = record["endpoint"]
    return end.get("ip"), end["port"], end["name"]


def errors(run):
    """How many failures of each stage and error."""
    count = {}
    for failure in run.failures:
        key = failure["stage"] + " " + failure["error"]
        count[key] = count.get(key, 0) + 1
    return count


def popen(*args, **more):
    process = subprocess.Popen([SCAN, "--json", *MORE, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
    started.append(process)
    process.began = time.monotonic()
    return process


def end(process, text=None):
    out, err = process.communicate(text, timeout=120)
    started.remove(process)
    if "Sanitizer" in err:
        raise AssertionError(err)
    return Run(process.returncode, out, err, time.monotonic() - process.began)


def scan(*args, stdin=None, expect=0, **more):
    process = popen(*args, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL, **more)
    run = end(process, stdin)
    if run.status != expect:
        raise AssertionError(f"scan {args}: exit {run.status}, not {expect}: {run.err}")
    holds("a run that ends by itself says so", len(run.finished) == 1 or expect in (2, 3), run.err)
    return run


class Server:
    """Listens on 127.0.0.1 or 0.0.0.0 and gives each connection to a function in a thread of its own."""

    def __init__(self, serve, address="127.0.0.1", backlog=4096):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, 0))
        self.listener.listen(backlog)
        self.port = self.listener.getsockname()[1]
        self.accepted = 0
        self.kept = []
        if serve:
            threading.Thread(target=self.run, args=(serve,), daemon=True).start()

    def run(self, serve):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            if serve == "keep":
                self.kept.append(connection)
                continue
            threading.Thread(target=self.guarded, args=(serve, connection), daemon=True).start()

    @staticmethod
    def guarded(serve, connection):
        try:
            serve(connection)
        except OSError:
            pass
        connection.close()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # also ends an accept() that waits
        self.listener.close()
        for connection in self.kept:
            connection.close()


def reset(connection):
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def raise_files():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def main(*tests):
    raise_files()
    play_parts(tests, started)
    os._exit(0)  # threads of servers may still wait for a connection
