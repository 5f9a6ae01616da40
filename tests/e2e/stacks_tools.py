"""What the tests against real server stacks share: keys and chains, starting servers, and the cross-check of what certmuster-scan tells with
what a full TLS client is shown. Not a test itself.

A row is one listener of a server. certmuster-scan sees all rows of a test in one run, and again with --prove."""
import base64
import concurrent.futures
import dataclasses
import datetime
import hashlib
import os
import random
import re
import socket
import subprocess

from common import equal, holds, note, wait_until
from scan_tools import scan, started, work

CLIENT_SECONDS = 20
WAITED_OUT_MS = 250  # below TLS 1.3 a server that takes longer from Certificate to ServerHelloDone is not waited for: client_auth stays unknown
# TLS 1.0 and 1.1 need more than a server's own settings under OpenSSL 3: the library's own configuration must allow them.
OLD = {"OPENSSL_CONF": work + "/old.cnf"}
with open(OLD["OPENSSL_CONF"], "w", encoding="ascii") as conf:
    conf.write("""openssl_conf = top
[top]
ssl_conf = ssl
[ssl]
system_default = every
[every]
MinProtocol = TLSv1
CipherString = DEFAULT:@SECLEVEL=0
""")


def run(*args, text=None, **more):
    """A command that must succeed; its standard output."""
    done = subprocess.run(args, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60, check=False, **more)
    holds(" ".join(args), done.returncode == 0, done.stdout, done.stderr)
    return done.stdout


def version_of(*args):
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, timeout=60, check=False)
    return re.search(r"\d+(\.\d+)+[-+~a-z0-9]*", done.stdout).group()


def fingerprints(text):
    """SHA-256 of every PEM certificate in a text, in order."""
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", text, re.S)
    return [hashlib.sha256(base64.b64decode(block)).hexdigest() for block in blocks]


class Pki:
    """A root, an intermediate, and a chain of three with a key of its own for each name: NAME.pem (leaf, intermediate, root), NAME.key."""

    def __init__(self):
        self.dir = work + "/pki"
        os.mkdir(self.dir, 0o755)
        self.make("root", "RSA:2048", None, "basicConstraints=critical,CA:TRUE")
        self.make("issuing", "RSA:2048", "root", "basicConstraints=critical,CA:TRUE")
        with open(self.path("above.pem"), "w", encoding="ascii") as above:  # what stands above a leaf
            above.write("".join(open(self.path(name + ".one"), encoding="ascii").read() for name in ("issuing", "root")))
        self.others = [self.make(name, "EC", None) for name in ("first-office", "second-office")]  # whose clients are welcome

    def path(self, name):
        return self.dir + "/" + name

    def make(self, name, key, issuer="issuing", *extensions):
        """key: RSA:2048, RSA:1024, EC, ED25519, ED448. The chain's path; a leaf is for NAME.example.org."""
        cn = name + ".example.org" if issuer == "issuing" else "Stacks " + name
        new = {"EC": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]}.get(key, [key.lower()])
        words = ["-x509", "-days", "90", "-nodes", "-newkey", *new, "-subj", "/O=Example/CN=" + cn]
        words += ["-sha1"] if key == "RSA:1024" else []
        words += ["-CA", self.path(issuer + ".one"), "-CAkey", self.path(issuer + ".key")] if issuer else []
        for extension in extensions or ("subjectAltName=DNS:" + cn, "basicConstraints=CA:FALSE"):
            words += ["-addext", extension]
        run("openssl", "req", *words, "-keyout", self.path(name + ".key"), "-out", self.path(name + ".one"))
        os.chmod(self.path(name + ".key"), 0o644)  # servers drop their rights; nothing here is a secret
        with open(self.path(name + ".pem"), "w", encoding="ascii") as chain:
            for part in (name, "issuing" if issuer == "issuing" else None, "root" if issuer else None):
                chain.write(open(self.path(part + ".one"), encoding="ascii").read() if part else "")
        return self.path(name + ".pem")

    def key(self, name):
        return self.path(name + ".key")

    def chain(self, name):
        return fingerprints(open(self.path(name + ".pem"), encoding="ascii").read())

    def subject(self, name):
        """As RFC 4514 writes it."""
        return run("openssl", "x509", "-in", self.path(name + ".pem"), "-noout", "-subject", "-nameopt", "RFC2253").strip()[len("subject="):]

    def pkcs12(self, name):
        out = self.path(name + ".p12")
        run("openssl", "pkcs12", "-export", "-in", self.path(name + ".pem"), "-inkey", self.key(name), "-name", name, "-out", out,
            "-passout", "pass:changeit")
        return out

    def ocsp(self, name, status):
        """An OCSP response for a leaf, signed by its issuer: the file, and what openssl reads in it."""
        serial = run("openssl", "x509", "-in", self.path(name + ".one"), "-noout", "-serial").strip()[len("serial="):]
        rows = {"good": f"V\t490101000000Z\t\t{serial}\tunknown\t/CN={name}\n",
                "revoked": f"R\t490101000000Z\t250101000000Z\t{serial}\tunknown\t/CN={name}\n", "unknown": ""}
        stem = self.path(f"{name}-{status}")
        with open(stem + ".index", "w", encoding="ascii") as index:
            index.write(rows[status])
        run("openssl", "ocsp", "-issuer", self.path("issuing.one"), "-cert", self.path(name + ".one"), "-no_nonce", "-reqout", stem + ".req")
        run("openssl", "ocsp", "-index", stem + ".index", "-CA", self.path("issuing.one"), "-rsigner", self.path("issuing.one"), "-rkey",
            self.key("issuing"), "-reqin", stem + ".req", "-ndays", "7", "-respout", stem + ".ocsp")
        text = run("openssl", "ocsp", "-respin", stem + ".ocsp", "-noverify", "-resp_text")
        told = staple_in(text)
        equal("the response made", status, told["status"])
        return stem + ".ocsp", told


