#!/usr/bin/python3
"""What certmuster-submit reads and how it is asked to: killed or twice at once on one spool, damaged segments, plain files, spools of its own,
links in the place of directories, mutual TLS, and how it is called."""
import json, os, shutil, signal, ssl, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from submit_tools import (BIN, Collector, RUN, RUN2, SUBMIT, TMP, certificate, check, equal, files, line, place, run_record, segment,
                          segments, sighting, submit, play)
from common import wait_until


def test_killed():
    """SIGKILL between the collector's commit and the removal of the segment: sent again under the same key, stored once."""
    spool, sock = place("killed")
    segment(spool, 1, [certificate(1), sighting(1)])
    child = []

    def kill(c, handler, request):
        if request["path"] == "/v1/batches" and child[0].poll() is None and not c.keys:
            c.before = None
            handler.answer, keep = (lambda *a, **k: None), handler.answer
            c.script(handler, request)
            child[0].send_signal(signal.SIGKILL)
            child[0].wait()
            handler.close_connection = True
            return True
        return False

    with Collector(sock, kill) as c:
        child.append(subprocess.Popen([SUBMIT, "--to", "unix:" + sock, spool]))
        child[0].wait(30)
        equal(len(segments(spool)), 1)
        submit("--to", "unix:" + sock, spool)
        equal(len(c.records), 2)
        equal(len({b["key"] for b in c.batches()}), 1)


def test_two_at_once():
    """Two submits over one spool: each segment is sent by one of them."""
    spool, sock = place("two")
    for n in range(1, 41):
        segment(spool, n, [sighting(1, n)])

    def slowly(c, handler, request):
        time.sleep(0.01)
        return False

    with Collector(sock, slowly) as c:
        c.certificates.add(certificate(1)["sha256"])
        both = [subprocess.Popen([SUBMIT, "--to", "unix:" + sock, spool], stdout=subprocess.DEVNULL) for _ in range(2)]
        equal([p.wait(60) for p in both], [0, 0])
        equal(len(c.batches()), 40, "no segment is sent twice")
        equal(len(c.records), 40)
    equal(segments(spool), [])


def test_damaged_segment():
    spool, sock = place("damaged")
    path = segment(spool, 1, [certificate(1), sighting(1), sighting(1, 444), run_record("finished")])
    data = open(path, "rb").read().replace(b'"port":444', b'"port":445')
    open(path, "wb").write(data + b"torn")
    with Collector(sock) as c:
        text = submit("--to", "unix:" + sock, spool, status=1)
        equal(len(c.records), 3)
    check("1 damaged lines" in text, text)
    equal(segments(spool), [])
    equal(files(spool + "/rejected"), [os.path.basename(path) + ".damaged"], "the evidence is kept")


def test_damaged_stays():
    """What is damaged was not delivered, so it is not removed where it cannot be moved."""
    spool, sock = place("nowhere")
    path = segment(spool, 1, [sighting(1), sighting(1, 444), certificate(1), run_record("finished")])
    data = open(path, "rb").read().replace(b'"port":444', b'"port":445')
    open(path, "wb").write(data)
    open(spool + "/rejected", "w").close()
    with Collector(sock) as c:
        text = submit("--to", "unix:" + sock, spool, status=1)
        equal(open(path, "rb").read(), data, "it is where it was")
        check("and stays: cannot move it to" in text and "kept in" not in text, text)
        os.unlink(spool + "/rejected")
        text = submit("--to", "unix:" + sock, spool, status=1)
        equal(len(c.records), 3, "stored once")
    check("1 damaged lines; it is kept in %s/rejected/" % spool in text, text)
    equal((segments(spool), files(spool + "/rejected")), ([], [os.path.basename(path) + ".damaged"]))


