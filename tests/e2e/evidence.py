#!/usr/bin/python3
"""Evidence that can be checked by others: from the exported files alone, with openssl and hashlib, every fingerprint, every chain's verdict by every trust store, and whether a certificate is
for the name that was asked. The judgements are first made by a real collector over chains that are well, incomplete, untrusted, expired, in disorder."""
import base64, csv, datetime, hashlib, json, os, re, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from collectd_tools import Collector, cert_record, new_run, sha, sighting
from common import equal
from judge_pki import DAY, Pki, der, pem

BIN = os.environ["CM_BIN"]
os.environ["PATH"] = f"{BIN}:/usr/lib/postgresql/15/bin:{os.environ['PATH']}"
TMP = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/tmp"))
os.chmod(TMP, 0o755)
HOME = os.environ["CERTMUSTER_HOME"] = f"{TMP}/home"
os.makedirs(HOME)
COUNTS = {}


def run(*command, status=0):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    equal(" ".join(command) + "\n" + done.stdout + done.stderr, status, done.returncode)
    return done.stdout


def sql(text):
    return run("psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-h", open(f"{HOME}/sockets").read().strip(), "-U", "certmuster_admin", "-d", "certmuster", "-c", "SET search_path = certmuster", "-c", text).strip()


def make_inventory():
    pki = Pki()
    with open(f"{TMP}/roots.pem", "wb") as out:
        out.write(pem(pki.root))
    with open(f"{TMP}/house.pem", "wb") as out:
        out.write(pem(pki.house) + pem(pki.root))
    with open(f"{HOME}/certmuster.yaml", "w") as out:
        out.write(f"collector:\n  judge_interval: 100ms\n  trust_store: {TMP}/roots.pem\ntrust:\n  stores: [house={TMP}/house.pem]\n")
    run("certmuster", "up")
    leaf = lambda name, issuer, **more: pki.issue(name, issuer, **more)
    chains = {
        "well.example.org": [leaf("well.example.org", pki.low), pki.low, pki.inter],
        "incomplete.example.org": [leaf("incomplete.example.org", pki.low)],
        "old.example.org": [leaf("old.example.org", pki.low, days=(-4, -1))],
        "half.example.org": [leaf("half.example.org", pki.low), pki.low],
        "house.example.org": [leaf("house.example.org", pki.house)],
        "stranger.example.org": [leaf("stranger.example.org", pki.stranger), pki.stranger],
        "expired.example.org": [leaf("expired.example.org", pki.low, days=(-4, -1)), pki.low, pki.inter],
        "disorder.example.org": [leaf("disorder.example.org", pki.low), pki.inter, pki.low],
        "other.example.net": [leaf("another.example.org", pki.low), pki.low, pki.inter],
        "www.wild.example.org": [leaf("*.wild.example.org", pki.low), pki.low, pki.inter],
        "a.b.wild.example.org": [leaf("*.wild.example.org", pki.low), pki.low, pki.inter],
    }
    known = {der(m): m for chain in chains.values() for m in chain}
    lines = [cert_record(d) for d in known] + [cert_record(b"0\x03\x02\x01\x01")]
    lines += [sighting(f"192.0.2.{n}", [der(m) for m in chain], new_run(), name=name) for n, (name, chain) in enumerate(chains.items())]
    collector = Collector(open(f"{HOME}/sockets").read().strip() + "/collectd.sock")
    equal("delivered", (200, []), (lambda a: (a[0], a[1].get("rejected")))(collector.batch(lines)))
    until = time.monotonic() + 60
    while sql("SELECT count(*) FROM docket") != "0" or sql("SELECT count(*) FROM chain_verdict") != str(2 * len(chains)):
        assert time.monotonic() < until, "the judge: " + sql("SELECT count(*) FROM chain_verdict")
        time.sleep(0.05)
    run("certmuster", "sweep", "create", "nightly", "--target", "192.0.2.0/30", "--realm", "nowhere")
    run("certmuster", "sweep", "start", "nightly")
    return chains


