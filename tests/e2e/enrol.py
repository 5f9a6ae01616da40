#!/usr/bin/python3
"""Scanners by certificate: a private CA, enrolment, rotation side by side, revocation, a collector whose certificate, key and CA are replaced while it serves. openssl(1) reads what we make."""
import glob, hashlib, json, os, shutil, signal, ssl, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collectd_tools import Collector, new_run, failure
from common import equal, fail

work = os.environ.get("TMPDIR", "/tmp") + "/enrol"
home = f"{work}/home"
os.makedirs(work, mode=0o755)
os.environ["PATH"] = os.environ["CM_BIN"] + ":/usr/lib/postgresql/15/bin:" + os.environ["PATH"]
os.environ["CERTMUSTER_HOME"] = home
inventory = False


def certmuster(*args, status=0, config=None):
    p = subprocess.run(["certmuster", *args] + (["--config", config] if config else []), capture_output=True, text=True, cwd=work)
    equal(" ".join(args) + "\n" + p.stdout + p.stderr, status, p.returncode)
    return p.stdout + p.stderr


def openssl(*args):
    return subprocess.run(["openssl", *args], capture_output=True, text=True, check=True).stdout


def context(directory, name, ca):
    c = ssl.create_default_context(cafile=ca)
    c.load_cert_chain(f"{directory}/{name}.pem", f"{directory}/{name}.key")
    return c


def serial(path):
    return openssl("x509", "-in", path, "-noout", "-serial").strip()


def reach(port, directory, name, ca):
    """200, another status, or the word refused."""
    run = new_run()
    try:
        return Collector(("localhost", port, context(directory, name, ca))).batch([failure("192.0.2.80", run, scanner=name)], f"{name}/{run}/1")[0]
    except (ssl.SSLError, OSError):
        return "refused"


def test_files(ca, config):
    said = certmuster("scanner", "enrol", "probe-1", "--realm", "dmz", "--days", "30", "--out", f"{work}/one", config=config)
    assert "made a CA of our own" in said and "scanner: probe-1" in said, said
    text = openssl("x509", "-in", f"{work}/one/probe-1.pem", "-noout", "-text")
    for part in ("CN = probe-1", "TLS Web Client Authentication", "DNS:probe-1", "CA:FALSE", "id-ecPublicKey", "Digital Signature"):
        assert part in text, (part, text)
    equal("openssl verifies it", f"{work}/one/probe-1.pem: OK\n", openssl("verify", "-purpose", "sslclient", "-x509_strict", "-CAfile", f"{ca}/ca.pem", f"{work}/one/probe-1.pem"))
    end = openssl("x509", "-in", f"{work}/one/probe-1.pem", "-noout", "-enddate").strip().split("=")[1]
    left = ssl.cert_time_to_seconds(end) - time.time()
    assert 29.9 * 86400 < left <= 30 * 86400, end
    assert "CA:TRUE, pathlen:0" in openssl("x509", "-in", f"{ca}/ca.pem", "-noout", "-text")
    for path, mode in ((f"{work}/one/probe-1.key", 0o600), (f"{work}/one/probe-1.pem", 0o644), (f"{ca}/ca.key", 0o600), (f"{ca}/ca.pem", 0o644)):
        equal(path, mode, os.stat(path).st_mode & 0o777)
    certmuster("scanner", "collector", "localhost", "127.0.0.1", "::1", "--out", f"{work}/server", config=config)
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(open(f"{work}/server/collector.pem").read())).hexdigest()
    row = json.loads(certmuster("audit", "list", "-n", "1", "--format", "json", config=config))[0]
    equal("its row", ("scanner.collector", "localhost", "localhost 127.0.0.1 ::1", digest), (row["action"], row["subject"], row["detail"]["names"], row["detail"]["sha256"]))
    os.mkdir(f"{work}/alone")
    with open(f"{work}/nowhere.yaml", "w") as f:
        f.write(f'dsn: "host={work}/nowhere dbname=x"\nca: {{dir: {ca}}}\n')
    done = subprocess.run(["certmuster-ctl", "scanner", "collector", "localhost", "--out", f"{work}/alone", "--config", f"{work}/nowhere.yaml"], capture_output=True, text=True)
    assert done.returncode == 0 and "the audit log has no row of this: " in done.stderr and len(done.stderr.splitlines()) == 1 and os.path.exists(f"{work}/alone/collector.pem"), done
    text = openssl("x509", "-in", f"{work}/server/collector.pem", "-noout", "-text")
    assert "TLS Web Server Authentication" in text and "DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1" in text, text
    equal("nothing else lies about", ["collector.key", "collector.pem", "probe-1.key", "probe-1.pem"], sorted(os.listdir(f"{work}/one") + os.listdir(f"{work}/server")))
    equal("one CA", serial(f"{ca}/ca.pem"), (certmuster("scanner", "enrol", "other", "--out", f"{work}/one", config=config), serial(f"{ca}/ca.pem"))[1])


