#!/usr/bin/python3
"""certmuster-submit against a collector that answers as told: taken, refused lines, missing certificates, overload, damage, silence.

The server below is a few lines of Python on a unix socket; each test scripts its answers. The real collector comes in other tests."""
import base64, hashlib, http.server, json, os, shutil, signal, socket, socketserver, ssl, subprocess, sys, tempfile, threading, time, zlib

BIN = os.environ.get("CM_BIN", "build/asan")
SUBMIT = os.path.join(BIN, "certmuster-submit")
TMP = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/tmp"))
os.environ["CERTMUSTER_HOME"] = os.path.join(TMP, "home")
RUN = "01900000-0000-7000-8000-000000000001"
RUN2 = "01900000-0000-7000-8000-000000000002"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def address_string(self):
        return "unix"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "zstd":
            body = subprocess.run(["zstd", "-dcq"], input=body, stdout=subprocess.PIPE, check=True).stdout
        request = {"path": self.path, "body": body, "key": self.headers.get("Idempotency-Key"),
                   "sent": self.headers.get("Certmuster-Sent"), "at": time.time(), "type": self.headers.get("Content-Type")}
        with self.server.lock:
            self.server.requests.append(request)
        self.server.script(self, request)

    def answer(self, status, value, headers=()):
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in headers:
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    allow_reuse_address = True


class Collector:
    """Keeps what it takes, as the real one: certificates by fingerprint, batches by key. `before` may answer instead."""

    def __init__(self, path, before=None, context=None):
        self.path, self.before = path, before
        self.certificates, self.keys, self.records = set(), {}, []
        if os.path.exists(path):
            os.unlink(path)
        if context:
            self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        else:
            self.server = Server(path, Handler)
        self.server.requests, self.server.lock, self.server.script = [], threading.Lock(), self.script
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    @property
    def requests(self):
        return self.server.requests

    def batches(self):
        return [r for r in self.requests if r["path"] == "/v1/batches"]

    def script(self, handler, request):
        if self.before and self.before(self, handler, request):
            return
        if request["path"] == "/v1/missing":
            asked = json.loads(request["body"])["sha256"]
            return handler.answer(200, {"missing": [x for x in asked if x not in self.certificates]})
        if request["key"] in self.keys:
            return handler.answer(200, self.keys[request["key"]])
        records = [json.loads(line) for line in request["body"].splitlines()]
        told = {r["sha256"] for r in records if r["type"] == "certificate"}
        used = {x for r in records for x in r.get("chain", [])}
        missing = sorted(used - told - self.certificates)
        if missing:
            return handler.answer(409, {"missing": missing})
        rejected = [{"line": i + 1, "reason": "realm of another"} for i, r in enumerate(records)
                    if r.get("endpoint", {}).get("realm") == "other"]
        self.certificates |= told
        self.records += [r for r in records if r.get("endpoint", {}).get("realm") != "other"]
        self.keys[request["key"]] = {"stored": len(records) - len(rejected), "rejected": rejected}
        handler.answer(200, self.keys[request["key"]])


def der(n):
    return b"0\x06\x02\x04" + n.to_bytes(4, "big")


def certificate(n):
    return {"v": 1, "type": "certificate", "sha256": hashlib.sha256(der(n)).hexdigest(), "der": base64.b64encode(der(n)).decode()}


def sighting(n, port=443, realm="default"):
    return {"v": 1, "type": "sighting", "source": "scan", "at": "2026-11-21T03:00:00.000Z", "scanner": "s1", "run": RUN,
            "endpoint": {"realm": realm, "transport": "tcp", "ip": "192.0.2.1", "port": port, "name": ""}, "role": "server",
            "chain": [hashlib.sha256(der(n)).hexdigest()]}


def run_record(state, run=RUN):
    return {"v": 1, "type": "run", "run": run, "source": "scan", "state": state, "at": "2026-11-21T03:00:00.000Z"}


def line(record):
    return json.dumps(record, separators=(",", ":")).encode()


def frame(record):
    data = record if isinstance(record, bytes) else line(record)
    return b"%08x %s\n" % (zlib.crc32(data), data)


