#!/usr/bin/python3
"""What a worker makes of a collector's answers, and of its spool: shards that are done though something else waits, that are never whole, that are given back; a collector that is away
at the end; troubles told once. Real sweeps come in other tests."""
import json, os, subprocess, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from submit_tools import Collector, RUN, RUN2, SUBMIT, TMP, check, equal, place, run_record, segment, segments, sighting, play
from common import wait_until


class Sweep:
    """One shard whose only place answers nobody, then nothing to do; `done` says what is answered to the reports that it is done, the last for good."""

    def __init__(self, name, seconds=1.0, done=(200,), running=(200, {}), **order):
        self.spool, self.sock = place(name)
        self.log = os.path.join(TMP, name, "log")
        self.seconds, self.done, self.given, self.asked, self.reports = seconds, list(done), False, 0, []
        self.work, self.busy = True, False  # busy: others of this host fill the spool at each such report
        self.running, self.order = running, order  # what is answered to who says that it works; what else the order says
        self.put_off = False  # batches that come before such a report: by three seconds

    def answer(self, c, handler, request):
        if request["path"] == "/v1/leases":
            self.asked += 1
            if self.given or not self.work:
                handler.answer(204, b"", [("Retry-After", "1")])
            else:
                self.given = True
                handler.answer(200, {"lease": RUN, "sweep": "x", "plan": "p", "number": 0, "kind": "scan", "realm": "default", "targets": ["127.0.0.1:1"], "arguments": [],
                                     "seconds": self.seconds, **self.order})
        elif request["path"] == "/v1/leases/" + RUN:
            state = json.loads(request["body"])["state"]
            status = 200
            if state == "done":
                if self.busy:
                    segment(self.spool, len(self.reports) + 1, [run_record("started", RUN2)], run=RUN2)
                status = self.done.pop(0) if len(self.done) > 1 else self.done[0]
                status = 425 if self.put_off and not c.records else status
            elif state == "running":
                self.reports.append((state, self.running[0]))
                return handler.answer(*self.running) or True
            self.reports.append((state, status))
            handler.answer(status, {} if status == 200 else {"error": "not now"})
        elif self.put_off and "done" not in self.states():
            handler.answer(429, {"error": "not now"}, [("Retry-After", "3")])
        else:
            return False
        return True

    def __enter__(self):
        config = os.path.join(TMP, "worker.yaml")
        with open(config, "w") as f:
            f.write("scanner: s1\nspool: {dir: %s}\nsubmit: {wait: 2s}\n" % self.spool)
        self.collector = Collector(self.sock, self.answer).__enter__()
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([SUBMIT, "--config", config, "--to", "unix:" + self.sock, "--worker", "scan"], stderr=log)
        return self

    def end(self):
        self.process.terminate()
        equal(self.process.wait(30), 0, "the worker's end: " + self.said())

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.terminate() if kind is None else self.process.kill()
            self.process.wait(30)
        self.collector.__exit__()
        check("Sanitizer" not in self.said() and "runtime error" not in self.said(), self.said())

    def said(self):
        return open(self.log).read()

    def states(self):
        return [state for state, _ in self.reports if state != "running"]


def test_done_beside_others():
    """A segment of another run that nobody can deliver: the shard is done, the next one is asked for, and it is told once."""
    old = "01900000-0000-7000-8000-0000000000aa"
    sweep = Sweep("beside")
    segment(sweep.spool, 1, [sighting(77)], run=old)
    with sweep:
        wait_until("the next question", lambda: sweep.asked >= 3, 30)
        sweep.end()
        equal(sweep.states(), ["done"])
        equal(segments(sweep.spool), [old + "-00000001.seg"], "what stays")
        check(any(r.get("run") == RUN for r in sweep.collector.records), "the shard's run is stored")
    equal(sweep.said().count(" waits: the collector lacks 1 certificates"), 1, sweep.said())


def test_never_whole():
    """What is never said to be stored is reported as failed when patience ends, after one more question, whatever others have delivered; then the next shard is asked for."""
    sweep = Sweep("whole", seconds=0.5, done=[425])
    sweep.busy = True
    with sweep:
        wait_until("the next question", lambda: sweep.asked >= 2, 30)
        states = sweep.states()
        equal(states[-3:], ["done", "done", "failed"])
        equal(states.count("failed"), 1)
        check(any(r.get("run") == RUN2 for r in sweep.collector.records), "the others are stored")
        check('not everything of shard 0 of "p" was taken' in sweep.said(), sweep.said())
        sweep.end()