def test_plain_file():
    spool, sock = place("plain")
    path = os.path.join(os.path.dirname(spool), "f.ndjson")
    good = [certificate(1)] + [sighting(1, port) for port in range(1, 20001)]
    with open(path, "wb") as out:
        out.write(b"\n".join(map(line, good[:10])) + b"\n{\"v\":1,\"type\":\n" + b"\n\xff\xfe\n" + b"x" * 3000000 + b"\n")
        out.write(b"\r\n".join(map(line, good[10:])))  # no final line feed, and from a system that ends lines otherwise
    with Collector(sock) as c:
        text = submit("--to", "unix:" + sock, path, status=1)
        equal(len(c.records), len(good))
        check("f.ndjson:11: not valid JSON" in text and "f.ndjson:13:" in text and ":14: a line of more than 2 MiB" in text, text)
        check("3 lines damaged" in text, text)
        keys = [b["key"] for b in c.batches()]
        check(len(keys) >= 2 and all(k.startswith("file/") and len(k) == 69 for k in keys), keys)
        submit("--to", "unix:" + sock, path, status=1)
        equal(len(c.records), len(good), "the same file again is stored once")
        # A later part needs a certificate of an earlier one that the collector has lost meanwhile.
        c.certificates.clear()
        c.keys = {keys[0]: c.keys[keys[0]]}
        submit("--to", "unix:" + sock, path, status=1)
        check(certificate(1)["sha256"] in c.certificates, "found again in the file")
        # Standard input, and refused lines by their number in the file.
        text = submit("--to", "unix:" + sock, "-", status=1, stdin=line(run_record("started")) + b"\n" + line(sighting(1, 5, "other")) + b"\n")
        check("-:2: refused by the collector: realm of another" in text, text)
        text = submit("--to", "unix:" + sock, os.path.dirname(path) + "/nothing.ndjson", status=1)
        check("cannot read" in text, text)
        open(path, "wb").write(line(sighting(99)))
        text = submit("--to", "unix:" + sock, path, status=1)
        check("lines 1 to 1" in text and "lacks 1 certificates" in text, text)


def test_use():
    spool, sock = place("use")
    check("did you mean --to" in submit("--too", "x", status=2))
    check("unix:PATH or https" in submit("--to", "http://example.org", spool, status=2))
    check("unix:PATH or https" in submit("--to", "ftp:x", spool, status=2))
    check("107" in submit("--to", "unix:/" + "x" * 200, spool, status=2))
    check("no duration" in submit("--wait", "soon", status=2))
    for stay in (("--follow",), ("--worker", "scan")):
        for more in (("--wait", "60s"), ("--once",)):
            submit(*stay, *more, "--to", "unix:" + sock, status=2)
    check("certmuster up" in submit(status=3))
    submit("--to", "unix:" + sock)  # this machine's spool does not exist: nothing to do
    open(os.path.join(TMP, "bad.yaml"), "w").write("spool:\n  dirr: x\n")
    check("bad.yaml:2: unknown key" in submit("--config", os.path.join(TMP, "bad.yaml"), status=3))


def test_own_spools():
    """Without operands: this machine's spool and those of a watch and a crawl which root started, as help and the page say, but no link in the place of one."""
    home, sock = os.environ["CERTMUSTER_HOME"], place("own")[1]
    segment(home + "/spool", 1, [certificate(1), sighting(1)])
    segment(home + "/spool-watch", 1, [certificate(2), sighting(2)], run=RUN2)
    segment(home + "/spool-crawl", 2, [certificate(3), sighting(3)], run=RUN2)
    page = open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../contrib/man/certmuster-submit.1")).read()
    check("Pa \\-watch" in page and "Pa \\-crawl" in page, "the page names both")
    check("a watch and a crawl" in " ".join(submit("--help").split()), "help names both")
    with Collector(sock) as c:
        check("3 batches taken, 6 records stored" in submit("--to", "unix:" + sock))
        equal(sorted(b["key"] for b in c.batches()), ["s1/%s/1" % RUN, "s1/%s/1" % RUN2, "s1/%s/2" % RUN2], "keys")
        equal(segments(home + "/spool") + segments(home + "/spool-watch") + segments(home + "/spool-crawl"), [])
        shutil.rmtree(home + "/spool-watch")
        shutil.rmtree(home + "/spool")
        segment(TMP + "/elsewhere", 1, [certificate(4), sighting(4)])
        os.symlink(TMP + "/elsewhere", home + "/spool-watch")
        check("0 batches taken" in submit("--to", "unix:" + sock), "nothing was spooled here")
        equal(len(segments(TMP + "/elsewhere")), 1)
    shutil.rmtree(home)


