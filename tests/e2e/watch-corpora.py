#!/usr/bin/python3
# certmuster-watch and real captures: every certificate that is expected is told, with its role, server, name and place in the chain, and nothing else is.
#
# The captures and what is expected of them (watch_corpus.py) are not ours and not committed: without them this test is skipped.
import base64
import collections
import hashlib
import ipaddress
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import watch_corpus  # pylint: disable=wrong-import-position

top = os.environ.get("CM_TOP", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
watch = os.path.join(os.environ.get("CM_BIN", os.path.join(top, "build", "asan")), "certmuster-watch")
corpus = watch_corpus.folder()
if not corpus:
    print("the captures are not here: set CM_SHARED")
    sys.exit(77)
os.environ["CERTMUSTER_HOME"] = os.path.join(os.environ.get("TMPDIR", "/tmp"), "no-home")


def place(endpoint):
    ip = ipaddress.ip_address(endpoint["ip"])
    return f"[{ip}]:{endpoint['port']}" if ip.version == 6 else f"{ip}:{endpoint['port']}"


def told(path):
    """(sha256, role, server, name, position) of every certificate of every sighting; exit status; lines on stderr. Each certificate is there as a whole, once, before
    its first sighting; None in the place of its fingerprint: it is not."""
    run = subprocess.run([watch, "--json", "--no-submit", "-q", "-r", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300, check=False)
    seen, whole = [], collections.Counter()
    for line in run.stdout.splitlines():
        record = json.loads(line)
        if record["type"] == "certificate":
            whole[hashlib.sha256(base64.b64decode(record["der"])).hexdigest()] += 1
        if record["type"] != "sighting":
            continue
        server = record["peer"] if record["role"] == "client" else record["endpoint"]
        for position, sha256 in enumerate(record["chain"]):
            seen.append((sha256 if whole[sha256] == 1 else None, record["role"], place(server) if "ip" in server else ":", server["name"], position))
    return seen, run.returncode, run.stderr


def fits(row, seen):
    """Which of what was told is this row? An SNI that tshark gives for one stream stands for all that have the certificate."""
    return [s for s in seen if s[0] == row.sha256 and (row.role is None or (s[1] == row.role and s[2] == row.server and s[4] in row.positions))]


def is_known(one, rows):
    """Is what was told expected just so: at this place, in this role? Where no name is expected, none is told."""
    fitting = [row for row in rows if one in fits(row, [one]) and (row.ends is None or one[2] in row.ends)]
    return any(row.sni != "-" or not one[3] for row in fitting) or (one[2] in watch_corpus.UNSEEN and any(row.sha256 == one[0] for row in rows))


def name_fits(row, found):
    if row.sni in (None, "-", ""):
        return True
    wanted = {name.lower().rstrip(".") for name in row.sni.split(",")}
    return bool({s[3] for s in found} & wanted)


must, may = watch_corpus.expectations()
files = watch_corpus.captures()
sums, problems = collections.Counter(), 0
for name in files:
    seen, status, errors = told(os.path.join(corpus, name))
    found = [row for row in must[name] if fits(row, seen)]
    missing = [row for row in must[name] if row not in found]
    misnamed = [row for row in found if not name_fits(row, fits(row, seen))]
    surplus = {s for s in seen if s[0] not in may[name] and not is_known(s, must[name])} if "openvpn" not in name else set()  # no list says what is in there
    bonus = {s[0] for s in seen} & (may[name] - {row.sha256 for row in must[name]})
    sums.update(found=len(found), missing=len(missing), misnamed=len(misnamed), surplus=len(surplus), bonus=len(bonus))
    damaged = name.startswith("malformed/")
    if must[name] or surplus or bonus:
        print(f"{name}: found {len(found)}, missing {len(missing)}, misnamed {len(misnamed)}, surplus {len(surplus)}, bonus {len(bonus)}")
    for what, row in [("missing", r) for r in missing] + [("misnamed", r) for r in misnamed]:
        print(f"  {what}: {row}; told: {[s for s in seen if s[0] == row.sha256]}")
    for one in surplus:
        print(f"  surplus: {one}")
    if status not in ((0, 1) if damaged else (0,)) or (status == 1) != (len(errors.strip().splitlines()) == 1):
        print(f"  exit status {status}, stderr: {errors}")
        problems += 1
print(f"{len(files)} captures: found {sums['found']}, missing {sums['missing']}, misnamed {sums['misnamed']}, surplus {sums['surplus']}, "
      f"beyond what was asked {sums['bonus']}")
if sums["missing"] or sums["misnamed"] or sums["surplus"] or problems or not sums["found"]:
    sys.exit(1)
