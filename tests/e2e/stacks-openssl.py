#!/usr/bin/python3
# certmuster-scan against openssl s_server: every version, kind of key and group, staples, client certificates; and against SSL 2.0 as
# an old server was recorded.
import hashlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scan_tools import *  # noqa: E402,F403
from stacks_tools import *  # noqa: E402,F403

pki = Pki()
free = ports(40)
FLIGHT = TOP + "/tests/data/flights/openssl101-ssl2.flight"
stacks, rows = [], []


def serve(leaf, version, *words, old=False, **more):
    port = next(free)
    stacks.append(Stack(f"s_server-{port}", ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", pki.path(leaf + ".one"), "-key",
                                             pki.key(leaf), "-cert_chain", pki.path("above.pem"), "-quiet", *words], port, old))
    rows.append(Row("s_server", port, leaf, version, **more))


def every_version_key_and_group():
    """openssl s_server: versions, keys, groups by HelloRetryRequest, suites, staples, client certificates"""
    print("openssl", version_of("openssl", "version"))
    for leaf, key in ("rsa", "RSA:2048"), ("weak", "RSA:1024"), ("ec", "EC"), ("ed25519", "ED25519"), ("ed448", "ED448"):
        pki.make(leaf, key)
    unsigned = {"proof": "unavailable"}  # nothing is signed in a static RSA handshake
    for leaf in "rsa", "weak", "ec":
        serve(leaf, "TLSv1.0", "-tls1", old=True)
        serve(leaf, "TLSv1.1", "-tls1_1", old=True)
    for leaf in "rsa", "ec", "ed25519", "ed448":
        serve(leaf, "TLSv1.2", "-tls1_2", tls={"group": "x25519", "client_auth": False})
        serve(leaf, "TLSv1.3", tls={"group": "x25519", "client_auth": False, "cipher": "TLS_AES_128_GCM_SHA256"})
    serve("rsa", "TLSv1.2", "-tls1_2", "-cipher", "AES128-SHA", tls={"cipher": "TLS_RSA_WITH_AES_128_CBC_SHA"}, **unsigned)
    serve("rsa", "TLSv1.2", "-tls1_2", "-cipher", "NULL-SHA256:@SECLEVEL=0", tls={"cipher": "TLS_RSA_WITH_NULL_SHA256"}, old=True, **unsigned)
    serve("rsa", "TLSv1.2", "-tls1_2", "-cipher", "DHE-RSA-CAMELLIA128-SHA", tls={"cipher": "TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA"})
    refused = [{"what": "tls", "error": "alert", "detail": "handshake_failure"}]  # too rare for the first hello
    for size in "128", "256":
        serve("rsa", "TLSv1.2", "-tls1_2", "-cipher", f"DHE-RSA-CAMELLIA{size}-SHA256", attempts=refused,
              tls={"cipher": f"TLS_DHE_RSA_WITH_CAMELLIA_{size}_CBC_SHA256"})
    serve("rsa", "TLSv1.3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256", tls={"cipher": "TLS_AES_128_CCM_8_SHA256"},
          words=("-ciphersuites", "TLS_AES_128_CCM_8_SHA256"))
    for group, name in ("P-521", "secp521r1"), ("X448", "x448"), ("ffdhe2048", "ffdhe2048"), ("ffdhe8192", "ffdhe8192"):
        serve("ec", "TLSv1.3", "-tls1_3", "-groups", group, tls={"group": name}, words=("-groups", group))
    responses = [pki.ocsp("rsa", status) for status in ("good", "revoked", "unknown")]  # read when asked for: made once
    for version, flag in ("TLSv1.2", "-tls1_2"), ("TLSv1.3", "-tls1_3"):
        for response, told in responses:
            serve("rsa", version, flag, "-status_file", response, tls={"staple": told})
        serve("ec", version, flag, tls={"staple": None, "scts": 0})
        serve("ec", version, flag, "-Verify", "1", "-CAfile", pki.others[0], tls={"client_auth": True, "client_ca": [pki.subject("first-office")]})
        serve("rsa", version, flag, "-alpn", "http/1.1", tls={"alpn": "http/1.1"})
    cross_check(pki, stacks, rows)


def ssl_2():
    """SSL 2.0: a server that closes what is no CLIENT-HELLO of its own, as recorded from OpenSSL 1.0.1l"""
    flight = bytes.fromhex(open(FLIGHT, encoding="ascii").read().partition("\nflight\n")[2])
    size = int.from_bytes(flight[7:9], "big")  # behind the header, type, hit, kind and version; kinds and connection id are behind the certificate
    certificate = flight[13:13 + size]

    def play(connection):
        hello = connection.recv(65536)
        if hello[0] & 0x80 and hello[2] == 1:
            connection.sendall(flight)
            connection.recv(1)

    server = Server(play)
    for target in f"old.example.org@127.0.0.1:{server.port}", f"127.0.0.1:{server.port}":
        result = scan("--starttls", "none", "--timeout", "10", "--prove", target)
        record = result.probes[0]
        equal(str(record), "sighting", record["type"])
        equal("version", "SSLv2", record["tls"]["version"])
        equal("chain", [hashlib.sha256(certificate).hexdigest()], record["chain"])
        equal("proof", "unavailable", record["tls"]["proof"])
        equal("what came before: at most three further attempts", True, 1 <= len(record["attempts"]) <= 3)
        told = [r for r in result.records if r["type"] == "certificate"]
        equal("decoded", ["CN=sslv2.example.org"], [r["subject"] for r in told])
    server.stop()


main(every_version_key_and_group, ssl_2)