def test_links():
    """A spool may belong to a user with fewer rights: links in the place of its directories are not followed, what is refused stays."""
    spool, sock = place("links")
    outside = TMP + "/links/outside"
    other = segment(outside, 1, [certificate(9), sighting(9), run_record("finished", RUN2)], run=RUN2)
    refused = segment(spool, 1, [certificate(1), sighting(1, 9, "other")])
    segment(spool, 2, [certificate(2), sighting(2)])
    segment(spool, 3, [run_record("finished", RUN2)], run=RUN2)
    for name in ("rejected", "refused", "sent"):
        os.symlink(outside, os.path.join(spool, name))
    with Collector(sock) as c:
        text = submit("--to", "unix:" + sock, spool, status=1)
        check("cannot write to" in text, text)
        equal(segments(spool), [os.path.basename(refused)], "the others were taken")
    with Collector(sock, before=lambda c, handler, request: handler.answer(400, {"error": "framing"}) or True) as c:
        text = submit("--to", "unix:" + sock, spool, status=1)
        check("it stays where it is" in text, text)
    equal(files(outside), [os.path.basename(other)], "elsewhere nothing is written, moved or removed")


def test_follow_tells_once():
    """A spool that is not there yet is told once, not each second; a file is no spool; an address that is none is wrong use."""
    spool, sock = place("follow-once")
    shutil.rmtree(spool, ignore_errors=True)
    check("takes spools" in submit("--follow", "/dev/null", status=2))
    check("takes spools" in submit("--follow", "-", status=2))
    text = submit("--to", "https://127.0.0.1:99999", "--once", TMP, status=2)
    check("https://HOST:PORT" in text, text)
    with Collector(sock):
        with open(TMP + "/follow.err", "w+") as told:
            process = subprocess.Popen([SUBMIT, "--to", "unix:" + sock, "--follow", spool, TMP + "/no-such-spool"], stderr=told)
            try:
                time.sleep(3.5)  # three looks and more
                segment(spool, 1, [certificate(1), sighting(1)])
                deadline = time.time() + 30
                while segments(spool):
                    check(time.time() < deadline, "it is not delivered once it is there")
                    time.sleep(0.1)
            finally:
                process.terminate()
                process.wait(30)
            told.seek(0)
            lines = told.read().splitlines()
    equal([line.split(": ", 1)[1] for line in lines], [f"cannot read {path}: No such file or directory" for path in (spool, TMP + "/no-such-spool")], "what is told")


def test_follow_put_off():
    """A collector that says when to come again is not asked before."""
    spool, sock = place("follow-off")
    segment(spool, 1, [certificate(1), sighting(1)])
    said = [("/v1/missing", 429), ("/v1/batches", 503)]

    def later(c, handler, request):
        if not said or request["path"] != said[0][0]:
            return False
        handler.answer(said.pop(0)[1], {"error": "not now"}, [("Retry-After", "3")])
        return True

    with Collector(sock, later) as c:
        process = subprocess.Popen([SUBMIT, "--to", "unix:" + sock, "--follow", "-q", spool])
        try:
            wait_until("the delivery", lambda: not segments(spool), 30)
        finally:
            process.terminate()
            equal(process.wait(30), 0)
        equal([r["path"] for r in c.requests], ["/v1/missing", "/v1/missing", "/v1/batches", "/v1/missing", "/v1/batches"])
        times = [r["at"] for r in c.requests]
        check(times[1] - times[0] >= 2.95 and times[3] - times[2] >= 2.95, "asked after %.2f and %.2f s" % (times[1] - times[0], times[3] - times[2]))


