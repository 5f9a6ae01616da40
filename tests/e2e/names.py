#!/usr/bin/python3
"""Is it the certificate of the name that was asked for? name_matches() against OpenSSL's own check for hundreds of pairs, and against RFC 9525 where OpenSSL is more lenient; CAs that
exist twice."""
import os, subprocess, sys, tempfile
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collectd_tools import Collector, cert_record, new_run, sha, sighting
from common import fail

os.environ["PATH"] = os.environ["CM_BIN"] + ":/usr/lib/postgresql/15/bin:" + os.environ["PATH"]
work = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/tmp"))
os.chmod(work, 0o755)
os.environ["CERTMUSTER_HOME"] = f"{work}/home"

SANS = [["DNS:www.example.org"], ["DNS:*.example.org"], ["DNS:WWW.Example.ORG"], ["DNS:*.a.example.org", "DNS:b.example.org"], ["DNS:f*.example.org"], ["DNS:*.*.example.org"],
        ["DNS:www.*.example.org"], ["IP:192.0.2.7"], ["IP:2001:db8::7"], ["DNS:192.0.2.7"], ["DNS:xn--kse-qla.example.org"], ["email:www@example.org"], ["URI:https://www.example.org"],
        ["DNS:example.org", "IP:192.0.2.8"], ["DNS:*"], ["DNS:*.org"], []]
ASKED = ["www.example.org", "WWW.EXAMPLE.org", "example.org", "a.example.org", "b.example.org", "x.a.example.org", "foo.example.org", "foo.bar.example.org", "www.x.example.org",
         "xn--kse-qla.example.org", "192.0.2.7", "192.0.2.8", "192.0.2.9", "2001:db8::7", "2001:db8::8", "org", "localhost", "wwwXexample.org", ".example.org", "*.example.org"]


def sql(text):
    return subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", open(f"{work}/home/sockets").read().strip(), "-U", "certmuster_admin", "-d", "certmuster",
                           "-c", "SET search_path = certmuster", "-c", text], check=True, capture_output=True, text=True).stdout.rstrip("\n")


