#!/usr/bin/python3
# The simulated fleet is what it says: every behaviour, its chains, its failures, a certificate for each of many addresses, canned answers.
import hashlib
import os
import random
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

from common import equal

FLEET, BIN = os.environ["CM_FLEET"], os.environ["CM_BIN"]
work = tempfile.mkdtemp(dir=os.environ.get("TMPDIR"))
started = []

# What issue and manual promise; `list` must have at least these.
PROMISED = """tls10-only tls11-only tls12-only tls13-only tls10-to-13 rsa-2048 ecdsa-p256 ecdsa-p384 ed25519 expired expiring-1d expiring-5d
expiring-20d not-yet-valid self-signed missing-intermediate wrong-order root-included sha1-signed rsa-1024 wildcard san-200 san-ip san-none
client-cert-12 client-cert-13 sni-required sni-missing balancer hostile-names starttls-smtp starttls-imap starttls-pop3 starttls-ldap
starttls-postgres silent dripping refusing http ssh noise reset-after-hello close-on-accept alert-handshake""".split()


class Fleet:
    """certmuster-fleet in the background; `port` once it is ready."""

    def __init__(self, *args, files=None):
        command = [FLEET, *args]
        if files is not None:
            command = ["/bin/sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", *command]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(self.process)
        line = self.process.stdout.readline()
        assert line.startswith("ready "), f"{args}: said {line!r}"
        self.port = int(line.split()[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        equal("exit status after SIGTERM", 0, self.process.wait(30))
        self.process.stdout.close()
        started.remove(self.process)


def manifest(path):
    with open(path, encoding="ascii") as file:
        return [line.rstrip("\n").split("\t") for line in file]


def s_client(ip, port, *args, name="-", seconds=10):
    """Exit status (None: took too long), output and the chain's fingerprints as OpenSSL sees them."""
    command = ["openssl", "s_client", "-connect", f"{ip}:{port}", "-showcerts", "-cipher", "ALL:@SECLEVEL=0", *args]
    command += ["-noservername"] if name == "-" else ["-servername", name]
    if not any(a.startswith("-tls1") for a in args):
        command += ["-min_protocol", "TLSv1"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds)
    text = done.stdout.decode("latin-1")
    pems = re.findall("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.S)
    chain = [hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest() for pem in pems]
    return done.returncode, text, ",".join(chain), pems


def x509(pem, *args):
    done = subprocess.run(["openssl", "x509", "-noout", *args], input=pem.encode(), stdout=subprocess.PIPE, check=False)
    return done.returncode, done.stdout.decode("latin-1")


def client_hello(size=None):
    """A real ClientHello, by Python's OpenSSL; or its first bytes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    out = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), out).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read(size or -1)


def connect(ip, port, seconds=10.0):
    sock = socket.create_connection((ip, port), seconds)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def read_all(sock):
    parts = []
    while part := sock.recv(65536):
        parts.append(part)
    return b"".join(parts)


def said_to_hello(ip, port):
    with connect(ip, port) as sock:
        sock.sendall(client_hello())
        return read_all(sock)


# --- serve ---------------------------------------------------------------------------------------------------------------------


def check_chains(rows):
    """Every `ok` row: the chain that OpenSSL reads is the manifest's. Returns the text and leaf of each."""
    seen = {}
    for behaviour, ip, port, leaf, chain, expect, name in rows:
        if expect != "ok":
            equal(f"{behaviour}: no fingerprints", ("-", "-"), (leaf, chain))
            continue
        starttls = ["-starttls", behaviour[9:]] if behaviour.startswith("starttls-") else []
        _, text, got, pems = s_client(ip, port, *starttls, name=name)
        if behaviour == "balancer":
            both = {got, s_client(ip, port, name=name)[2]}
            equal("balancer: both chains, in turn", set(chain.split(";")), both)
            equal("balancer: both leaves", leaf.split(","), [c.split(",")[0] for c in chain.split(";")])
        else:
            equal(f"{behaviour}: chain", chain, got)
            equal(f"{behaviour}: leaf", leaf, chain.split(",")[0])
        seen[behaviour] = (text, pems[0])
    return seen


def check_versions(rows):
    place = {row[0]: row for row in rows}
    only = {"tls10-only": "-tls1", "tls11-only": "-tls1_1", "tls12-only": "-tls1_2", "tls13-only": "-tls1_3"}
    for behaviour, its in only.items():
        for version in only.values():
            got = s_client(place[behaviour][1], place[behaviour][2], version)[2] != ""
            equal(f"{behaviour} answers to {version}", version == its, got)
    for version in only.values():
        equal(f"tls10-to-13 answers to {version}", True, s_client(place["tls10-to-13"][1], place["tls10-to-13"][2], version)[2] != "")


def check_certificates(rows, seen, ca):
    day = 86400
    ends = {"expired": (None, 0), "expiring-1d": (0, day), "expiring-5d": (5 * day, 6 * day), "expiring-20d": (20 * day, 21 * day)}
    for behaviour, (alive, ended) in ends.items():
        pem = seen[behaviour][1]
        equal(f"{behaviour} ends in time", 1, x509(pem, "-checkend", str(ended))[0])
        if alive is not None:
            equal(f"{behaviour} lives long enough", 0, x509(pem, "-checkend", str(alive))[0])
    text = {behaviour: x509(pem, "-text")[1] for behaviour, (_, pem) in seen.items()}
    facts = {
        "rsa-2048": "Public-Key: (2048 bit)", "rsa-1024": "Public-Key: (1024 bit)", "ecdsa-p256": "NIST CURVE: P-256",
        "ecdsa-p384": "NIST CURVE: P-384", "ed25519": "ED25519 Public-Key", "sha1-signed": "Signature Algorithm: sha1WithRSAEncryption",
        "wildcard": "DNS:*.apps.fleet.example", "san-ip": "IP Address:127.80.",
    }
    for behaviour, fact in facts.items():
        assert fact in text[behaviour], f"{behaviour}: no {fact!r} in {text[behaviour]}"
    equal("san-200: names", 200, text["san-200"].count("DNS:"))
    assert "Alternative Name" not in text["san-none"], "san-none has a subjectAltName"
    not_before = ssl.cert_time_to_seconds(re.search("Not Before: (.*)", text["not-yet-valid"]).group(1))
    assert not_before > os.stat(ca).st_mtime + 9 * day, "not-yet-valid is valid"
    hostile = ssl.PEM_cert_to_DER_cert(seen["hostile-names"][1])
    for attack in [b"\x1b[", b"<script>alert(1)</script>", b"=cmd", b"two\nlines", b'"quoted"', b"back\\slash", b"\xe2\x80\xae", b"\xff\xfe", b"\0.evil"]:
        assert attack in hostile, f"hostile-names lacks {attack!r}"

    verdicts = {}
    for behaviour, ip, port, _, _, expect, name in rows:
        if expect == "ok" and not behaviour.startswith("starttls-"):
            args = [] if name == "-" else ["-verify_hostname", name]
            answer = s_client(ip, port, "-CAfile", ca, *args, name=name)[1]
            verdicts[behaviour] = re.findall(r"Verif\w+ (?:error: (.*)|return code: 0)", answer)
    bad = {
        "expired": "certificate has expired", "not-yet-valid": "certificate is not yet valid", "self-signed": "self-signed certificate",
        "missing-intermediate": "unable to verify the first certificate",
    }
    for behaviour, verdict in verdicts.items():
        told = [v for v in verdict if v]
        equal(f"{behaviour}: verdict", [bad[behaviour]] if behaviour in bad else [], told[:1])
    for behaviour in ("client-cert-12", "client-cert-13"):
        assert "CN = Fleet Example Root CA" in seen[behaviour][0].split("Acceptable client certificate CA names")[-1].split("---")[0], \
            f"{behaviour}: no CA names in {seen[behaviour][0]}"


def check_failures(rows):
    place = {row[0]: (row[1], int(row[2])) for row in rows}
    try:
        connect(*place["refusing"]).close()
        raise AssertionError("refusing: somebody listens")
    except ConnectionRefusedError:
        pass
    for behaviour, patience in (("silent", 0.7), ("dripping", 1.5)):
        with connect(*place[behaviour], seconds=patience) as sock:
            sock.sendall(client_hello())
            got = b""
            try:
                while len(got) < 5:
                    got += sock.recv(1)
            except TimeoutError:
                pass
            equal(f"{behaviour}: first bytes", b"" if behaviour == "silent" else b"\x16\x03\x03\x00", got[:4])
            if behaviour == "dripping":
                sock.setblocking(False)
                try:
                    raise AssertionError(f"dripping: {sock.recv(100)} was there at once")
                except BlockingIOError:
                    pass
    answer = said_to_hello(*place["http"])
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n") and b"\r\n\r\n" in answer, answer
    equal("http: Content-Length", len(answer.split(b"\r\n\r\n", 1)[1]), int(re.search(rb"Content-Length: (\d+)", answer).group(1)))
    with connect(*place["ssh"]) as sock:
        assert sock.recv(100).startswith(b"SSH-2.0-"), "ssh: no banner"
    with connect(*place["noise"]) as sock:
        sock.sendall(client_hello())
        noise = b""
        while len(noise) < 16384:
            noise += sock.recv(65536)
        assert len(noise) == 16384 and noise[0] not in range(20, 25) and len(set(noise)) == 256, "noise is not noise"
    with connect(*place["reset-after-hello"]) as sock:
        sock.sendall(client_hello())
        try:
            raise AssertionError(f"reset-after-hello: {sock.recv(10)}")
        except ConnectionResetError:
            pass
    for _ in range(20):
        equal("close-on-accept", b"", said_to_hello(*place["close-on-accept"]))
    equal("alert-handshake", bytes([21, 3, 3, 0, 2, 2, 40]), said_to_hello(*place["alert-handshake"]))
    equal("sni-missing: fatal unrecognized_name", (21, b"\x02\x70"), (lambda a: (a[0], a[-2:]))(said_to_hello(*place["sni-missing"])))
    # What stands behind STARTTLS without having waited for the answer is not taken for TLS.
    with connect(*place["starttls-smtp"]) as sock:
        sock.sendall(b"EHLO x\r\nSTARTTLS\r\n" + client_hello())
        assert b"Ready to start TLS" not in read_all(sock), "starttls-smtp takes pipelined TLS"


def test_serve():
    listed = [line.split()[0] for line in subprocess.run([FLEET, "list"], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()]
    equal("behaviours not in `list`", [], [b for b in PROMISED if b not in listed])
    fleet_dir = work + "/fleet"
    fleet = Fleet("serve", "--dir", fleet_dir)
    rows = manifest(fleet_dir + "/MANIFEST.tsv")
    equal("a row each", listed, [row[0] for row in rows])
    equal("an address each", len(rows), len({row[1] for row in rows}))
    equal("one port", {str(fleet.port)}, {row[2] for row in rows})
    seen = check_chains(rows)
    check_versions(rows)
    check_certificates(rows, seen, fleet_dir + "/ca.pem")
    check_failures(rows)
    fleet.stop()

    fleet = Fleet("serve", "--dir", fleet_dir)
    again = manifest(fleet_dir + "/MANIFEST.tsv")
    equal("the same certificates after a restart", [r[:2] + r[3:] for r in rows], [r[:2] + r[3:] for r in again])
    equal("the manifest's port is the new one", {str(fleet.port)}, {row[2] for row in again})
    fleet.stop()
    fleet = Fleet("serve", "--dir", fleet_dir, "--generation", "2", "--port", str(fleet.port))
    renewed = manifest(fleet_dir + "/MANIFEST.tsv")
    equal("renewed", ["expiring-1d", "expiring-5d", "expiring-20d"], [new[0] for old, new in zip(again, renewed) if old != new])
    newer = check_chains(renewed)
    for behaviour in ("expiring-1d", "expiring-5d", "expiring-20d"):
        equal(f"{behaviour}: 89 days on", 0, x509(newer[behaviour][1], "-checkend", str(89 * 86400))[0])
        for what in ("-pubkey", "-ext=subjectAltName", "-subject"):
            args = what.split("=")
            equal(f"{behaviour}: same {what}", x509(seen[behaviour][1], *args), x509(newer[behaviour][1], *args))
    fleet.stop()


# --- many ----------------------------------------------------------------------------------------------------------------------


def floor(port, count, program="floor-tls12"):
    """The leaves that a program of tests/bench sees: by address, their SHA-256."""
    done = subprocess.run([BIN + "/tests/bench/" + program, "127.128.0.1", str(port), str(count), "--print"], stdout=subprocess.PIPE, text=True, check=True)
    lines = done.stdout.splitlines()
    assert lines[-1].startswith(f"endpoints={count} certificates={count} "), lines[-1]
    return dict(line.split() for line in lines[:-1])


def check_survival(fleet, address):
    """Resets, garbage and a hello in single bytes leave no descriptor behind and everybody else served."""
    before = fleet.descriptors()
    for i in range(400):
        sock = connect("127.128.0.7", fleet.port)
        if i % 3 == 1:
            sock.sendall(client_hello(60))
        if i % 3 == 2:
            sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    with connect(address, fleet.port) as sock:
        for byte in client_hello():
            sock.send(bytes([byte]))
        assert sock.recv(1) == b"\x16", "a hello in single bytes is not answered"
    deadline = time.monotonic() + 20
    while fleet.descriptors() > before and time.monotonic() < deadline:
        time.sleep(0.05)
    equal("descriptors after the storm", before, fleet.descriptors())


def test_many():
    many_dir, count = work + "/many", 1000
    fleet = Fleet("many", "--dir", many_dir, "--count", str(count))
    rows = manifest(many_dir + "/MANIFEST.tsv")
    equal("rows", count, len(rows))
    equal("a certificate each", count, len({row[3] for row in rows}))
    for reader in ("floor-tls12", "floor-tls13", "peer-openssl"):
        equal("the same in less: " + reader, {row[1]: row[3] for row in rows}, floor(fleet.port, count, reader))
    for number, row in enumerate(random.Random(20).sample(rows, 50)):
        version = "-tls1_2" if number % 2 else "-tls1_3"
        status, text, chain, _ = s_client(row[1], row[2], version, "-CAfile", many_dir + "/ca.pem", "-verify_return_error",
                                          "-verify_hostname", row[6], name=row[6])
        equal(f"{row[1]}: chain", row[4], chain)
        equal(f"{row[1]}: status of {text}", 0, status)
        equal(f"{row[1]}: verifies for its address too", 0,
              s_client(row[1], row[2], version, "-CAfile", many_dir + "/ca.pem", "-verify_return_error", "-verify_ip", row[1])[0])
    try:
        with connect("127.127.0.1", fleet.port) as sock:
            sock.sendall(client_hello())
            raise AssertionError(f"an address outside the range answers {sock.recv(10)}")
    except (ConnectionResetError, BrokenPipeError):
        pass
    check_survival(fleet, rows[5][1])
    fleet.stop()

    printed = subprocess.run([FLEET, "many", "--dir", many_dir, "--count", "1000", "--manifest-only", "--port", rows[0][2]],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
    equal("--manifest-only, after a restart", rows, [line.split("\t") for line in printed.splitlines()])
    fleet = Fleet("many", "--dir", many_dir, "--count", "40", "--days", "-3", "--workers", "2")
    expired = manifest(many_dir + "/MANIFEST.tsv")
    equal("--days makes others", 0, len({row[3] for row in expired} & {row[3] for row in rows}))
    for row in expired[:4]:
        assert "certificate has expired" in s_client(row[1], row[2], "-CAfile", many_dir + "/ca.pem")[1], "--days -3 is not expired"
    fleet.stop()

    fleet = Fleet("many", "--dir", many_dir, "--count", "40", files=64)
    held = [connect("127.128.0.1", fleet.port) for _ in range(200)]
    equal("served with all descriptors in use", 40, len(floor(fleet.port, 40)))
    for sock in held:
        sock.close()
    fleet.stop()


def test_canned():
    many_dir, count = work + "/many", 1000
    for version, readers in (("tls12", ["floor-tls12", "peer-openssl"]), ("tls13", ["floor-tls13", "peer-openssl"]), ("tls13-hrr", ["peer-openssl"])):
        option = "-tls1_2" if version == "tls12" else "-tls1_3"
        fleet = Fleet("many", "--dir", many_dir, "--count", "1000000", "--canned", version)
        printed = subprocess.run([FLEET, "many", "--dir", many_dir, "--count", str(count), "--canned", version, "--manifest-only"],
                                 stdout=subprocess.PIPE, text=True, check=True).stdout
        rows = [line.split("\t") for line in printed.splitlines()]
        for reader in readers:
            equal(f"canned {version}: {reader}", {row[1]: row[3] for row in rows}, floor(fleet.port, count, reader))
        for row in random.Random(21).sample(rows, 5):
            # OpenSSL opens and parses all of it, and stops where the canned bytes end: no key was signed with.
            status, text, chain, _ = s_client(row[1], fleet.port, option, "-msg", "-cipher", "DEFAULT@SECLEVEL=0")
            equal(f"canned {version}: status", 1, status)
            if version == "tls13-hrr":
                equal(f"canned {version}: hellos", 2, len(re.findall(r"^>>> .*, ClientHello$", text, re.M)))
            if version != "tls12":
                assert "EncryptedExtensions" in text and "CertificateVerify" in text, text
                equal(f"canned {version}: chain", row[4], chain)
            else:
                # The key exchange is what it waits for behind the Certificate; ServerHelloDone comes instead.
                assert "<<< TLS 1.2, Handshake" in text and ", Certificate\n" in text and "unexpected message" in text, text
        check_survival(fleet, rows[3][1])
        last = s_client("127.143.66.64", fleet.port, option, "-msg")[1]
        assert ", Certificate\n" in last, "the millionth address does not answer"
        fleet.stop()


def test_wrong_use():
    for args in (["many", "--dir", work], ["many", "--dir", work, "--count", "1000001"], ["serve"], [], ["dance"], ["serve", "--dir", work, "--base", "10.0.0.1"],
                 ["many", "--dir", work, "--count", "5", "--canned", "tls11"], ["serve", "--dir", work, "--base", "127.255.255.250"], ["odd"],
                 ["odd", "--dir", work, "--base", "127.255.255.0"]):
        done = subprocess.run([FLEET, *args], stderr=subprocess.PIPE, text=True, check=False)
        equal(f"{args}: status", 2, done.returncode)
        equal(f"{args}: one line on stderr", 1, len(done.stderr.splitlines()))
    taken = socket.create_server(("127.80.0.5", 0))
    done = subprocess.run([FLEET, "serve", "--dir", work + "/fleet", "--port", str(taken.getsockname()[1])], stderr=subprocess.PIPE, text=True, check=False)
    equal("a port that is taken: status", 3, done.returncode)
    assert "127.80.0.5" in done.stderr, done.stderr


try:
    for test in (test_serve, test_many, test_canned, test_wrong_use):
        print("---", test.__name__, flush=True)
        test()
    shutil.rmtree(work)
except AssertionError as error:
    sys.exit(f"FAIL: {error}")
finally:
    for process in started:
        process.kill()
        process.wait()
