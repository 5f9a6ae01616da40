"""For tests of places that vanish: an inventory of its own with collectors that judge as fast as they may, and what the inventory says of a place."""
import atexit, json, os, signal, subprocess, sys, time
from common import equal, fail

BIN, TMP = os.environ["CM_BIN"], os.environ.get("TMPDIR", "/tmp")
os.environ["PATH"] = f"{BIN}:/usr/lib/postgresql/15/bin:{os.environ['PATH']}"


def rows_of(node):
    """What a plan and all below it handle."""
    own = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)
    return own * node["Actual Loops"] + sum(rows_of(inner) for inner in node.get("Plans", []))


class Inventory:
    def __init__(self, name, **settings):
        self.work = f"{TMP}/{name}"
        self.home = f"{self.work}/home"
        os.makedirs(self.home, mode=0o755)
        os.environ["CERTMUSTER_HOME"] = self.home
        self.processes, self.ended = [], False
        atexit.register(self.end)  # also when something fails
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        self.config = f"{self.work}/certmuster.yaml"
        settings = {"collector.judge_interval": "100ms", "host": "host.example.org", "scanner": "host.example.org", **settings}
        with open(self.config, "w") as out:
            out.write("".join(f"{key}: {value}\n" for key, value in settings.items()))
        os.environ["CERTMUSTER_CONFIG"] = self.config
        self.certmuster("up", "--database-only")
        self.sockets = open(f"{self.home}/sockets").read().strip()

    def certmuster(self, *words, status=0):
        done = subprocess.run(["certmuster", *words], capture_output=True, text=True)
        if status is not None and status != done.returncode:
            fail(f"{' '.join(words)}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def collector(self, name):
        path = f"{self.work}/{name}.sock"
        self.processes.append(subprocess.Popen(["certmuster-collectd", "--config", self.config, "--dsn", f"host={self.sockets} dbname=certmuster user=certmuster_ingest",
                                                "--socket", path], stdout=open(f"{self.work}/{name}.log", "ab"), stderr=subprocess.STDOUT))
        self.wait_for(f"{name} to serve", lambda: subprocess.run(["curl", "-sf", "--unix-socket", path, "http://localhost/healthz"], capture_output=True).returncode == 0)
        return path

    def sql(self, query, role="certmuster_admin"):
        done = subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", self.sockets, "-U", role, "-d", "certmuster",
                               "-c", "SET search_path = certmuster; SET timezone = 'UTC'", "-c", query], capture_output=True, text=True)
        if done.returncode:
            fail(f"{query}: {done.stderr}")
        return done.stdout.strip()

    def handled(self, statement):
        """The rows that all plans of it handle, those within its functions among them, and what it answers."""
        done = subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", self.sockets, "-U", "certmuster_admin", "-d", "certmuster",
                               "-c", "LOAD 'auto_explain'; SET search_path = certmuster; SET auto_explain.log_nested_statements = on; SET auto_explain.log_analyze = on;"
                               "SET auto_explain.log_timing = off; SET auto_explain.log_format = json; SET auto_explain.log_min_duration = 0; SET client_min_messages = log",
                               "-c", statement], capture_output=True, text=True)
        if done.returncode:
            fail(done.stderr)
        total, at, plans = 0, 0, 0
        while (at := done.stderr.find("plan:\n", at)) >= 0:
            plan, size = json.JSONDecoder().raw_decode(done.stderr[at + 6:].lstrip())
            total, at, plans = total + rows_of(plan["Plan"]), at + size, plans + 1
        equal("plans were told", True, plans > 0)
        return total, done.stdout.strip()

    def wait_for(self, what, fn, seconds=30):
        deadline = time.time() + seconds
        while not (value := fn()):
            if time.time() > deadline:
                fail(f"waited {seconds} s in vain for {what}\n" + "".join(open(f"{self.work}/{f}").read()[-2000:] for f in os.listdir(self.work) if f.endswith(".log")))
            time.sleep(0.05)
        return value

    def settle(self):
        """Until every run that is whole was taken and what they missed was looked through."""
        self.wait_for("the judge", lambda: self.sql("SELECT (SELECT count(*) FROM run r WHERE NOT absences_taken AND run_whole(r)), (SELECT count(*) FROM upkeep u WHERE u.task = 'gone'"
                                                    " AND (u.reached IS NULL OR u.reached[3] IS NOT NULL))") == "0|0")

    def end(self):
        status = 0
        if self.ended:
            return status
        self.ended = True
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            status = status or process.wait(60)
        self.certmuster("down", status=None)
        return status
