#!/usr/bin/python3
# profile: release
"""Every allocation, write, fsync, open and rename of emit and the spool fails once, in turn. Whatever happens, what was
acknowledged is in the spool, once, whole; and a run that ended by itself has kept everything."""
import glob, json, os, shutil, subprocess, tempfile, zlib
from common import fail

TOP = os.environ.get("CM_TOP", ".")
RELEASE = os.environ.get("CM_RELEASE", os.path.join(TOP, "build/release"))
TMP = tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/tmp"))
WRAPPED = ["malloc", "calloc", "realloc", "pwrite64", "fsync", "rename", "open64"]
RECORDS = 60


def build():
    driver = os.path.join(TMP, "emit")
    libs = subprocess.run(["pkg-config", "--libs", "openssl", "yaml-0.1", "zlib"], stdout=subprocess.PIPE, check=True).stdout.decode().split()
    subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-D_FILE_OFFSET_BITS=64", "-O1", "-g", "-I" + TOP + "/include", "-o", driver,
                    TOP + "/tests/torture/emit.c", RELEASE + "/libcertmuster.a", *libs, "-lpthread", "-lm"]
                   + ["-Wl,--wrap=" + name for name in WRAPPED], check=True)
    return driver


def kept(spool, rescue):
    """Every record in the spool and in rescue files; damage is a failure of the test."""
    records = []
    for path in sorted(glob.glob(spool + "/*.seg*")):
        data = open(path, "rb").read()
        lines = data.split(b"\n")
        for line in lines[:-1]:  # what follows the last line feed is a torn tail
            if int(line[:8], 16) != zlib.crc32(line[9:]):
                fail("a damaged line in %s: %r" % (path, line))
            records.append(json.loads(line[9:]))
    for path in glob.glob(rescue + "/*.ndjson"):
        records += [json.loads(x) for x in open(path, "rb").read().splitlines()]
    return [r for r in records if r["type"] != "segment"]


def run(driver, what, number):
    spool, rescue = os.path.join(TMP, "spool"), os.path.join(TMP, "rescue")
    for directory in (spool, rescue):
        shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(rescue)
    # The PATH is empty: no submit can start, which is one more thing that may fail.
    done = subprocess.run([driver, spool, what, str(number)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                          env={"PATH": rescue, "TMPDIR": rescue, "HOME": TMP})
    said = [x.split() for x in done.stdout.decode().splitlines()]
    where = "%s %d (exit %d, %s)" % (what, number, done.returncode, done.stderr.decode()[-300:])
    acknowledged = {int(n) for word, n in said if word == "ack"}
    told = acknowledged | {int(n) for word, n in said if word == "held"}
    records = kept(spool, rescue)
    ports = [r["endpoint"]["port"] for r in records if "endpoint" in r]
    certificates = {r["sha256"] for r in records if r["type"] == "certificate"}
    ended = any(word == "closed" for word, _ in said)
    if len(ports) != len(set(ports)):
        fail(where + ": a record stands twice")
    if not acknowledged <= set(ports):
        fail(where + ": acknowledged and lost: %s" % sorted(acknowledged - set(ports)))
    for r in records:
        if r["type"] == "sighting" and not set(r["chain"]) <= certificates:
            fail(where + ": a sighting is kept and its certificate is not")
    if ended:
        if set(ports) != told or len(told) != RECORDS:
            fail(where + ": lost at the end: %s" % sorted(told - set(ports)))
        states = [r["state"] for r in records if r["type"] == "run"]
        if sorted(states) != ["finished", "started"]:
            fail(where + ": run records: %s" % states)
    elif what not in ("memory",) and not any(word == "refused" for word, _ in said):
        fail(where + ": it did not end by itself")
    return next((int(n) for word, n in said if word == "calls"), None), ended


def main():
    driver = build()
    with open(os.path.join(TMP, "spool.yaml"), "w") as out:
        out.write("host: torture.example\nspool: {dir: %s/spool}\nsubmit: {wait: 2s}\n" % TMP)
    for what in ("memory", "write", "short", "sync", "name"):
        calls, ended = run(driver, what, 0)
        if not ended or not calls:
            fail("%s: the undisturbed run does not end" % what)
        survived = sum(run(driver, what, number)[1] for number in range(1, calls + 1))
        print("ok %s: %d calls failed in turn, %d runs went on to their end" % (what, calls, survived), flush=True)
    shutil.rmtree(TMP, ignore_errors=True)


main()