def segment(spool, number, records, run=RUN, scanner="s1"):
    os.makedirs(spool, exist_ok=True)
    path = os.path.join(spool, "%s-%08d.seg" % (run, number))
    with open(path, "wb") as out:
        out.write(frame({"v": 1, "type": "segment", "scanner": scanner}))
        for record in records:
            out.write(frame(record))
    return path


def submit(*args, status=0, stdin=None, timeout=60):
    done = subprocess.run([SUBMIT, *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
    text = done.stdout.decode() + done.stderr.decode()
    check("AddressSanitizer" not in text and "runtime error" not in text, text)
    check(done.returncode == status, "exit %d instead of %d: %s" % (done.returncode, status, text))
    return text


def check(good, what=""):
    if not good:
        raise AssertionError(what)


def equal(one, other, what=""):
    check(one == other, "%s: %r is not %r" % (what, one, other))


def files(directory):
    return sorted(os.listdir(directory)) if os.path.isdir(directory) else []


def segments(spool):
    return [f for f in files(spool) if f.endswith(".seg")]


def place(name):
    directory = os.path.join(TMP, name)
    os.makedirs(directory)
    return os.path.join(directory, "spool"), os.path.join(directory, "sock")


def test_whole_run():
    """Three segments of a run: keys, order, headers; a certificate is sent once, and only when it is missing; nothing is left."""
    spool, sock = place("whole")
    segment(spool, 1, [run_record("started"), certificate(1), sighting(1), certificate(2)])
    segment(spool, 2, [sighting(1, 444), sighting(2, 445)])
    segment(spool, 3, [sighting(2, 446), run_record("finished")])
    with Collector(sock) as c:
        c.certificates.add(certificate(2)["sha256"])
        text = submit("--to", "unix:" + sock, spool)
        equal([b["key"] for b in c.batches()], ["s1/%s/%d" % (RUN, n) for n in (1, 2, 3)], "keys")
        equal(json.loads(c.requests[0]["body"]), {"sha256": sorted(certificate(n)["sha256"] for n in (1, 2))}, "question")
        check("3 batches taken" in text, text)
        body = [json.loads(x) for x in c.batches()[0]["body"].splitlines()]
        equal([r["type"] for r in body], ["run", "sighting", "certificate"], "certificate 2 is left out, certificates come last")
        for b in c.batches():
            check(b["sent"][10] == "T" and b["sent"].endswith("Z") and len(b["sent"]) == 24, b["sent"])
            equal(b["type"], "application/x-ndjson")
    equal([f for f in files(spool) if f != "sent"], [], "what is left in the spool")
    equal(files(spool + "/sent"), [], "the run is over: its certificates are not needed any more")
    with Collector(sock) as c:
        submit("--to", "unix:" + sock, spool)
        equal(c.requests, [], "nothing left to say")


def test_rejected_lines():
    spool, sock = place("rejected")
    path = segment(spool, 1, [certificate(1), sighting(1), sighting(1, 9, "other"), sighting(1, 10)])
    with Collector(sock) as c:
        text = submit("--to", "unix:" + sock, spool, status=1)
        equal(len([r for r in c.records if r["type"] == "sighting"]), 2, "the good ones are stored")
    check("realm of another" in text, text)
    equal(segments(spool), [])
    kept = [json.loads(x) for x in open(os.path.join(spool, "rejected", os.path.basename(path) + ".ndjson"))]
    equal(len(kept), 1)
    equal(kept[0]["reason"], "realm of another")
    equal(json.loads(kept[0]["record"])["endpoint"]["port"], 9, "the very line that was refused")


def test_missing_certificates():
    """The collector lost a certificate that was told in segment 1, delivered earlier: segment 3 is sent again with it."""
    spool, sock = place("missing")
    segment(spool, 1, [run_record("started"), certificate(1), certificate(2), sighting(1)])
    with Collector(sock) as c:
        submit("--to", "unix:" + sock, spool)
        equal(len(files(spool + "/sent")), 1, "kept while the run goes on")
        c.certificates.clear()
        segment(spool, 3, [sighting(2, 999), run_record("finished")])
        submit("--to", "unix:" + sock, spool)
        equal([b["key"][-2:] for b in c.batches()], ["/1", "/3", "/3"])
        equal(json.loads(c.batches()[-1]["body"].splitlines()[-1])["sha256"], certificate(2)["sha256"])
    equal(segments(spool), [])
    equal(files(spool + "/sent"), [])
    # One that nobody has: the segment waits for a run that tells it, others go on.
    segment(spool, 4, [sighting(77)], run=RUN)
    segment(spool, 1, [run_record("started", RUN2), certificate(3), sighting(3)], run=RUN2)
    with Collector(sock) as c:
        text = submit("--to", "unix:" + sock, "--wait", "1", spool, status=3)
        check("lacks 1 certificates" in text, text)
        equal(len(c.records), 3)
        equal(segments(spool), [RUN + "-00000004.seg"])
        segment(spool, 2, [certificate(77), run_record("finished", RUN2)], run=RUN2)
        submit("--to", "unix:" + sock, "--wait", "5", spool)  # now the other run's segment has it
    equal(segments(spool), [])


def test_known_changes_its_mind():
    """/v1/missing says known, the batch is answered 409 all the same: the certificate left out is added."""
    spool, sock = place("mind")
    segment(spool, 1, [certificate(5), sighting(5)])

    def lie(c, handler, request):
        if request["path"] == "/v1/missing":
            handler.answer(200, {"missing": []})
            return True
        return False

    with Collector(sock, lie) as c:
        submit("--to", "unix:" + sock, spool)
        equal(len(c.batches()), 2)
        equal(len(c.records), 2)


def test_no_missing():
    """A collector that does not answer the question gets everything."""
    spool, sock = place("nomissing")
    segment(spool, 1, [certificate(5), sighting(5)])

    def deaf(c, handler, request):
        if request["path"] == "/v1/missing":
            handler.answer(404, {"error": "no such thing"})
            return True
        return False

    with Collector(sock, deaf) as c:
        submit("--to", "unix:" + sock, spool)
        equal(len(c.records), 2)


def test_later():
    """429 with Retry-After, 503, a reset in the middle of an answer, a half answer, a wrong 200: all tried again, stored once."""
    spool, sock = place("later")
    segment(spool, 1, [certificate(1), sighting(1)])
    steps = ["429", "503", "reset", "half", "nonsense", "taken-then-reset"]

    def trouble(c, handler, request):
        if request["path"] == "/v1/missing" or not steps:
            return False
        step = steps.pop(0)
        if step == "429":
            handler.answer(429, {"error": "slow down"}, [("Retry-After", "1")])
        elif step == "503":
            handler.answer(503, b"<html>gateway</html>")
        elif step == "nonsense":
            handler.answer(200, b"hello")
        elif step == "half":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"stored\":")
            handler.close_connection = True
        else:
            if step == "taken-then-reset":  # stored and committed, but the answer never arrives
                handler.answer, keep = (lambda *a, **k: None), handler.answer
                c.before = None
                c.script(handler, request)
                handler.answer = keep
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
        return True

    with Collector(sock, trouble) as c:
        submit("--to", "unix:" + sock, "--wait", "60", spool)
        b = c.batches()
        equal(len(b), 7)
        equal(len({x["key"] for x in b}), 1, "one key for all tries")
        check(b[1]["at"] - b[0]["at"] >= 0.95, "Retry-After was not waited for")
        equal(len(c.records), 2, "stored once")
    equal(segments(spool), [])


def test_refused():
    spool, sock = place("refused")
    segment(spool, 1, [certificate(1), sighting(1)])
    segment(spool, 2, [sighting(1, 444)])

    def refuse(c, handler, request):
        if request["key"] and request["key"].endswith("/1"):
            handler.answer(400, {"error": "framing: \x1b[31mred"})
            return True
        if request["path"] == "/v1/batches":
            handler.answer(200, {"stored": 1, "rejected": []})
            return True
        return False

    with Collector(sock, refuse):
        text = submit("--to", "unix:" + sock, spool, status=1)
        check("\x1b" not in text and "framing" in text, text)
    equal(segments(spool), [])
    equal(files(spool + "/refused"), [RUN + "-00000001.seg", RUN + "-00000001.seg.reason"])
    check("400: framing" in open(spool + "/refused/" + RUN + "-00000001.seg.reason").read())


def test_denied():
    """Identity is a matter between operators: everything stays, one line says why, and nothing is hammered."""
    spool, sock = place("denied")
    segment(spool, 1, [run_record("started")])
    segment(spool, 2, [run_record("finished")])
    with Collector(sock, lambda c, h, r: h.answer(403, {"error": "scanner s1 is not enrolled"}) or True) as c:
        text = submit("--to", "unix:" + sock, spool, status=3)
        equal(len(c.batches()), 1)
    check("not enrolled" in text and "2 segments" in text, text)
    equal(len(segments(spool)), 2)


def test_unreachable():
    spool, sock = place("unreachable")
    segment(spool, 1, [run_record("started")])
    began = time.time()
    text = submit("--to", "unix:" + sock, "--wait", "1", spool, status=3)
    check(0.9 < time.time() - began < 10, "waited %.1f s" % (time.time() - began))
    check("the spool keeps" in text and "1 segments" in text and "certmuster-submit --to unix:" in text, text)
    began = time.time()
    submit("--to", "unix:" + sock, "--once", "-q", spool, status=3)
    check(time.time() - began < 5)
    equal(len(segments(spool)), 1)
    # It comes up while submit waits.
    waiting = subprocess.Popen([SUBMIT, "--to", "unix:" + sock, "--wait", "30", spool], stdout=subprocess.DEVNULL)
    with Collector(sock) as c:
        equal(waiting.wait(40), 0)
        equal(len(c.records), 1)


def test_silence():
    """A collector that takes the connection and never answers is left after patience, and the spool is whole."""
    spool, sock = place("silence")
    segment(spool, 1, [run_record("started")])
    quiet = socket.socket(socket.AF_UNIX)
    quiet.bind(sock)
    quiet.listen()
    waiting = subprocess.Popen([SUBMIT, "--to", "unix:" + sock, "--wait", "1", spool], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    text = waiting.communicate(timeout=40)[0].decode()
    equal(waiting.returncode, 3, text)
    check("does not answer in time" in text, text)
    equal(len(segments(spool)), 1)
    quiet.close()


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
    check("certmuster up" in submit(status=3))
    submit("--to", "unix:" + sock)  # this machine's spool does not exist: nothing to do
    open(os.path.join(TMP, "bad.yaml"), "w").write("spool:\n  dirr: x\n")
    check("bad.yaml:2: unknown key" in submit("--config", os.path.join(TMP, "bad.yaml"), status=2))


def test_own_spools():
    """Without operands: this machine's spool and that of a watch which root started, but no link in the place of the latter."""
    home, sock = os.environ["CERTMUSTER_HOME"], place("own")[1]
    segment(home + "/spool", 1, [certificate(1), sighting(1)])
    segment(home + "/spool-watch", 1, [certificate(2), sighting(2)], run=RUN2)
    with Collector(sock) as c:
        check("2 batches taken, 4 records stored" in submit("--to", "unix:" + sock))
        equal(sorted(b["key"] for b in c.batches()), ["s1/%s/1" % RUN, "s1/%s/1" % RUN2], "keys")
        equal(segments(home + "/spool") + segments(home + "/spool-watch"), [])
        shutil.rmtree(home + "/spool-watch")
        shutil.rmtree(home + "/spool")
        segment(TMP + "/elsewhere", 1, [certificate(3), sighting(3)])
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


def main():
    try:
        for name, test in sorted(globals().items()):
            if name.startswith("test_") and (len(sys.argv) < 2 or name in sys.argv[1:]):
                began = time.time()
                test()
                print("ok %s %.1fs" % (name, time.time() - began), flush=True)
    finally:
        shutil.rmtree(TMP, ignore_errors=True)


main()
