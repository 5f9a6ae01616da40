#!/usr/bin/python3
# certmuster-scan against stacks that are not OpenSSL: GnuTLS (gnutls-serv), NSS (selfserv) and Java (JSSE). SSLv3 is spoken by the last two alone, and
# NSS puts a cookie into each of its HelloRetryRequests.
import glob
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scan_tools import *  # noqa: E402,F403
from stacks_tools import *  # noqa: E402,F403

pki = Pki()
for leaf, key in ("rsa", "RSA:2048"), ("ec", "EC"), ("ed25519", "ED25519"):
    pki.make(leaf, key)
free = ports(96)
VERSIONS = {"TLSv1.0": "TLS1.0", "TLSv1.1": "TLS1.1", "TLSv1.2": "TLS1.2", "TLSv1.3": "TLS1.3"}
FIRST_OFFICE = {"client_auth": True, "client_ca": [pki.subject("first-office")]}
OPEN = {"client_auth": False, "client_ca": None}
REPLY, STAPLED = pki.ocsp("rsa", "good")


def gnutls():
    """gnutls-serv: TLS 1.0 to 1.3, keys, groups, a staple, ALPN, client certificates"""
    print("gnutls-serv", version_of("gnutls-serv", "--version"))
    stacks, rows = [], []

    def serve(leaf, version, *words, priority="", tls=OPEN):
        port = next(free)
        words = words or ("--disable-client-cert",)
        stacks.append(Stack(f"gnutls-{port}", ["gnutls-serv", "--http", "--port", str(port), "--x509certfile", pki.path(leaf + ".pem"), "--x509keyfile",
                                               pki.key(leaf), "--priority", f"NORMAL:-VERS-ALL:+VERS-{VERSIONS[version]}" + priority, *words], port))
        rows.append(Row("gnutls-serv", port, leaf, version, shown=gnutls_cli, tls=tls))

    for version in VERSIONS:
        for leaf in "rsa", "ec", "ed25519":
            if leaf != "ed25519" or version in ("TLSv1.2", "TLSv1.3"):
                serve(leaf, version)
        serve("rsa", version, "--require-client-cert", "--x509cafile", pki.others[0], tls=FIRST_OFFICE)
        serve("rsa", version, "--disable-client-cert", "--ocsp-response", REPLY, tls={"staple": STAPLED} | OPEN)
        serve("ec", version, "--disable-client-cert", "--alpn", "http/1.1", tls={"alpn": "http/1.1"})
    for group, name in ("SECP521R1", "secp521r1"), ("X448", "x448"), ("FFDHE3072", "ffdhe3072"):
        serve("ec", "TLSv1.3", priority=":-GROUP-ALL:+GROUP-" + group, tls={"group": name} | OPEN)
    cross_check(pki, stacks, rows)


def tstclnt(row):
    """NSS's client, which leaves when it finds that it does not trust the server: by then it has printed what it was sent."""
    versions = {"SSLv3": "ssl3:ssl3", "TLSv1.3": "tls1.2:tls1.3"}.get(row.version, "ssl3:tls1.2")
    said = client("tstclnt", "-D", "-h", "127.0.0.1", "-p", str(row.port), "-a", row.leaf + ".example.org", "-V", versions, "-CCC", *row.words,
                  stderr=subprocess.STDOUT)
    return fingerprints(said.partition("sent by server")[2].partition("locally found")[0])


