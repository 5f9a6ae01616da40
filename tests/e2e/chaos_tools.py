"""For the tests of faults: a world (PostgreSQL, two collectors and the scanners that an operator would have), what its inventory says without when, the counts that must add up
whatever died, and SIGKILL at processes that truly work. Not a test itself."""
import os, select, signal, subprocess, threading, time
from common import end_in_order, tell_logs, wait_until

PLACES = """SELECT location_id, kind, realm, transport, host(ip), port, name, host, path, inner_path, entry FROM location"""
VERDICTS = """SELECT chain_id, trust_store, verdict, depth, path, effective_not_after, next_change IS NULL, missing_issuer, waits_for FROM chain_verdict"""
# What an inventory says: everything but times of looks, ids of runs, and which of several scanners looked.
INVENTORY = {
    "certificate": """SELECT encode(sha256, 'hex'), md5(der), undecodable, subject, issuer, common_name, display_name, serial, not_before, not_after, spki_sha256, tbs_sha256, key_alg,
                      key_bits, curve, sig_alg, is_ca, self_issued FROM certificate""",
    "name": "SELECT encode(sha256, 'hex'), kind, name, reversed FROM certificate_name",
    "chain": "SELECT chain_id, fingerprints, leaf_sha256, earliest_not_after FROM chain",
    "shape": "SELECT chain_id, ordered, superfluous, duplicates, undecodable, root_included, cross_signed FROM chain_shape",
    "verdict": VERDICTS,
    "place": PLACES,
    "span": "SELECT location_id, chain_id, role, source, closed_at IS NULL, absent_runs FROM sighting",
    "state": """SELECT location_id, chains, steady_role, earliest_not_after, owner, source, last_result, last_detail, last_ok IS NULL, last_failure IS NULL, starttls, tls, file_meta
                FROM location_state""",
    "key": "SELECT location_id, kind, encrypted, spki_sha256, key_alg, key_bits FROM key_file",
    "store": "SELECT location_id, format, integrity, entries, weak FROM store",
    "csr": "SELECT location_id, sha256, subject, spki_sha256, undecodable, facts FROM csr",
    "crl": "SELECT location_id, sha256, issuer, this_update, next_update, entries, undecodable, facts FROM crl",
    "ssh": "SELECT location_id, sha256, role, key_id, principals, valid_after, valid_before, ca_fingerprint, spki_sha256, undecodable, facts FROM ssh_certificate",
    "coverage": """SELECT w.plan, c.probes, c.told, c.certificate, c.no_certificate, c.refused, c.silent, c.unreachable, c.unresolved, c.other, c.never
                   FROM sweep w JOIN sweep_coverage c USING (sweep_id) WHERE w.started_at = (SELECT max(o.started_at) FROM sweep o WHERE o.plan = w.plan)""",
}
# What must hold in any inventory, whatever died while it was made: each query answers with the rows that contradict it.
CONTRADICTIONS = {
    "a finished run of which something is missing, or was counted twice": """SELECT run, source, targets, ok, failed, stored_ok, stored_failed FROM run
        WHERE finished_at IS NOT NULL AND source IN ('scan', 'crawl') AND (targets <> ok + failed OR ok <> stored_ok OR failed <> stored_failed)""",
    "results that are not what was stored": """SELECT r.run, r.stored_ok, r.stored_failed, r.results FROM run r
        WHERE r.stored_ok + r.stored_failed <> (SELECT coalesce(sum(e.value::bigint), 0) FROM jsonb_each_text(r.results) e WHERE e.key <> '')""",
    "a finished run with a gap in its segments": """SELECT r.run, count(*), max(substring(b.batch_key from '[0-9]+$')::integer) FROM run r JOIN batch b ON b.batch_key LIKE '%/' || r.run || '/%'
        WHERE r.finished_at IS NOT NULL GROUP BY r.run HAVING count(*) <> max(substring(b.batch_key from '[0-9]+$')::integer)""",
    "a place twice in one run's observations": """SELECT o.run, x.id, count(*) FROM observation o, unnest(o.unchanged || o.failing) x(id)
        JOIN location l ON l.location_id = x.id GROUP BY o.run, x.id, l.kind HAVING count(*) > 1 AND l.kind = 'endpoint' AND o.run IN (SELECT run FROM run WHERE source = 'scan')""",
    "more observed than stored": """SELECT o.run, sum(cardinality(o.unchanged) + cardinality(o.failing)), min(r.stored_ok + r.stored_failed) FROM observation o JOIN run r USING (run)
        GROUP BY o.run HAVING sum(cardinality(o.unchanged) + cardinality(o.failing)) > min(r.stored_ok + r.stored_failed)""",
    "an observation without its batch": "SELECT o.batch_key FROM observation o WHERE NOT EXISTS (SELECT FROM batch b WHERE b.batch_key = split_part(o.batch_key, '#', 1))",
    "a shard done by a run that is not all there": """SELECT s.number, r.run, s.probes, r.stored_ok + r.stored_failed FROM shard s LEFT JOIN run r ON r.run = s.lease_id
        WHERE s.state = 'done' AND (r.finished_at IS NULL OR r.interrupted OR r.stored_ok + r.stored_failed <> r.targets)""",
    "a state whose chains are not the open spans": """SELECT st.location_id FROM location_state st WHERE st.chains IS DISTINCT FROM
        (SELECT coalesce(array_agg(DISTINCT s.chain_id ORDER BY s.chain_id), '{}') FROM sighting s WHERE s.location_id = st.location_id AND s.closed_at IS NULL)""",
    "two open spans of one chain": "SELECT location_id, chain_id, role, count(*) FROM sighting WHERE closed_at IS NULL GROUP BY 1, 2, 3 HAVING count(*) > 1",
    "a chain whose certificates are not there": "SELECT ch.chain_id FROM chain ch, unnest(ch.fingerprints) f(x) WHERE NOT EXISTS (SELECT FROM certificate c WHERE c.sha256 = f.x)",
    "a chain that waits for no judge and has no verdict": """SELECT ch.chain_id FROM chain ch WHERE NOT EXISTS (SELECT FROM chain_verdict v WHERE v.chain_id = ch.chain_id)
        AND NOT EXISTS (SELECT FROM docket d WHERE d.chain_id = ch.chain_id)""",
    "something in the future": """SELECT location_id, last_seen FROM sighting WHERE last_seen > now() UNION ALL SELECT location_id, greatest(last_ok, last_failure) FROM location_state
        WHERE greatest(last_ok, last_failure) > now() UNION ALL SELECT run, greatest(started_at, finished_at) FROM run WHERE greatest(started_at, finished_at) > now()""",
    "work that nobody has": "SELECT l.lease_id FROM lease l JOIN sweep w USING (sweep_id) WHERE l.ended_at IS NULL AND w.state <> 'running'",
}