class Auditor:
    """Has the directory, and nothing else."""

    def __init__(self, directory):
        self.dir = directory
        self.certificates = {c["sha256"]: c for c in self.ndjson("certificates")}
        self.der = {sha256: d for _, sha256, d in self.pems("certificates.pem")}
        self.anchors = {}
        for store, sha256, d in self.pems("trust_anchors.pem"):
            self.anchors.setdefault(store, {})[sha256] = d

    def read(self, name):
        return open(f"{self.dir}/{name}", newline="", encoding="utf-8").read()

    def json(self, name):
        return json.loads(self.read(name))

    def ndjson(self, name):
        return [json.loads(line) for line in self.read(name + ".ndjson").splitlines()]

    def pems(self, name):
        found = re.findall(r"(?:# trust_store (\S+)\n)?# sha256 ([0-9a-f]{64})\n-----BEGIN CERTIFICATE-----\n(.*?)-----END CERTIFICATE-----\n", self.read(name), re.S)
        return [(store, sha256, base64.b64decode(text)) for store, sha256, text in found]

    def write(self, name, ders):
        with open(f"{TMP}/{name}", "w") as out:
            for d in ders:
                out.write("-----BEGIN CERTIFICATE-----\n" + "\n".join(re.findall(".{1,64}", base64.b64encode(d).decode())) + "\n-----END CERTIFICATE-----\n")
        return f"{TMP}/{name}"

    def manifest(self):
        for line in self.read("MANIFEST.sha256").splitlines():
            digest, name = line.split("  ")
            equal(f"hash of {name}", digest, hashlib.sha256(open(f"{self.dir}/{name}", "rb").read()).hexdigest())
        equal("files", sorted(os.listdir(self.dir)), sorted([line.split("  ")[1] for line in self.read("MANIFEST.sha256").splitlines()] + ["MANIFEST.sha256"]))

    def fingerprints(self):
        for sha256, d in list(self.der.items()) + [i for store in self.anchors.values() for i in store.items()]:
            equal("fingerprint", sha256, sha(d))
        for sha256, c in self.certificates.items():
            assert (sha256 in self.der) != ("undecodable" in c), c

    def openssl_says(self, row, more):
        """What openssl verify makes of a chain: 'ok', or its number of the reason."""
        at = int(datetime.datetime.fromisoformat(row["verified_at"].replace("Z", "+00:00")).timestamp())
        others = [self.der[m] for m in row["certificates"][1:] + more if m in self.der]
        command = ["openssl", "verify", "-attime", str(at), "-no-CApath", "-no-CAstore", "-CAfile", self.write("anchors.pem", self.anchors[row["trust_store"]].values())]
        if others:
            command += ["-untrusted", self.write("others.pem", others)]
        done = subprocess.run(command + [self.write("leaf.pem", [self.der[row["certificates"][0]]])], capture_output=True, text=True)
        return "ok" if done.returncode == 0 else re.search(r"error (\d+) at", done.stdout + done.stderr)[1]

    def verdict(self, row):
        numbers = {"unable_to_get_issuer_cert_locally": ("20", "21"), "self_signed_cert_in_chain": ("19",), "cert_has_expired": ("10",)}
        served = self.openssl_says(row, [])
        if row["verdict"] == "ok":
            equal(f"{row['name']} by {row['trust_store']}", "ok", served)
        elif row["verdict"] == "incomplete":
            assert served != "ok", row
            equal(f"{row['name']} by {row['trust_store']}, completed", "ok", self.openssl_says(row, row["path"][1:-1]))
        else:
            known = [c["sha256"] for c in self.certificates.values() if c.get("ca")]
            assert served in numbers[row["verdict"]] or served == "20" and self.openssl_says(row, known) in numbers[row["verdict"]], (row, served)
        if "path" in row and row["path"]:
            assert row["path"][-1] in self.anchors[row["trust_store"]] and row["path"][0] == row["certificates"][0]
            ends = [run("openssl", "x509", "-in", self.write("one.pem", [self.der.get(m) or self.anchors[row["trust_store"]][m]]), "-noout", "-enddate", "-dateopt", "iso_8601").strip().split("=")[1] for m in row["path"]]
            equal("the earliest end of the path", row["effective_not_after"], min(ends).replace(" ", "T"))
        COUNTS[row["verdict"]] = COUNTS.get(row["verdict"], 0) + 1

    def matches(self, row):
        """RFC 9525, once more: a whole left-most label may be an asterisk."""
        names = [n[4:].lower() for n in self.certificates[row["sha256"]]["names"] if n.startswith("dns:")]
        asked = row["sni"].lower()
        return asked in names or any(n.startswith("*.") and "." in asked and asked.split(".", 1)[1] == n[2:] for n in names)


def main():
    chains = make_inventory()
    try:
        run("certmuster-report", "evidence", "-o", f"{TMP}/evidence")
        sql("SELECT 1")
        head = run("certmuster", "audit", "verify").strip().rsplit(" ", 1)[1]
    finally:
        run("certmuster", "down")
    auditor = Auditor(f"{TMP}/evidence")
    auditor.manifest()
    auditor.fingerprints()
    equal("anchors", {"system": 1, "house": 2}, {store: len(a) for store, a in auditor.anchors.items()})
    rows = auditor.ndjson("chains")
    equal("chains and trust stores", 2 * len(chains), len(rows))
    for row in rows:
        auditor.verdict(row)
    assert set(COUNTS) == {"ok", "incomplete", "unable_to_get_issuer_cert_locally", "self_signed_cert_in_chain", "cert_has_expired"}, COUNTS
    disorder = [row for row in rows if row["name"] == "disorder.example.org"][0]
    equal("order", (False, True), (disorder["ordered"], [row for row in rows if row["name"] == "well.example.org"][0]["ordered"]))
    inventory = auditor.ndjson("inventory")
    equal("places", len(chains), len(inventory))
    for row in inventory:
        equal(f"is for {row['sni']}", auditor.matches(row), row["name_matches"])
    equal("not for the name", ["a.b.wild.example.org", "other.example.net"], sorted(row["sni"] for row in inventory if not row["name_matches"]))
    best = {row["sni"]: row["verdict"] for row in inventory}
    equal("the kindest verdict of all stores", ("ok", "ok", "incomplete"), tuple(best[n + ".example.org"] for n in ("well", "house", "incomplete")))
    scope, coverage = auditor.json("scope.json"), auditor.json("coverage.json")
    equal("the head of the audit log", head, scope["audit"]["head"])
    equal("trust stores", [("house", 2, hashlib.sha256(open(f"{TMP}/house.pem", "rb").read()).hexdigest())], [(t["trust_store"], t["anchors"], t["sha256"]) for t in scope["trust_stores"]][:1])
    (sweep,) = coverage["sweeps"]
    equal("coverage of a sweep", (4, 4, 0, "running"), (sweep["probes"], sweep["never"], sweep["certificate"], sweep["state"]))
    equal("verdicts", 2 * len(chains), sum(v["chains"] for v in coverage["verdicts"]))
    with open(f"{TMP}/evidence/chains.csv", newline="", encoding="utf-8") as file:
        equal("the same as CSV", [(r["chain_id"], r.get("trust_store"), r.get("verdict")) for r in rows], [(r["chain_id"], r["trust_store"], r["verdict"]) for r in csv.DictReader(file)])
    print(COUNTS)


main()
