#!/usr/bin/python3
"""NSS databases as certutil writes them, in SQLite and in Berkeley DB files: every certificate under its nickname, trust, keys as facts, damage.
What certutil -L shows is what must be told."""
import base64, collections, hashlib, json, os, re, shutil, subprocess, sys, tempfile

TOP = os.environ.get("CM_TOP", ".")
BIN = os.environ.get("CM_BIN", os.path.join(TOP, "build/asan"))
TMP = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/tmp"))
os.environ["CERTMUSTER_HOME"] = os.path.join(TMP, "home")
MANY = 60  # certificates: several buckets of a hash, splits, overflow pages
failed = []


def run(*words, data=None):
    done = subprocess.run(words, input=data, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=TMP, timeout=120, check=False)
    if done.returncode:
        sys.exit(f"FAIL: {' '.join(words)}: {done.stdout.decode(errors='replace')}")
    return done.stdout


def check(what, got, wanted):
    if got != wanted:
        failed.append(what)
        print(f"FAIL {what}: got {got}, expected {wanted}")


def make(database, count):
    """A CA that is trusted, a server's certificate with its key, many others, one of them too large for a page"""
    os.mkdir(os.path.join(TMP, database[4:]))
    noise = os.path.join(TMP, "noise")
    with open(noise, "wb") as file:
        file.write(os.urandom(64))
    run("certutil", "-N", "-d", database, "--empty-password")
    base = ("certutil", "-S", "-d", database, "-z", noise, "-k", "ec", "-q", "nistp256", "-v", "12")
    run(*base, "-n", "Our CA", "-s", "CN=Our CA", "-x", "-t", "CT,C,C", "-m", "1")
    run(*base, "-n", "server", "-s", "CN=server.example", "-c", "Our CA", "-t", "u,u,u", "-m", "2")
    for number in range(3, 3 + count):
        names = ",".join(f"host{i}.department-{number}.example.org" for i in range(2000 if number == 3 else 1))
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null", "-out", "one.pem", "-subj", f"/CN=host {number}",
            "-set_serial", str(number), "-addext", "subjectAltName=" + ",".join("DNS:" + name for name in names.split(",")))
        run("certutil", "-A", "-d", database, "-n", f"H\u00f6st {number}" if number % 2 else f"host {number}", "-t", "P,," if number == 4 else ",,", "-i", "one.pem")


def shown(database):
    """nickname → (fingerprint, flags of trust), as certutil shows them"""
    found = {}
    for line in run("certutil", "-L", "-d", database).decode().splitlines():
        row = re.fullmatch(r"(.*?)\s+(\S*,\S*,\S*)\s*", line)
        if row and "SSL,S/MIME" not in line:
            pem = run("certutil", "-L", "-d", database, "-n", row.group(1), "-a").decode()
            der = base64.b64decode("".join(line for line in pem.splitlines() if line and not line.startswith("-----")))
            found[row.group(1)] = (hashlib.sha256(der).hexdigest(), row.group(2))
    return found


def crawl(path, status=0):
    done = subprocess.run([os.path.join(BIN, "certmuster-crawl"), "--json", "--no-submit", "-q", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False)
    check(f"exit status of {path}: {done.stderr.decode(errors='replace')}", done.returncode, status)
    by_type = collections.defaultdict(list)
    for line in done.stdout.splitlines():
        by_type[json.loads(line)["type"]].append(json.loads(line))
    return by_type


def compare(database, form):
    wanted = shown(database)
    told = crawl(os.path.join(TMP, database[4:]))
    found = {record["file"]["entry"]: (record["chain"], record["role"]) for record in told["sighting"]}
    check(form + ": nicknames", sorted(found), sorted(wanted))
    check(form + ": one sighting each", len(told["sighting"]), len(wanted))
    check(form + ": fingerprints", {name: chain for name, (chain, _) in found.items()}, {name: [sha256] for name, (sha256, _) in wanted.items()})
    trusted = {name for name, (_, flags) in wanted.items() if set(flags) & set("CTP")}
    check(form + ": trusted", {name for name, (_, role) in found.items() if role == "trust"}, trusted)
    check(form + ": format", {record["file"]["format"] for record in told["sighting"]}, {form})
    keys = re.findall(r"<\s*\d+>\s+\S+\s+[0-9a-f]+\s+(?:NSS Certificate DB:)?(.*)", run("certutil", "-K", "-d", database).decode())
    check(form + ": keys", len(told["key"]), len(keys))
    check(form + ": keys are told as encrypted", {(record["kind"], record["encrypted"]) for record in told["key"]}, {("sealed", True)})
    check(form + ": nothing fails", told["failure"], [])
    print(f"{form}: {len(wanted)} certificates, {len(trusted)} trusted, {len(keys)} keys as certutil shows them")
    return wanted


def damage(path, form, wanted):
    """Zeros over the head of a page in the middle that holds a certificate: what stands elsewhere is told, and that something is missing"""
    page = 4096 if form == "nss-sql" else 16384
    with open(path, "r+b") as file:
        data = file.read()
        pages = [at for at in range(page, len(data), page) if data[at] and re.search(rb"host \d\d", data[at : at + page])]
        file.seek(pages[len(pages) // 2])
        file.write(b"\0" * 512)
    told = crawl(path, 1)
    known = {sha256 for sha256, _ in wanted.values()}
    found = {sha256 for record in told["sighting"] for sha256 in record["chain"]}
    check(form + ", damaged: nothing else is told", found - known, set())
    check(form + ", damaged: it is told", {record["error"] for record in told["failure"]}, {"malformed"})
    check(form + f", damaged: the others are told ({len(found)} of {len(known)})", len(found) > len(known) // 2, True)


make("sql:sql", MANY)
wanted_sql = compare("sql:sql", "nss-sql")
open(os.path.join(TMP, "sql", "cert9.db-wal"), "wb").close()
check("a log beside is told", [record["error"] for record in crawl(os.path.join(TMP, "sql", "cert9.db"), 1)["failure"]], ["unsupported"])
os.remove(os.path.join(TMP, "sql", "cert9.db-wal"))
damage(os.path.join(TMP, "sql", "cert9.db"), "nss-sql", wanted_sql)

# Not every build of NSS writes the old files any more.
probe = subprocess.run(["certutil", "-N", "-d", "dbm:" + TMP, "--empty-password"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
if probe.returncode == 0:
    for name in ("cert8.db", "key3.db", "secmod.db"):
        os.remove(os.path.join(TMP, name))
    make("dbm:dbm", MANY)
    wanted_dbm = compare("dbm:dbm", "nss-dbm")
    damage(os.path.join(TMP, "dbm", "cert8.db"), "nss-dbm", wanted_dbm)
    shutil.rmtree(os.path.join(TMP, "dbm", "cert8.dir"))
    check("a record in a file that is gone is told", "unsupported" in {record["error"] for record in crawl(os.path.join(TMP, "dbm", "cert8.db"), 1)["failure"]}, True)
else:
    print("this certutil writes no Berkeley DB files: unit tests alone")
sys.exit(1 if failed else 0)