def staple_in(text):
    """Of an OCSP response that openssl printed, as records tell it."""
    told = {"status": re.search(r"Cert Status: (\w+)", text).group(1)}
    for member, label in (("this_update", "This Update"), ("next_update", "Next Update")):
        when = datetime.datetime.strptime(re.search(label + r": (.*) GMT", text).group(1), "%b %d %H:%M:%S %Y")
        told[member] = when.strftime("%Y-%m-%dT%H:%M:%SZ")
    return told


@dataclasses.dataclass
class Row:
    """One listener and what must be told of it: the chain of .leaf and each member of .tls (a value, or a function of the row). shown() is
    what its client sees."""
    stack: str
    port: int
    leaf: str
    version: str
    shown: object = None  # a function of the row that answers fingerprints; None: s_client in that version
    words: tuple = ()     # for s_client
    proof: str = "good"
    attempts: object = None
    chain: object = None  # of Pki.chain, unless the stack builds another
    tls: dict = dataclasses.field(default_factory=dict)

    def __str__(self):
        return f"{self.stack} {self.version} {self.leaf}, port {self.port}"

    def target(self):
        return f"{self.leaf}.example.org@127.0.0.1:{self.port}"


S_CLIENT = {"TLSv1.0": "-tls1", "TLSv1.1": "-tls1_1", "TLSv1.2": "-tls1_2", "TLSv1.3": "-tls1_3"}


def client(*args, **more):
    """What a TLS client printed, whatever became of its handshake: its exit status says only whether it trusts the server."""
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL} | more
    done = subprocess.run(args, timeout=CLIENT_SECONDS, check=False, **streams)
    return done.stdout.decode(errors="replace")


def s_client(row):
    return fingerprints(s_client_says(row, "-showcerts"))


def s_client_says(row, *words):
    return client("openssl", "s_client", "-connect", f"127.0.0.1:{row.port}", "-servername", row.leaf + ".example.org", S_CLIENT[row.version],
                  "-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", *words, *row.words, env=os.environ | OLD)


def staple_shown(row):
    return staple_in(s_client_says(row, "-status"))


