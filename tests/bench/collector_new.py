"""new: certificates that the inventory does not know: what it costs to decode and to judge them, beside d2i_X509() and one check of the signature.

For issuers and leaves of RSA-2048, of P-256, of P-384, and mixed ones with up to forty names as a survey of the web finds them:

  in process   collector-judge runs the collector's own functions over JUDGED (4000) certificates, taking turns with d2i_X509() and X509_verify() of the same, ROUNDS
               (5) times: records are read (base64, SHA-256), certificates decoded for the inventory, chains judged by one trust store. Neither PostgreSQL nor
               the way to it and from the scanner is in it. Then the same by THREADS at once, each with a share
  end to end   CERTIFICATES (20000) of a kind are sent over TLS, each with a sighting, to an empty inventory, by collector.workers 1 and 2: CPU of the collector and of
               PostgreSQL from the first request to the last verdict. Then the trust store changes, and all are judged again: what judging alone takes

KINDS ("rsa2048 p256 p384 mixed"): which of them. Beside the goal it is told whether every certificate was stored, every chain judged once, and issuer paths built only a few times."""
import http.client
import os
import re
import shutil
import socket
import statistics
import subprocess
import time

from collector_tools import Collectd, Used, setting

RATIO_MAX = 1.6
KINDS = {"rsa2048": "RSA-2048", "p256": "P-256", "p384": "P-384", "mixed": "mixed"}
WAIT_S = 300


def make(bench, kind, count):
    directory = f"{bench.work}/{kind}"
    os.mkdir(directory)
    subprocess.run([bench.build + "/tests/bench/collector-certificates", kind, str(count), directory], check=True)
    return directory


def in_process(bench, directory, kind, rounds, judged, threads):
    """[{phase: µs per certificate}] of the rounds; of the last line the wall clock, too."""
    command = [bench.build + "/tests/bench/collector-judge", f"{directory}/{kind}.der", f"{directory}/{kind}.pem", str(rounds), str(judged), str(threads)]
    lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    return [{name: float(value) for name, value in zip(*[iter(line.split())] * 2)} for line in lines]


def tell_in_process(bench, directory, kind, title):
    judged = setting("JUDGED", 4000)
    rounds = in_process(bench, directory, kind, bench.rounds, judged, 1)
    median = {name: statistics.median(round[name] for round in rounds) for name in rounds[0]}
    ratio = statistics.median((round["read"] + round["decode"] + round["judge"]) / round["least"] for round in rounds)
    bench.table.head(f"new: {title}, in process", "CPU µs each", "× least")
    bench.table.row("d2i_X509, one signature check", [f"{median['least']:.1f}", "1.00"])
    for name, what in (("read", "records read"), ("decode", "decoded for the inventory"), ("judge", "chains judged")):
        bench.table.row(what, [f"{median[name]:.1f}", f"{median[name] / median['least']:.2f}"])
    whole = median["read"] + median["decode"] + median["judge"]
    bench.table.row("reading, decoding and judging", [f"{whole:.1f}", f"{ratio:.2f}"], ratio, RATIO_MAX, what=f"{ratio:.2f} × the least")
    for threads in (1, 2):
        some = in_process(bench, directory, kind, bench.rounds, judged, threads)
        cpu, wall = (statistics.median(round[name] for round in some) for name in ("cpu", "wall"))
        bench.table.row(f"decoding and judging, {threads} thread{'s' * (threads > 1)}", [f"{cpu:.1f}", ""], what=f"{1e6 / wall:.0f} a second")


# --- End to end ------------------------------------------------------------------------------------------------------------------------------


def pack(bench, directory, kind):
    """A batch for each file of records, since its intermediates are in it."""
    bodies = f"{directory}/bodies"
    os.mkdir(bodies)
    for number in range(len([name for name in os.listdir(directory) if name.endswith(".ndjson")])):
        records, part = f"{directory}/{kind}-{number}.ndjson", f"{directory}/part"
        os.mkdir(part)
        with open(records, "rb") as source:
            subprocess.run([bench.build + "/tests/bench/collector-load", "pack", part], stdin=source, stdout=subprocess.DEVNULL, check=True)
        os.rename(part + "/000001.zst", f"{bodies}/{number:06}.zst")
        os.rmdir(part)
        os.unlink(records)
    return bodies


class Local(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path):
        super().__init__("localhost")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def metrics(collectd):
    connection = Local(collectd.socket)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return {name: int(value) for name, value in re.findall(r"^certmuster_(chains_judged|paths_built|paths_cached)_total (\d+)$", text, re.M)}


