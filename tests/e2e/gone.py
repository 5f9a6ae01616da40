#!/usr/bin/python3
"""Places that vanish, seen by real scanners: files, keys, stores and entries of containers that are deleted and come back; what a crawl that looked elsewhere, could not
read or left something out says nothing of; a listener that closes, one that is silent, one that resets; names; what people are shown of all that, and who is told."""
import io, json, operator, os, shutil, socket, ssl, struct, subprocess, sys, tarfile, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from browse_tools import Terminal
from gone_tools import Inventory, TMP, equal, fail

inventory = Inventory("gone", **{"alerts.interval": "1s", "submit.wait": "30s"})
sql, certmuster = inventory.sql, inventory.certmuster
URL = "unix:" + inventory.collector("collectd")
tree = f"{inventory.work}/tree"
os.makedirs(f"{tree}/sub")
ROOT = os.geteuid() == 0
for path in (TMP, inventory.work, os.path.dirname(TMP)):
    os.chmod(path, os.stat(path).st_mode | 0o055)


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=tree)


def make(name, days=60):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{inventory.work}/{name}.key", "-out", f"{inventory.work}/{name}.crt",
            "-days", str(days), "-subj", f"/CN={name}.example.org", "-addext", f"subjectAltName=DNS:{name}.example.org", "-addext", "basicConstraints=critical,CA:FALSE")
    path = f"{inventory.work}/{name}.crt"
    der = ssl.PEM_cert_to_DER_cert(open(path).read())
    begin = der.index(b"\x17\x0d") + 2  # notBefore, a year earlier: a certificate of few days warns late. Nobody asks for its signature
    with open(path, "w") as out:
        out.write(ssl.DER_cert_to_PEM_cert(der[:begin] + b"%02d" % (int(der[begin:begin + 2]) - 1) + der[begin + 2:]))
    return open(path).read(), open(f"{inventory.work}/{name}.key").read()


def write(path, content):
    with open(f"{tree}/{path}", "wb") as out:
        out.write(content if isinstance(content, bytes) else content.encode())


def archive(path, entries):
    with tarfile.open(f"{tree}/{path}", "w") as out:
        for name, text in entries.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            out.addfile(info, io.BytesIO(text.encode()))


def crawl(*paths, status=0, before="", extra=()):
    """One crawl, without the rights of root, by records in a file; unmounts what it mounted."""
    records = f"{inventory.work}/crawl.ndjson"
    command = ["certmuster-crawl", "--json", "--no-submit", *extra, *paths]
    if ROOT:
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    if before:
        command = ["unshare", "-m", "sh", "-c", f'{before} && exec "$@"', "sh", *command]
    with open(records, "w") as out:
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE, text=True, env=dict(os.environ, CERTMUSTER_HOME="/nonexistent"))
    equal(f"crawl {paths} {done.stderr}", status, done.returncode)
    certmuster("submit", "--to", URL, records)
    inventory.settle()
    return [json.loads(line) for line in open(records)]


def gone(failures=False):
    """Below the tree or at an address, and what: all that is marked. failures: places that never were anything but a file that could not be read."""
    return set(sql(f"""SELECT replace(place_text(l), 'host.example.org:{tree}/', '') || ' ' || g.what
                         FROM place_gone g JOIN location l USING (location_id)
                        WHERE (g.what <> 'certificate' OR EXISTS (SELECT FROM sighting s WHERE s.location_id = g.location_id)) <> {failures}""").splitlines())


def counted():
    """Places and those that fail, as /metrics says; and as the inventory knows them."""
    text = subprocess.run(["curl", "-sf", "--unix-socket", f"{inventory.work}/collectd.sock", "http://localhost/metrics"], check=True, capture_output=True, text=True).stdout
    told = dict(line.split(" ") for line in text.splitlines() if line.startswith("certmuster_places"))
    there = sql("SELECT count(*), count(*) FILTER (WHERE last_result NOT IN ('ok', '')) FROM location_state WHERE gone_at IS NULL").split("|")
    return [told["certmuster_places"], told["certmuster_places_failing"]], there