def test_wrong(ca, config):
    for name in ("a b", "a/b", "../x", ".hidden", "-x", "ä", "a,b", "x" * 254, "a\nb"):
        certmuster("scanner", "enrol", "--out", f"{work}/one", "--", name, status=2, config=config)
    certmuster("scanner", "collector", "--out", f"{work}/one", "x,DNS:evil", status=2, config=config)
    certmuster("scanner", "enrol", "x", "--days", "0", status=2, config=config)
    certmuster("scanner", "enrol", "x", "--out", f"{work}/nowhere", status=3, config=config)
    certmuster("scanner", "revoke", "nobody", status=1, config=config)
    certmuster("scanner", "revoke", "probe-1", "--cert", "zz", status=2, config=config)
    assert "another scanner" in certmuster("scanner", "add", "thief", "--cert", hashlib.sha256(ssl.PEM_cert_to_DER_cert(open(f"{work}/one/probe-1.pem").read())).hexdigest(), status=1, config=config)
    os.chmod(ca, 0o777)
    assert "others may write" in certmuster("scanner", "enrol", "x", "--out", f"{work}/one", status=3, config=config)
    os.chmod(ca, 0o755)
    os.symlink("/nonexistent/elsewhere", f"{work}/one/linked.key")
    certmuster("scanner", "enrol", "linked", "--out", f"{work}/one", config=config)
    assert not os.path.islink(f"{work}/one/linked.key") and not os.path.exists("/nonexistent"), "a link was followed"
    key = open(f"{ca}/ca.key").read()
    with open(f"{ca}/ca.key", "w") as f:
        f.write(open(f"{work}/one/other.key").read())
    assert "do not belong together" in certmuster("scanner", "enrol", "x", "--out", f"{work}/one", status=3, config=config)
    os.remove(f"{ca}/ca.key")
    assert "cannot read the CA's key" in certmuster("scanner", "enrol", "x", "--out", f"{work}/one", status=3, config=config)  # never a second CA
    with open(f"{ca}/ca.key", "w") as f:
        f.write(key)
    equal("left behind", [], [f for f in os.listdir(f"{work}/one") if f.startswith("x.")])


