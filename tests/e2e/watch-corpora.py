#!/usr/bin/python3
# certmuster-watch and real captures: every certificate that is expected is told, with its role, server, name and place in the chain, and nothing else is.
#
# The captures and what is expected of them are not ours and not committed: without them this test is skipped. EXPECTED.tsv is what tshark sees in clear; EXPECTED_EXTRA.tsv
# what it misses. Transport eap and OpenVPN are more than was asked for: they are counted, and may be found.
import collections
import ipaddress
import json
import os
import subprocess
import sys

top = os.environ.get("CM_TOP", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
shared = os.environ.get("CM_SHARED", os.path.join(top, "..", "shared"))
watch = os.path.join(os.environ.get("CM_BIN", os.path.join(top, "build", "asan")), "certmuster-watch")
corpus = os.path.join(shared, "corpora", "pcap")
if not os.path.exists(os.path.join(corpus, "EXPECTED.tsv")):
    print("the captures are not here: " + corpus)
    sys.exit(77)
os.environ["CERTMUSTER_HOME"] = os.path.join(os.environ.get("TMPDIR", "/tmp"), "no-home")

Expected = collections.namedtuple("Expected", "sha256 role server sni transport positions")
# Full chains where tshark, which does not verify checksums, follows a segment of garbage.
GARBAGE_FIRST = "derived/mtls-badchecksum-garbage-first.pcap"


def rows(name):
    with open(os.path.join(corpus, name), encoding="utf-8") as file:
        for line in file:
            if not line.startswith("#"):
                yield line.rstrip("\n").split("\t")


def expectations():
    """file → what must be told; file → fingerprints that may be told besides"""
    must, may = collections.defaultdict(list), collections.defaultdict(set)
    for name, sha256, role, server, sni, transport, positions, *_ in rows("EXPECTED.tsv"):
        row = Expected(sha256, role, server, sni, transport, {int(p) for p in positions.split(",")})
        if transport == "eap" or "openvpn" in name or "opvn" in name:
            may[name].add(sha256)
        else:
            must[name].append(row)
    for name, sha256, _, _, why in rows("EXPECTED_EXTRA.tsv"):
        if why.startswith("OPTIONAL"):
            may[name].add(sha256)
        else:
            must[name].append(Expected(sha256, None, None, None, "tcp", None))
    base = {(row.sha256, row.role): row for row in must["derived/mtls-base.pcap"]}
    known = {(row.sha256, row.role) for row in must[GARBAGE_FIRST]}
    must[GARBAGE_FIRST] += [row for key, row in base.items() if key not in known]
    return must, may


def place(endpoint):
    ip = ipaddress.ip_address(endpoint["ip"])
    return f"[{ip}]:{endpoint['port']}" if ip.version == 6 else f"{ip}:{endpoint['port']}"


def told(path):
    """(sha256, role, server, name, position) of every certificate of every sighting; exit status; lines on stderr"""
    run = subprocess.run([watch, "--json", "--no-submit", "-q", "-r", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300, check=False)
    seen = []
    for line in run.stdout.splitlines():
        record = json.loads(line)
        if record["type"] != "sighting":
            continue
        server = record["peer"] if record["role"] == "client" else record["endpoint"]
        for position, sha256 in enumerate(record["chain"]):
            seen.append((sha256, record["role"], place(server) if "ip" in server else ":", server["name"], position))
    return seen, run.returncode, run.stderr


def fits(row, seen):
    """Which of what was told is this row? An SNI that tshark gives for one stream stands for all that have the certificate."""
    return [s for s in seen if s[0] == row.sha256 and (row.role is None or (s[1] == row.role and s[2] == row.server and s[4] in row.positions))]


def name_fits(row, found):
    if row.sni in (None, "-", ""):
        return True
    wanted = {name.lower().rstrip(".") for name in row.sni.split(",")}
    return bool({s[3] for s in found} & wanted)


must, may = expectations()
files = sorted(os.path.relpath(os.path.join(folder, name), corpus) for folder, _, names in os.walk(corpus) for name in names
               if ".pcap" in name)
sums, problems = collections.Counter(), 0
for name in files:
    seen, status, errors = told(os.path.join(corpus, name))
    found = [row for row in must[name] if fits(row, seen)]
    missing = [row for row in must[name] if row not in found]
    misnamed = [row for row in found if not name_fits(row, fits(row, seen))]
    known = {row.sha256 for row in must[name]} | may[name]
    surplus = {s[0] for s in seen} - known if "openvpn" not in name else set() # no list says what is in there
    bonus = {s[0] for s in seen} & (may[name] - {row.sha256 for row in must[name]})
    sums.update(found=len(found), missing=len(missing), misnamed=len(misnamed), surplus=len(surplus), bonus=len(bonus))
    damaged = name.startswith("malformed/")
    if must[name] or surplus or bonus:
        print(f"{name}: found {len(found)}, missing {len(missing)}, misnamed {len(misnamed)}, surplus {len(surplus)}, bonus {len(bonus)}")
    for what, row in [("missing", r) for r in missing] + [("misnamed", r) for r in misnamed]:
        print(f"  {what}: {row}; told: {[s for s in seen if s[0] == row.sha256]}")
    for sha256 in surplus:
        print(f"  surplus: {[s for s in seen if s[0] == sha256]}")
    if status not in ((0, 1) if damaged else (0,)) or (status == 1) != (len(errors.strip().splitlines()) == 1):
        print(f"  exit status {status}, stderr: {errors}")
        problems += 1
print(f"{len(files)} captures: found {sums['found']}, missing {sums['missing']}, misnamed {sums['misnamed']}, surplus {sums['surplus']}, "
      f"beyond what was asked {sums['bonus']}")
if sums["missing"] or sums["misnamed"] or sums["surplus"] or problems or not sums["found"]:
    sys.exit(1)
