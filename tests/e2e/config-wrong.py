#!/usr/bin/python3
"""A configuration that is wrong ends every program in the same way: one line that names it, and exit status 3. Wrong use is another thing."""
import os, pty, subprocess, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from common import equal, holds

work = os.environ["TMPDIR"]
os.environ["CERTMUSTER_HOME"] = f"{work}/home"
SCANNERS = {"scan": ["127.0.0.1:1"], "crawl": ["/etc/hostname"], "watch": ["-i", "lo"], "submit": []}
READERS = {"report": ["expiring"], "browse": [], "collectd": ["--socket", f"{work}/socket"]}
VERBS = ["up", "down", "status", "migrate", "config", "owner list", "alert list", "run list", "scanner list", "scanner enrol x", "sweep list", "audit list"]
CTL = {verb: verb.split() for verb in VERBS if verb != "down"}  # which asks the home alone
UNREACHED = [v for v in CTL if v not in ("up", "status", "config")]


def ends(program, args, env=None):
    """Exit status and what it says; on a terminal, for browse looks for one first."""
    master, slave = pty.openpty()
    try:
        done = subprocess.run([f"{os.environ['CM_BIN']}/certmuster-{program}", *args], stdin=slave, stdout=slave, stderr=subprocess.PIPE, text=True, timeout=60, env={**os.environ, "TERM": "vt100", **(env or {})})
        return done.returncode, done.stderr
    finally:
        os.close(master)
        os.close(slave)


def everyone():
    for program, args in {**SCANNERS, **READERS}.items():
        yield program, program, args
    for verb, args in CTL.items():
        yield f"ctl {verb}", "ctl", args


def refused(what, program, args, text, env=None):
    status, said = ends(program, args, env)
    equal(f"{what}: {said}", (3, True, 1), (status, text in said, said.count("\n")))


def main():
    wrong = {"a key": ("spool:\n  dirr: x\n", "wrong.yaml:2: unknown key"), "no YAML": ("a: [b\n", "wrong.yaml:"), "a number": ("gone:\n  after: many\n", "wrong.yaml:2")}
    path = f"{work}/wrong.yaml"
    for why, (text, needle) in wrong.items():
        with open(path, "w") as f:
            f.write(text)
        for what, program, args in everyone():
            refused(f"{what}, {why}", program, [*args, "--config", path], needle)
            refused(f"{what}, {why}, by the environment", program, args, needle, {"CERTMUSTER_CONFIG": path})
    for what, program, args in everyone():
        refused(f"{what}, no such file", program, [*args, "--config", f"{work}/nowhere.yaml"], "nowhere.yaml")
        status, said = ends(program, [*args, "--nonsense", "--config", path])
        equal(f"{what}, wrong use: {said}", (2, True), (status, "unknown flag --nonsense" in said))
    with open(path, "w") as f:
        f.write("collector: {url: 'ftp://nowhere'}\n")
    for program, args in SCANNERS.items():
        refused(f"{program}, no address", program, [*args, "--config", path], "ftp://nowhere")
    with open(path, "w") as f:
        f.write("dsn: no connection string\n")
    for what, program, args in everyone():
        if program in ("report", "browse") or (program == "ctl" and what[4:] in UNREACHED):
            refused(f"{what}, no connection string", program, [*args, "--config", path], "")
    holds("nothing was made", not os.path.exists(f"{work}/home/postgres"), os.listdir(work))


main()
