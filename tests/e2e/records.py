#!/usr/bin/python3
"""Real records against contrib/schema/record-v1.schema.json: every type with plain and hostile strings, and what scan and crawl
write; and the schema and the reader refuse the same things."""
import copy, glob, json, os, subprocess, tempfile
import jsonschema
from common import fail

TOP = os.environ.get("CM_TOP", ".")
BIN = os.environ.get("CM_BIN", os.path.join(TOP, "build/asan"))
TMP = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/tmp"))
os.environ["CERTMUSTER_HOME"] = os.path.join(TMP, "home")
schema = json.load(open(os.path.join(TOP, "contrib/schema/record-v1.schema.json")))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)


def no_duplicates(pairs):
    if len({k for k, _ in pairs}) != len(pairs):
        fail("a member stands twice: %r" % pairs)
    return dict(pairs)


def validate(data, what):
    """Every line of a stream; returns the objects."""
    if data and not data.endswith(b"\n"):
        fail(what + ": the last line is not ended")
    objects = []
    for line in data.splitlines():
        record = json.loads(line.decode("utf-8"), object_pairs_hook=no_duplicates)
        if json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode() != line and b"\\" not in line:
            fail("%s: not compact: %s" % (what, line))
        if not line.startswith(b'{"v":1,"type":"'):
            fail("%s: v and type come first: %s" % (what, line))
        errors = sorted(validator.iter_errors(record), key=str)
        if errors:
            fail("%s: %s\n%s" % (what, errors[0].message, line[:2000]))
        objects.append(record)
    return objects


def reader_takes(record):
    """What the reader says of one line: certmuster-submit checks a file's lines before it looks for a collector."""
    path = os.path.join(TMP, "one.ndjson")
    open(path, "w").write(json.dumps(record) + "\n")
    done = subprocess.run([os.path.join(BIN, "certmuster-submit"), "--to", "unix:" + TMP + "/nobody", "--once", path],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode == 3, done.stdout.decode()


corpus = os.path.join(TMP, "corpus.ndjson")
subprocess.run([os.path.join(BIN, "tests/unit/lib/test_record")], env=dict(os.environ, CM_RECORDS_OUT=corpus), check=True,
               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
objects = validate(open(corpus, "rb").read(), "corpus")
types = {o["type"] for o in objects}
if types != {"certificate", "sighting", "failure", "key", "csr", "crl", "ssh_certificate", "store", "run", "stats"}:
    fail("types of the writer: %s" % types)
listed = {x["const"] for x in schema["$defs"]["error"]["oneOf"]}
written = {o["error"] for o in objects if o["type"] == "failure"}
if listed != written:
    fail("errors: in the schema alone %s, in the writer alone %s" % (listed - written, written - listed))
print("ok corpus: %d records, %d errors" % (len(objects), len(written)))

for name, arguments in (("certmuster-crawl", ["--json", "/etc/ssl/certs/ca-certificates.crt", "/nonexistent/cert.pem"]),
                        ("certmuster-scan", ["--json", "--timeout", "2", "127.0.0.1:1", "[::1]:1"])):
    program = os.path.join(BIN, name)
    if not os.access(program, os.X_OK):
        fail(name + " is not built")
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    objects = validate(done.stdout, name)
    runs = [o for o in objects if o["type"] == "run"]
    if [r["state"] for r in runs] != ["started", "finished"] or objects[0] != runs[0] or objects[-1] != runs[1]:
        fail(name + ": the run's records do not frame the stream: %s" % done.stderr.decode())
    told = {o["sha256"] for o in objects if o["type"] == "certificate"}
    used = {x for o in objects if o["type"] == "sighting" for x in o["chain"]}
    sightings = sum(o["type"] == "sighting" for o in objects)
    failures = sum(o["type"] == "failure" for o in objects)
    if told != used or (runs[1]["ok"], runs[1]["failed"]) != (sightings, failures) or runs[1]["targets"] != sightings + failures:
        fail("%s: %d sightings, %d failures, %s" % (name, sightings, failures, runs[1]))
    print("ok %s: %d sightings, %d failures, %d certificates" % (name, sightings, failures, len(told)))

seeds = {os.path.basename(p)[:-5]: json.load(open(p)) for p in glob.glob(os.path.join(TOP, "tests/data/fuzz/fuzz_record_read/*.json"))}
wrong = [
    ("sighting", "role", "king"), ("sighting", "chain", []), ("sighting", "chain", ["00"]), ("sighting", "chain", ["%064X" % 10]),
    ("sighting", "run", "x"), ("sighting", "at", "yesterday"), ("sighting", "at", None), ("sighting", "count", 0), ("sighting", "source", ""),
    ("sighting", "endpoint.port", 65536), ("sighting", "endpoint.port", "443"), ("sighting", "endpoint.transport", "sctp"),
    ("sighting", "endpoint.realm", ""), ("sighting", "endpoint.name", "A"), ("sighting", "endpoint.name", "a."), ("sighting", "endpoint.name", None),
    ("sighting", "endpoint", None), ("sighting", "tls", "x"),
    ("sighting", "tls.version", "TLSv1.4"), ("sighting", "tls.client_auth", "yes"), ("sighting", "tls.client_ca", [7]), ("sighting", "tls.cipher", ""),
    ("sighting", "tls.staple", "good"), ("sighting", "tls.staple.status", None), ("sighting", "tls.staple.this_update", "soon"),
    ("sighting", "tls.scts", []), ("sighting", "tls.scts", -1), ("sighting", "tls.ja3s", "%032X" % 10), ("sighting", "tls.ja3s", "00"),
    ("sighting", "tls.proof", "perhaps"), ("client", "peer", None), ("failure", "file.path", "relative"),
    ("failure", "file.uid", 4294967296), ("failure", "stage", "party"), ("failure", "error", "none"), ("key", "encrypted", "no"),
    ("key", "file", None), ("store", "integrity", "maybe"), ("store", "entries", -1), ("run", "state", "dead"), ("run", "ok", -1),
    ("stats", "counters", None), ("certificate", "der", ""), ("certificate", "sha256", "00"), ("run", "v", 2), ("run", "type", None),
]
for seed, record in seeds.items():
    good, said = reader_takes(record)
    if not good or list(validator.iter_errors(record)):
        fail("%s: the reader says %s" % (seed, said))
for seed, member, value in wrong:
    record = copy.deepcopy(seeds[seed])
    inside = record
    *path, last = member.split(".")
    for part in path:
        inside = inside[part]
    if value is None:
        del inside[last]
    else:
        inside[last] = value
    good, said = reader_takes(record)
    if good:
        fail("the reader takes %s with %s = %r" % (seed, member, value))
    if not list(validator.iter_errors(record)):
        fail("the schema takes %s with %s = %r" % (seed, member, value))
print("ok %d good and %d wrong records, judged alike by schema and reader" % (len(seeds), len(wrong)))