def test_late():
    """A collector that is away for longer than that is waited for: the shard is done in the end."""
    with Sweep("late", seconds=0.5, done=[425, 503, 500] + [503] * 12 + [429, 425, 200]) as sweep:
        wait_until("the next question", lambda: sweep.asked >= 2, 60)
        equal(sweep.states(), ["done"] * 18)
        sweep.end()


def test_put_off():
    """Batches that the collector puts off wait for as long as it said, though the lease is shorter; leases are spoken of meanwhile, and the shard is done in the end."""
    sweep = Sweep("off", seconds=0.5)
    sweep.put_off = True
    with sweep:
        wait_until("the next question", lambda: sweep.asked >= 2, 30)
        sweep.end()
        requests = sweep.collector.requests
        first = next(i for i, r in enumerate(requests) if b'"done"' in r["body"])
        before, after = ([r["at"] for r in some if r["path"] == "/v1/batches"] for some in (requests[:first], requests[first:]))
        check(after[0] - before[-1] >= 2.95, "sent after %.2f s" % (after[0] - before[-1]))
        check(set(sweep.states()) == {"done"} and len(sweep.states()) > 3, sweep.states())


def test_lease_is_over():
    """A lease that is another's ends the scanner at once, not after a while; so does not being let in any more, and, where so many probes a second are borne, that nobody answered."""
    minute = {"targets": [f"127.0.0.{i}:1" for i in range(1, 61)], "arguments": ["--rate=1"]}
    for name, running, more, word in (("other", (409, {"error": "it is another's"}), {}, "it is another's"), ("out", (403, {"error": "revoked"}), {}, "revoked"),
                                      ("silent", (503, {"error": "away"}), {"rate": 1}, "nobody answered for as long as the lease lasts")):
        with Sweep(name, seconds=1.2, running=running, **minute, **more) as sweep:
            wait_until("the next question", lambda: sweep.asked >= 2, 8)
            check("is not ours any more: " in sweep.said() and word in sweep.said(), sweep.said())
            check("done" not in sweep.states(), sweep.states())
            sweep.end()
    with Sweep("patient", seconds=0.6, running=(503, {"error": "away"}), **minute) as sweep:
        wait_until("three lease's lengths", lambda: len(sweep.reports) >= 10, 20)
        equal(({state for state, _ in sweep.reports}, sweep.asked), ({"running"}, 1))
        sweep.end()


def test_lease_length():
    """Each answer says how long the lease lasts from now on."""
    with Sweep("length", seconds=4.5, running=(200, {"seconds": 0.6}), targets=[f"127.0.0.{i}:1" for i in range(1, 61)], arguments=["--rate=1"]) as sweep:
        wait_until("reports", lambda: len(sweep.reports) >= 6, 20)
        at = [r["at"] for r in sweep.collector.requests if b'"running"' in r["body"]]
        check(at[5] - at[0] < 3, at)  # not 7.5
        sweep.end()


def test_given_back():
    """Told to end while not everything is stored: the shard is given back, not failed."""
    with Sweep("back", seconds=60, done=[425]) as sweep:
        wait_until("the first answer", lambda: sweep.reports, 30)
        sweep.end()
        states = sweep.states()
        equal(set(states[:-1]), {"done"})
        equal(states[-1], "given_back")


def test_tells_once():
    """A spool that cannot be read is told when that begins, not at each look, and once that it is over."""
    sweep = Sweep("once")
    sweep.work = False
    os.symlink(sweep.spool, sweep.spool)  # a link to itself: nobody reads that, root neither
    with sweep:
        def looks(n):
            until = sweep.asked + n
            wait_until("looks", lambda: sweep.asked >= until, 30)
        looks(2)
        os.unlink(sweep.spool)
        os.mkdir(sweep.spool)
        looks(2)
        os.rmdir(sweep.spool)
        os.symlink(sweep.spool, sweep.spool)
        looks(2)
        sweep.end()
    bad = "certmuster-submit: cannot read %s: Too many levels of symbolic links" % sweep.spool
    equal(sweep.said().splitlines(), [bad, "certmuster-submit: nothing is unreadable or kept back any more", bad], "what is told")


play([test_done_beside_others, test_never_whole, test_late, test_put_off, test_lease_is_over, test_lease_length, test_given_back, test_tells_once])
