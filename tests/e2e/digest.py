#!/usr/bin/python3
"""Unchanged places are told by their digests: two inventories take the same batches, and one of them forgets every digest after each, so that all is compared in
full there. They must hold the same in the end, whatever came: changes, failures, two chains, packets read by watch, late arrivals, several words in one batch."""
import os, random, shutil, subprocess, sys, tempfile, time, traceback
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collectd_tools import Collector, cert_record, certificate, endpoint, failure, new_run, record, sighting, stamp, template
from common import equal

PG = "/usr/lib/postgresql/15/bin"
os.environ["PATH"] = f"{os.environ.get('CM_BIN', 'build/asan')}:{PG}:" + os.environ["PATH"]
TMP = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/tmp"))
os.chmod(TMP, 0o755)
NOW, DAY, PLACES, BATCHES = time.time(), 86400, 40, 70
TLS = [{"version": "TLSv1.3", "cipher": "TLS_AES_128_GCM_SHA256", "group": "x25519"}, {"version": "TLSv1.2", "cipher": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
       {"group": "x25519", "version": "TLSv1.3", "cipher": "TLS_AES_128_GCM_SHA256", "scts": 2}]
FAILURES = [("connect", "refused"), ("connect", "timeout"), ("hello", "timeout")]
# All that batches make, and when a place was last seen well; but for what only makes it quick.
TABLES = {
    "location": "location_id, kind, realm, ip, port, name, first_seen",
    "sighting": "location_id, chain_id, role, first_seen, last_seen, seen_run, absent_runs, absent_run, absent_at, closed_at, source",
    "location_state": "location_id, chains, steady_role, earliest_not_after, source, scanner, last_run, last_result, last_detail, last_ok, last_failure, starttls, tls, file_meta",
    "observation": "batch_key, run, first_at, last_at, unchanged, failing",
    "chain": "chain_id, fingerprints, leaf_sha256, earliest_not_after",
    "run": "run, source, scanner, stored_ok, stored_failed, results",
}


class Inventory:
    def __init__(self, name):
        self.home = f"{TMP}/{name}"
        os.makedirs(self.home)
        with open(f"{self.home}/certmuster.yaml", "w") as out:
            out.write("collector:\n  client_rate: 10000\n")
        self.call("up")
        with open(f"{self.home}/sockets") as file:
            self.sockets = file.read().strip()
        self.collector = Collector(self.sockets + "/collectd.sock")

    def call(self, *words):
        subprocess.run(["certmuster", *words], check=True, stdout=subprocess.DEVNULL, env={**os.environ, "CERTMUSTER_HOME": self.home})

    def sql(self, text):
        command = ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", self.sockets, "-U", "certmuster_admin", "-d", "certmuster", "-c", "SET search_path = certmuster", "-c", text]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.rstrip("\n")

    def take(self, lines, key):
        status, content = self.collector.batch(lines, key)
        equal(f"{key}: {content}", 200, status)
        equal(f"{key}: rejected", [], content["rejected"])

    def forget(self):
        self.sql("UPDATE location_state SET digest = NULL WHERE digest IS NOT NULL")

    def digests(self):
        return self.sql("SELECT location_id, digest FROM location_state WHERE digest IS NOT NULL ORDER BY location_id").split("\n")

    def dump(self):
        return {table: self.sql(f"SELECT {columns} FROM {table} ORDER BY {columns}").split("\n") for table, columns in TABLES.items()}


class Place:
    """What is said of it, again and again, with something else now and then."""

    def __init__(self, number, dice, ders):
        self.ip, self.dice, self.ders = f"192.0.2.{number}", dice, ders
        self.ders_now, self.tls, self.starttls, self.failing = [ders[number % len(ders)]], TLS[0], None, None

    def change(self):
        what = self.dice.randrange(6)
        if what == 0:
            self.ders_now = self.dice.sample(self.ders, self.dice.choice((1, 1, 2)))
        elif what == 1:
            self.tls = self.dice.choice(TLS)
        elif what == 2:
            self.starttls = self.dice.choice((None, "smtp", "imap"))
        elif what == 3:
            self.failing = self.dice.choice(FAILURES)
        else:
            self.failing = None

    def lines(self, run, at):
        more = {"starttls": self.starttls} if self.starttls else {}
        if self.failing:
            return [failure(self.ip, run, at, stage=self.failing[0], error=self.failing[1])]
        lines = []
        for der in self.ders_now:
            line = sighting(self.ip, [der], run, at, tls=self.tls)
            lines.append(line.replace('"name":""', f'"name":"","starttls":"{self.starttls}"') if more else line)
        return lines

    def by_watch(self, run, at):
        """Less is seen of it: a chain without a group, or no chain at all."""
        if self.dice.random() < 0.5:
            return [sighting(self.ip, [self.ders_now[0]], run, at, source="watch", tls={"version": "TLSv1.2"}, since=stamp(at - 600), count=7)]
        return [record("endpoint", source="watch", at=stamp(at), scanner="local", run=run, endpoint=endpoint(self.ip), tls={"version": "TLSv1.3"})]


def batches(dice, ders):
    """Yields lists of lines."""
    places = [Place(number, dice, ders) for number in range(1, PLACES + 1)]
    clock, run = NOW - 40 * DAY, new_run()
    for _ in range(BATCHES):
        clock += 3600 * dice.randrange(1, 12)
        run = run if dice.random() < 0.3 else new_run()
        late = dice.random() < 0.15
        at = clock - dice.randrange(1, 20) * DAY if late else clock
        lines = []
        for place in dice.sample(places, dice.randrange(PLACES // 2, PLACES)):
            if dice.random() < 0.15:
                place.change()
            moment = at + dice.randrange(60)
            if dice.random() < 0.08:
                lines += place.by_watch(run, moment)
            else:
                lines += place.lines(run, moment)
            if dice.random() < 0.04:  # another word on it in the same batch
                place.change()
                lines += place.lines(run if dice.random() < 0.5 else new_run(), moment + 1)
        yield lines


def test_twins(quick, slow, ders):
    seed = random.randrange(1 << 32)
    print(f"seed {seed}")
    dice, told = random.Random(seed), 0
    for i, lines in enumerate(batches(dice, ders)):
        for inventory in (quick, slow):
            inventory.take(lines, f"local/digest/{i}")
        slow.forget()
        told = max(told, len(quick.digests()))
    assert told > PLACES // 2, f"{told} places of {PLACES} have a digest: too few to have shown anything"
    left, right = quick.dump(), slow.dump()
    for table in TABLES:
        if left[table] != right[table]:
            differ = sorted(set(left[table]) ^ set(right[table]))
            raise AssertionError(f"seed {seed}: {table} differs:\n" + "\n".join(("quick " if row in left[table] else "slow  ") + row for row in differ[:10]))
    print(f"ok   the same by digests and compared in full: {', '.join(f'{len(rows)} of {table}' for table, rows in left.items())}")


def test_remembered(quick, ders):
    """A digest that is lacking is made again by the next look that says the same, and only by that; what is told by digests reads and writes no row."""
    lines = lambda run, at: [sighting(f"198.51.100.{i}", [ders[i % 2]], run, at) for i in range(1, 21)] + [failure(f"198.51.100.{i}", run, at) for i in range(21, 41)]
    place = "SELECT count(*), count(digest), md5(string_agg(location_id::text || coalesce(digest::text, ''), '' ORDER BY location_id)) FROM location_state JOIN location USING (location_id) WHERE host(ip) LIKE '198.51.100.%'"
    at = NOW - 3600
    quick.take(lines(new_run(), at), "local/remember/1")
    first = quick.sql(place)
    assert first.startswith("40|40|"), first
    quick.forget()
    quick.take(lines(new_run(), at - 60), "local/remember/2")  # late
    assert quick.sql(place).startswith("40|0|"), quick.sql(place)
    quick.take(lines(new_run(), at + 60), "local/remember/3")
    equal("made again", first, quick.sql(place))
    versions = "SELECT md5(string_agg(ctid::text || xmin || xmax, '' ORDER BY location_id)) FROM location_state"
    before = quick.sql(versions)
    quick.take(lines(new_run(), at + 120), "local/remember/4")
    equal("nothing was written", before, quick.sql(versions))
    equal("told in observation", "20|20", quick.sql("SELECT cardinality(unchanged), cardinality(failing) FROM observation WHERE batch_key = 'local/remember/4'"))
    print("ok   remembered")


def main():
    ders = [certificate(template(TMP), i) for i in range(6)]
    quick, slow = Inventory("quick"), Inventory("slow")
    for inventory in (quick, slow):
        inventory.take([cert_record(der) for der in ders], "local/certificates")
    test_remembered(quick, ders)
    slow.collector, quick.collector = Collector(slow.sockets + "/collectd.sock"), Collector(quick.sockets + "/collectd.sock")
    quick.sql("TRUNCATE location, location_state, sighting, observation, chain, run, docket, chain_verdict, chain_shape")
    test_twins(quick, slow, ders)


status = 1
try:
    main()
    status = 0
except BaseException:  # told below, and the exit status says it
    traceback.print_exc()
finally:
    for home in ("quick", "slow"):
        if os.path.exists(f"{TMP}/{home}"):
            subprocess.run(["certmuster", "down"], env={**os.environ, "CERTMUSTER_HOME": f"{TMP}/{home}"}, stdout=subprocess.DEVNULL, check=False)
    if status == 0:
        shutil.rmtree(TMP, ignore_errors=True)
sys.exit(status)