def spans(where):
    return [line.split("|") for line in sql(f"""SELECT s.first_seen, s.last_seen, s.closed_at FROM sighting s JOIN location l USING (location_id)
        WHERE {where} ORDER BY 1""").splitlines()]


# --- Files -------------------------------------------------------------------------------------------------------------------------------
A, A_KEY = make("a", 4)
B, B_KEY = make("b")
C, _ = make("c")
write("a.pem", A)
write("b.pem", B + B_KEY)
write("c.pem", C)
write("sub/d.pem", C)
archive("bundle.tar", {"x.pem": A, "y.pem": B, "z.pem": C})
openssl("pkcs12", "-export", "-inkey", f"{inventory.work}/b.key", "-in", f"{inventory.work}/b.crt", "-passout", "pass:changeit", "-name", "web", "-out", f"{tree}/store.p12")
openssl("req", "-new", "-key", f"{inventory.work}/a.key", "-subj", "/CN=request", "-out", f"{tree}/request.csr")
os.link(f"{tree}/c.pem", f"{tree}/c-too.pem")
os.makedirs(f"{tree}/mount")
write("mount/m.pem", B)
os.symlink("tree", f"{inventory.work}/link")
if ROOT:
    subprocess.run(["chown", "-R", "65534:65534", tree], check=True)
records = crawl(tree, f"{inventory.work}/link")
covered = records[-1]["covered"]
equal("roots", [tree], covered["roots"])
equal("left out", 1, len(covered["except"]))
equal("assets", sum(r["type"] in ("key", "store", "csr", "crl", "ssh_certificate") for r in records), covered["assets"])
equal("nothing is gone", set(), gone())
inventory.wait_for("the alert", lambda: sql("SELECT count(*) FROM alert WHERE resolved_at IS NULL") == "1")

os.unlink(f"{tree}/a.pem")
os.unlink(f"{tree}/store.p12")
os.unlink(f"{tree}/request.csr")
write("b.pem", B)  # its key
archive("bundle.tar", {"x.pem": A, "z.pem": C})
LEFT = {"a.pem#1 certificate", "b.pem#key-1 key", "store.p12 store", "store.p12#web certificate", "store.p12#web key", "request.csr#csr-1 csr", "bundle.tar!y.pem#1 certificate"}
crawl(tree)
crawl(tree)
equal("after two crawls", set(), gone())
for _ in range(3):
    crawl(f"{tree}/sub")
crawl(f"{tree}/sub", f"{tree}/b.pem")
equal("looked elsewhere", {"b.pem#key-1 key"}, gone())
os.chmod(tree, 0)
records = crawl(tree, status=1)
equal("why", ["permission"], [r["error"] for r in records if r["type"] == "failure"])
os.chmod(tree, 0o755)
equal("a directory that cannot be opened", {"b.pem#key-1 key"}, gone())
whole = open(f"{tree}/bundle.tar", "rb").read()
write("bundle.tar", whole[:700])
crawl(tree, status=1)
equal("an archive that is damaged", LEFT - {"bundle.tar!y.pem#1 certificate"}, gone())
write("bundle.tar", whole)
crawl(tree)
equal("all that was deleted", LEFT, gone())
crawl(tree)
equal("and nothing else", LEFT, gone())
equal("the directory can be opened again", {f"host.example.org:{tree} certificate"}, gone(failures=True))
crawl(tree)
equal("nor is the archive damaged", {"bundle.tar!x.pem certificate"}, {p for p in gone(failures=True) if "bundle.tar" in p})
equal("the archive's other entries are there", "2", sql("SELECT count(*) FROM sighting s JOIN location l USING (location_id) WHERE l.path LIKE '%bundle.tar' AND s.closed_at IS NULL"))
equal("rows of what is missed", "0", sql("SELECT count(*) FROM place_absence"))

# --- What people see ---------------------------------------------------------------------------------------------------------------------
inventory.wait_for("the alert to be about one place", lambda: sql("SELECT places FROM alert WHERE resolved_at IS NULL") == "1")
listed = [json.loads(line) for line in certmuster("report", "inventory", "--format", "ndjson").splitlines()]
if any(row["place"].endswith("a.pem#1") for row in listed if "place" in row):
    fail("the inventory shows what is gone")