def test_follow_former():
    """What is kept back is told once, hinders nobody, and is told to be over when it is."""
    spool, sock = place("follow-former")
    kept = [segment(spool, 1, [run_record("started")], scanner="former"), segment(spool, 2, [sighting(77)])]

    def theirs(c, handler, request):
        if not (request["key"] or "").startswith("former/"):
            return False
        handler.answer(403, {"error": "not yours"})
        return True

    with Collector(sock, theirs) as c, open(TMP + "/former.err", "w+") as told:
        process = subprocess.Popen([SUBMIT, "--to", "unix:" + sock, "--follow", spool], stderr=told)
        wait = lambda what, n, then: wait_until(what, lambda: sum(b["key"].startswith("former/") for b in c.batches()) >= n and then())
        try:
            wait("three looks", 3, lambda: True)
            segment(spool, 3, [run_record("started", RUN2)], run=RUN2)
            wait("what came", 4, lambda: c.records)
            for path in kept:
                os.unlink(path)
            wait_until("the end of it", lambda: "any more" in open(TMP + "/former.err").read())
        finally:
            process.terminate()
            equal(process.wait(30), 0)
        told.seek(0)
        lines = told.read().splitlines()
    check(len(lines) == 3 and 'of scanner "former" are skipped: 403: not yours' in lines[0] and "lacks 1 certificates" in lines[1] and "nothing is unreadable or kept back" in lines[2], lines)


def make_pki(directory):
    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=directory, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.makedirs(directory)
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
            "-subj", "/CN=test ca", "-days", "2")
    for name, ext in (("server", "subjectAltName=IP:127.0.0.1,DNS:localhost"), ("client", "subjectAltName=DNS:s1")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key", "-out", name + ".csr",
                "-subj", "/CN=" + name)
        open(os.path.join(directory, name + ".ext"), "w").write(ext + "\n")
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", name + ".ext", "-out", name + ".pem")


