"""bench-collector, part resweep: a fleet is swept again and nothing has changed. From the request to the commit, over TLS with client certificates, zstd.

PLACES (1000000) endpoints, CHAINS (100000) distinct chains: a certificate each, and the intermediate. Records are certmuster-scan's own, of a real scan of CHAINS
endpoints of our fleet, half of TLS 1.3 and half of TLS 1.2; each place has its own address, every second one a name. Every sweep has its own run, times and
milliseconds; the order of places changes a little, as answers come. Segments of 4 MiB, packed beforehand as submit packs them, sent by CONNECTIONS (3).

The first sweep, which stores everything, is told beside but not judged. Then VACUUM (what autovacuum does between two nights), and in turns: a sweep, and the
floor, which is one COPY … FROM STDIN of the same rows (place, run, time, chain, role, source, scanner, STARTTLS, tls as jsonb) into a logged table without
indexes. Each begins at a checkpoint of its own and is charged with what background processes do until it ends; WAL is told right after the checkpoint, when pages
are written whole, as it stands at rest too.

What bounds it: of the collector, zstd, three SHA-256 for each sighting (place, chain, digest) and comparing 600 bytes with the line before; of PostgreSQL, one look
for each place into the index of the primary key, and the array of what was unchanged; of WAL, 16 bytes for each place in that array. Before places had digests and
repeating lines were skimmed it was 6 times COPY: 13.5 µs in the collector, most of it jansson's trees, and 8 µs in PostgreSQL, most of it COPY into a staging
table and joining it."""
import os
import random
import re
import shutil
import statistics
import subprocess
import time
import uuid

from bench_tools import fleet_of
from collector_tools import setting

SCANNER = "probe-1"
CPU_MAX, RATE_MIN, WAL_MAX_MB = 4, 150000, 40
JUDGE_S = 1200
LINE = re.compile(rb'^(\{"v":1,"type":"sighting","source":"scan","at":")[^"]*(","scanner":")[^"]*(","run":")[^"]*("'
                  rb',"endpoint":\{"realm":")[^"]*(","transport":"tcp","ip":")[^"]*(","port":)[0-9]*(,"name":")[^"]*("\},"role":"server",.*"ms":\{"connect":)[0-9]+(,"handshake":)[0-9]+(\}\})$')
ROWS = """COPY (SELECT s.location_id, s.seen_run, s.last_seen, s.chain_id, s.role, s.source, st.scanner, st.starttls, st.tls
                  FROM certmuster.sighting s JOIN certmuster.location_state st USING (location_id)) TO STDOUT"""
FLOOR = """CREATE TABLE floor (location_id uuid, run uuid, at timestamptz, chain_id uuid, role text, source text, scanner text, starttls text, tls jsonb)"""
COUNTS = """SELECT json_build_object('places', (SELECT count(*) FROM location), 'spans', (SELECT count(*) FROM sighting), 'open', (SELECT count(*) FROM sighting WHERE closed_at IS NULL),
                  'chains', (SELECT count(*) FROM chain), 'certificates', (SELECT count(*) FROM certificate), 'state', (SELECT sum(hashtextextended(st::text, 0)) FROM location_state st))"""


def scanned(bench, count, *more):
    """Records of a real scan: certificate lines, and sightings cut where a place, a run and a moment are told."""
    with fleet_of(bench.build, bench.work, count, *more) as fleet:
        command = [bench.build + "/certmuster-scan", "-q", "--json", "--no-submit", "-f", fleet.targets(count)]
        lines = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.splitlines()
    shutil.rmtree(bench.work + "/fleet")
    matches = [LINE.match(line) for line in lines if b'"type":"sighting"' in line]
    if None in matches or len(matches) != count:
        raise SystemExit(f"the scan told {len(matches)} of {count} endpoints, or not as it did when this was written")
    return [line for line in lines if b'"type":"certificate"' in line], [match.groups() for match in matches]


