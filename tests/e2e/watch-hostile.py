#!/usr/bin/python3
# profile: release
# certmuster-watch and captures that mean no good (certmuster-fleet attack): floods of half-open connections and lone hellos, overlapping segments, 16 MiB handshakes,
# endless records, fragments, deep tunnels, DTLS, QUIC and EAP by halves, hostile names. Of each: the hundred honest handshakes among them are told, whole and
# once; memory stays below the stated ceiling, by the peak of the release build; CPU time grows as they do; records keep to the schema.
import json
import os
import re
import subprocess
import sys
import tempfile

import jsonschema

from common import equal, holds

TOP, BIN, FLEET = os.environ["CM_TOP"], os.environ["CM_BIN"], os.environ["CM_FLEET"]
work = tempfile.mkdtemp(dir=os.environ.get("TMPDIR"))
os.environ["CERTMUSTER_HOME"] = work + "/no-home"
schema = jsonschema.Draft202012Validator(json.load(open(TOP + "/contrib/schema/record-v1.schema.json", encoding="utf-8")))
HONEST = 100
SCHEMA_CHECKS = 120  # records of a run that are held against the schema; it is slow
DEFAULT_MIB = 256
PARTS, SLOPE = 8, 3  # an eighth of an attack is run as well: the whole may cost three times eight of that, not the square of eight
PARTS_OF = {"holes": 2}  # of which a segment costs the more the more are kept, until no more are: at 400,000
# attack, how often it strikes, --memory
RUNS = [
    ("half-open", 10_000_000, None), ("half-open", 500_000, 64), ("tiny", 1_000_000, None), ("tiny", 400_000, 64), ("lone-hello", 500_000, None), ("lone-hello", 300_000, 64),
    ("overlaps", 300_000, None), ("holes", 1_000_000, None), ("hoards", 300_000, 64), ("announced", 300_000, None), ("large", 20_000, None), ("large", 10_000, 64),
    ("endless", 10_000, None), ("fragments", 500_000, 64), ("tunnels", 30_000, None), ("dtls", 300_000, None), ("quic", 60_000, None), ("eap", 60_000, 64), ("names", 30_000, None),
]


def watch(attack, count, *more):
    """Records as bytes, CPU seconds and peak KiB of certmuster-watch on that attack, which it reads off a pipe."""
    out, err = work + "/out", work + "/err"
    with open(out, "wb") as out_file, open(err, "wb") as err_file:
        fleet = subprocess.Popen([FLEET, "attack", "--attack", attack, "--count", str(count)], stdout=subprocess.PIPE)
        program = subprocess.Popen([BIN + "/certmuster-watch", "--no-submit", *more, "-r", "-"], stdin=fleet.stdout,
                                   stdout=out_file, stderr=err_file)
        fleet.stdout.close()
        _, status, usage = os.wait4(program.pid, 0)
        program.returncode = os.waitstatus_to_exitcode(status)
        equal("the attack was written to its end", 0, fleet.wait(timeout=60))
    with open(out, "rb") as file:
        written = file.read()
    with open(err, encoding="utf-8", errors="replace") as file:
        said = file.read()
    equal(f"{attack}: exit status ({said})", 0, program.returncode)
    return written, usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def check_records(attack, written):
    lines = written.splitlines()
    records = [json.loads(line) for line in lines]
    for record in records[:SCHEMA_CHECKS] + records[-1:]:
        wrong = next(schema.iter_errors(record), None)
        holds("the schema", wrong is None, wrong and wrong.message, record)
    honest = [r for r in records if r["type"] == "sighting" and r["endpoint"]["name"].startswith("honest-")]
    equal(f"{attack}: honest handshakes told", {f"honest-{i}.example" for i in range(HONEST)},
          {r["endpoint"]["name"] for r in honest})
    equal(f"{attack}: each once", HONEST, len(honest))
    for record in honest:
        number = int(record["endpoint"]["name"].split(".")[0].split("-")[1])
        equal("its place", (f"198.18.0.{number}", 443), (record["endpoint"]["ip"], record["endpoint"]["port"]))
        equal("its chain", (2, "server"), (len(record["chain"]), record["role"]))
    told = {r["sha256"] for r in records if r["type"] == "certificate"}
    equal("certificates of honest chains", set(), {c for r in honest for c in r["chain"]} - told)
    if attack != "names":
        equal(f"{attack}: nothing else is told", HONEST, sum(r["type"] in ("sighting", "endpoint") for r in records))
    return records


def check_names(records, written):
    holds("no control character gets out raw", not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", written))
    names = {r["endpoint"]["name"] for r in records if r["type"] == "sighting"}
    holds("names are host names or nothing", all(re.fullmatch(r"[a-z0-9._-]*", name) for name in names))
    holds("harmless names are told", sum(name.startswith("many-") for name in names) > 5000, len(names))
    table, _, _ = watch("names", 2000)
    table.decode("utf-8")
    holds("a table for people holds no control character either", not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", table))
    holds("and the honest", b"honest-7.example" in table)


for attack, count, memory in RUNS:
    more = ["--memory", str(memory)] if memory else []
    parts = PARTS_OF.get(attack, PARTS)
    _, least, _ = watch(attack, count // parts, "--json", *more)
    written, cpu, peak = watch(attack, count, "--json", *more)
    records = check_records(attack, written)
    ceiling = (memory or DEFAULT_MIB) * 1024
    print(f"--- {attack:<10} {count:>9} times: {cpu:5.1f} s of CPU, {cpu / least:4.1f} x that of 1/{parts}, {peak / 1024:4.0f} MiB of {ceiling // 1024}", flush=True)
    holds(f"{attack}: memory", peak <= ceiling, peak, ceiling)
    holds(f"{attack}: CPU", cpu <= 1 + SLOPE * parts * least, cpu, least)
    if attack == "names":
        check_names(records, written)
print("honest handshakes among hostile packets: all told", file=sys.stderr)
