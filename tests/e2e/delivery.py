#!/usr/bin/python3
"""The contract of delivery, against the real collector and a real PostgreSQL: keys, 409, rejections, limits, spans, clocks, identities over
TLS, and PostgreSQL stopped in the middle of a batch. Nothing is lost and nothing is counted twice."""
import gzip, json, os, shutil, signal, socket, subprocess, sys, tempfile, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collectd_tools import *
import spool_tools
from common import equal

BIN = os.environ["CM_BIN"]
work = tempfile.mkdtemp(dir=os.environ.get("TMPDIR"))
os.chmod(work, 0o755)
home = f"{work}/home"
os.mkdir(home)
environment = {**os.environ, "CERTMUSTER_HOME": home, "PATH": f"{BIN}:{os.environ['PATH']}"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def certmuster(*words, ok=True):
    done = subprocess.run([f"{BIN}/certmuster", *words], env=environment, capture_output=True, text=True)
    assert not ok or done.returncode == 0, (words, done.returncode, done.stdout, done.stderr)
    return done


def sql(query):
    sockets = open(f"{home}/sockets").read().strip()
    done = subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", sockets, "-U", "certmuster_admin", "-d", "certmuster",
                           "-c", "SET search_path = certmuster", "-c", query], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def local(timeout=60):
    return Collector(open(f"{home}/sockets").read().strip() + "/collectd.sock", timeout)


def counts():
    return sql("SELECT (SELECT count(*) FROM certificate), (SELECT count(*) FROM location), (SELECT count(*) FROM sighting), (SELECT count(*) FROM batch)")


