"""What the parts of bench-collector share: a private PostgreSQL as Debian's initdb makes it, a collector that serves scanners over TLS with client certificates, and
what both cost.

What is counted as PostgreSQL's CPU: the postmaster, all its children that live (backends, checkpointer, writers, autovacuum) and all that have ended. Psql and other
clients are not in it."""
import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time

from bench_tools import TICK, Table, memory, process_cpu

PG_BIN = "/usr/lib/postgresql/15/bin"
WAIT_S = 60


def setting(name, usual):
    """A whole number of the environment."""
    return int(os.environ.get(name, usual))


class Used:
    """Seconds of CPU of the collector and of PostgreSQL, seconds of wall clock, bytes of WAL: between two points, or since the beginning."""

    def __init__(self, collectd, postgres, wall, wal):
        self.collectd, self.postgres, self.wall, self.wal = collectd, postgres, wall, wal

    def __sub__(self, other):
        return Used(self.collectd - other.collectd, self.postgres - other.postgres, self.wall - other.wall, self.wal - other.wal)

    @property
    def both(self):
        return self.collectd + self.postgres


class Cluster:
    """A PostgreSQL of its own on a unix socket. Its configuration is initdb's: nothing but where its socket lies is said."""

    def __init__(self):
        self.account = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self.dir = tempfile.mkdtemp(prefix="cm-bench.", dir=os.environ.get("PGDIR", "/tmp"))  # a socket's path holds 107 bytes
        if os.getuid() == 0:
            shutil.chown(self.dir, self.account)
            os.chmod(self.dir, 0o755)
        self.log = self.dir + "/log"
        self.call("initdb", "-D", self.dir + "/data", "-U", "certmuster_admin", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8")
        self.start()
        self.sql("CREATE DATABASE certmuster", database="postgres")

    def call(self, program, *arguments):
        command = [f"{PG_BIN}/{program}", *arguments]
        if os.getuid() == 0:
            command = ["runuser", "-u", self.account, "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")

    def start(self):
        self.call("pg_ctl", "-D", self.dir + "/data", "-w", "-s", "-l", self.log, "-o", f"-k {self.dir} -c listen_addresses=", "start")
        with open(self.dir + "/data/postmaster.pid", encoding="ascii") as file:
            self.pid = int(file.readline())

    def stop(self):
        self.call("pg_ctl", "-D", self.dir + "/data", "-w", "-s", "-m", "fast", "stop")

    @property
    def dsn(self):
        return f"host={self.dir} dbname=certmuster"

    def psql(self, *arguments, database="certmuster", source=subprocess.DEVNULL):
        """What psql(1) prints, unaligned."""
        command = [PG_BIN + "/psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", self.dir, "-U", "certmuster_admin", "-d", database, *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, stdin=source).stdout.rstrip("\n")

    def sql(self, text, database="certmuster"):
        return self.psql("-c", "SET search_path = certmuster", "-c", text, database=database)

    def number(self, text):
        return int(self.sql(text) or 0)

    def wal(self):
        """Bytes of WAL written since the cluster was made."""
        return self.number("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')")

    def cpu(self):
        """Seconds of all its processes, those that have ended included."""
        spent = 0
        with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as file:
            children = file.read().split()
        for child in children:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                spent += process_cpu(child)
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:  # its own, and of those it waited for
            fields = file.read().rsplit(")", 1)[1].split()
        return spent + sum(int(field) for field in fields[11:15]) / TICK

    def size(self):
        return self.number("SELECT pg_database_size('certmuster')")

    def remove(self):
        self.stop()
        shutil.rmtree(self.dir)


class Collectd:
    """certmuster-collectd of the release build: mTLS on a free port of 127.0.0.1, and its unix socket."""

    def __init__(self, build, work, cluster, more=""):
        self.build, self.work, self.cluster = build, work, cluster
        self.config, self.log, self.socket = work + "/collectd.yaml", work + "/collectd.log", work + "/collectd.sock"
        self.tls = {"ca": work + "/ca/ca.pem"}
        self.process, self.port = None, 0
        with open(self.config, "w", encoding="utf-8") as out:
            out.write(f'dsn: "{cluster.dsn}"\nca: {{dir: {work}/ca}}\ncollector:\n  socket: {self.socket}\n  listen: 127.0.0.1:0\n  client_rate: 100000\n'
                      f"  tls: {{cert: {work}/collector.pem, key: {work}/collector.key, client_ca: {work}/ca/ca.pem}}\n{more}")
        self.ctl("migrate")
        self.ctl("scanner", "collector", "127.0.0.1", "localhost", "--out", work)

    def ctl(self, *words):
        subprocess.run([self.build + "/certmuster-ctl", *words, "--config", self.config], check=True, stdout=subprocess.DEVNULL)

    def enrol(self, name):
        """A scanner; its files are NAME.pem and NAME.key in the work directory."""
        self.ctl("scanner", "enrol", name, "--out", self.work)
        self.tls[name] = (f"{self.work}/{name}.pem", f"{self.work}/{name}.key")

    def start(self, *more):
        with open(self.log, "a", encoding="utf-8") as log:
            self.process = subprocess.Popen([self.build + "/certmuster-collectd", "--config", self.config, *more], stdout=log, stderr=log)
        deadline = time.monotonic() + WAIT_S
        while True:
            with open(self.log, encoding="utf-8") as log:
                said = log.read().rsplit(" tls=127.0.0.1:", 1)
            if len(said) == 2:
                break
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"certmuster-collectd does not start: {said[0][-2000:]}")
            time.sleep(0.02)
        self.port = int(said[1].split()[0])

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def memory(self, field="VmHWM"):
        return memory(self.process.pid, field)

    def used(self):
        """A point; the difference of two is what lies between."""
        return Used(process_cpu(self.process.pid), self.cluster.cpu(), time.monotonic(), self.cluster.wal())


class Bench:
    """What a part gets: where programs lie, a work directory, a table, and inventories that are ended with the part."""

    def __init__(self, build, work, table):
        self.build, self.work, self.table = build, work, table
        self.rounds = setting("ROUNDS", 5)
        self.ends = contextlib.ExitStack()

    def cluster(self):
        cluster = Cluster()
        self.ends.callback(cluster.remove)
        return cluster

    def collectd(self, cluster, more=""):
        """Not started yet. more: lines of its configuration, below collector:."""
        collectd = Collectd(self.build, self.work, cluster, more)
        self.ends.callback(collectd.stop)
        return collectd

    def end(self):
        self.ends.close()


__all__ = ["Bench", "Cluster", "Collectd", "Table", "Used", "setting"]
