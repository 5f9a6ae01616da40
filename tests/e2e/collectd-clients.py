#!/usr/bin/python3
"""certmuster-collectd, its clients and its end: slow ones and floods, metrics, accounts, certificates of clients, verdicts; killed and without a
database in the middle of batches; what it refuses at its start."""
import concurrent.futures, glob, http.client, os, signal, socket, ssl, subprocess, sys, threading, time
import warnings
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
warnings.simplefilter("ignore", DeprecationWarning)  # old TLS versions are asked for on purpose
from collectd_tools import *
from inventory_tools import *


def test_slow():
    """request_timeout is 3 s: dripping header, dripping body, silence; others are served meanwhile."""
    began, held = time.time(), []
    for start in (b"POST /v1/batches HTTP/1.1\r\nHost: x\r\n", b"POST /v1/batches HTTP/1.1\r\nHost: x\r\nIdempotency-Key: a\r\nContent-Length: 1000000\r\n\r\n", b""):
        s = socket.socket(socket.AF_UNIX)
        s.connect(sockets() + "/collectd.sock")
        s.sendall(start)
        held.append((s, bool(start)))
    cut = set()
    while len(cut) < len(held) and time.time() - began < 12:
        for i, (s, drips) in enumerate(held):
            if i in cut:
                continue
            try:
                if drips:
                    s.send(b"a")
                s.settimeout(0.05)
                if s.recv(100) == b"":
                    cut.add(i)
            except socket.timeout:
                pass
            except OSError:
                cut.add(i)
        equal("others", 200, local().get("/healthz")[0])
        time.sleep(0.1)
    equal("slow clients were cut", {0, 1, 2}, cut)
    if time.time() - began < 2.5:
        fail("they were cut too soon")
    flood = []
    for _ in range(60):  # client_connections is 40
        s = socket.socket(socket.AF_UNIX)
        s.connect(sockets() + "/collectd.sock")
        flood.append(s)
    def was_cut(s):
        try:
            return s.recv(12, socket.MSG_DONTWAIT | socket.MSG_PEEK) in (b"", b"HTTP/1.1 429")
        except BlockingIOError:
            return False
        except OSError:
            return True
    wait_until("a flood is cut down", lambda: sum(map(was_cut, flood)) >= 20, 10)
    if sum(map(was_cut, flood)) > 30:
        fail("more than was too much was cut")
    for s in flood:
        s.close()

    def answers():
        try:
            return local().get("/healthz")[0] == 200
        except OSError:
            return False
    wait_until("others again", answers)
    if metrics()["certmuster_connections_dropped_total"] < 22:
        fail("cut connections are not counted")


def test_metrics():
    c, r = local(), new_run()
    good(c.batch([run_record(r, "started", NOW - 60), run_record(r, "finished", NOW - 30, targets=0, ok=0, failed=0)]), 2)
    certificates, places = sql("SELECT (SELECT count(*) FROM certificate), (SELECT count(*) FROM location_state)").split("|")
    wait_until("figures", lambda: metrics().get("certmuster_certificates") == float(certificates) and metrics()["certmuster_places"] == float(places)
             and metrics().get('certmuster_last_sweep_age_seconds{source="scan"}', 999) < 60, 20)
    age = metrics()['certmuster_last_sweep_age_seconds{source="scan"}']
    if not 29 <= age < 60:
        fail(f"age of the last sweep: {age}")
    before = int(sql("SELECT xact_commit FROM pg_stat_database WHERE datname = 'certmuster'"))
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda _: metrics(), range(200)))
    if int(sql("SELECT xact_commit FROM pg_stat_database WHERE datname = 'certmuster'")) - before > 120:
        fail("scrapes cost statements")


def test_uids():
    """An account that nobody allowed: 403, also for reading; then allowed by name of its uid."""
    if os.geteuid() != 0:
        return
    ask = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--unix-socket",
           sockets() + "/collectd.sock"]
    equal("nobody reads", "403", run(*ask, "http://x/healthz"))
    equal("nobody sends", "403", run(*ask, "-H", "Idempotency-Key: x", "-d", "x", "http://x/v1/batches"))
    if int(metrics()["certmuster_requests_denied_total"]) < 2:
        fail("denied requests are not counted")