def nss():
    """NSS selfserv: SSLv3 to TLS 1.3, groups by HelloRetryRequest with its cookie, staples of every kind, client certificates"""
    print("selfserv of NSS", run("dpkg-query", "-W", "-f", "${Version}", "libnss3-tools"))
    base = "sql:" + work + "/nss"
    os.mkdir(work + "/nss")
    run("certutil", "-N", "-d", base, "--empty-password")
    for name in "issuing", "rsa", "ec":  # the first signs the staples
        run("pk12util", "-i", pki.pkcs12(name), "-d", base, "-W", "changeit", "-K", "")
    run("certutil", "-A", "-d", base, "-n", "first-office", "-t", "T,,", "-i", pki.path("first-office.one"))
    stacks, rows = [], []

    def serve(leaf, versions, version, *words, **more):
        port = next(free)
        stacks.append(Stack(f"selfserv-{port}", ["selfserv", "-d", base, "-n" if leaf == "rsa" else "-e", leaf, "-p", str(port), "-V", versions, *words], port))
        rows.append(Row("selfserv", port, leaf, version, shown=tstclnt, **more))

    serve("rsa", "ssl3:ssl3", "SSLv3", tls=OPEN)
    serve("rsa", "ssl3:ssl3", "SSLv3", "-r", "-r", tls=FIRST_OFFICE)
    serve("rsa", "ssl3:ssl3", "SSLv3", "-c", ":002F", tls={"cipher": "TLS_RSA_WITH_AES_128_CBC_SHA"}, proof="unavailable")
    for leaf in "rsa", "ec":
        serve(leaf, "ssl3:tls1.0", "TLSv1.0", tls=OPEN)
        serve(leaf, "ssl3:tls1.1", "TLSv1.1", tls=OPEN)
        for versions, version in ("ssl3:tls1.2", "TLSv1.2"), ("tls1.2:tls1.3", "TLSv1.3"):
            serve(leaf, versions, version, tls=OPEN)
            serve(leaf, versions, version, "-r", "-r", tls=FIRST_OFFICE)
            serve(leaf, versions, version, "-Q", tls={"alpn": "http/1.1"})
    for group, name in ("P521", "secp521r1"), ("FF2048", "ffdhe2048"), ("FF8192", "ffdhe8192"):
        serve("ec", "tls1.3:tls1.3", "TLSv1.3", "-I", group, tls={"group": name}, words=("-I", group))
    for versions, version in ("tls1.2:tls1.2", "TLSv1.2"), ("tls1.3:tls1.3", "TLSv1.3"):
        for status in "good", "revoked", "unknown":
            serve("rsa", versions, version, "-T", status, "-A", "issuing", tls={"staple": staple_shown})
        serve("rsa", versions, version, "-T", "badsig", "-A", "issuing", tls={"staple": staple_shown})
        serve("rsa", versions, version, "-T", "failure", "-A", "issuing", tls={"staple": {"status": "try_later"}})
        serve("rsa", versions, version, "-T", "corrupted", "-A", "issuing", tls={"staple": {"status": "malformed"}})
    cross_check(pki, stacks, rows)


def java():
    """Java's server (JSSE): SSLv3 to TLS 1.3, RSA, ECDSA and Ed25519, client certificates"""
    binary = (glob.glob("/usr/lib/jvm/java-17-openjdk-*/bin/java") + ["java"])[0]
    print("java", version_of(binary, "-version"))
    keystores = {leaf: pki.pkcs12(leaf) for leaf in ("rsa", "ec", "ed25519")}
    words, rows = [], []
    for version, protocols in ("SSLv3", "SSLv3"), ("TLSv1.0", "TLSv1"), ("TLSv1.1", "TLSv1.1,SSLv3"), ("TLSv1.2", "TLSv1.2"), ("TLSv1.3", "TLSv1.3,TLSv1"):
        for leaf, clients, tls in ("rsa", "-", OPEN), ("ec", "-", OPEN), ("ed25519", "-", OPEN), ("rsa", pki.others[0], FIRST_OFFICE):
            if (version == "SSLv3" and leaf == "ec") or (version not in ("TLSv1.2", "TLSv1.3") and leaf == "ed25519"):
                continue
            port = next(free)
            words += [str(port), protocols, keystores[leaf], clients]
            rows.append(Row("JSSE", port, leaf, version, shown=tstclnt if version == "SSLv3" else None, tls=tls))
    server = Stack("java", [binary, "-Xshare:auto", "-XX:TieredStopAtLevel=1", TOP + "/tests/e2e/stacks/JsseServer.java", *words], [row.port for row in rows])
    cross_check(pki, [server], rows)


main(gnutls, nss, java)
