"""For tests of sweeps that scanners share: an inventory with two collectors and a fleet of servers, workers, and leases taken by hand."""
import json, os, signal, socket, subprocess, time
import common
from common import done, equal, fail

BIN, TMP = os.environ["CM_BIN"], os.environ.get("TMPDIR", "/tmp")
work = f"{TMP}/sweep"
home = f"{work}/home"
os.makedirs(home, mode=0o755)
os.environ["PATH"] = f"{BIN}:/usr/lib/postgresql/15/bin:{os.environ['PATH']}"
os.environ["CERTMUSTER_HOME"] = home
processes = []
LEASE_S = 4
COUNT, DEAD = 2048, 64
PREFIX, NOBODY = "127.128.0.0/21", "127.77.0.0/26"
sockets = None  # where the inventory's are, once it is up


def certmuster(*words, status=0):
    done = subprocess.run(["certmuster", *words], capture_output=True, text=True)
    equal(" ".join(words) + "\n" + done.stdout + done.stderr, status, done.returncode)
    return done.stdout + done.stderr


def sweep(*words, status=0):
    return certmuster("sweep", *words, status=status)


def sql(query, role="certmuster_admin"):
    done = subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", sockets, "-U", role, "-d", "certmuster",
                           "-c", "SET search_path = certmuster", "-c", query], capture_output=True, text=True)
    if done.returncode:
        fail(f"{query}: {done.stderr}")
    return done.stdout.strip()


def wait_for(what, fn, seconds=60):
    deadline = time.time() + seconds
    while not (value := fn()):
        if time.time() > deadline:
            print(sweep("status"), sql("SELECT * FROM lease"))
            fail(f"waited {seconds} s in vain for {what}")
        time.sleep(0.1)
    return value


def start(name, *command):
    process = subprocess.Popen(command, stdout=open(f"{work}/{name}.log", "ab"), stderr=subprocess.STDOUT)
    processes.append(process)
    return process


def stop(process, number=signal.SIGTERM):
    process.send_signal(number)
    code = process.wait(60)
    processes.remove(process)
    return code


def worker(name, kind="scan", url=None):
    """A scanner of that name with a spool of its own. Those that scan are of one host, for 127.0.0.1 is another place on each."""
    host = name if kind == "crawl" else "fleet"
    config = f"{work}/{name}.yaml"
    with open(config, "w") as f:
        f.write(f"scanner: {name}\nhost: {host}.example.org\nspool:\n  dir: {work}/spool-{name}\nsubmit:\n  wait: 5s\n")
    return start(name, "certmuster-submit", "--config", config, "--to", url or f"unix:{sockets}/collectd.sock", "--worker", kind)


def status(name):
    return json.loads(sweep("status", name, "--format", "json"))[0]


def adds_up(what, told, probes):
    c = told["coverage"]
    equal(f"{what}: the sum of its coverage", probes, c["certificate"] + c["no_certificate"] + c["refused"] + c["silent"] + c["unreachable"]
          + c["unresolved"] + c["other"] + c["never"])
    equal(f"{what}: probes", probes, c["probes"])
    return c


def lease(collector, kind="scan", scanner="manual", realm=None, **more):
    body = {"kind": kind, "scanner": scanner, **({"realm": realm} if realm else {}), **more}
    code, content = collector.request("POST", "/v1/leases", json.dumps(body).encode())
    return code, json.loads(content) if content else None


def report(collector, id, state, scanner="manual"):
    code, content = collector.request("POST", f"/v1/leases/{id}", json.dumps({"state": state, "scanner": scanner}).encode())
    return code, json.loads(content)


def children_of(pid):
    try:
        return [int(word) for word in open(f"/proc/{pid}/task/{pid}/children").read().split()]
    except FileNotFoundError:
        return []


def begin():
    """An inventory, two collectors, a fleet of servers: where the sockets are, the port of the servers, a port that nobody listens on."""
    global sockets
    with open(f"{home}/certmuster.yaml", "w") as f:
        f.write(f"collector:\n  lease: {LEASE_S}s\n  judge_interval: 300ms\n")
    start("fleet", os.environ["CM_FLEET"], "many", "--dir", f"{work}/fleet", "--count", str(COUNT), "--base", "127.128.0.0", "--canned", "tls12")
    certmuster("up")
    sockets = open(f"{home}/sockets").read().strip()
    port = wait_for("the fleet", lambda: next((line.split()[1] for line in open(f"{work}/fleet.log") if line.startswith("ready ")), None))
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        closed = s.getsockname()[1]
    start("second", "certmuster-collectd", "--config", f"{home}/certmuster.yaml", "--dsn", f"host={sockets} dbname=certmuster user=certmuster_ingest", "--socket", f"{work}/second.sock")
    wait_for("the second collector", lambda: os.path.exists(f"{work}/second.sock"))
    return sockets, port, closed


def play(tests):
    """All of `tests`, or those that are named, in their order, while the fleet serves."""
    common.play(tests)
    processes[0].poll() is None or fail("the fleet ended")


def clean_up_after(main):
    """Runs it, ends what was started, and looks through what that said."""
    good = False
    try:
        main()
        good = True
    finally:
        for process in processes:
            process.terminate()
        subprocess.run(["certmuster", "down"], capture_output=True)
        for process in processes:
            process.wait(60)
        for name in os.listdir(work):
            if name.endswith(".log"):
                text = open(f"{work}/{name}").read()
                if not good or "Sanitizer" in text or "runtime error" in text:
                    print(f"== {name}\n{text[-3000:]}")
                    assert "Sanitizer" not in text and "runtime error" not in text
        if not good and os.path.isdir(f"{home}/log"):
            for name in os.listdir(f"{home}/log"):
                print(f"== {name}\n{open(f'{home}/log/{name}').read()[-3000:]}")