def test_verdicts():
    for name, days in (("good", 30), ("over", -1)):
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{TMP}/{name}.key", "-out", f"{TMP}/{name}.csr", "-subj", f"/CN={name}")
        run("openssl", "x509", "-req", "-in", f"{TMP}/{name}.csr", "-CA", f"{TMP}/trust.pem", "-CAkey", f"{TMP}/trust.key", "-set_serial", "7", "-days", str(days),
            "-out", f"{TMP}/{name}.pem")
    make_pki(TMP, ["orphan"], ca="nobodysca")
    ders = {n: ssl.PEM_cert_to_DER_cert(open(f"{TMP}/{n}.pem").read()) for n in ("good", "over", "orphan", "trust")}
    ders["self"] = D[0]
    ders["broken"] = b"broken"
    c = local()
    good(c.batch([cert_record(d) for d in ders.values()] + [sighting(f"192.0.2.{90 + i}", [d], RUN) for i, d in enumerate(ders.values())]), 12)
    expected = {"good": "ok", "trust": "ok", "over": "cert_has_expired", "orphan": "unable_to_get_issuer_cert_locally",
                "self": "depth_zero_self_signed_cert", "broken": "undecodable"}
    verdict = lambda n: sql(f"SELECT verdict, cardinality(path) FROM chain_verdict JOIN chain USING (chain_id) WHERE fingerprints = ARRAY['\\x{sha(ders[n])}'::bytea]")
    for name, word in expected.items():
        wait_until(f"verdict on {name}: {word}, not {verdict(name)}", lambda: verdict(name).split("|")[0] == word, 15)
    equal("path", ("ok|2", "ok|1"), (verdict("good"), verdict("trust")))
    wait_until("expired and expiring are counted", lambda: (metrics().get("certmuster_certificates_expired"), metrics().get("certmuster_certificates_expiring_30d")) == (1.0, 2.0))  # over; good and orphan


