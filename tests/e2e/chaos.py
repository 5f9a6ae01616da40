#!/usr/bin/python3
# profile: release
"""SIGKILL of scanners, submit, workers, collectors and PostgreSQL (a backend, the postmaster) at random points of a sweep: the same inventory as of an undisturbed one, and every
count adds up. CHAOS_KILLS (default 12) says how often, CHAOS_SEED repeats a run's choices; `make soak` does it a hundred times and more.

Two workers share a sweep by lease at two collectors, while an operator crawls a directory and reads a capture. Each kill hits a process that works: a scanner under way, a submit that delivers, a backend
in the middle of a statement, a collector for which one works; and a collector or a database again only after something was stored since the last time. What is begun again is what an operator or the protocol
would begin again: a dead worker and collector by their supervisor, a shard by its lease, a crawl or a capture that did not end well by whoever asked for it. No sweep is done a second time to heal
the first, unless shards were abandoned because their scanners died five times, which is told: what the one sweep says it has done must be there."""
import collections, hashlib, os, random, socket, subprocess, sys, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import collectd_tools as made
from capture_tools import HEADER, capture
from chaos_tools import World, children, descendants, program, sigkill
from common import wait_until

BIN, TMP = os.environ["CM_BIN"], os.environ.get("TMPDIR", "/tmp")
work = f"{TMP}/chaos"
KILLS = int(os.environ.get("CHAOS_KILLS", "12"))
SEED = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1 << 32))
BITS = max(11, min(16, (KILLS * 170).bit_length()))  # addresses: 2,048 or as many as keep the sweep going
COUNT, DEAD = 1 << BITS, 64
RATE = max(60, COUNT // (3 * KILLS))  # probes a second while there are kills to come
PREFIX, NOBODY = f"127.128.0.0/{32 - BITS}", "127.77.0.0/26"
SHARD = 128
SCANNERS = {"scan-1": "", "scan-2": "", "crawl-1": "", "watch-1": ""}
CONFIG = "collector:\n  lease: 5s\n  judge_interval: 200ms\ntrust:\n  stores: ['fleet={ca}']\n"
# Of twelve kills; the rest of a larger number is drawn.
SHARE = ["scan", "scan", "worker", "submit", "crawl", "watch", "collector", "collector", "other collector", "backend", "backend", "postmaster"]
SCAN, SUBMIT, CRAWL, WATCH = "certmuster-scan", "certmuster-subm", "certmuster-craw", "certmuster-watc"


def make_files(directory):
    """Certificates, a key, a request, a list, an SSH certificate, and keystores whose passwords take a while."""
    os.makedirs(directory)
    os.chmod(directory, 0o755)
    base = made.template(work)

    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=directory)
    for i in range(120):
        with open(f"{directory}/{i:03}.der", "wb") as f:
            f.write(made.certificate(base, 10000 + i))
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "90", "-subj", "/CN=files.example.org")
    openssl("req", "-new", "-key", "ca.key", "-subj", "/CN=wanted.example.org", "-out", "wanted.csr")
    with open(f"{directory}/ca.conf", "w") as f:
        f.write("[ca]\ndefault_ca = it\n[it]\ndatabase = index\ndefault_md = sha256\ndefault_crl_days = 30\n")
    open(f"{directory}/index", "w").close()
    openssl("ca", "-gencrl", "-config", "ca.conf", "-keyfile", "ca.key", "-cert", "ca.pem", "-out", "ca.crl")
    for i in range(12):
        openssl("pkcs12", "-export", "-inkey", "ca.key", "-in", "ca.pem", "-iter", "200000", "-passout", "pass:changeit", "-name", f"entry-{i}", "-out", f"store-{i}.p12")
    for words in (("-t", "ed25519", "-N", "", "-f", "ssh"), ("-s", "ssh", "-I", "somebody", "-n", "root", "ssh.pub")):
        subprocess.run(["ssh-keygen", "-q", *words], check=True, capture_output=True, cwd=directory)


def make_capture(path):
    """A capture of 300 servers; at every third one two connections see two chains."""
    base = made.template(work)
    with open(path, "wb") as f:
        f.write(HEADER)
        for i in range(300):
            f.write(capture(i, made.certificate(base, 20000 + i)))
            if i % 3 == 0:
                f.write(capture(i, made.certificate(base, 21000 + i), client_port=40001))
    os.chmod(path, 0o644)