def at_once(config, *calls):
    """Several commands, all started before the first is waited for: what each says."""
    started = [subprocess.Popen(["certmuster", "scanner", *call, "--config", config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=work) for call in calls]
    said = [p.communicate()[0] for p in started]
    equal("\n".join(said), [0] * len(calls), [p.returncode for p in started])
    return said


def test_together():
    """Six first enrolments make one CA; six that are each to leave no other leave one, and it is the one whose files are in place."""
    ca, out, config = f"{work}/ca-six", f"{work}/six", f"{work}/six.yaml"
    os.mkdir(out)
    with open(config, "w") as f:
        f.write(f"ca: {{dir: {ca}}}\n")
    said = at_once(config, *(("enrol", f"six-{i}", "--out", out) for i in range(6)))
    equal("who made a CA", 1, sum("made a CA of our own" in s for s in said))
    for i in range(6):
        openssl("verify", "-purpose", "sslclient", "-CAfile", f"{ca}/ca.pem", f"{out}/six-{i}.pem")
    equal("the lock is its owner's", 0o600, os.stat(f"{ca}/ca.lock").st_mode & 0o777)
    at_once(config, *(("enrol", "same", "--only", "--out", out) for _ in range(6)))
    mine = next(s for s in json.loads(certmuster("scanner", "list", "--format", "json")) if s["name"] == "same")["certificates"]
    valid = [c["sha256"] for c in mine if "revoked_at" not in c]
    equal("of six", (6, [hashlib.sha256(ssl.PEM_cert_to_DER_cert(open(f"{out}/same.pem").read())).hexdigest()]), (len(mine), valid))
    context(out, "same", f"{ca}/ca.pem")  # key and certificate belong together
    # By fingerprints alone, where no CA is waited for.
    at_once(config, *(("add", "same", "--only", "--cert", f"{i:064x}") for i in range(1, 7)))
    same = next(s for s in json.loads(certmuster("scanner", "list", "--format", "json")) if s["name"] == "same")["certificates"]
    equal("of six fingerprints", (12, 1), (len(same), sum("revoked_at" not in c for c in same)))


def test_useless(ca):
    """What the collector would refuse at every connection is not enrolled: one line says what is wrong with it."""
    def sign(name, subject, extensions, days="5"):
        with open(f"{work}/useless.ext", "w") as f:
            f.write(extensions + "\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{work}/{name}.key", "-out", f"{work}/useless.csr", "-subj", subject)
        openssl("x509", "-req", "-in", f"{work}/useless.csr", "-CA", f"{ca}/ca.pem", "-CAkey", f"{ca}/ca.key", "-set_serial", "5", "-days", days, "-extfile", f"{work}/useless.ext", "-out", f"{work}/{name}.pem")
        return f"{work}/{name}.pem"
    client = "extendedKeyUsage=clientAuth"
    for what, path, text in (
            ("of another name", sign("another", "/CN=elsewhere", "subjectAltName=DNS:else.where,email:useless@x\n" + client), "does not name useless as a DNS name, URI or CN, so the collector would never take it for that scanner's; it names else.where, elsewhere"),
            ("without a name that counts", sign("unnamed", "/O=useless", client), "it names nobody"),
            ("one that has expired", sign("ended", "/CN=useless", client, "-1"), "has expired: it ended 20"),
            ("a server's", sign("server", "/CN=useless", "extendedKeyUsage=serverAuth"), "is not for a TLS client"),
            ("one that may not sign a handshake", sign("agreeing", "/CN=useless", "keyUsage=keyEncipherment"), "is not for a TLS client"),
            ("a CA's own", f"{ca}/ca.pem", "is a CA's own")):
        said = certmuster("scanner", "add", "useless", "--cert", path, status=1)
        equal(what + ": " + said, (True, 1), (text in said, said.count("\n")))
    assert "useless" not in certmuster("scanner", "list")
    for subject, more in (("/CN=useful", ""), ("/CN=x", "\nsubjectAltName=DNS:useful"), ("/CN=x", "\nsubjectAltName=URI:useful")):
        certmuster("scanner", "add", "useful", "--cert", sign("useful", subject, client + more))


def test_end_of_ca(first):
    """A CA that has ended signs nothing, and what is in place stays; one that ends soon cuts short, which is said."""
    ca, config, out = f"{work}/ending-ca", f"{work}/ending.yaml", f"{work}/ending"
    shutil.copytree(first, ca)
    os.mkdir(out)
    with open(config, "w") as f:
        f.write(f"ca: {{dir: {ca}}}\n")

    def ends(days):
        openssl("req", "-new", "-key", f"{ca}/ca.key", "-subj", "/CN=ending", "-out", f"{ca}/ca.csr")
        with open(f"{ca}/ca.ext", "w") as f:
            f.write("basicConstraints=critical,CA:TRUE\nsubjectKeyIdentifier=hash\n")
        openssl("x509", "-req", "-in", f"{ca}/ca.csr", "-signkey", f"{ca}/ca.key", "-days", days, "-extfile", f"{ca}/ca.ext", "-out", f"{ca}/ca.pem")

    def state():
        return {n: open(f"{out}/{n}").read() for n in os.listdir(out)}, certmuster("scanner", "list", "--format", "json")
    ends("20")
    for verb, name in (("enrol", "ending"), ("collector", "localhost")):
        said = certmuster("scanner", verb, name, "--days", "30", "--out", out, config=config)
        line = next(l for l in said.splitlines() if "of the 30 days asked for" in l)
        path = f"{out}/{'collector' if verb == 'collector' else name}.pem"
        equal("both end", *(openssl("x509", "-in", p, "-noout", "-enddate") for p in (f"{ca}/ca.pem", path)))
        day = time.strftime("%Y-%m-%d", time.gmtime(ssl.cert_time_to_seconds(openssl("x509", "-in", path, "-noout", "-enddate").strip().split("=")[1])))
        assert line.split("both end ")[1].startswith(day), line
        assert "days asked for" not in certmuster("scanner", verb, name, "--days", "10", "--out", out, config=config)
    ends("-1")
    before = state()
    for call in (("enrol", "ending"), ("enrol", "never"), ("collector", "localhost")):
        said = certmuster("scanner", *call, "--out", out, status=3, config=config)
        equal(said, (True, True, 1), ("nothing was changed: the CA has ended" in said, f"{ca}/ca.pem" in said, said.count("\n")))
    equal("nothing was", before, state())


def test_socket(port, ca, config):
    """A name of the collector's own machine is not taken off its socket unasked, and comes back there."""
    here = Collector(open(f"{home}/sockets").read().strip() + "/collectd.sock")
    deliver = lambda: here.batch([failure("192.0.2.81", new_run(), scanner="here")])[1]
    listed = lambda: next(line for line in certmuster("scanner", "list").splitlines() if line.startswith("here "))
    equal("at home", 1, deliver()["stored"])
    assert "unix:0" in listed() and "never" not in listed(), listed()
    for words in (("enrol", "here", "--out", f"{work}/one"), ("add", "here", "--cert", "cd" * 32)):
        said = certmuster("scanner", *words, status=1, config=config)
        equal(said, (True, 1), ("--leave-socket" in said, said.count("\n")))
    equal("nothing was written", False, os.path.exists(f"{work}/one/here.key"))
    equal("still at home", 1, deliver()["stored"])
    certmuster("scanner", "enrol", "here", "--leave-socket", "--out", f"{work}/one", config=config)
    equal("by its certificate", 200, reach(port, f"{work}/one", "here", f"{ca}/ca.pem"))
    assert "certmuster scanner enable --socket" in deliver()["rejected"][0]["reason"]
    certmuster("scanner", "enrol", "here", "--out", f"{work}/one", config=config)  # renewed without the flag
    certmuster("scanner", "revoke", "here", config=config)
    said = certmuster("scanner", "enable", "here", config=config)
    assert "has no certificate that is valid" in said and "certmuster scanner enable here --socket" in said, said
    equal("not by itself", 0, deliver()["stored"])
    certmuster("scanner", "enable", "here", "--socket", config=config)
    equal("home again", 1, deliver()["stored"])
    equal("and nowhere else", 403, reach(port, f"{work}/one", "here", f"{ca}/ca.pem"))
    assert "unix:0" in listed() and "revoked" in listed(), listed()
    certmuster("scanner", "enable", "nobody", "--socket", status=1, config=config)


def seen(name):
    return next(line for line in certmuster("scanner", "list").splitlines() if line.startswith(name + " "))


def test_rotation(port, ca, config):
    authority = f"{ca}/ca.pem"
    equal("enrolled", 200, reach(port, f"{work}/one", "probe-1", authority))
    equal("another", (True, 200, False), ("never" in seen("other"), reach(port, f"{work}/one", "other", authority), "never" in seen("other")))
    held = Collector(("localhost", port, context(f"{work}/one", "probe-1", authority)))
    equal("a connection that stays", (200, None), (held.request("POST", "/v1/missing", b'{"sha256":[]}')[0], held.headers["Connection"]))
    older = ssl.create_default_context(cafile=authority)
    older.load_cert_chain(f"{work}/one/probe-1.pem", f"{work}/one/probe-1.key")
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        older.wrap_socket(__import__("socket").create_connection(("127.0.0.1", port), 5), server_hostname="localhost").close()
        fail("TLS 1.2, which sends client certificates in clear, is spoken")
    except ssl.SSLError as e:
        assert "PROTOCOL_VERSION" in str(e), e
    certmuster("scanner", "enrol", "probe-1", "--out", f"{work}/two", config=config)
    equal("the new one", 200, reach(port, f"{work}/two", "probe-1", authority))
    equal("and the old one", 200, reach(port, f"{work}/one", "probe-1", authority))
    listed = certmuster("scanner", "list", "--format", "json")
    assert listed.count('"sha256"') >= 3 and '"dmz"' in listed, listed  # the realm stays
    old = openssl("x509", "-in", f"{work}/one/probe-1.pem", "-noout", "-fingerprint", "-sha256").strip().split("=")[1].replace(":", "")
    certmuster("scanner", "revoke", "probe-1", "--cert", old[:12], config=config)
    equal("the old one, revoked", 403, reach(port, f"{work}/one", "probe-1", authority))
    equal("its connection is closed", (403, "close"), (held.request("POST", "/v1/missing", b'{"sha256":[]}')[0], held.headers["Connection"]))
    equal("the new one stays", 200, reach(port, f"{work}/two", "probe-1", authority))
    certmuster("scanner", "enrol", "probe-1", "--only", "--out", f"{work}/three", config=config)
    equal("the second, after --only", 403, reach(port, f"{work}/two", "probe-1", authority))
    equal("the third", 200, reach(port, f"{work}/three", "probe-1", authority))
    certmuster("scanner", "revoke", "probe-1", config=config)
    equal("revoked", 403, reach(port, f"{work}/three", "probe-1", authority))
    certmuster("scanner", "revoke", "probe-1", status=1, config=config)
    certmuster("scanner", "enable", "probe-1", config=config)
    equal("enabling brings no certificate back", 403, reach(port, f"{work}/three", "probe-1", authority))
    certmuster("scanner", "enrol", "probe-1", "--out", f"{work}/three", config=config)
    equal("enrolled anew", 200, reach(port, f"{work}/three", "probe-1", authority))
    acts = certmuster("audit", "list", "-n", "100")
    for act in ("scanner.enrol", "scanner.revoke", "scanner.enable"):
        assert act in acts, acts


def test_memory(port, ca):
    """What is answered from memory is for those who are enrolled as well, and not for longer: on a connection that is open and on the next."""
    def look(directory, name, path="/metrics"):
        return Collector(("localhost", port, context(f"{work}/{directory}", name, f"{ca}/ca.pem"))).get(path)[0]
    subprocess.run(["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{work}/one/unknown.key", "-out", f"{work}/unknown.csr", "-subj", "/CN=unknown"],
                   check=True, capture_output=True)
    with open(f"{work}/unknown.ext", "w") as f:
        f.write("subjectAltName=DNS:unknown,DNS:watcher\nextendedKeyUsage=clientAuth\n")
    openssl("x509", "-req", "-in", f"{work}/unknown.csr", "-CA", f"{ca}/ca.pem", "-CAkey", f"{ca}/ca.key", "-set_serial", "777", "-days", "5", "-extfile", f"{work}/unknown.ext", "-out", f"{work}/one/unknown.pem")
    config = f"{work}/ctl.yaml"
    certmuster("scanner", "enrol", "watcher", "--out", f"{work}/one", config=config)
    held = Collector(("localhost", port, context(f"{work}/one", "watcher", f"{ca}/ca.pem")))
    wait_for("it is not let in", lambda: held.get("/metrics")[0] == 200, 10)
    for path in ("/metrics", "/healthz", "/nowhere"):
        equal(f"never enrolled: {path}", 403, look("one", "unknown", path))
    equal("never enrolled: a batch", 403, reach(port, f"{work}/one", "unknown", f"{ca}/ca.pem"))
    equal("enrolled", (200, 200), (look("one", "watcher"), look("one", "watcher", "/healthz")))
    certmuster("scanner", "disable", "watcher", config=config)
    wait_for("disabled, the open connection", lambda: held.get("/metrics")[0] == 403, 10)
    certmuster("scanner", "enable", "watcher", config=config)
    wait_for("enabled", lambda: held.get("/metrics")[0] == 200, 10)
    certmuster("scanner", "revoke", "watcher", config=config)
    wait_for("revoked, the open connection", lambda: held.get("/metrics")[0] == 403, 10)
    equal("and that is closed: the next one may show another certificate", "close", held.headers["Connection"])
    equal("revoked, a new one", (403, 403), (look("one", "watcher"), look("one", "watcher", "/healthz")))
    # While the database is away the list that was read last holds.
    postgres = int(open(f"{home}/postgres/postmaster.pid").readline())
    os.kill(postgres, signal.SIGQUIT)
    wait_for("the database is away", lambda: look("three", "probe-1", "/healthz") == 503)
    equal("enrolled, without a database", 200, look("three", "probe-1"))
    equal("revoked, without a database", 403, look("one", "watcher"))
    equal("a batch, without a database", 503, reach(port, f"{work}/three", "probe-1", f"{ca}/ca.pem"))
    certmuster("up")


def served(port, ca):
    try:
        with ssl.create_default_context(cafile=ca).wrap_socket(__import__("socket").create_connection(("127.0.0.1", port), 5), server_hostname="localhost") as s:
            return int(s.getpeercert()["serialNumber"], 16)
    except ssl.SSLError as e:  # our client certificate is missing: said after the server's was read in 1.3
        return str(e)


def wait_for(what, test, seconds=20):
    deadline = time.time() + seconds
    while not test():
        if time.time() > deadline:
            fail(what)
        time.sleep(0.1)


def test_reload(port, ca, config):
    """The collector's own files are replaced while it serves and while somebody is connected."""
    authority, number = f"{ca}/ca.pem", lambda: int(serial(f"{work}/server/collector.pem").split("=")[1], 16)
    first = number()
    equal("first", first, served(port, authority))
    held = Collector(("localhost", port, context(f"{work}/three", "probe-1", authority)))
    wait_for("who was just enrolled is known", lambda: held.get("/healthz")[0] == 200)
    certmuster("scanner", "collector", "localhost", "--out", f"{work}/server", config=config)
    readable()
    assert number() != first
    wait_for("the renewed certificate is not served", lambda: served(port, authority) == number())
    equal("the connection under way", 200, held.get("/healthz")[0])
    good = open(f"{work}/server/collector.pem").read()
    with open(f"{work}/server/collector.pem", "w") as f:
        f.write("no certificate")
    wait_for("a broken file is not told", lambda: "tls_kept" in log())
    second = int(openssl_serial(good), 16)
    equal("the old one stays", second, served(port, authority))
    with open(f"{work}/server/collector.pem", "w") as f:
        f.write(good)
    certmuster("scanner", "collector", "localhost", "--out", f"{work}/server", config=config)
    readable()
    os.kill(int(open(f"{home}/collectd.pid").read()), signal.SIGHUP)
    wait_for("not taken at SIGHUP", lambda: served(port, authority) == number())
    # Another CA beside ours: both kinds of scanners come in, nobody restarted anything.
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{work}/theirs.key", "-out", f"{work}/theirs.pem",
                    "-days", "9", "-subj", "/CN=probe-9", "-addext", "subjectAltName=DNS:probe-9"], check=True, capture_output=True)
    os.makedirs(f"{work}/nine", exist_ok=True)
    for end in ("key", "pem"):
        with open(f"{work}/nine/probe-9.{end}", "w") as f:
            f.write(open(f"{work}/theirs.{end}").read())
    certmuster("scanner", "add", "probe-9", "--cert", f"{work}/theirs.pem")
    equal("from a CA that is not configured", "refused", reach(port, f"{work}/nine", "probe-9", authority))
    both = open(authority).read() + open(f"{work}/theirs.pem").read()
    with open(f"{work}/client_ca.new", "w") as f:
        f.write(both)
    os.rename(f"{work}/client_ca.new", f"{work}/client_ca.pem")
    wait_for("the second CA was not taken", lambda: reach(port, f"{work}/nine", "probe-9", authority) == 200)
    equal("the first CA still", 200, reach(port, f"{work}/three", "probe-1", authority))


