#!/usr/bin/python3
# JA3 of certmuster-watch, held against tshark's (tls.handshake.ja3, dtls.handshake.ja3) on real captures: what we tell of a client is what tshark computes of one of its hellos.
#
# Over all captures with expected certificates the two differ nowhere; what tshark does not have is of hellos that it does not see, and APART says why. The captures are not ours
# and not committed: without them, or without tshark, this test is skipped. JA4, of which tshark 4.0 has none, is held against what its authors publish of the same
# captures (FoxIO-LLC/ja4, rust/ja4/src/snapshots and python/test/testdata); of hellos that nobody answered we tell none. More of it in tests/unit/scan/test_fingerprint.c.
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import watch_corpus  # pylint: disable=wrong-import-position

top = os.environ.get("CM_TOP", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
watch = os.path.join(os.environ.get("CM_BIN", os.path.join(top, "build", "asan")), "certmuster-watch")
corpus = watch_corpus.folder()
if not corpus or not shutil.which("tshark"):
    print("the captures or tshark are not here: set CM_SHARED, install tshark")
    sys.exit(77)
os.environ["CERTMUSTER_HOME"] = os.path.join(os.environ.get("TMPDIR", "/tmp"), "no-home")
# capture → how many of our fingerprints tshark has not, and why
APART = {
    "ndpi/rdp.pcap": (1, "tshark takes RDP's port for something else than TLS"),
    "ndpi/rdp_over_tls.pcap": (1, "the same"),
    "derived/mtls-overlap-consistent.pcap": (1, "tshark sees no hello where segments overlap"),
}
CAPTURES = ["derived/mtls-base.pcap", "ndpi/capwap.pcap", "ndpi/dtls.pcap", "ndpi/dtls_certificate_fragments.pcap",
            "ndpi/ja3_lots_of_cipher_suites.pcap", "ndpi/stun_dtls_rtp.pcapng", "wireshark/dmgr.pcapng",
            "wireshark/dtls12-aes128ccm8.pcap", "wireshark/rsasnakeoil2.pcap", "wireshark/tls12-chacha20poly1305.pcap",
            "wireshark/tls12-dsb.pcapng", "wireshark/udt-dtls.pcapng"]
CHROME, CHROME_AGAIN, CHROME_QUIC = ("t13d1516h2_8daaf6152771_e5627efa2ab1", "t13d1516h2_8daaf6152771_9b887d9acb53",
                                     "q13d0310h3_55b375c5d22e_cd85d2d88918")
PUBLISHED = {
    "ja4/badcurveball.pcap": {"t13d1615h2_46e7e9700bed_45f260be83e2"},
    "ja4/browsers-x509.pcapng": {CHROME},
    "ja4/chrome-cloudflare-quic-with-secrets.pcapng": {CHROME, CHROME_QUIC},
    "ja4/latest.pcapng": {CHROME, CHROME_AGAIN, "t12d190800_d83cc789557e_7af1ed941c26"},
    "ja4/macos_tcp_flags.pcap": {"t13d2613h2_2802a3db6c62_845d286b0d67"},
    "ja4/tls3.pcapng": {CHROME, CHROME_AGAIN, CHROME_QUIC, "q13d0311h3_55b375c5d22e_3512bcbbc9ec"},
}


def values(record, key):
    """All values of that key, at any depth."""
    if isinstance(record, dict):
        for name, value in record.items():
            yield from [value] if name == key else values(value, key)
    elif isinstance(record, list):
        for item in record:
            yield from values(item, key)


def ours(path, key="ja3"):
    run = subprocess.run([watch, "--json", "--no-submit", "-q", "-r", path], stdout=subprocess.PIPE, timeout=100, check=True)
    return {value for line in run.stdout.splitlines() for value in values(json.loads(line), key) if value}


def tsharks(path):
    run = subprocess.run(["tshark", "-r", path, "-Y", "tls.handshake.ja3 || dtls.handshake.ja3", "-T", "fields", "-E", "occurrence=a",
                          "-e", "tls.handshake.ja3", "-e", "dtls.handshake.ja3"],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=100, check=True)
    return set(run.stdout.replace(",", " ").split())


failed = compared = 0
for name in CAPTURES + sorted(APART):
    mine, theirs = ours(os.path.join(corpus, name)), tsharks(os.path.join(corpus, name))
    alone, expected = mine - theirs, APART.get(name, (0, ""))[0]
    compared += len(mine & theirs)
    print(f"{name}: {len(mine & theirs)} the same, {len(alone)} of ours alone: {' '.join(sorted(alone))}")
    failed += len(alone) != expected
for name, expected in PUBLISHED.items():
    mine = ours(os.path.join(corpus, name), "ja4")
    print(f"{name}: JA4 {' '.join(sorted(mine))}")
    failed += mine != expected
print(f"{compared} fingerprints are tshark's as well")
sys.exit(failed > 0 or compared < len(CAPTURES))