def alive(pid):
    """Neither gone nor a zombie."""
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(") ", 1)[1][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def program(pid):
    try:
        return open(f"/proc/{pid}/comm").read().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def children(pid):
    """Of every thread: whoever forked is the parent."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += [int(word) for word in open(f"/proc/{pid}/task/{thread}/children").read().split()]
    except (FileNotFoundError, ProcessLookupError):
        pass
    return found


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child, *descendants(child)]
    return found


def sigkill(pid, seconds=10):
    """True: it lived, and it died of this."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        if not alive(pid):
            return False
        signal.pidfd_send_signal(fd, signal.SIGKILL)
        return bool(select.select([fd], [], [], seconds)[0])
    except ProcessLookupError:
        return False
    finally:
        os.close(fd)


class World:
    """A home of its own. scanners: name -> lines of configuration; each has a spool of its own, and all are of one host. `with` it, whatever was started is ended, and the logs are told if
    something failed."""

    def __init__(self, directory, programs, config, scanners):
        self.dir, self.bin, self.home = directory, programs, f"{directory}/home"
        os.makedirs(self.home, mode=0o755)
        self.environment = {**os.environ, "CERTMUSTER_HOME": self.home, "PATH": f"{programs}:/usr/lib/postgresql/15/bin:{os.environ['PATH']}"}
        self.processes, self.closing = [], False
        self.lock = threading.Lock()
        with open(f"{self.home}/certmuster.yaml", "w") as f:
            f.write(config)
        for name, lines in scanners.items():
            with open(self.config_of(name), "w") as f:
                f.write(f"scanner: {name}\nhost: fleet.example.org\nspool:\n  dir: {directory}/spool-{name}\nsubmit:\n  wait: 5s\n{lines}")

    def config_of(self, name):
        return f"{self.dir}/{name}.yaml"

    def start(self, name, *command, **more):
        with open(f"{self.dir}/{name}.log", "ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment, **more)
        with self.lock:
            self.processes.append(process)
        return process

    def ended(self, process):
        with self.lock:
            if process in self.processes:
                self.processes.remove(process)

    def certmuster(self, *words, status=0):
        done = subprocess.run([f"{self.bin}/certmuster", *words], env=self.environment, capture_output=True, text=True)
        assert status is None or done.returncode == status, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def up(self):
        self.certmuster("up")
        self.sockets = open(f"{self.home}/sockets").read().strip()

    def second(self):
        """Another collector on the same database."""
        self.other = self.start("second", f"{self.bin}/certmuster-collectd", "--config", f"{self.home}/certmuster.yaml", "--dsn",
                                f"host={self.sockets} dbname=certmuster user=certmuster_ingest", "--socket", f"{self.dir}/second.sock")

    def psql(self, query):
        return subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", self.sockets, "-U", "certmuster_admin", "-d", "certmuster", "-c", "SET search_path = certmuster",
                               "-c", query], env=self.environment, capture_output=True, text=True)

    def sql(self, query, patience_s=0):
        deadline = time.time() + patience_s
        while (done := self.psql(query)).returncode:
            assert time.time() < deadline, f"{query}: {done.stderr}"
            time.sleep(0.1)
        return done.stdout.strip()

    def judged(self):
        wait_until("the judge", lambda: self.sql("SELECT count(*) FROM docket") == "0", 90)

    def inventory(self):
        return [f"{table} {row}" for table, query in INVENTORY.items() for row in sorted(self.sql(query).splitlines())]

    def contradictions(self):
        return [f"{what}: {rows}" for what, query in CONTRADICTIONS.items() if (rows := self.sql(query + " LIMIT 3"))]

    def postmaster(self):
        return int(open(f"{self.home}/postgres/postmaster.pid").readline())

    def waiting(self):
        """Segments in any spool."""
        return [f"{d}/{name}" for d in os.listdir(self.dir) if d.startswith("spool-") and os.path.isdir(f"{self.dir}/{d}") for name in os.listdir(f"{self.dir}/{d}") if ".seg" in name]

    def __enter__(self):
        end_in_order()
        return self

    def __exit__(self, kind, *_):
        try:
            if kind:
                tell_logs(self.dir)
        finally:
            self.stop()

    def stop(self):
        self.closing = True  # nobody begins anything again
        try:
            for process in list(self.processes):
                if process.poll() is None:
                    process.terminate()
            for process in list(self.processes):
                process.wait(90)
        finally:
            self.certmuster("down", status=None)
