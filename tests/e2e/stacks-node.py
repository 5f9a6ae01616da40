#!/usr/bin/python3
# certmuster-scan against Node.js 24, whose OpenSSL 3.5 has post-quantum groups: a default server gives its certificate by a classical group, one that
# insists on ML-KEM is told with that group's name.
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scan_tools import *  # noqa: E402,F403
from stacks_tools import *  # noqa: E402,F403

NODE = os.path.dirname(BIN) + "/npm/node_modules/.bin/node"
if not os.path.exists(NODE):
    print("no Node.js 24: tests/node/fetch could not get it")
    sys.exit(77)
HYBRIDS = {"SecP256r1MLKEM768": 0x11EB, "X25519MLKEM768": 0x11EC, "SecP384r1MLKEM1024": 0x11ED}
pki = Pki()
for leaf, key in ("rsa", "RSA:2048"), ("ec", "EC"), ("ed25519", "ED25519"):
    pki.make(leaf, key)
free = ports(32)
told_of = []  # the servers' options, one listener each


def listener(leaf, **options):
    port = next(free)
    told_of.append({"port": port, "cert": pki.path(leaf + ".pem"), "key": pki.key(leaf), **options})
    return port


def node():
    return Stack("node", [NODE, TOP + "/tests/e2e/stacks/node_server.js", json.dumps(told_of)], [row["port"] for row in told_of])


def node_client(port, leaf, **options):
    return client(NODE, TOP + "/tests/e2e/stacks/node_client.js", str(port), leaf + ".example.org", json.dumps(options))


def shown_to_node(row):
    return fingerprints(node_client(row.port, row.leaf))


def default_servers():
    """Node 24 as it comes: the certificate at the first try, by X25519, though it would rather have ML-KEM; and in other settings"""
    print("Node.js", run(NODE, "-p", "process.version + ', OpenSSL ' + process.versions.openssl").strip())
    rows = []
    open_, x25519 = {"client_auth": False}, {"group": "x25519"}
    for leaf in "rsa", "ec", "ed25519":
        rows.append(Row("Node", listener(leaf), leaf, "TLSv1.3", tls=open_ | x25519))
        rows.append(Row("Node", listener(leaf, maxVersion="TLSv1.2"), leaf, "TLSv1.2", tls=open_ | x25519))
    for version in "TLSv1.0", "TLSv1.1":
        rows.append(Row("Node", listener("rsa", minVersion="TLSv1", maxVersion=version.replace("v1.0", "v1"), ciphers="ALL:@SECLEVEL=0"), "rsa", version, tls=open_))
    mutual = {"client_auth": True, "client_ca": [pki.subject("first-office")]}
    for version in "TLSv1.2", "TLSv1.3":
        rows.append(Row("Node", listener("rsa", maxVersion=version, requestCert=True, ca=pki.others[0]), "rsa", version, tls=mutual))
        rows.append(Row("Node", listener("ec", maxVersion=version, ALPNProtocols=["http/1.1"]), "ec", version, tls={"alpn": "http/1.1"}))
    # Both: the hybrid first, then a classical group that the scanner must come back for.
    rows.append(Row("Node", listener("ec", ecdhCurve="X25519MLKEM768:P-384"), "ec", "TLSv1.3", tls={"group": "secp384r1"}))
    # The hybrid alone in TLS 1.3, and TLS 1.2, where RSA needs no group: the group is named, and the certificate got all the same.
    past = [{"what": "tls", "error": "alert", "detail": "handshake_failure"},
            {"what": "tls-wide", "error": "unsupported", "detail": "the server insists on X25519MLKEM768"}]
    rows.append(Row("Node", listener("rsa", ecdhCurve="X25519MLKEM768"), "rsa", "TLSv1.2", attempts=past, proof="unavailable"))
    for row in rows[:6]:
        row.shown = shown_to_node
    wanted = {listener("ec", minVersion="TLSv1.3", ecdhCurve=group): group for group in HYBRIDS}
    server = node()
    cross_check(pki, [server], rows)
    equal("it would rather have ML-KEM", "TLSv1.3 X25519MLKEM768", node_client(rows[0].port, "rsa").splitlines()[0])
    only_post_quantum(wanted)


def only_post_quantum(wanted):
    note("servers of one hybrid group each: a failure that names it, and the further try that found out")
    result = scan("--starttls", "none", "--timeout", "10", *[f"ec.example.org@127.0.0.1:{port}" for port in wanted])
    equal("failures", len(wanted), len(result.failures))
    for failure in result.failures:
        group = wanted[failure["endpoint"]["port"]]
        equal(group, ["certificate", "unsupported", "the server insists on " + group, group, "TLSv1.3"],
              [failure["stage"], failure["error"], failure["detail"], failure["tls"]["group"], failure["tls"]["version"]])
        refused = [("tls", "handshake_failure"), ("tls1.2", "protocol_version"), ("tls1.0-plain", "protocol_version")]
        equal(group + ": attempts", [{"what": what, "error": "alert", "detail": detail} for what, detail in refused], failure["attempts"])
    for port, group in wanted.items():
        equal(group + ": its own client gets there", pki.chain("ec"), fingerprints(node_client(port, "ec", ecdhCurve=group)))


def groups_in(hello):
    """The supported_groups of a ClientHello in one record."""
    at = 5 + 4 + 2 + 32
    at += 1 + hello[at]
    at += 2 + int.from_bytes(hello[at:at + 2], "big")
    at += 1 + hello[at]
    end = at + 2 + int.from_bytes(hello[at:at + 2], "big")
    at += 2
    while at < end:
        kind, size = int.from_bytes(hello[at:at + 2], "big"), int.from_bytes(hello[at + 2:at + 4], "big")
        if kind == 10:
            return {int.from_bytes(hello[i:i + 2], "big") for i in range(at + 6, at + 4 + size, 2)}
        at += 4 + size
    return set()


def what_the_hellos_list():
    """ML-KEM stands in no first hello, and in the one that follows a handshake_failure"""
    hellos = []

    def refuse(connection):
        hello = connection.recv(5, socket.MSG_WAITALL)
        hello += connection.recv(int.from_bytes(hello[3:5], "big"), socket.MSG_WAITALL)
        hellos.append(groups_in(hello))
        connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")

    server = Server(refuse)
    failure = scan("--starttls", "none", "--timeout", "10", f"ec.example.org@127.0.0.1:{server.port}").failure()
    server.stop()
    hybrids = set(HYBRIDS.values())
    equal("the first", (set(), True), (hellos[0] & hybrids, 29 in hellos[0]))
    equal("the second", hybrids, hellos[1] & hybrids)
    equal("at most three further", True, len(hellos) <= 4)
    equal("each recorded", len(hellos) - 1, len(failure["attempts"]))


main(default_servers, what_the_hellos_list)