class Operator(threading.Thread):
    """Somebody who wants a thing done: again until it has ended well, and while the storm lasts."""

    def __init__(self, world, name, good, begin, pause):
        super().__init__(daemon=True)
        self.world, self.name_, self.good, self.begin, self.pause = world, name, good, begin, pause
        self.process, self.runs, self.well, self.leave = None, 0, 0, threading.Event()
        self.start()

    def run(self):
        while True:
            self.process = self.begin()
            self.runs += 1
            status = self.process.wait()
            self.world.ended(self.process)
            self.well += status in self.good
            if self.leave.is_set() and status in self.good:
                return
            self.leave.wait(self.pause())
            if self.world.closing:
                return


def worker(world, name, url):
    return lambda: world.start(name, f"{BIN}/certmuster-submit", "--config", world.config_of(name), "--to", url, "--worker", "scan")


def crawl(world):
    return lambda: world.start("crawl-1", f"{BIN}/certmuster-crawl", "--config", world.config_of("crawl-1"), "--to", f"unix:{world.sockets}/collectd.sock", "--quiet", f"{work}/files")


def watch(world):
    """Reads the capture from a pipe that brings it over two seconds."""
    def begin():
        process = world.start("watch-1", f"{BIN}/certmuster-watch", "--config", world.config_of("watch-1"), "--to", f"unix:{world.dir}/second.sock", "--quiet", "-r", "-",
                              stdin=subprocess.PIPE)

        def feed():
            data = open(f"{work}/capture", "rb").read()
            try:
                for at in range(0, len(data), 1 + len(data) // 20):
                    process.stdin.write(data[at:at + 1 + len(data) // 20])
                    process.stdin.flush()
                    time.sleep(0.1)
                process.stdin.close()
            except BrokenPipeError:
                pass
        threading.Thread(target=feed, daemon=True).start()
        return process
    return begin


class Storm:
    def __init__(self, world, workers, operators, seed):
        self.world, self.workers, self.operators, self.random = world, workers, operators, random.Random(seed)
        self.hits, self.under, self.stored = collections.Counter(), collections.Counter(), ""
        self.plan = SHARE * (KILLS // len(SHARE)) + self.random.sample(SHARE, KILLS % len(SHARE))
        self.random.shuffle(self.plan)

    def state(self):
        return self.world.sql("SELECT state FROM sweep ORDER BY started_at DESC LIMIT 1", 20)

    def below(self, roots, name):
        found = [pid for root in roots if root for pid in (root.pid, *descendants(root.pid)) if program(pid) == name]
        return self.random.choice(found) if found else None

    def busy_backend(self):
        """A backend of a collector in the middle of a statement, and what for; the server looks every 2 ms."""
        done = self.world.psql("""DO $$ DECLARE found text; BEGIN
            FOR i IN 1..1000 LOOP
                PERFORM pg_stat_clear_snapshot();
                SELECT pid || ' ' || application_name INTO found FROM pg_stat_activity
                 WHERE usename = 'certmuster_ingest' AND backend_xid IS NOT NULL AND state <> 'idle' ORDER BY random() LIMIT 1;
                EXIT WHEN found IS NOT NULL;
                PERFORM pg_sleep(0.002);
            END LOOP;
            PERFORM set_config('certmuster.found', coalesce(found, ''), false);
        END $$; SELECT current_setting('certmuster.found')""")
        words = done.stdout.split() if not done.returncode else []
        return (int(words[0]), words[-1]) if words else (None, "")

    def progress(self):
        """Something was stored since a collector or the database was killed last."""
        stored = self.world.psql("SELECT count(*) || ' ' || coalesce(sum(stored), 0) FROM batch").stdout.strip()
        return stored if stored and stored != self.stored else None

    def target(self, kind):
        scanners = [w.process for w in self.workers]
        everybody = scanners + [o.process for o in self.operators]
        if kind == "scan":
            return self.below(scanners, SCAN), ""
        if kind == "worker":
            root = self.random.choice(scanners)
            return root and root.pid, "with a scanner" if root and children(root.pid) else "delivering or asking"
        if kind == "submit":
            return self.below([p for root in everybody if root for p in map(Pid, descendants(root.pid))], SUBMIT), ""
        if kind == "crawl":
            return self.below([self.operators[0].process], CRAWL), ""
        if kind == "watch":
            return self.below([self.operators[1].process], WATCH), ""
        if not self.progress():
            return None, ""
        backend, what = self.busy_backend()
        if not backend:
            return None, ""
        return {"collector": lambda: int(open(f"{self.world.home}/collectd.pid").read()), "other collector": lambda: self.world.other.pid,
                "postmaster": self.world.postmaster, "backend": lambda: backend}[kind](), what

    def recover(self, kind):
        if kind == "other collector":
            self.world.other.wait()
            self.world.ended(self.world.other)
        if kind in ("collector", "other collector", "postmaster"):
            time.sleep(self.random.uniform(0, 1))
        if kind == "other collector":
            self.world.second()
        if kind in ("collector", "postmaster"):
            self.world.certmuster("up")
        if kind in ("collector", "other collector", "postmaster", "backend"):
            self.world.sql("SELECT 1", 30)
            self.stored = self.progress() or self.stored

    def strike(self, kind):
        deadline = time.time() + 60
        time.sleep(self.random.uniform(0, 0.8))
        while True:
            assert time.time() < deadline, f"no {kind} at work for 60 s"
            assert self.state() == "running", f"the sweep ended before the {sum(self.hits.values()) + 1}th kill ({kind})"
            pid, what = self.target(kind)
            if pid and sigkill(pid):
                break
            time.sleep(0.01)
        self.hits[kind] += 1
        self.under[f"{kind} {what}".strip()] += 1
        self.recover(kind)

    def rage(self):
        for kind in self.plan:
            self.strike(kind)


class Pid:
    def __init__(self, pid):
        self.pid = pid


def sweep_and_all(directory, seed=None):
    """A world in which everything was looked at, and what it says."""
    began = time.time()
    with World(directory, BIN, CONFIG.format(ca=f"{work}/fleet/ca.pem"), SCANNERS) as world:
        world.up()
        world.second()
        wait_until("the second collector", lambda: os.path.exists(f"{directory}/second.sock"))
        with open(f"{directory}/owners.yaml", "w") as f:
            f.write("owners: {many: , some: }\nrules:\n  - {cidr: 127.128.0.0/22, owner: many}\n  - {path: '/*', owner: some}\n")
        world.certmuster("owner", "load", f"{directory}/owners.yaml")
        world.certmuster("sweep", "create", "night", "--target", f"{PREFIX}:{port}", "--target", f"{NOBODY}:{closed}", "--shard", str(SHARD), "--pass=--timeout=30")
        draw = random.Random(None if seed is None else seed + 1)
        pause = lambda: draw.uniform(0, 0.7)
        if seed is not None:
            world.certmuster("sweep", "limit", "default", "--rate", str(RATE))
        world.certmuster("sweep", "start", "night")
        workers = [Operator(world, "scan-1", (0,), worker(world, "scan-1", f"unix:{world.sockets}/collectd.sock"), pause),
                   Operator(world, "scan-2", (0,), worker(world, "scan-2", f"unix:{directory}/second.sock"), pause)]
        operators = [Operator(world, "crawl-1", (0, 1), crawl(world), pause), Operator(world, "watch-1", (0, 1), watch(world), pause)]
        again = 0
        if seed is not None:
            storm = Storm(world, workers, operators, seed)
            storm.rage()
            print(f"killed: {dict(storm.hits)}; {dict(storm.under)}")
            assert sum(storm.hits.values()) == KILLS
            world.certmuster("sweep", "limit", "default", "--rate", "none")
        for operator in operators:
            operator.leave.set()
        while True:
            wait_until("the end of the sweep", lambda: world.sql("SELECT state FROM sweep ORDER BY started_at DESC LIMIT 1", 20) == "finished", 120 + COUNT // 50)
            if world.sql("SELECT count(*) FROM shard WHERE state = 'abandoned' AND sweep_id = (SELECT sweep_id FROM sweep ORDER BY started_at DESC LIMIT 1)") == "0":
                break
            again += 1
            assert seed is not None and again < 3, "shards were abandoned"
            world.certmuster("sweep", "start", "night")
        for operator in operators:
            operator.join(120)
            assert not operator.is_alive(), f"{operator.name_} does not end"
        for operator in workers:
            operator.leave.set()
            operator.process.terminate()
            operator.join(60)
            assert not operator.is_alive(), f"{operator.name_} does not end"
        for name in SCANNERS:  # what those that died left in their spools
            done = subprocess.run([f"{BIN}/certmuster-submit", "--config", world.config_of(name), "--to", f"unix:{world.sockets}/collectd.sock"], env=world.environment, capture_output=True, text=True)
            assert done.returncode == 0, (name, done.stderr)
        assert not world.waiting(), world.waiting()
        for name in os.listdir(directory):
            kept = [f"{directory}/{name}/{sub}" for sub in ("rejected", "refused") if name.startswith("spool-") and os.path.isdir(f"{directory}/{name}/{sub}")]
            assert not kept, kept
        world.judged()
        wrong = world.contradictions()
        assert not wrong, "\n".join(wrong)
        said = world.inventory()
        runs = world.sql("SELECT string_agg(x, ', ') FROM (SELECT source || ' ' || count(*) || ' of which ended ' || count(finished_at) AS x FROM run GROUP BY source ORDER BY source) s")
        leases = world.sql("SELECT string_agg(outcome || ' ' || n, ', ') FROM (SELECT outcome, count(*) n FROM lease GROUP BY outcome ORDER BY outcome) s")
        results = world.sql("SELECT string_agg(x, ', ') FROM (SELECT source || ' ' || e.key || ' ' || sum(e.value::bigint) AS x FROM run, jsonb_each_text(results) e GROUP BY source, e.key ORDER BY 1) s")
        print(f"{'disturbed' if seed is not None else 'undisturbed'}: {time.time() - began:.1f} s, {len(said)} rows; runs: {runs}; leases: {leases}; sweeps done again: {again}; results: {results}", flush=True)
        return said


def main():
    global port, closed
    print(f"CHAOS_SEED={SEED} CHAOS_KILLS={KILLS}: {COUNT + DEAD} places to sweep", flush=True)
    os.makedirs(work)
    os.chmod(work, 0o755)
    with open(f"{work}/fleet.log", "wb") as log:
        fleet = subprocess.Popen([os.environ["CM_FLEET"], "many", "--dir", f"{work}/fleet", "--count", str(COUNT), "--base", "127.128.0.0"], stdout=log, stderr=log)
    try:
        make_files(f"{work}/files")
        make_capture(f"{work}/capture")
        while not (ready := [line for line in open(f"{work}/fleet.log") if line.startswith("ready ")]):
            assert fleet.poll() is None, "the fleet ended"
            time.sleep(0.05)
        port = ready[0].split()[1]
        holder = socket.socket()  # bound and not listening: refused, and nobody else's
        holder.bind(("127.0.0.1", 0))
        closed = holder.getsockname()[1]
        quiet = sweep_and_all(f"{work}/quiet")
        loud = sweep_and_all(f"{work}/loud", SEED)
        assert fleet.poll() is None, "the fleet ended"
        assert sum(row.startswith("span ") for row in quiet) > COUNT + 300 + 100, "too little was found to prove anything"
        for table in ("certificate", "name", "chain", "shape", "verdict", "place", "span", "state", "key", "store", "csr", "crl", "ssh", "coverage"):
            assert any(row.startswith(table + " ") for row in quiet), f"the undisturbed inventory has no {table}"
        only = sorted(set(quiet) - set(loud)), sorted(set(loud) - set(quiet))
        for sign, rows in zip("-+", only):
            for row in rows[:10]:
                print(sign, row[:600])
        assert quiet == loud, f"the inventories differ: {len(only[0])} rows are missing, {len(only[1])} are others; CHAOS_SEED={SEED}"
        print(f"the same inventory of {len(quiet)} rows, {hashlib.sha256(repr(quiet).encode()).hexdigest()[:16]}")
    finally:
        fleet.terminate()
        fleet.wait()


main()
