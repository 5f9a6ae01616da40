#!/usr/bin/python3
"""The unit of certmuster-watch lets it make every system call that it makes, those with which it gives up its rights among them, and the rights that it
needs are in its bounding set: in a namespace of its own, under strace(1), delivering nothing. The release build. Needs root."""
# profile: release
import os
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from netns_tools import *

UNIT = open(TOP + "/contrib/systemd/certmuster-watch.service", encoding="utf-8").read()


def sets():
    """Names in systemd's sets of system calls, the sets in them resolved."""
    out, current = {}, None
    for line in subprocess.run(["systemd-analyze", "syscall-filter"], check=True, capture_output=True, text=True).stdout.splitlines():
        if line.startswith("@"):
            current = out.setdefault(line.strip(), [])
        elif current is not None and re.match(r" +[@a-z]", line):
            current.append(line.strip())
    return out


def resolve(names, known):
    return {call for name in names for call in (resolve(known[name], known) if name.startswith("@") else [name])}


def test_calls():
    """what strace sees from the first call to the last is allowed, by both ways of reading packets"""
    allowed = resolve(re.search(r"^SystemCallFilter=(.*)$", UNIT, re.M)[1].split(), sets())
    holds("the set was read", {"read", "setresuid"} <= allowed and "ptrace" not in allowed, len(allowed))
    capabilities = re.search(r"^CapabilityBoundingSet=(.*)$", UNIT, re.M)[1].lower().replace(" ", ",+")
    near, far = Namespace(), Namespace()
    connect(near, far)
    trace = work + "/trace"
    open(trace, "w", encoding="utf-8").close()
    process = near.start("strace", "-f", "-qq", "-o", trace, "setpriv", "--bounding-set", "-all,+" + capabilities.replace("cap_", ""), "--no-new-privs",
                         BIN + "/certmuster-watch", "--json", "--no-submit", "-i", "veth0", "--workers", "2", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_until("threads", lambda: process.poll() is not None or open(trace, encoding="utf-8").read().count("CLONE_THREAD") >= 2)
    children = open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii").read().split()
    os.kill(int(children[0]), signal.SIGTERM)
    equal("status", 143, process.wait(60))
    holds("it captured", "0 dropped by the kernel" in process.stderr.read())
    text = open(trace, encoding="utf-8").read()
    subprocess.run(["strace", "-f", "-qq", "-o", trace, BIN + "/certmuster-watch", "--no-submit", "-r", TOP + "/tests/data/fuzz/fuzz_capture_file/pcap"], check=False, capture_output=True)
    calls = set(re.findall(r"^\d+ +([a-z0-9_]+)\(", text + open(trace, encoding="utf-8").read(), re.M))
    holds("calls were seen", {"setresuid", "seccomp", "setsockopt"} <= calls, calls)
    equal("calls that the unit refuses", set(), calls - allowed)


for tool in ("strace", "systemd-analyze"):
    if not shutil.which(tool):
        skip(tool + " is not installed")
main(test_calls)