def openssl_serial(pem):
    return subprocess.run(["openssl", "x509", "-noout", "-serial"], input=pem, capture_output=True, text=True, check=True).stdout.strip().split("=")[1]


def log():
    return "".join(open(f).read() for f in glob.glob(f"{home}/log/collectd*"))


def readable():
    """The collector runs as the account that owns the home."""
    owner = os.stat(home)
    for name in os.listdir(f"{work}/server"):
        os.chown(f"{work}/server/{name}", owner.st_uid, owner.st_gid)


def main():
    global inventory
    ca, config = f"{work}/ca", f"{work}/ctl.yaml"
    for directory in ("one", "two", "three", "server"):
        os.mkdir(f"{work}/{directory}")
    certmuster("up")
    inventory = True
    with open(config, "w") as f:
        f.write(f"ca: {{dir: {ca}}}\n")
    certmuster("scanner", "collector", "localhost", "--out", f"{work}/server")
    equal("the CA of a home that is named, where this machine has none", True, os.path.exists(f"{home}/ca/ca.pem") or os.path.exists("/etc/certmuster/ca/ca.pem"))
    test_files(ca, config)
    test_wrong(ca, config)
    test_together()
    test_useless(ca)
    test_end_of_ca(ca)
    readable()
    with open(f"{work}/client_ca.pem", "w") as f:
        f.write(open(f"{ca}/ca.pem").read())
    with open(f"{home}/certmuster.yaml", "a") as f:
        f.write(f"collector:\n  listen: 127.0.0.1:0\n  tls: {{cert: {work}/server/collector.pem, key: {work}/server/collector.key, client_ca: {work}/client_ca.pem}}\n")
    certmuster("down")
    certmuster("up")
    port = int(log().rsplit("tls=127.0.0.1:", 1)[1].split()[0])
    test_rotation(port, ca, config)
    test_socket(port, ca, config)
    test_reload(port, ca, config)
    test_memory(port, ca)


try:
    main()
finally:
    if inventory:
        subprocess.run(["certmuster", "down"], capture_output=True)