def hold_runs():
    """A session that has the lock of the table that every batch writes to; let_go() ends it."""
    holder = subprocess.Popen(["psql", "-X", "-q", "-At", "-h", sockets(), "-U", "certmuster_admin", "-d", "certmuster"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    holder.stdin.write("SET search_path = certmuster; BEGIN; LOCK TABLE run IN ACCESS EXCLUSIVE MODE; SELECT 'held';\n")
    holder.stdin.flush()
    equal("held", "held", holder.stdout.readline().strip())
    return holder


def let_go(holder):
    holder.stdin.write("COMMIT;\n")
    holder.stdin.close()
    holder.wait()


def test_killed_before_answer():
    """Killed with SIGKILL when it has committed, or is about to: held by a lock, resent with the same key."""
    c, r = local(), new_run()
    lines = [sighting(f"198.51.101.{i}", [D[0]], r) for i in range(50)]
    holder = hold_runs()
    waiting = concurrent.futures.ThreadPoolExecutor(1).submit(lambda: local().batch(lines, "local/killed/1"))
    wait_until("the batch waits for the lock", lambda: sql("SELECT count(*) FROM pg_locks WHERE NOT granted") != "0")
    equal("others are answered meanwhile", 200, local().get("/healthz")[0])
    os.kill(pid(), signal.SIGKILL)
    try:
        fail(f"answered: {waiting.result()}")
    except (OSError, http.client.HTTPException):
        pass
    let_go(holder)
    run("certmuster", "up")
    good(local().batch(lines, "local/killed/1"), 50)
    equal("once", "50|50", sql(f"SELECT stored_ok, (SELECT count(*) FROM sighting JOIN location USING (location_id) WHERE ip << '198.51.101.0/24') FROM run WHERE run = '{r}'"))


def test_ended_while_stuck():
    """SIGTERM while a batch waits for a lock that nobody gives back: everybody is answered, it ends well before systemd kills it, nothing is lost."""
    r, path = new_run(), f"{TMP}/stuck.sock"
    lines = [sighting(f"198.51.102.{i}", [D[0]], r) for i in range(50)]
    stuck = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query !~ 'pg_stat' AND application_name = 'certmuster-collectd ingest'"
    child = subprocess.Popen([f"{BIN}/certmuster-collectd", "--socket", path, "--dsn", f"host={sockets()} dbname=certmuster"], stderr=subprocess.DEVNULL)
    holder = None
    try:
        wait_until("it serves", lambda: os.path.exists(path) and Collector(path).get("/healthz")[0] == 200)
        holder = hold_runs()
        waiting = concurrent.futures.ThreadPoolExecutor(1).submit(lambda: Collector(path).batch(lines, "local/stuck/1"))
        wait_until("the batch waits for the lock", lambda: sql(stuck) == "1")
        child.send_signal(signal.SIGTERM)
        began = time.monotonic()
        wait_until("health says so", lambda: Collector(path, timeout=5).get("/healthz")[0] == 503, 5)
        equal("why", "stopping", json.loads(Collector(path, timeout=5).get("/healthz")[1])["status"])
        equal("another batch", (503, "the collector is stopping"), (lambda answer: (answer[0], answer[1]["error"]))(Collector(path, timeout=5).batch([])))
        equal("the batch is waited for", False, waiting.done())
        equal("then put off", 503, waiting.result(20)[0])
        equal("exit", 0, child.wait(15))
        equal("in time", True, time.monotonic() - began < 20)
        equal("leaves nothing", [], [n for n in (path, path + ".lock") if os.path.exists(n)])
        wait_until("the statement ends, too", lambda: sql(stuck) == "0", 15)
    finally:
        child.kill()
        child.wait()
        if holder:
            let_go(holder)
    good(local().batch(lines, "local/stuck/1"), 50)
    equal("once", "50|50", sql(f"SELECT stored_ok, (SELECT count(*) FROM sighting JOIN location USING (location_id) WHERE ip << '198.51.102.0/24') FROM run WHERE run = '{r}'"))


def test_database_stopped():
    """PostgreSQL stopped with -m immediate while batches are stored, started again; every batch is sent until it is answered 200."""
    new = [certificate(T, 10000 + i) for i in range(1500)]
    runs = [new_run() for _ in range(3)]
    batches = [(f"local/stop/{i}", [cert_record(d) for d in new[i * 250:i * 250 + 250]] + [sighting(f"10.9.{i}.{j}", [d], runs[i % 3])
               for j, d in enumerate(new[i * 250:i * 250 + 250])]) for i in range(6)]
    seen503, down = threading.Event(), threading.Event()

    def deliver(batch):
        while True:
            try:
                status, content = local().batch(batch[1], batch[0])
            except (OSError, http.client.HTTPException):
                status = 0
            if status == 200:
                return content
            if status != 503:
                fail(f"{status}: {content}")
            seen503.set()
            time.sleep(0.1)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        work = [pool.submit(deliver, b) for b in batches]
        wait_until("the first is stored", lambda: any(w.done() for w in work))
        postmaster = int(open(f"{HOME}/postgres/postmaster.pid").readline())
        os.kill(postmaster, signal.SIGQUIT)
        wait_until("it is down", lambda: not os.path.exists(f"/proc/{postmaster}") or open(f"/proc/{postmaster}/stat").read().split()[2] == "Z")
        wait_until("503 is told", seen503.is_set)
        wait_until("health says so", lambda: local().get("/healthz")[0] == 503)
        equal("metrics go on", 0.0, metrics()["certmuster_database_up"])
        before = pid()
        run("certmuster", "up", "--database-only")
        for w in work:
            equal("stored", 500, w.result(60)["stored"])
    equal("the same collector", before, pid())
    equal("nothing lost, nothing doubled", "1500|1500|1500|1500", sql(
        "SELECT (SELECT count(*) FROM location WHERE ip << '10.9.0.0/16'), (SELECT count(*) FROM sighting JOIN location USING (location_id) WHERE ip << '10.9.0.0/16'),"
        " (SELECT sum(stored_ok) FROM run WHERE run IN ('%s')), (SELECT count(*) FROM certificate_name WHERE kind = 'cn' AND name >= 'host-00010000' AND name < 'host-00011500')"
        % "','".join(runs)))
    wait_until("well again", lambda: local().get("/healthz")[0] == 200)
    Collector.patience_s = 30


def tls_config():
    make_pki(TMP, ["server"])
    path = f"{TMP}/tls.yaml"
    with open(path, "w") as f:
        f.write(f"collector: {{tls: {{cert: {TMP}/server.pem, key: {TMP}/server.key, client_ca: {TMP}/ca.pem}}}}\n")
    return path


def test_descriptors():
    """No descriptor is left: whoever comes waits, at no cost, and the log stays short; and fewer connections where the limit is low from the start."""
    path, log = f"{TMP}/few.sock", f"{TMP}/few.log"
    child = subprocess.Popen(["prlimit", "--nofile=120:120", f"{BIN}/certmuster-collectd", "--socket", path, "--dsn", f"host={sockets()} dbname=certmuster"],
                             stderr=open(log, "w"))
    used = lambda: len(os.listdir(f"/proc/{child.pid}/fd"))
    cpu = lambda: sum(map(int, open(f"/proc/{child.pid}/stat").read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")
    waiting = []
    try:
        wait_until("it serves", lambda: os.path.exists(path) and Collector(path).get("/healthz")[0] == 200)
        bound = [line for line in open(log) if "connections_bounded" in line]
        equal("told once", 1, len(bound))
        equal("of", True, "wanted=256 descriptors=120" in bound[0])
        words = dict(word.split("=", 1) for word in bound[0].split() if "=" in word)
        equal("as many as there is room for", True, 4 <= int(words["connections"]) < 60)
        equal("the figure", int(words["connections"]), int(metrics(Collector(path))["certmuster_connections_max"]))
        open_now = max(int(n) for n in os.listdir(f"/proc/{child.pid}/fd"))
        subprocess.run(["prlimit", f"--pid={child.pid}", f"--nofile={open_now + 1}:120"], check=True)
        for _ in range(open_now + 60):
            s = socket.socket(socket.AF_UNIX)
            s.setblocking(False)
            waiting.append(s)
            if s.connect_ex(path):
                break
        wait_until("it says so", lambda: "accept_failed" in open(log).read())
        before, began = cpu(), time.monotonic()
        while time.monotonic() - began < 2:
            time.sleep(0.1)
        equal(f"rests: {cpu() - before:.2f} s of 2", True, cpu() - before < 0.5)
        lines = open(log).read().splitlines()
        equal("told once", 1, len([line for line in lines if "accept_failed" in line]))
        equal("all of it is the log's own", [], [line for line in lines if not line.startswith("certmuster-collectd: ")])
        subprocess.run(["prlimit", f"--pid={child.pid}", "--nofile=120:120"], check=True)
        for s in waiting:
            s.close()
        wait_until("it serves again", lambda: Collector(path, timeout=10).get("/healthz")[0] == 200)
        child.send_signal(signal.SIGTERM)
        equal("exit", 0, child.wait(30))
    finally:
        child.kill()
        child.wait()


def test_log():
    """What -q and -v say: errors alone, and everything. That there is no room for all connections is a warning."""
    path, said = f"{TMP}/log.sock", {}
    for flag in ("-q", "", "-v"):
        with open(f"{TMP}/log{flag}", "w") as out:
            child = subprocess.Popen(["prlimit", "--nofile=120:120", f"{BIN}/certmuster-collectd", *flag.split(), "--socket", path, "--dsn", f"host={sockets()} dbname=certmuster"], stderr=out)
        try:
            wait_until("it serves", lambda: os.path.exists(path) and Collector(path).get("/healthz")[0] == 200)
            Collector(path).batch([], "local/log/1")
            child.send_signal(signal.SIGTERM)
            equal("exit", 0, child.wait(30))
        finally:
            child.kill()
            child.wait()
        said[flag] = {line.split()[1] for line in open(f"{TMP}/log{flag}")}
    equal("errors alone", set(), said["-q"])
    equal("as ever", [True, True, False], [event in said[""] for event in ("ready", "connections_bounded", "batch")])
    equal("everything", [True, True, True], [event in said["-v"] for event in ("ready", "connections_bounded", "batch")])


def test_start():
    """What it refuses at its start, in one line."""
    socket_path = f"{TMP}/s.sock"
    dsn = f"host={sockets()} dbname=certmuster"
    start = lambda *args: subprocess.run([f"{BIN}/certmuster-collectd", *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    done = start("--socket", sockets() + "/collectd.sock")
    equal("a socket that is served", 3, done.returncode)
    if "another collector" not in done.stdout:
        fail(done.stdout)
    run("createdb", "-h", sockets(), "-U", "certmuster_admin", "empty")
    for what, args, status, text in [("a schema that is too old", ["--socket", socket_path, "--dsn", f"host={sockets()} dbname=empty"], 3, "certmuster migrate"),
                                     ("nonsense", ["--soket"], 2, "did you mean --socket"), ("an operand", ["x"], 2, "operand"),
                                     ("no uid", ["--allow-uid", "root"], 2, "user id"),
                                     ("a path too long", ["--socket", "/tmp/" + "x" * 200, "--dsn", dsn], 3, "107"),
                                     ("an address that is none", ["--socket", socket_path, "--listen", "nowhere", "--dsn", dsn, "--config", tls_config()], 3, "address"),
                                     ("no directory", ["--socket", f"{TMP}/none/s", "--dsn", dsn], 3, "lock")]:
        done = start(*args)
        equal(what, status, done.returncode)
        if text not in done.stdout or len(done.stdout.splitlines()) > (1 if status == 2 else 2):
            fail(f"{what}: {done.stdout}")
    # A stale socket is replaced; the pid file is written; READY is told; SIGTERM ends it with 0 and leaves nothing.
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(socket_path)
    stale.close()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listener.bind(f"{TMP}/notify")
    listener.settimeout(30)
    child = subprocess.Popen([f"{BIN}/certmuster-collectd", "--socket", socket_path, "--dsn", dsn, "--pid-file", f"{TMP}/pid"],
                             env=dict(os.environ, NOTIFY_SOCKET=f"{TMP}/notify"), stderr=subprocess.DEVNULL)
    try:
        equal("ready", b"READY=1", listener.recv(100))
        equal("pid", child.pid, int(open(f"{TMP}/pid").read()))
        equal("serves", 200, Collector(socket_path).get("/healthz")[0])
        equal("serves", 200, Collector(socket_path).batch([])[0])
        equal("a second one", 3, start("--socket", socket_path, "--dsn", dsn, "--pid-file", f"{TMP}/pid").returncode)
        equal("leaves the pid of the first", child.pid, int(open(f"{TMP}/pid").read()))
        equal("which serves on", 200, Collector(socket_path).get("/healthz")[0])
        child.send_signal(signal.SIGTERM)
        equal("stopping", b"STOPPING=1", listener.recv(100))
        equal("exit", 0, child.wait(30))
    finally:
        child.kill()
    equal("leaves nothing", [], [n for n in ("s.sock", "s.sock.lock", "pid") if os.path.exists(f"{TMP}/{n}")])


def expire(where):
    """The connections that a certificate began end with it, however busy they are."""
    end_in(TMP, "delta", 8)
    ends = int(time.time()) + 8
    run("certmuster", "scanner", "add", "delta", "--cert", f"{TMP}/delta.pem")
    busy = [where("delta"), where("delta")]
    answers = [(200, b""), (200, b"")]
    while any(status == 200 for status, _ in answers) and time.time() < ends + 10:
        time.sleep(0.2)
        answers = [one.batch([], f"delta/{new_run()}") if status == 200 else (status, text) for one, (status, text) in zip(busy, answers)]
    equal("not before its end", True, time.time() >= ends)
    equal("then refused with the reason, and closed", [(403, True, None)] * 2, [(status, "expired" in str(text), one.connection) for one, (status, text) in zip(busy, answers)])


def test_tls():
    make_pki(TMP, ["server", "alpha", "beta", "gamma", "delta"])
    make_pki(TMP, ["stranger"], ca="otherca")
    os.chmod(f"{TMP}/server.key", 0o644)
    with open(f"{HOME}/certmuster.yaml", "a") as f:
        f.write(f"  listen: 127.0.0.1:0\n  tls: {{cert: {TMP}/server.pem, key: {TMP}/server.key, client_ca: {TMP}/ca.pem}}\n")
    run("certmuster", "down")
    run("certmuster", "up")
    log = open(glob.glob(f"{HOME}/log/collectd*")[0]).read()
    port = int(log.rsplit("tls=127.0.0.1:", 1)[1].split()[0])
    run("certmuster", "scanner", "add", "alpha", "--realm", "default", "--realm", "dmz", "--cert", f"{TMP}/alpha.pem")
    run("certmuster", "scanner", "add", "beta", "--cert", "ab" * 32)
    where = lambda name: Collector(("127.0.0.1", port, client_context(TMP, name)))
    expire(where)
    a, r = where("alpha"), new_run()
    good(a.batch([failure("192.0.2.80", r, scanner="alpha"), record("failure", source="scan", at=stamp(NOW), run=r, stage="connect", error="refused",
         endpoint=endpoint("192.0.2.81", realm="dmz"))], "alpha/x/1"), 2)
    answer = good(a.batch([failure("192.0.2.82", r, scanner="beta"), sighting("192.0.2.83", [D[0]], r, scanner="alpha", realm="secret"),
                           sighting("127.0.0.1", [D[0]], r, scanner="alpha", realm="host:alpha"),
                           sighting("127.0.0.1", [D[0]], r, scanner="alpha", realm="host:beta")], "alpha/x/2"), 1, 3)
    equal("another's", [(1, "the record is another scanner's"), (2, "the realm is not this scanner's"), (4, "the realm is not this scanner's")],
          [(x["line"], x["reason"].split(":")[0]) for x in answer["rejected"]])
    good(local().batch([failure("192.0.2.85", r2 := new_run())]), 1)
    equal("another's run", ["the run is another scanner's"], [x["reason"] for x in good(a.batch([failure("192.0.2.86", r2, scanner="alpha")], "alpha/x/4"), 0, 1)["rejected"]])
    equal("another's key", 403, a.batch([], "beta/x/1")[0])
    equal("enrolled with another certificate", 403, where("beta").batch([], "beta/x/1")[0])
    equal("not enrolled", 403, where("gamma").batch([], "gamma/x/1")[0])
    equal("not enrolled, question", 403, where("gamma").missing([])[0])
    wait_until("health, once the list of scanners was read again", lambda: a.get("/healthz")[0] == 200)
    sql("UPDATE scanner SET disabled = true WHERE name = 'alpha'")
    equal("disabled", 403, a.batch([], "alpha/x/3")[0])
    for name in (None, "stranger"):
        try:
            status = where(name).get("/healthz")[0]
            fail(f"{name}: {status}")
        except (ssl.SSLError, OSError):
            pass
    old = client_context(TMP, "alpha")
    old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    try:
        Collector(("127.0.0.1", port, old)).get("/healthz")
        fail("TLS 1.1 was taken")
    except (ssl.SSLError, OSError):
        pass
    equal("an enrolled name is not taken over on the socket", 1, len(local().batch([failure("192.0.2.84", new_run(), scanner="beta")])[1]["rejected"]))
    flooding = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]  # no handshake: cut in time
    for s in flooding:
        s.settimeout(10)
        equal("no handshake", b"", s.recv(10))


play([test_slow, test_metrics, test_uids, test_verdicts, test_killed_before_answer, test_ended_while_stuck, test_database_stopped, test_descriptors, test_log, test_start, test_tls])
