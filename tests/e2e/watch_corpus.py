"""What is expected of the captures in corpora/pcap of the shared data: EXPECTED.tsv is what tshark sees in clear, EXPECTED_EXTRA.tsv what it misses."""
import collections
import os

# ends: of what tshark misses, who sent the certificate to whom; role, server and positions are None there.
Expected = collections.namedtuple("Expected", "sha256 role server sni transport positions ends", defaults=(None,))
# Servers with certificates of others in the same capture, on ports that tshark reads as HTTP.
UNSEEN = {"110.76.143.50:8080", "51.83.238.219:80"}
# Full chains where tshark, which does not verify checksums, follows a segment of garbage.
GARBAGE_FIRST = "derived/mtls-badchecksum-garbage-first.pcap"
# Chains of TLS 1.3 in CompressedCertificate messages (RFC 8879), which EXPECTED.tsv does not unpack; the authors of JA4 list both certificates (JA4X.1, JA4X.2 in
# python/test/testdata of FoxIO-LLC/ja4), and the capture brings its secrets.
COMPRESSED = {"ja4/chrome-cloudflare-quic-with-secrets.pcapng": {"3abbe63daf756c5016b6b85f52015fd8e8acbe277c5087b127a60563a841ed8a",
                                                                 "31bd22783c4dba6fc20c976f3aa8d69344c0f38bd03f02c64602279d832995eb"}}


def folder():
    """Where the captures are; None: not here."""
    top = os.environ.get("CM_TOP", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    path = os.path.join(os.environ.get("CM_SHARED", os.path.join(top, "..", "shared")), "corpora", "pcap")
    return path if os.path.exists(os.path.join(path, "EXPECTED.tsv")) else None


def captures():
    """Their names, sorted."""
    root = folder()
    return sorted(os.path.relpath(os.path.join(where, name), root) for where, _, names in os.walk(root) for name in names if ".pcap" in name)


def rows(name):
    with open(os.path.join(folder(), name), encoding="utf-8") as file:
        for line in file:
            if not line.startswith("#"):
                yield line.rstrip("\n").split("\t")


def expectations():
    """file → what must be told; file → fingerprints that may be told besides: transport eap and OpenVPN are more than was asked for"""
    must, may = collections.defaultdict(list), collections.defaultdict(set)
    for name, sha256, role, server, sni, transport, positions, *_ in rows("EXPECTED.tsv"):
        row = Expected(sha256, role, server, sni, transport, {int(p) for p in positions.split(",")})
        if transport == "eap" or "openvpn" in name or "opvn" in name:
            may[name].add(sha256)
        else:
            must[name].append(row)
    for name, sha256, sender, receiver, why in rows("EXPECTED_EXTRA.tsv"):
        if why.startswith("OPTIONAL"):
            may[name].add(sha256)
        else:
            must[name].append(Expected(sha256, None, None, None, "tcp", None, (sender, receiver)))
    for name, chain in COMPRESSED.items():
        may[name] |= chain
    base = {(row.sha256, row.role): row for row in must["derived/mtls-base.pcap"]}
    known = {(row.sha256, row.role) for row in must[GARBAGE_FIRST]}
    must[GARBAGE_FIRST] += [row for key, row in base.items() if key not in known]
    return must, may