def gnutls_cli(row):
    return fingerprints(client("gnutls-cli", "--print-cert", "--insecure", "--port", str(row.port), "--sni-hostname", row.leaf + ".example.org",
                               "--priority", "NORMAL:+VERS-TLS-ALL:%VERIFY_ALLOW_SIGN_WITH_SHA1", "127.0.0.1"))


reserved = []


def ports(count):
    """Free ones of 127.0.0.1, below those that the kernel gives to clients, so that no other test's thousands of connections get there before a
    server does. They stay bound here, which keeps other tests away, and no server that asks for SO_REUSEADDR, as all do."""
    first_of_clients = int(open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii").read().split()[0])
    free, candidates = [], random.sample(range(10000, max(first_of_clients, 20000)), 8 * count)
    while len(free) < count:
        port, one = candidates.pop(), socket.socket()
        try:
            one.bind(("", port))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            reserved.append(one)
            free.append(port)
        except OSError:
            one.close()
    return iter(free)


def listening(port):
    """Asked of the kernel: a connection would be the only one that some servers take at a time."""
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in open(table, encoding="ascii"):
            if re.match(rf"\s*\d+: [0-9A-F]+:{port:04X} [0-9A-F]+:0000 0A ", line):
                return True
    return False


class Stack:
    """A server in the background, its output in a file; ended with the test."""

    def __init__(self, name, command, on, old=False, **more):
        self.name, self.on, self.log = name, [on] if isinstance(on, int) else list(on), f"{work}/{name}.log"
        with open(self.log, "wb") as log:
            # s_server ends when its input does: it gets one that never says anything.
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, cwd=work,
                                            env=os.environ | (OLD if old else {}), **more)
        started.append(self.process)

    def ready(self):
        def up():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode}: {self.said()}")
            return all(listening(port) for port in self.on)
        try:
            wait_until(f"{self.name} to listen", up, 30)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.said()}") from None

    def said(self):
        return open(self.log, encoding="utf-8", errors="replace").read()[-3000:]


def cross_check(pki, stacks, rows):
    """Scans all rows twice, without and with --prove; each is told as its own client sees it."""
    for stack in stacks:
        stack.ready()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:  # first: a Java that is cold takes its time between two messages
        shown = list(pool.map(lambda row: (row.shown or s_client)(row), rows))
    targets = "".join(row.target() + "\n" for row in rows)
    plain = by_port(scan("--starttls", "none", "--timeout", "10", "-f", "-", stdin=targets))
    proved = by_port(scan("--starttls", "none", "--timeout", "10", "--prove", "-f", "-", stdin=targets))
    for row, chain in zip(rows, shown):
        for record in (plain[row.port], proved[row.port]):
            compare(pki, row, chain, record)
        equal(f"{row}: proof unasked", None, plain[row.port]["tls"].get("proof"))
        equal(f"{row}: proof", row.proof, proved[row.port]["tls"].get("proof"))
    note(f"{len(rows)} listeners: chains as their own clients see them")
    return plain


def by_port(result):
    return {record["endpoint"]["port"]: record for record in result.probes}


def compare(pki, row, shown, record):
    equal(f"{row}: {record}", "sighting", record["type"])
    holds(f"{row}: its client sees a chain", shown)
    equal(f"{row}: chain as its client sees it", shown, record["chain"])
    equal(f"{row}: chain as configured", row.chain or pki.chain(row.leaf), record["chain"])
    equal(f"{row}: version", row.version, record["tls"]["version"])
    equal(f"{row}: name sent", row.leaf + ".example.org", record["endpoint"]["name"])
    equal(f"{row}: attempts", row.attempts, record.get("attempts"))
    tls = row.tls
    if record["ms"]["handshake"] >= WAITED_OUT_MS and row.version != "TLSv1.3" and "client_auth" not in record["tls"]:
        tls = {member: expected for member, expected in tls.items() if not member.startswith("client_")}
    for member, expected in tls.items():
        equal(f"{row}: tls.{member}", expected(row) if callable(expected) else expected, record["tls"].get(member))