shown = [row for row in map(json.loads, certmuster("report", "inventory", "--format", "ndjson", "--filter", "status:gone").splitlines()) if "place" in row]
equal("result", {"gone"}, {row["result"] for row in shown})
equal("status:gone", {p.split(" ")[0]: "a.example.org" if p[0] == "a" else "b.example.org" for p in LEFT if p.endswith("certificate")},
      {row["place"].replace(f"host.example.org:{tree}/", ""): row["name"] for row in shown if row.get("name")})
if not all(row["gone_since"] >= row["first_seen"] for row in shown):
    fail("since when")
if "gone: --filter status:gone" not in certmuster("report", "inventory"):
    fail("the inventory does not say that something is gone")

# --- Back --------------------------------------------------------------------------------------------------------------------------------
write("a.pem", A)
write("b.pem", B + B_KEY)
crawl(tree)
equal("two came back", LEFT - {"a.pem#1 certificate", "b.pem#key-1 key"}, gone())
history = spans("l.path LIKE '%/a.pem'")
equal("spans of a.pem", [False, True], [not span[2] for span in history])
if not history[0][1] < history[0][2] <= history[1][0]:
    fail(f"the history of a.pem: {history}")

# A file that was named goes with its directory; one whose directory nobody can vouch for does not.
shutil.rmtree(f"{tree}/sub")
for _ in range(3):
    crawl(f"{tree}/sub/d.pem", status=1)
equal("nobody knows", False, "sub/d.pem#1 certificate" in gone())
for _ in range(3):
    crawl(f"{tree}/sub", status=1)
equal("a named directory that is not there", True, "sub/d.pem#1 certificate" in gone())

if ROOT and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0:
    for _ in range(3):
        crawl(tree, before=f"mount -t proc proc {tree}/mount")
    equal("below a file system that is none", False, "mount/m.pem#1 certificate" in gone())

    # A disk that is not mounted: neither what lies on it is missed, nor a root that would. After four weeks it is.
    os.makedirs(f"{inventory.work}/disk/sub")
    os.makedirs(f"{tree}/disk")
    for path in ("n.pem", "sub/n.pem"):
        shutil.copy(f"{tree}/c.pem", f"{inventory.work}/disk/{path}")
    subprocess.run(["chown", "-R", "65534:65534", f"{inventory.work}/disk", tree], check=True)
    records = crawl(tree, before=f"mount --bind {inventory.work}/disk {tree}/disk")
    equal("mounted", True, {"/", f"{tree}/disk"} <= set(records[-1]["covered"]["mounts"]))
    ON_DISK = {"disk/n.pem#1 certificate", "disk/sub/n.pem#1 certificate"}
    for _ in range(3):
        crawl(tree)
        crawl(f"{tree}/disk/sub", status=1)
    equal("on a disk that is not mounted", set(), ON_DISK & gone())
    os.unlink(f"{inventory.work}/disk/n.pem")
    for _ in range(3):
        crawl(tree, before=f"mount --bind {inventory.work}/disk {tree}/disk")
    equal("on one that is", {"disk/n.pem#1 certificate"}, ON_DISK & gone())
    for _ in range(3):
        crawl(tree)
    equal("nor is what is left missed then", {"disk/n.pem#1 certificate"}, ON_DISK & gone())
    sql(f"UPDATE run SET started_at = started_at - interval '29 days' WHERE covered->'mounts' ? '{tree}/disk'")
    for _ in range(3):
        crawl(tree)
    equal("after four weeks", ON_DISK, ON_DISK & gone())

# --- Endpoints ---------------------------------------------------------------------------------------------------------------------------
class Server:
    def __init__(self, address, port=0, resets=False):
        self.listener = socket.create_server((address, port), reuse_port=False)
        self.port, self.resets, self.open = self.listener.getsockname()[1], resets, True
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(f"{inventory.work}/e.crt", f"{inventory.work}/e.key")
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while self.open:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            try:
                if self.resets:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    self.context.wrap_socket(connection, server_side=True).close()
            except OSError:
                pass
            connection.close()

    def close(self):
        self.open = False
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