def test_tls():
    """Mutual TLS: with the scanner's certificate it works; without it, or with a server of another CA, everything stays."""
    spool, sock = place("tls")
    pki = os.path.join(TMP, "pki")
    make_pki(pki)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki + "/server.pem", pki + "/server.key")
    context.load_verify_locations(pki + "/ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.num_tickets = 0  # as the real one: every connection proves anew who both ends are
    config = os.path.join(TMP, "tls.yaml")
    segment(spool, 1, [run_record("finished")])
    with Collector(sock, context=context) as c:
        url = "https://127.0.0.1:%d" % c.server.server_port
        open(config, "w").write("submit:\n  tls: {ca: %s/ca.pem}\n" % pki)
        submit("--config", config, "--to", url, "--once", spool, status=3)
        open(config, "w").write("submit:\n  tls: {cert: %s/client.pem, key: %s/client.key}\n" % (pki, pki))
        submit("--config", config, "--to", url, "--once", spool, status=3)
        equal(c.requests, [])
        equal(len(segments(spool)), 1)
        open(config, "w").write("submit:\n  tls: {ca: %s/ca.pem, cert: %s/client.pem, key: %s/client.key}\n" % (pki, pki, pki))
        submit("--config", config, "--to", url, spool)
        equal(len(c.records), 1)
    # Who stays takes the files that lie there when a connection begins: here the collector has a certificate of another CA, and the connection ends by a 503.
    down = []

    def away(c, handler, request):
        if not down:
            return False
        handler.answer(503, {"error": "away"})
        handler.close_connection = down.pop()
        return True

    with Collector(sock, away, context=context) as c:
        process = subprocess.Popen([SUBMIT, "--config", config, "--to", "https://127.0.0.1:%d" % c.server.server_port, "--follow", spool])
        try:
            segment(spool, 1, [run_record("started")])
            wait_until("the first", lambda: c.records)
            make_pki(pki + "/next")
            context.load_cert_chain(pki + "/next/server.pem", pki + "/next/server.key")
            os.replace(pki + "/next/ca.pem", pki + "/ca.pem")
            down.append(True)
            segment(spool, 2, [run_record("finished")])
            wait_until("what the new one takes", lambda: len(c.records) == 2, 30)
            equal(down, [], "the 503")
        finally:
            process.terminate()
            equal(process.wait(30), 0)


def scanners():
    """A short run of each scanner: its name and its operands."""
    os.chmod(TMP, 0o755)  # as whom it goes on must get to its spool
    capture = os.path.join(TMP, "empty.pcap")
    open(capture, "wb").write(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    pem = os.path.join(TMP, "plain.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null", "-out", pem, "-days", "2", "-subj", "/CN=x"],
                   check=True, stderr=subprocess.DEVNULL)
    return (("scan", ["127.0.0.1:1"]), ("crawl", [pem]), ("watch", ["-r", capture]))


def scanner(name, *args, status):
    done = subprocess.run([os.path.join(BIN, "certmuster-" + name), *args], capture_output=True, text=True, timeout=60)
    check("Sanitizer" not in done.stderr and "runtime error" not in done.stderr, done.stderr)
    check(done.returncode == status, "%s %s: exit %d instead of %d: %s" % (name, args, done.returncode, status, done.stdout + done.stderr))
    return done.stdout, done.stderr


def test_scanners_use():
    """An address that is none is told in one line before anything is looked at: wrong use of --to, a fault of the configuration."""
    spool, sock = place("address")
    config = os.path.join(TMP, "address.yaml")
    wrong = ["http://x", "http://127.0.0.1:8443", "unix:", "unix:relative/path", "https://", "https://:8443", "https://a b", "https://x:0", "https://x:65536", "https://x:y", "https://[::1",
             "https://u@x", "x", "unix:/" + "x" * 200, "https://\x1b[2J"]
    open(config, "w").write("spool: {dir: %s}\nsubmit: {wait: 0s}\n" % spool)
    bad = os.path.join(TMP, "bad-address.yaml")
    open(bad, "w").write("spool: {dir: %s}\nsubmit: {wait: 0s}\ncollector: {url: 'http://x'}\n" % spool)
    for name, operands in scanners():
        for url in [""] + (wrong if name == "scan" else wrong[:1]):
            out, err = scanner(name, "--config", config, "--to", url, *operands, status=2)
            check(err.count("\n") == 1 and "--to is" in err and not out and "\x1b" not in err, (url, out, err))
        out, err = scanner(name, "--config", bad, *operands, status=3)
        check(err.count("\n") == 1 and "collector.url is" in err and not out, (out, err))
        equal(os.path.exists(spool), False, "nothing was spooled")
    scanner("scan", "--config", bad, "--no-submit", "127.0.0.1:1", status=0)  # then it matters to nobody
    check("collector" in submit("--config", bad, status=3))
    segment(spool, 1, [run_record("finished")])
    for url in ("https://127.0.0.1:1", "https://[::1]:1", "https://127.0.0.1:1/under/a/path/"):
        check("cannot be reached" in submit("--to", url, "--once", spool, status=3), url)


def test_refused_shows():
    """Records that the collector refuses are stored nowhere but beside the spool: the scanner's exit status says so."""
    spool, sock = place("refuses")
    config = os.path.join(TMP, "refuses.yaml")
    open(config, "w").write("spool: {dir: %s}\nsubmit: {wait: 5s}\n" % spool)
    refusing = []

    def refuse(c, handler, request):
        if request["path"] != "/v1/batches" or not refusing:
            return False
        if refusing[0] == "batch":
            handler.answer(400, {"error": "not this one"})
        else:
            handler.answer(200, {"stored": 0, "rejected": [{"line": i + 1, "reason": "not this one"} for i in range(request["body"].count(b"\n"))]})
        return True

    with Collector(sock, refuse):
        for name, operands in scanners():
            for how, status in (("lines", 1), ("batch", 1), (None, 0)):
                refusing[:] = [how] if how else []
                _, err = scanner(name, "--config", config, "--to", "unix:" + sock, *operands, status=status)
                equal("not this one" in err, bool(how), err)


play([test_killed, test_two_at_once, test_damaged_segment, test_damaged_stays, test_plain_file, test_use, test_own_spools, test_links, test_follow_tells_once, test_follow_former, test_follow_put_off, test_tls, test_scanners_use, test_refused_shows])