def stamp(at_ms):
    return b"%s.%03dZ" % (time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_ms // 1000)).encode(), at_ms % 1000)


class Sweeps:
    """Sweeps over the same places, packed in files."""

    def __init__(self, bench, places, chains):
        self.bench, self.places, self.count, self.last_ms = bench, places, 0, 0
        self.certificates, self.shapes = [], []
        for more in (("--canned", "tls13"), ("--canned", "tls12")):
            certificates, shapes = scanned(bench, chains // 2, *more)
            self.certificates += certificates
            self.shapes += shapes
        self.certificates = list(dict.fromkeys(self.certificates))

    def line(self, i, run, at, dice):
        shape = self.shapes[i * 7919 % len(self.shapes)]
        address = b"10.%d.%d.%d" % (i >> 16 & 255, i >> 8 & 255, i & 255)
        name = b"host-%d.example.org" % i if i % 2 else b""
        connect = dice.randrange(60)
        values = (at, SCANNER.encode(), run, b"default", address, b"443", name, b"%d" % connect, b"%d" % (connect + dice.randrange(90)))
        return b"".join(piece for pair in zip(shape, values) for piece in pair) + shape[-1] + b"\n"

    def pack(self, name, lines):
        """A directory of bodies, and how many."""
        directory = f"{self.bench.work}/{name}"
        os.mkdir(directory)
        pack = subprocess.Popen([self.bench.build + "/tests/bench/collector-load", "pack", directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        pack.stdin.writelines(lines)
        pack.stdin.close()
        bodies = int(pack.stdout.read())
        if pack.wait() != 0:
            raise SystemExit("collector-load pack")
        return directory, bodies

    def next(self):
        """The lines of one more sweep."""
        self.count += 1
        run, dice = str(uuid.uuid4()).encode(), random.Random(self.count)
        end_ms = int(time.time() * 1000) - 1000  # a sweep takes its time; none of it is in the future, or before the one before it
        begin_ms = max(end_ms - self.places // 100, self.last_ms)
        self.last_ms = end_ms
        told = b'{"v":1,"type":"run","run":"%s","source":"scan","state":"%s","at":"%s","scanner":"' + SCANNER.encode() + b'"%s}\n'
        yield told % (run, b"started", stamp(begin_ms), b"")
        window = 4096  # probes under way: answers come in about the order of the targets
        for start in range(0, self.places, window):
            order = list(range(start, min(start + window, self.places)))
            dice.shuffle(order)
            at = stamp(begin_ms + (end_ms - begin_ms) * start // self.places)
            for i in order:
                yield self.line(i, run, at, dice)
        yield told % (run, b"finished", stamp(end_ms), b',"targets":%d,"ok":%d,"failed":0' % (self.places, self.places))

    def write(self):
        lines = self.next()
        return self.pack(f"sweep-{self.count + 1}", lines)


def settle(cluster):
    """The judge's docket is empty."""
    deadline = time.monotonic() + JUDGE_S
    while cluster.number("SELECT count(*) FROM docket"):
        if time.monotonic() > deadline:
            raise SystemExit("the judge does not come to an end")
        time.sleep(0.5)


def sweep(bench, collectd, directory):
    """Sends it all. Returns what was Used, and the client's account of it."""
    certificate, key = collectd.tls[SCANNER]
    command = [bench.build + "/tests/bench/collector-load", "send", f"https://127.0.0.1:{collectd.port}", collectd.tls["ca"], certificate, key,
               str(setting("CONNECTIONS", 3)), f"{SCANNER}/{os.path.basename(directory)}", directory]
    before = collectd.used()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        with open(collectd.log, encoding="utf-8") as log:
            raise SystemExit("batches were refused; the collector's log ends in\n" + log.read()[-2000:])
    told = done.stdout.split()
    used = collectd.used() - before
    shutil.rmtree(directory)
    return used, dict(zip(("batches", "stored", "rejected", "refused", "bytes", "wall", "cpu"), map(float, told)))


def floor(collectd, rows):
    """COPY of the same rows; psql's own CPU is not counted."""
    collectd.cluster.sql("TRUNCATE floor", database="floor")
    collectd.cluster.sql("CHECKPOINT")
    before = collectd.used()
    with open(rows, "rb") as source:
        collectd.cluster.psql("-c", "COPY certmuster.floor FROM STDIN", database="floor", source=source)
    return collectd.used() - before


def check(bench, cluster, before, told, judged):
    """Everything was stored and nothing was written but observation."""
    places, after = setting("PLACES", 1000000), cluster.sql(COUNTS)
    seen = cluster.number("""SELECT count(DISTINCT x) FROM observation o CROSS JOIN unnest(o.unchanged) x WHERE o.run = (SELECT run FROM run ORDER BY finished_at DESC LIMIT 1)""")
    again = cluster.number("SELECT count(*) FROM docket") + cluster.number(f"SELECT count(*) FROM chain_verdict WHERE verified_at > '{judged}'")
    stored = cluster.number("SELECT stored_ok FROM run ORDER BY finished_at DESC LIMIT 1")
    bench.table.row("sightings stored, of the last sweep", [str(stored)], stored, places, True, f"{stored} of {places}")
    bench.table.row("  found unchanged in observation", [str(seen)], seen, places, True, f"{seen} of {places}")
    bench.table.row("  records, as answered", [f"{told['stored']:.0f}"], told["stored"], places + 2, True)
    bench.table.row("inventory as after the first sweep", ["yes" if after == before else "NO"], int(after != before), 0)
    bench.table.row("judged again", [str(again)], again, 0)


def run(bench):
    places, chains = setting("PLACES", 1000000), setting("CHAINS", 100000)
    sweeps, cluster = Sweeps(bench, places, chains), bench.cluster()
    collectd = bench.collectd(cluster)
    collectd.enrol(SCANNER)
    collectd.start()
    sweep(bench, collectd, sweeps.pack("certificates", (line + b"\n" for line in sweeps.certificates))[0])
    directory, bodies = sweeps.write()
    first, told = sweep(bench, collectd, directory)
    bench.table.head(f"resweep: {places} places, {chains} chains, {bodies} bodies", "CPU µs each", "collectd", "PostgreSQL", "places/s", "WAL MB/M")

    def row(title, used, wall, **goal):
        cells = [f"{seconds * 1e6 / places:.2f}" for seconds in (used.both, used.collectd, used.postgres)]
        bench.table.row(title, [*cells, f"{places / wall:.0f}", f"{used.wal / places:.1f}"], **goal)

    row("first sweep, everything new", first, told["wall"])
    settle(cluster)
    cluster.sql("VACUUM ANALYZE")
    before, judged = cluster.sql(COUNTS), cluster.sql("SELECT now()")
    cluster.sql("CREATE DATABASE floor", database="postgres")
    cluster.sql("CREATE SCHEMA certmuster AUTHORIZATION certmuster_admin", database="floor")
    cluster.sql(FLOOR, database="floor")
    rows = bench.work + "/rows"
    cluster.psql("-o", rows, "-c", ROWS)
    costs, floors, client = [], [], []
    for i in range(bench.rounds):
        directory, _ = sweeps.write()
        if i % 2 == 0:
            floors.append(floor(collectd, rows))
        cluster.sql("CHECKPOINT")
        used, told = sweep(bench, collectd, directory)
        costs.append(used)
        client.append(told)
        if i % 2:
            floors.append(floor(collectd, rows))
    directory, _ = sweeps.write()
    rest, told = sweep(bench, collectd, directory)  # no checkpoint before it
    client.append(told)

    def median(values):
        return statistics.median(values)

    floor_cpu = median(used.postgres for used in floors)
    ratios = [cost.both / least.postgres for cost, least in zip(costs, floors)]
    rate = median(places / told["wall"] for told in client)
    wal = median(used.wal for used in costs) / places
    least = min(floors, key=lambda used: abs(used.postgres - floor_cpu))
    row("COPY of the same rows", least, least.wall)
    cost = sorted(costs, key=lambda used: used.both)[len(costs) // 2]
    row("unchanged sweep, after a checkpoint", cost, places / rate, value=median(ratios), limit=CPU_MAX, what=f"{median(ratios):.2f} × COPY, {min(ratios):.2f} to {max(ratios):.2f}")
    row("unchanged sweep, at rest", rest, client[-1]["wall"])
    bench.table.row("sightings a second", [f"{rate:.0f}"], rate, RATE_MIN, True, f"client on the same cores: {median(told['cpu'] for told in client) * 1e6 / places:.2f} µs each")
    bench.table.row("WAL, MB per million", [f"{wal:.1f}"], wal, WAL_MAX_MB, False, f"at rest {rest.wal / places:.1f}, COPY {median(used.wal for used in floors) / places:.0f}")
    bench.table.row("collectd, MiB at most", [f"{collectd.memory() / (1 << 20):.0f}"], collectd.memory() / (1 << 20), 256)
    check(bench, cluster, before, told, judged)