def scan(*targets):
    records = f"{inventory.work}/scan.ndjson"
    with open(records, "w") as out:
        subprocess.run(["certmuster-scan", "--json", "--no-submit", "--timeout", "1", *targets], stdout=out, stderr=subprocess.DEVNULL, check=True)
    certmuster("submit", "--to", URL, records)
    inventory.settle()
    return [f"{r['stage']}:{r['error']}" for r in map(json.loads, open(records)) if r["type"] == "failure"]


def endpoints():
    return {line for line in gone() if line.startswith("127.")}


make("e", 4)
closing, silent, broken = Server("127.0.0.1"), Server("127.0.0.2"), Server("127.0.0.3")
targets = [f"127.0.0.{i + 1}:{server.port}" for i, server in enumerate((closing, silent, broken))]
equal("three servers", [], scan(*targets))
inventory.wait_for("their alert", lambda: sql("SELECT count(*) FROM alert WHERE resolved_at IS NULL") == "2")
for server in (closing, silent, broken):
    server.close()
broken = Server("127.0.0.3", broken.port, resets=True)
deaf = socket.socket()
deaf.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
deaf.bind(("127.0.0.2", silent.port))
deaf.listen(0)
fillers = []
for _ in range(8):  # until its queue is full, and what else comes is dropped
    filler = socket.socket()
    filler.setblocking(False)
    filler.connect_ex(("127.0.0.2", silent.port))
    fillers.append(filler)
for sweep in range(1, 5):
    found = scan(*targets)
    equal("what the scan says", ["connect:refused", "connect:timeout"], sorted(r for r in found if "refused" in r or "timeout" in r))
    equal("and of the third", 3, len(found))
    equal(f"after {sweep} sweeps", {f"127.0.0.1:{closing.port} certificate"} if sweep >= 3 else set(), endpoints())
broken.close()
inventory.wait_for("the alert to count two places", lambda: sql("SELECT places FROM alert a JOIN certificate c USING (sha256) WHERE c.common_name = 'e.example.org'") == "2")
for _ in range(3):
    scan(targets[2])
deaf.close()
for filler in fillers:
    filler.close()
for _ in range(3):
    scan(targets[1])
equal("all three", 3, len(endpoints()))
equal("gone and failing", True, int(sql("SELECT count(*) FROM location_state WHERE gone_at IS NOT NULL AND last_result NOT IN ('ok', '')")) > 0)
inventory.wait_for("/metrics to count neither what is gone nor that it fails", lambda: operator.eq(*counted()))
inventory.wait_for("the end of the alert", lambda: sql("SELECT resolution FROM alert a JOIN certificate c USING (sha256) WHERE c.common_name = 'e.example.org'") == "gone")
if "e.example.org" in certmuster("report", "expiring", "--within", "90d"):
    fail("a certificate that is nowhere is reported as expiring")

terminal = Terminal(inventory.work, 160, 50, f"{os.environ['CM_BIN']}/certmuster-browse --config {inventory.config}", {"CERTMUSTER_HOME": inventory.home})
try:
    terminal.wait(lambda lines: "a.example.org" in "\n".join(lines) and "e.example.org" not in "\n".join(lines))
    terminal.keys("/")
    terminal.text("status:gone name:e.example.org")
    terminal.wait(lambda lines: "1 certificate" in lines[0] and "e.example.org" in "\n".join(lines[2:]))
    terminal.keys("Enter")
    terminal.wait(lambda lines: not lines[-1].startswith("/"))
    terminal.keys("Enter")
    lines = terminal.wait(f"{targets[0]}   missed since")
    equal("where it was", 3, sum("missed since" in line and "last seen 20" in line for line in lines))
    terminal.keys("q")
    terminal.leave()
finally:
    terminal.close()

again = Server("127.0.0.1", closing.port)
scan(targets[0])
equal("back", {f"{target} certificate" for target in targets[1:]}, endpoints())
equal("its history", [False, True], [not span[2] for span in spans(f"l.ip = '127.0.0.1' AND l.port = {closing.port}")])
inventory.wait_for("the alert again", lambda: sql("SELECT count(*) FROM alert a JOIN certificate c USING (sha256) WHERE c.common_name = 'e.example.org' AND resolved_at IS NULL") == "1")
again.close()

print("ok")
sys.exit(inventory.end())