def make(sans, name, issuer=None):
    """A certificate as DER; CN www.example.org, which counts for nothing."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{work}/k", "-outform", "DER", "-out", f"{work}/{name}.der",
               "-days", "30", "-subj", "/CN=www.example.org"]
    subprocess.run(command + (["-addext", "subjectAltName=" + ",".join(sans)] if sans else []), check=True, capture_output=True)
    return open(f"{work}/{name}.der", "rb").read()


def openssl_says(name, asked):
    kind = "-checkip" if asked.replace(".", "").isdigit() or ":" in asked else "-checkhost"
    text = subprocess.run(["openssl", "x509", "-inform", "DER", "-in", f"{work}/{name}.der", "-noout", kind, asked], capture_output=True, text=True, check=True).stdout
    return "does match" in text


def rfc9525_differs(sans, asked):
    """Where OpenSSL 3.0 is of another mind: parts of labels as wildcards, the common name where there is no DNS name, a wildcard asked for, one that stands before less than two labels."""
    return any("f*" in s for s in sans) or not any(s.startswith("DNS:") for s in sans) or asked.startswith((".", "*")) or sans in (["DNS:*.org"], ["DNS:*"])


def test_pairs(collector):
    run, rows = new_run(), []
    ders = {}
    for i, sans in enumerate(SANS):
        ders[i] = make(sans, f"c{i}")
    status, answer = collector.batch([line for i, der in ders.items() for line in (cert_record(der), sighting(f"198.51.100.{i + 1}", [der], run, name="www.example.org"))])
    if status != 200 or answer["rejected"]:
        fail(f"{status} {answer}")
    values = ",".join(f"({i}, {j}, decode('{sha(der)}', 'hex'), '{asked}')" for i, der in ders.items() for j, asked in enumerate(ASKED))
    said = {tuple(map(int, row.split("|")[:2])): row.endswith("t") for row in sql(f"SELECT v.i, v.j, name_matches(v.c, v.a) FROM (VALUES {values}) AS v(i, j, c, a)").splitlines()}
    compared = 0
    for i, sans in enumerate(SANS):
        for j, asked in enumerate(ASKED):
            if rfc9525_differs(sans, asked):
                continue
            compared += 1
            if said[i, j] != openssl_says(f"c{i}", asked):
                fail(f"{sans} asked for {asked}: {said[i, j]}, openssl says the opposite")
    for sans, asked, expected in ([["DNS:f*.example.org"], "foo.example.org", False], [["email:www@example.org"], "www.example.org", False], [[], "www.example.org", False],
                                  [["DNS:*.org"], "example.org", True], [["DNS:*"], "localhost", False], [["DNS:192.0.2.7"], "192.0.2.7", False], [["IP:192.0.2.7"], "192.0.2.7", True],
                                  [["DNS:*.example.org"], ".example.org", False]):
        if said[SANS.index(sans), ASKED.index(asked)] != expected:
            fail(f"{sans} asked for {asked}: not {expected}")
    print(f"{compared} pairs as OpenSSL has them")
    wrong = sql("SELECT count(*) FILTER (WHERE matches), count(*) FILTER (WHERE NOT matches) FROM place_name WHERE by_name")
    right = sum(said[i, 0] for i in range(len(SANS)))
    if wrong != f"{right}|{len(SANS) - right}":
        fail(f"place_name: {wrong}, expected {right} right")
    lines = subprocess.run(["certmuster", "report", "inventory", "--format", "ndjson"], capture_output=True, text=True, check=True).stdout
    if lines.count('"name_matches":true') != right or lines.count('"name_matches":false') != len(SANS) - right:
        fail("the inventory report counts otherwise")
    if sql(f"SELECT name_matches(decode('{'00' * 32}', 'hex'), 'x') IS NULL AND name_matches(decode('{sha(ders[0])}', 'hex'), '') IS NULL") != "t":
        fail("nothing is known of what is not there")


def test_cross_signed(collector):
    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=work)
    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for root in ("r1", "r2"):
        openssl("req", "-x509", *ec, "-keyout", f"{root}.key", "-out", f"{root}.pem", "-days", "30", "-subj", f"/CN={root}")
    openssl("req", *ec, "-keyout", "i.key", "-out", "i.csr", "-subj", "/CN=the intermediate")
    open(f"{work}/ca.ext", "w").write("basicConstraints=critical,CA:TRUE\n")
    lines, prints = [], []
    for root in ("r1", "r2"):
        openssl("x509", "-req", "-in", "i.csr", "-CA", f"{root}.pem", "-CAkey", f"{root}.key", "-set_serial", "7", "-days", "20", "-extfile", "ca.ext", "-outform", "DER", "-out", f"{root}-i.der")
        der = open(f"{work}/{root}-i.der", "rb").read()
        lines.append(cert_record(der))
        prints.append(sha(der))
    collector.batch(lines)
    if sql("SELECT encode(sha256, 'hex'), encode(other, 'hex'), issuer, other_issuer FROM cross_signed ORDER BY issuer").splitlines() != \
            [f"{prints[0]}|{prints[1]}|CN=r1|CN=r2", f"{prints[1]}|{prints[0]}|CN=r2|CN=r1"]:
        fail("cross_signed: " + sql("SELECT issuer, other_issuer FROM cross_signed"))


try:
    subprocess.run(["certmuster", "up"], check=True, capture_output=True)
    test_pairs(Collector(open(f"{work}/home/sockets").read().strip() + "/collectd.sock"))
    test_cross_signed(Collector(open(f"{work}/home/sockets").read().strip() + "/collectd.sock"))
finally:
    subprocess.run(["certmuster", "down"], capture_output=True)