def test_keys(template_der):
    run, der = new_run(), certificate(template_der, 1)
    lines = [cert_record(der), sighting("192.0.2.1", [der], run), failure("192.0.2.2", run), "not json", record("novelty")]
    first = local().batch(lines, key="file/keys")
    equal("first", 200, first[0])
    equal("stored", 3, first[1]["stored"])
    equal("rejected lines", [4], [r["line"] for r in first[1]["rejected"]])
    before = counts()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(local().batch(lines, key="file/keys"))) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal("the same key again, eight at once", [first] * 8, answers)
    equal("nothing changed", before, counts())
    # Eight at once of a key that is new: one stores, all get its answer.
    lines = [sighting(f"192.0.2.{i}", [der], run) for i in range(10, 60)]
    answers.clear()
    threads = [threading.Thread(target=lambda: answers.append(local().batch(lines, key="file/race"))) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal("a new key, eight at once", [(200, {"stored": 50, "rejected": []})] * 8, answers)
    equal("stored once", "51", sql(f"SELECT stored_ok FROM run WHERE run = '{run}'"))
    equal("without a key", 400, local().request("POST", "/v1/batches", body(lines))[0])


def test_missing(template_der):
    run, der = new_run(), certificate(template_der, 2)
    before = counts()
    equal("lacking", (409, {"missing": [sha(der)]}), local().batch([sighting("192.0.2.70", [der], run)], key="file/lacking"))
    equal("nothing stored", before, counts())
    equal("asked", (200, {"missing": [sha(der)]}), local().missing([sha(der), sha(certificate(template_der, 1))]))
    equal("sent again with it", 200, local().batch([cert_record(der), sighting("192.0.2.70", [der], run)], key="file/lacking")[0])
    lie = cert_record(der).replace(sha(der), sha(b"another"))
    status, answer = local().batch([lie, sighting("192.0.2.71", [sha(b"another")], run)])
    equal("a certificate that is not what its hash says", [1, 2], [r["line"] for r in answer["rejected"]])


def test_hostile():
    bomb = gzip.compress(b"\n" * (64 << 20))
    equal("a bomb", 413, local().batch(bomb, headers={"Content-Encoding": "gzip"})[0])
    equal("an encoding that we do not read", 415, local().batch(b"{}\n", headers={"Content-Encoding": "br"})[0])
    equal("damaged", 400, local().batch(b"\x1f\x8b\x08nonsense", headers={"Content-Encoding": "gzip"})[0])
    deep = b'{"v":1,"type":"x","a":' + b"[" * 5000 + b"]" * 5000 + b"}\n"
    equal("nested", [1], [r["line"] for r in local().batch(deep)[1]["rejected"]])
    equal("unknown path", 404, local().get("/v1/nothing")[0])
    equal("wrong method", 405, local().request("PUT", "/v1/batches", b"{}\n")[0])
    slow = [socket.socket(socket.AF_UNIX) for _ in range(20)]  # they begin and never go on; others are answered all the same
    for s in slow:
        s.connect(open(f"{home}/sockets").read().strip() + "/collectd.sock")
        s.sendall(b"POST /v1/batches HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nIdempotency-Key: file/slow\r\n\r\n{")
    equal("healthy beside them", 200, local(10).get("/healthz")[0])
    for s in slow:
        s.close()


def spans(ip, number):
    return sql(f"""SELECT count(*) || ' ' || count(*) FILTER (WHERE closed_at IS NULL) FROM sighting s JOIN location l USING (location_id)
                   JOIN chain c USING (chain_id) WHERE host(l.ip) = '{ip}' AND c.leaf_sha256 = '\\x{sha(number)}'""")


def test_spans(template_der):
    ip, old, new = "192.0.2.80", certificate(template_der, 3), certificate(template_der, 4)
    began = time.time() - 86400

    def look(minutes, *ders, run=None):
        run = run or new_run()
        equal("look", 200, local().batch([cert_record(d) for d in ders] + [sighting(ip, [d], run, at=began + 60 * minutes) for d in ders])[0])
        return run

    look(0, old)
    for minute in (1, 2, 3):  # a failure never ends anything
        equal("failure", 200, local().batch([failure(ip, new_run(), at=began + 60 * minute)])[0])
    equal("after three failures", "1 1", spans(ip, old))
    run = look(10, new)
    look(11, new, run=run)
    look(12, new, run=run)  # three records of one run count once
    equal("missed by one run", "1 1", spans(ip, old))
    look(20, new)
    equal("missed by two runs", "1 1", spans(ip, old))
    look(30, new)
    equal("missed by three runs", "1 0", spans(ip, old))
    look(40, old)
    equal("back in a span of its own", "2 1", spans(ip, old))
    look(5, new)  # late: the span of the newer one begins earlier than thought
    equal("late arrival extends, adds none", "1 1", spans(ip, new))
    equal("its beginning", stamp(began + 300)[:19],
          sql(f"""SELECT to_char(min(s.first_seen) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') FROM sighting s JOIN location l USING (location_id)
                  JOIN chain c USING (chain_id) WHERE host(l.ip) = '{ip}' AND c.leaf_sha256 = '\\x{sha(new)}'"""))


def test_clock(template_der):
    der, run = certificate(template_der, 5), new_run()
    ahead = time.time() + 7200
    equal("ahead", 200, local().batch([cert_record(der), sighting("192.0.2.90", [der], run, at=ahead, scanner="fast")], sent=ahead)[0])
    equal("nothing is in the future", "f", sql("SELECT bool_or(last_seen > now() + interval '5 seconds') FROM sighting"))
    equal("flagged", "t", sql("SELECT skewed_ms IS NOT NULL FROM scanner WHERE name = 'fast'"))


def test_tls(port, template_der):
    der, run = certificate(template_der, 6), new_run()
    certmuster("scanner", "add", "alpha", "--cert", f"{work}/alpha.pem")
    alpha = Collector(("127.0.0.1", port, client_context(work, "alpha")))
    lines = [cert_record(der), sighting("192.0.2.95", [der], run, scanner="alpha"), sighting("192.0.2.96", [der], run, scanner="beta"),
             sighting("192.0.2.97", [der], run, scanner="alpha", realm="elsewhere")]
    status, answer = alpha.batch(lines, key=f"alpha/{run}/1")
    equal("alpha", (200, [3, 4]), (status, [r["line"] for r in answer["rejected"]]))
    equal("not enrolled", 403, Collector(("127.0.0.1", port, client_context(work, "beta"))).batch(lines, key=f"beta/{run}/1")[0])
    for name in (None, "rogue"):
        try:
            status = Collector(("127.0.0.1", port, client_context(work, name))).batch(lines)[0]
        except (ssl.SSLError, ConnectionError, http.client.HTTPException):
            status = "refused"
        equal(f"client certificate {name}", "refused", status)
    test_files(port)
    certmuster("scanner", "disable", "alpha")
    equal("disabled", 403, Collector(("127.0.0.1", port, client_context(work, "alpha"))).batch(lines, key=f"alpha/{run}/2")[0])


def test_files(port):
    """The same file from two scanners: each is answered for its own."""
    certmuster("scanner", "add", "beta", "--cert", f"{work}/beta.pem")
    alpha, beta = (Collector(("127.0.0.1", port, client_context(work, name))) for name in ("alpha", "beta"))
    mine, others = new_run(), new_run()
    lines = [failure("192.0.2.100", mine, scanner="alpha"), failure("192.0.2.101", mine, scanner="alpha"), failure("192.0.2.102", others, scanner="beta")]
    first, second = alpha.batch(lines, key="file/both"), beta.batch(lines, key="file/both")
    equal("alpha's lines", (200, 2, [3]), (first[0], first[1]["stored"], [r["line"] for r in first[1]["rejected"]]))
    equal("beta's lines", (200, 1, [1, 2]), (second[0], second[1]["stored"], [r["line"] for r in second[1]["rejected"]]))
    equal("all places are there", "3", sql("SELECT count(*) FROM location WHERE host(ip) IN ('192.0.2.100', '192.0.2.101', '192.0.2.102')"))
    equal("again", (first, second), (alpha.batch(lines, key="file/both"), beta.batch(lines, key="file/both")))
    sql("INSERT INTO batch (batch_key, scanner, received_at, stored) VALUES ('file/former', 'alpha', now(), 7)")
    equal("a file that was stored when its key was everybody's", (200, {"stored": 7, "rejected": []}), alpha.batch(lines, key="file/former"))
    equal("is another matter for others", second, beta.batch(lines, key="file/former"))


def submit_as(name, url, ip):
    """One segment of the scanner of that name, to where url says, with the certificate called office where that is over TLS."""
    run, spool, config = new_run(), f"{work}/spool-names", f"{work}/names.yaml"
    with open(config, "w") as f:
        f.write(f"scanner: {json.dumps(name)}\nsubmit: {{tls: {{cert: {work}/office.pem, key: {work}/office.key, ca: {work}/ca.pem}}}}\n")
    spool_tools.segment(spool, 1, [line.encode() for line in (failure(ip, run, scanner=name), run_record(run, "finished", scanner=name, targets=1, ok=0, failed=1))], run, name)
    done = subprocess.run([f"{BIN}/certmuster-submit", "--config", config, "--to", url, spool], env=environment, capture_output=True, text=True)
    said = (name, done.returncode, done.stdout + done.stderr, sorted(os.listdir(spool)))
    equal(f"as {name}", (name, 0, "1 batches taken, 2 records stored\n", []), said)
    equal(f"the run of {name}", name, sql(f"SELECT scanner FROM run WHERE run = '{run}' AND finished_at IS NOT NULL"))


def test_names(port):
    """Whatever a scanner is called, what it sends arrives, on the socket and, where its certificate can say so, over TLS; and its keys are its own."""
    for i, name in enumerate(("b\u00fcro-2", "office 1", 'a"b\\c', "50%41", "tab\there", "\u6771" * 85)):
        submit_as(name, f"unix:{local().where}", f"192.0.2.{110 + i}")
    run = lambda *words: subprocess.run(["openssl", *words], check=True, capture_output=True)
    with open(f"{work}/office.ext", "w") as f:
        f.write("extendedKeyUsage=clientAuth\n")
    run("req", "-utf8", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{work}/office.key", "-out", f"{work}/office.csr", "-subj", "/CN=b\u00fcro")
    run("x509", "-req", "-in", f"{work}/office.csr", "-CA", f"{work}/ca.pem", "-CAkey", f"{work}/ca.key", "-set_serial", "0x2001", "-days", "20", "-extfile", f"{work}/office.ext",
        "-out", f"{work}/office.pem")
    certmuster("scanner", "add", "b\u00fcro", "--cert", f"{work}/office.pem")
    submit_as("b\u00fcro", f"https://127.0.0.1:{port}", "192.0.2.120")
    for key in ("b%C3%BCro/x/1", "b%c3%bcro/x/1", "%62%C3%BCro/x/1"):
        equal("its key on the socket", 403, local().batch([failure("192.0.2.121", new_run())], key=key)[0])
    office = Collector(("127.0.0.1", port, client_context(work, "office")))
    for key in ("b%C3%BC/x/1", "b%25C3%25BCro/x/1", "b%00/x/1", "%FF/x/1"):
        equal("another's key", 403, office.batch([failure("192.0.2.121", new_run())], key=key)[0])


def test_outage(template_der):
    """PostgreSQL dies while a large batch is merged: no answer of success, nothing half stored; the same key again stores all of it once."""
    run, count = new_run(), 6000
    lines = []
    for i in range(count):
        der = certificate(template_der, 1000 + i)
        lines += [cert_record(der), sighting(f"198.51.{100 + i // 250}.{i % 250}", [der], run)]
    before, answers = counts(), []
    thread = threading.Thread(target=lambda: answers.append(local(120).batch(lines, key="file/outage")))
    thread.start()
    postmaster = int(open(f"{home}/postgres/postmaster.pid").readline())
    deadline = time.time() + 60
    while sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'certmuster_ingest' AND state = 'active' AND xact_start IS NOT NULL") == "0":
        assert time.time() < deadline and thread.is_alive(), "the batch was over before it could be disturbed"
    os.kill(postmaster, signal.SIGQUIT)
    thread.join()
    assert answers[0][0] == 503, answers
    equal("down", 503, local().get("/healthz")[0])
    certmuster("up")
    deadline = time.time() + 60
    while local().get("/healthz")[0] != 200:
        assert time.time() < deadline
        time.sleep(0.1)
    equal("nothing half stored", before, counts())
    Collector.patience_s = 30
    equal("sent again", (200, {"stored": 2 * count, "rejected": []}), local(120).batch(lines, key="file/outage"))
    equal("and again", (200, {"stored": 2 * count, "rejected": []}), local(120).batch(lines, key="file/outage"))
    equal("counted once", str(count), sql(f"SELECT stored_ok FROM run WHERE run = '{run}'"))


def test_metrics():
    deadline = time.time() + 30
    while True:
        values = {}
        for line in local().get("/metrics")[1].decode().splitlines():
            if line and not line.startswith("#"):
                name, value = line.rsplit(" ", 1)
                assert name not in values, f"twice: {name}"
                values[name] = float(value)
        if values.get("certmuster_certificates") == float(sql("SELECT count(*) FROM certificate")):
            break
        assert time.time() < deadline, values
        time.sleep(0.2)
    equal("places", float(sql("SELECT count(*) FROM location")), values["certmuster_places"])
    assert "certmuster_certificates_expiring_30d" in values, values
    assert any(name.startswith("certmuster_last_sweep_age_seconds") for name in values), values


def main():
    make_pki(work, ["server", "alpha", "beta"])
    rogue = f"{work}/other"
    os.mkdir(rogue)
    make_pki(rogue, ["rogue"])
    for end in ("pem", "key"):
        shutil.copy(f"{rogue}/rogue.{end}", work)
    for name in ("server.pem", "server.key", "ca.pem"):
        os.chmod(f"{work}/{name}", 0o644)
    port = free_port()
    with open(f"{home}/certmuster.yaml", "w") as f:
        f.write(f"collector:\n  listen: '127.0.0.1:{port}'\n  judge_interval: 200ms\n  tls:\n    cert: {work}/server.pem\n    key: {work}/server.key\n"
                f"    client_ca: {work}/ca.pem\n")
    try:
        print(certmuster("up").stdout)
        template_der = template(work)
        finished = new_run()
        equal("a finished run", 200, local().batch([run_record(finished, "started"), run_record(finished, "finished", targets=0, ok=0, failed=0)])[0])
        for test, *arguments in ((test_keys, template_der), (test_missing, template_der), (test_hostile,), (test_spans, template_der),
                                 (test_clock, template_der), (test_tls, port, template_der), (test_names, port), (test_outage, template_der), (test_metrics,)):
            began = time.time()
            test(*arguments)
            print(f"--- {test.__name__} ok, {time.time() - began:.1f} s", flush=True)
    except BaseException:
        for log in ("collectd", "postgresql"):
            if os.path.exists(f"{home}/log/{log}.log"):
                print(f"== {log}.log", *open(f"{home}/log/{log}.log").readlines()[-20:], sep="\n", file=sys.stderr)
        raise
    finally:
        certmuster("down", ok=False)


if __name__ == "__main__":
    main()
