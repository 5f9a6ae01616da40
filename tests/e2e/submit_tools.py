"""For tests of certmuster-submit: spools made by hand, and a collector that answers as told. It is a few lines of Python on a unix socket or
over TLS; each test scripts its answers. The real collector comes in other tests."""
import base64, hashlib, http.server, json, os, shutil, socketserver, subprocess, tempfile, threading, time
import common, spool_tools
from spool_tools import line

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


def segment(spool, number, records, run=RUN, scanner="s1"):
    return spool_tools.segment(spool, number, records, run, scanner)


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


def play(tests):
    """All of `tests`, or those that are named."""
    try:
        common.play(tests)
    finally:
        shutil.rmtree(TMP, ignore_errors=True)