def wait_judged(collectd, count):
    """The figures once so many verdicts are written."""
    deadline = time.monotonic() + WAIT_S
    while True:
        told = metrics(collectd)
        if told["chains_judged"] >= count:
            return told
        if time.monotonic() > deadline:
            raise SystemExit(f"only {told} after {WAIT_S} s")
        time.sleep(0.05)


def send(bench, collectd, bodies, connections):
    command = [bench.build + "/tests/bench/collector-load", "send", f"https://127.0.0.1:{collectd.port}", collectd.tls["ca"], *collectd.tls["bench"], str(connections), "bench/new", bodies]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        with open(collectd.log, encoding="utf-8") as log:
            raise SystemExit("batches were refused; the collector's log ends in\n" + log.read()[-2000:])


def between(collectd, act):
    """What act used, and what it returned."""
    before = collectd.used()
    result = act()
    return collectd.used() - before, result


def end_to_end(bench, directory, bodies, kind, count, workers):
    """(Used until all are judged, Used to judge them again, figures after each, what is wrong)."""
    work = f"{directory}/workers-{workers}"
    os.mkdir(work)
    store = work + "/store.pem"
    shutil.copy(f"{directory}/{kind}.pem", store)
    cluster = bench.cluster()
    collectd = Collectd(bench.build, work, cluster, f"  workers: {workers}\n  judge_interval: 200ms\n  trust_store: {store}\n")
    bench.ends.callback(collectd.stop)
    collectd.enrol("bench")
    collectd.start()

    def deliver():
        send(bench, collectd, bodies, workers + 1)
        return wait_judged(collectd, count)

    def change_store():
        with open(store, "a", encoding="ascii") as out, open(bench.work + "/other/p256.pem", encoding="ascii") as other:
            out.write(other.read())
        return wait_judged(collectd, 2 * count)

    fresh, first = between(collectd, deliver)
    again, second = between(collectd, change_store)
    stored = cluster.number("SELECT count(*) FROM certificate WHERE undecodable IS NULL")
    good = cluster.number("SELECT count(*) FROM chain_verdict WHERE verdict = 'ok'")
    shaped = cluster.number("SELECT count(*) FROM chain_shape WHERE ordered")
    wrong = [] if (stored, good, shaped) == (count + 3, count, count) else [f"{stored} certificates stored, {good} chains ok, {shaped} in order"]
    if (first["chains_judged"], second["chains_judged"]) != (count, 2 * count):
        wrong.append(f"{first['chains_judged']} and {second['chains_judged']} verdicts")
    collectd.stop()
    shutil.rmtree(work)
    return fresh, again, second, wrong


def tell_end_to_end(bench, directory, kind, title, count):
    bodies = pack(bench, directory, kind)
    bench.table.head(f"new: {title}, end to end, {count}", "collectd µs", "PG µs", "wall s", "a second")
    for workers in (1, 2):
        fresh, again, figures, wrong = end_to_end(bench, directory, bodies, kind, count, workers)
        plural = "s" * (workers > 1)
        for used, what in ((fresh, "stored and judged"), (again, "judged again")):
            each = Used(*(value / count * 1e6 for value in (used.collectd, used.postgres, used.wall, used.wal)))
            bench.table.row(f"{what}, {workers} worker{plural}", [f"{each.collectd:.0f}", f"{each.postgres:.0f}", f"{used.wall:.1f}", f"{1e6 / each.wall:.0f}"])
        paths = figures["paths_built"]
        bench.table.row(f"issuer paths built, {workers} worker{plural}", [str(paths), "", "", ""], paths, 3 * 2 * workers, what=f"{paths} for {2 * count} verdicts")
        bench.table.row("all stored, each chain judged once", ["yes" if not wrong else "no", "", "", ""], len(wrong), 0, what="; ".join(wrong))


def run(bench):
    count = setting("CERTIFICATES", 20000)
    os.mkdir(bench.work + "/other")
    subprocess.run([bench.build + "/tests/bench/collector-certificates", "p256", "1", bench.work + "/other"], check=True)
    for kind in os.environ.get("KINDS", " ".join(KINDS)).split():
        title = KINDS[kind]
        directory = make(bench, kind, count)
        tell_in_process(bench, directory, kind, title)
        tell_end_to_end(bench, directory, kind, title, count)
        shutil.rmtree(directory)
