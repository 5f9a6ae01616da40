#!/usr/bin/python3
# profile: release
"""The same thing done by two at once: one key sent to two collectors in the same moment, with the same body and with different ones, batches about the same places in opposite order, one sweep
shared by many, one spool drained by several submits of which some are killed. One is stored, the other is told what the first was; nothing is lost and nothing is counted twice. DOUBLES (default 60) says how often."""
import json, os, random, re, sys, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from chaos_tools import World, sigkill
from collectd_tools import *
from common import equal, play, wait_until
import zlib

BIN, TMP = os.environ["CM_BIN"], os.environ.get("TMPDIR", "/tmp")
work = f"{TMP}/doubles"
ROUNDS = int(os.environ.get("DOUBLES", "60"))
SEGMENTS = 30


def at_once(*calls):
    """Their answers; all begin in the same moment, on connections that are open already."""
    barrier, answers = threading.Barrier(len(calls)), [None] * len(calls)

    def one(i):
        barrier.wait()
        answers[i] = calls[i]()
    threads = [threading.Thread(target=one, args=(i,)) for i in range(len(calls))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return answers


def looks(run, net, count):
    """A batch of that many places, each with a certificate of its own."""
    ders = [certificate(base, (net << 8) + i) for i in range(count)]
    return [line for i, der in enumerate(ders) for line in (cert_record(der), sighting(f"198.{18 + (net >> 8)}.{net & 255}.{i}", [der], run))]


def stored_of(runs):
    """What is stored of each; runs that nobody knows are left out."""
    runs, rows = list(runs), []
    for begin in range(0, len(runs), 1000):  # as many as a command line bears
        rows += world.sql(f"SELECT run, stored_ok FROM run WHERE run = ANY ('{{{','.join(runs[begin:begin + 1000])}}}')").splitlines()
    return {run: int(count) for run, count in (row.split("|") for row in rows)}


def counter(result):
    total = 0
    for one in clients[:2]:
        for line in one.get("/metrics")[1].decode().splitlines():
            if line.startswith(f'certmuster_batches_total{{result="{result}"}}'):
                total += int(line.split()[1])
    return total


def test_same():
    """One body, one key, two collectors, four clients."""
    before, expected = (counter("stored"), counter("repeated")), {}
    for i in range(ROUNDS):
        run, count = new_run(), 1 + i % 7
        expected[run] = count
        lines = looks(run, i, count)
        answers = at_once(*[lambda c=c: c.batch(lines, key=f"file/same-{i}") for c in clients])
        equal("all are told the same", [(200, {"stored": 2 * count, "rejected": []})] * len(clients), answers)
    equal("stored once", expected, stored_of(expected))
    after = counter("stored"), counter("repeated")
    equal("one stored, the others told as repeated", (ROUNDS, ROUNDS * (len(clients) - 1)), (after[0] - before[0], after[1] - before[1]))


def test_different():
    """Different bodies under one key: whoever comes first is stored whole, the others not at all, and hear what the first was answered."""
    rounds = []
    for i in range(ROUNDS):
        runs = [new_run() for _ in clients]
        bodies = [looks(run, 256 + (len(clients) * i + n) % 256, 1 + n) + ["no record"] * n for n, run in enumerate(runs)]
        answers = at_once(*[lambda c=c, b=b: c.batch(b, key=f"file/different-{i}") for c, b in zip(clients, bodies)])
        equal("all are told the same", [answers[0]] * len(clients), answers)
        rounds.append((runs, answers[0]))
    stored, winners = stored_of([run for runs, _ in rounds for run in runs]), {}
    for runs, (status, answer) in rounds:
        there = [n for n, run in enumerate(runs) if run in stored]
        equal("one of them", 1, len(there))
        n = there[0]
        winners[n] = winners.get(n, 0) + 1
        equal("whole", 1 + n, stored[runs[n]])
        equal("and its own answer", (200, 2 * (1 + n), n), (status, answer["stored"], len(answer["rejected"])))
    assert len(winners) > 1, f"always the same won, so they were never there at once: {winners}"


def test_lacking():
    """One of the two lacks the certificate: whatever comes first, the batch is stored once and whole."""
    runs = []
    for i in range(ROUNDS // 4):
        run, der = new_run(), certificate(base, 900000 + i)
        runs.append(run)
        look = sighting(f"203.0.113.{i % 200}", [der], run)
        answers = at_once(lambda: clients[0].batch([look], key=f"file/lacking-{i}"), lambda: clients[1].batch([cert_record(der), look], key=f"file/lacking-{i}"))
        assert answers[1] == (200, {"stored": 2, "rejected": []}) or (answers[0] == answers[1] and answers[0][0] == 200), answers
        assert answers[0][0] in (200, 409), answers
    equal("stored once", dict.fromkeys(runs, 1), stored_of(runs))


def test_opposite():
    """Batches of different keys about the same places at once, in opposite order: both are stored, no place twice."""
    all_runs = []
    for i in range(ROUNDS // 4):
        runs = new_run(), new_run()
        all_runs += runs
        ders = [certificate(base, 1000000 + 100 * i + n) for n in range(60)]
        bodies = [[line for n, der in order for line in (cert_record(der), sighting(f"192.0.2.{n}", [der], run))]
                  for run, order in zip(runs, (list(enumerate(ders)), list(reversed(list(enumerate(ders))))))]
        answers = at_once(*[lambda c=c, b=b, n=n: c.batch(b, key=f"file/opposite-{i}-{n}") for n, (c, b) in enumerate(zip(clients, bodies))][:2])
        equal("both", [(200, {"stored": 120, "rejected": []})] * 2, answers)
    equal("both counted", dict.fromkeys(all_runs, 60), stored_of(all_runs))


def test_leases():
    """Eight scanners at two collectors take shards of one sweep as fast as they can: each shard is given once, and none is left."""
    shards = 512
    world.certmuster("sweep", "create", "shared", "--target", "198.51.100.0/22", "--shard", "2")
    world.certmuster("sweep", "start", "shared")

    def take(i):
        client, given = Collector(paths[i % 2]), []
        while (answer := client.request("POST", "/v1/leases", json.dumps({"kind": "scan", "scanner": f"taker-{i}"}).encode()))[0] == 200:
            given.append(json.loads(answer[1])["number"])
        equal("no shard is left", 204, answer[0])
        return given
    taken = at_once(*[lambda i=i: take(i) for i in range(8)])
    numbers = [n for given in taken for n in given]
    equal("shards given more than once", [], sorted({n for n in numbers if numbers.count(n) > 1}))
    equal("all of them", shards, len(numbers))
    equal("who holds it has its lease", f"{shards}|{shards}", world.sql("SELECT count(*), count(DISTINCT (sweep_id, number)) FROM lease WHERE ended_at IS NULL"))
    assert all(taken), [len(given) for given in taken]
    world.certmuster("sweep", "cancel", "shared")


def frame(text):
    data = text.encode()
    return b"%08x %s\n" % (zlib.crc32(data), data)


def make_spool(directory, run, net):
    os.makedirs(directory)
    lines = looks(run, net, 2 * SEGMENTS)
    for n in range(SEGMENTS):
        with open(f"{directory}/{run}-{n + 1:08}.seg", "wb") as f:
            f.write(frame(record("segment", scanner="local")))
            if n == 0:
                f.write(frame(run_record(run, "started")))
            for line in lines[4 * n:4 * n + 4]:
                f.write(frame(line))
            if n == SEGMENTS - 1:
                f.write(frame(run_record(run, "finished", targets=2 * SEGMENTS, ok=2 * SEGMENTS, failed=0)))


def submit(directory, url, name):
    return world.start(name, f"{BIN}/certmuster-submit", "--config", world.config_of("local"), "--to", url, directory)


def test_spool():
    """One spool, three submits at two collectors; in every other round one of them is killed in the middle and comes again."""
    rounds = max(6, ROUNDS // 20)
    killed = 0
    for i in range(rounds):
        run, directory = new_run(), f"{work}/spool-{i}"
        make_spool(directory, run, 512 + i)
        name = f"submit-{i}"
        drains = [submit(directory, urls[n % 2], name) for n in range(3)]
        if i % 2:
            deadline = time.time() + 20
            while world.sql(f"SELECT count(*) FROM batch WHERE batch_key LIKE '%/{run}/%'") == "0" and time.time() < deadline:
                time.sleep(0.005)
            victim = random.choice(drains)
            killed += sigkill(victim.pid)
            victim.wait()
            world.ended(victim)
            drains.remove(victim)
            drains.append(submit(directory, urls[1], name))
        equal("statuses", [0, 0, 0], [d.wait(60) for d in drains])
        for d in drains:
            world.ended(d)
        equal("left", [], [n for n in os.listdir(directory) if ".seg" in n])
        equal("each segment once", f"{SEGMENTS}|{SEGMENTS}", world.sql(f"SELECT count(*), max(substring(batch_key from '[0-9]+$')::integer) FROM batch WHERE batch_key LIKE '%/{run}/%'"))
        equal("each record once", {run: 2 * SEGMENTS}, stored_of([run]))
        taken = [int(n) for n in re.findall(r"(\d+) batch(?:es)? taken", open(f"{work}/{name}.log").read())]
        if not i % 2:
            equal("what they say together", SEGMENTS, sum(taken))
    assert killed, "none was killed while it worked"
    print(f"    {killed} submits killed of {rounds} spools")


os.makedirs(work)
os.chmod(work, 0o755)
base = template(work)
world = World(work, BIN, "collector:\n  judge_interval: 200ms\n  client_rate: 100000\n", {"local": ""})
with world:
    world.up()
    world.second()
    wait_until("the second collector", lambda: os.path.exists(f"{work}/second.sock"))
    paths = f"{world.sockets}/collectd.sock", f"{work}/second.sock"
    urls = [f"unix:{path}" for path in paths]
    clients = [Collector(paths[n % 2]) for n in range(4)]
    for c in clients:
        equal("healthy", 200, c.get("/healthz")[0])
    play([test_same, test_different, test_lacking, test_opposite, test_leases, test_spool])
    world.judged()
    wrong = [x for x in world.contradictions() if not x.startswith("a finished run with a gap")]
    assert not wrong, wrong
