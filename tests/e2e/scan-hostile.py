#!/usr/bin/python3
# certmuster-scan and the odd servers of `certmuster-fleet odd`: every row ends as its manifest says; hundreds of them at once, floods
# included, take nothing from honest targets, neither time nor results, and memory stays below a ceiling that is computed here.
import collections
import datetime
import fnmatch
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scan_tools import *  # noqa: E402,F403

TIMEOUT = 5  # seconds for a target: what ends silent and dripping rows
LONG = 8  # the same where hundreds of servers share this host with what they serve
QUICK = 2.0  # certificates that are there before a server falls silent are told this soon, on a loaded machine too
Row = collections.namedtuple("Row", "name ip port leaf chain expect sni detail told attempts kind known")


class OddFleet:
    """certmuster-fleet odd: its rows, count times over. program: of which build."""

    def __init__(self, count=1, base="127.81.0.1", program=FLEET):
        directory = work + "/odd"
        self.process = subprocess.Popen([program, "odd", "--dir", directory, "--count", str(count), "--base", base],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(self.process)
        line = self.process.stdout.readline()
        holds("the fleet is ready", line.startswith("ready "), line)
        self.port = int(line.split()[1])
        with open(directory + "/MANIFEST.tsv", encoding="utf-8") as lines:
            self.rows = [Row(*line.rstrip("\n").split("\t")) for line in lines]
        self.names = work + "/names"
        with open(self.names, "w", encoding="ascii") as out:
            out.writelines(f"{row.ip} {row.known}\n" for row in self.rows if row.known != "-")

    def stop(self):
        self.process.terminate()
        _, err = self.process.communicate(timeout=60)
        started.remove(self.process)
        equal("the fleet ends well: " + err, 0, self.process.returncode)


def target(row):
    return (row.sni + "@" if row.sni != "-" else "") + f"{row.ip}:{row.port}\n"


def of_tls(record, member):
    """A member of tls as the manifest writes it."""
    value = record.get("tls", {}).get(member)
    if member == "staple":
        return value and value["status"]
    if member == "client_ca":
        return str(len(value or []))
    return str(value)


def wrong_with(row, record, prove):
    """What is not as the row says; empty when all is."""
    wrong = []
    def compare(what, expected, actual):
        if expected != actual:
            wrong.append(f"{what}: expected {expected!r}, got {actual!r}")
    ok = row.expect == "ok"
    if ok:
        compare("type", "sighting", record["type"])
        compare("chain", row.chain.split(","), record.get("chain"))
    elif record.get("error") not in row.expect.split("|"):
        compare("error", row.expect, record.get("error"))
    elif row.detail != "-" and not fnmatch.fnmatchcase(record.get("detail", ""), row.detail):
        compare("detail", row.detail, record.get("detail"))
    for member, value in (pair.split("=", 1) for pair in row.told.split(" ") if row.told != "-"):
        if member != "proof" or prove:
            compare(member, value, of_tls(record, member))
    tries = [a["what"] for a in record.get("attempts", [])]
    if row.attempts != "*":
        compare("attempts", [] if row.attempts == "-" else row.attempts.split(","), tries)
    if len(tries) > 3:
        wrong.append(f"more than three further attempts: {tries}")
    name = row.sni if row.sni != "-" else row.known.split()[-1] if row.known != "-" and ok else ""
    compare("name", name, record["endpoint"]["name"])
    return [f"{row.name} ({row.ip}): {text}: {record}" for text in wrong]


def compare_all(rows, run, prove=False):
    by_ip = {record["endpoint"]["ip"]: record for record in run.probes}
    equal("probes", len(rows), len(run.probes))
    wrong = [text for row in rows for text in wrong_with(row, by_ip[row.ip], prove)]
    for text in wrong:
        print(text)
    equal("rows that did not end as the manifest says", 0, len(wrong))
    return by_ip


def at(record):
    """Seconds since the epoch of a record's RFC 3339 time."""
    return datetime.datetime.fromisoformat(record["at"].replace("Z", "+00:00")).timestamp()


def scan_rows(fleet, rows, *args):
    return scan("--timeout", str(TIMEOUT), "--starttls", "none", "--names", fleet.names, *args, "-", stdin="".join(map(target, rows)))


def every_row():
    """every odd server ends as its row of the manifest says, at its deadline at the latest"""
    fleet = OddFleet()
    run = scan_rows(fleet, fleet.rows)
    by_ip = compare_all(fleet.rows, run)
    began = min(at(record) for record in run.records if record["type"] == "run")
    for row in fleet.rows:
        record = by_ip[row.ip]
        told = at(record) - began
        holds(row.name + " is told when it is over", (told > TIMEOUT - 0.1) == (row.kind == "slow"), told, record)
        if row.name.startswith("certificate-then-"):
            holds(row.name + " is told at once", record["ms"]["handshake"] < QUICK * 1000, record)
        if record["type"] == "sighting":
            holds(row.name + ": JA3S", ("ja3s" in record["tls"]) == (record["tls"]["version"] != "SSLv2"), record)
    holds("one deadline for all", TIMEOUT - 0.1 <= run.seconds < TIMEOUT + 10, run.seconds)
    slowest = max((at(by_ip[row.ip]) - began, row.name) for row in fleet.rows if row.kind != "slow")
    print(f"{len(fleet.rows)} rows in {run.seconds:.1f} s, those that are over before the deadline in {slowest[0]:.1f} s ({slowest[1]})")
    fleet.stop()


def proofs():
    """--prove tells keys that are there from keys that are not, and takes no certificate away"""
    fleet = OddFleet()
    rows = [row for row in fleet.rows if row.expect == "ok"]
    by_ip = compare_all(rows, scan_rows(fleet, rows, "--prove"), prove=True)
    told = collections.Counter(by_ip[row.ip]["tls"].get("proof") for row in rows)
    print(dict(told))
    equal("good, bad or unavailable, always", {"good", "bad", "unavailable"}, set(told))
    for row in rows:
        proof, cipher = by_ip[row.ip]["tls"]["proof"], by_ip[row.ip]["tls"].get("cipher", "")
        equal(row.name + " is bad", row.name.startswith("false-key-"), proof == "bad")
        if row.name.startswith(("tls1", "retry-", "real-", "client-certificate-", "suite-r", "suite-e", "suite-d")):  # OpenSSL signs with the leaf's key
            equal(row.name, "unavailable" if cipher.startswith("TLS_RSA_") else "good", proof)
    fleet.stop()


def found_out():
    """--starttls auto guesses other protocols on ports that it does not know, and loses no certificate over it"""
    fleet = OddFleet()
    rows = [row for row in fleet.rows if row.expect == "ok" or row.name.endswith("-unasked")]
    run = scan("--timeout", str(LONG), "--starttls", "auto", "--names", fleet.names, "-", stdin="".join(map(target, rows)))
    by_ip = {record["endpoint"]["ip"]: record for record in run.probes}
    lost = [(row.name, by_ip[row.ip]) for row in rows if row.expect == "ok" and by_ip[row.ip].get("chain") != row.chain.split(",")]
    holds(f"{len(lost)} lost", not lost, lost[:2])
    equal("no TLS", {}, {row.name: by_ip[row.ip] for row in rows if by_ip[row.ip].get("error") == "not_tls"})
    print(f"{len(rows)} rows in {run.seconds:.1f} s")
    fleet.stop()


def flight_limit():
    """--flight-limit is kept, named when it is hit, and can be raised"""
    fleet = OddFleet()
    rows = {row.name: row for row in fleet.rows}
    for version in ("tls12", "tls13"):
        short, long, huge = (rows[f"chain-{size}-{version}"] for size in ("82k", "164k", "over-1m"))
        run = scan_rows(fleet, [short, long], "--flight-limit", "120KiB")
        equal("the short chain", [short.ip], [r["endpoint"]["ip"] for r in run.sightings])
        failure = run.failures[0]
        equal("the long one", (long.ip, "too_large"), (failure["endpoint"]["ip"], failure["error"]))
        holds("names the limit", "122880" in failure["detail"] and "--flight-limit" in failure["detail"], failure["detail"])
        run = scan_rows(fleet, [huge], "--flight-limit", "2MiB")
        equal("a raised limit: " + str(errors(run)), 1, len(run.sightings))
        equal("certificates", 100, len(run.sightings[0]["chain"]))
    fleet.stop()


def time_waits(port, at_server):
    """How many sockets are in TIME_WAIT of connections to that port: on our side, or on the server's too."""
    count = 0
    with open("/proc/net/tcp", encoding="ascii") as lines:
        for line in list(lines)[1:]:
            local, remote, state = line.split()[1:4]
            count += state == "06" and (remote.endswith(f":{port:04X}") or (at_server and local.endswith(f":{port:04X}")))
    return count


def farewells():
    """nothing stays in TIME_WAIT; --polite leaves an alert at the server, which closes first and so has the TIME_WAIT if anybody has"""
    fleet = OddFleet()
    rows = [row for row in fleet.rows if row.kind == "-" and row.name.startswith(("tls1", "canned-", "alert-", "greets-", "close-", "hello-then-c"))]
    for polite in ([], ["--polite"]):
        compare_all(rows, scan_rows(fleet, rows, *polite))
        equal(f"in TIME_WAIT {polite}", 0, time_waits(fleet.port, not polite))
    fleet.stop()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=polite.example",
                    "-keyout", work + "/polite.key", "-out", work + "/polite.pem", "-days", "9"], check=True, capture_output=True)
    for version in ("-tls1", "-tls1_2", "-tls1_3"):
        for polite in ([], ["--polite"]):
            log = open(f"{work}/s_server{version}{len(polite)}", "w+", encoding="utf-8", errors="replace")
            server = subprocess.Popen(["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", work + "/polite.pem", "-key",
                                       work + "/polite.key", "-msg", "-naccept", "1", "-cipher", "ALL:@SECLEVEL=0", version],
                                      stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT)
            started.append(server)
            said = lambda: open(log.name, encoding="utf-8", errors="replace").read()  # noqa: E731,B023
            wait_until("s_server", lambda: "ACCEPT 127.0.0.1:" in said())
            port = int(said().split("ACCEPT 127.0.0.1:")[1].split()[0])
            run = scan(f"127.0.0.1:{port}", *polite)
            equal(f"{version} {polite}: {errors(run)}", 1, len(run.sightings))
            server.wait(30)
            started.remove(server)
            alert = "Alert" in "".join(line for line in said().splitlines() if line.startswith("<<<"))
            holds(f"{version} {polite}: an alert at the server", alert == bool(polite), said()[-1500:])
            equal(f"in TIME_WAIT {version} {polite}", 0, time_waits(port, not polite))
            log.close()


def behind_starttls():
    """what floods or falls silent where a STARTTLS dialogue was expected is bounded too"""
    fleet = OddFleet()
    rows = {row.name: row for row in fleet.rows}
    for name, wanted in (("flood-smtp-greeting", ["too_large"]), ("flood-noise", ["protocol", "too_large"]), ("silent", ["timeout"]),
                         ("close-at-once", ["closed"])):
        run = scan("--timeout", "1", "--starttls", "smtp", target(rows[name]).strip())
        failure = run.failure()
        holds(name, failure["stage"] == "starttls" and failure["error"] in wanted, failure)
        holds(f"{name} in time", run.seconds < 10, run.seconds)
    fleet.stop()


def honest_among_hostile():
    """hundreds of hostile targets run to their deadline; honest ones among them are complete, and told before that"""
    fleet, each = OddFleet(count=8), 400
    honest = subprocess.Popen([FLEET, "many", "--dir", work + "/honest", "--count", str(each), "--base", "127.141.0.1"],
                              stdout=subprocess.PIPE, text=True)
    started.append(honest)
    port = int(honest.stdout.readline().split()[1])
    with open(work + "/honest/MANIFEST.tsv", encoding="utf-8") as lines:
        chains = {line.split("\t")[1]: line.split("\t")[4].split(",") for line in lines}
    hostile = [row for row in fleet.rows if row.kind != "-" or row.expect != "ok"]
    # The hostile ones first and in between: whoever comes late must not suffer from those that are there.
    bad, good = list(map(target, hostile)), [f"{ip}:{port}\n" for ip in chains]
    mixed = bad[:len(bad) // 2]
    for i, line in enumerate(bad[len(bad) // 2:]):
        mixed += good[i * len(good) // (len(bad) - len(bad) // 2):(i + 1) * len(good) // (len(bad) - len(bad) // 2)] + [line]
    equal("all targets", len(bad) + len(good), len(mixed))
    for threads in ("1", "2"):
        run = scan("--timeout", str(LONG), "--starttls", "none", "--names", fleet.names, "--threads", threads, "-", stdin="".join(mixed))
        by_ip = {record["endpoint"]["ip"]: record for record in run.probes}
        equal("probes", len(mixed), len(run.probes))
        lost = [by_ip[ip] for ip in chains if by_ip[ip].get("chain") != chains[ip]]
        holds(f"{len(lost)} honest ones did not tell their chains", not lost, lost[:2])
        began = min(at(record) for record in run.records if record["type"] == "run")
        latest = max(at(by_ip[ip]) for ip in chains) - began
        slowest = max(by_ip[ip]["ms"]["handshake"] for ip in chains)
        print(f"--threads {threads}: {len(hostile)} hostile, {len(chains)} honest: {run.seconds:.1f} s; the last honest one after "
              f"{latest:.2f} s, the slowest took {slowest} ms; {errors(run)}")
        holds("honest ones are told before the hostile ones' deadline", latest < LONG, latest)
        holds("the hostile ones do not outstay it", run.seconds < LONG + 10, run.seconds)
        slow = {row.ip for row in hostile if row.kind == "slow"}
        early = [by_ip[ip] for ip in slow if at(by_ip[ip]) - began < LONG - 0.1]
        holds("slow ones end at their deadline, not before", not early, early[:1])
        wrong = [text for row in hostile for text in wrong_with(row, by_ip[row.ip], False)]
        holds("the hostile ones end as ever", not wrong, wrong[:3])
    fleet.stop()
    honest.terminate()
    honest.wait(30)
    started.remove(honest)


def peak_kib(fleet, rows, *args):
    """Peak RSS of the release build over these rows, and how their probes ended."""
    listed = work + "/memory-targets"
    with open(listed, "w", encoding="ascii") as out:
        out.writelines(map(target, rows))
    process = subprocess.Popen([os.environ["CM_RELEASE"] + "/certmuster-scan", "--json", "--timeout", str(TIMEOUT), "--starttls", "none", *args,
                                "-f", listed], stdout=open(work + "/memory-records", "w"), stderr=subprocess.DEVNULL)
    started.append(process)
    peak = 0  # VmHWM only grows; ru_maxrss would count this interpreter, from before the exec
    while process.poll() is None:
        try:
            with open(f"/proc/{process.pid}/status", encoding="ascii") as lines:
                peak = max([peak] + [int(line.split()[1]) for line in lines if line.startswith("VmHWM")])
        except OSError:
            break
        time.sleep(0.005)
    equal("exit", 0, process.wait(60))
    started.remove(process)
    ends = collections.Counter()
    with open(work + "/memory-records", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            ends[record.get("error", "ok")] += record["type"] in ("sighting", "failure")
    equal("all told", len(rows), sum(ends.values()))
    return peak, {end: count for end, count in ends.items() if count}


def memory():
    """memory has a ceiling: what one connection may hold, times the connections, whatever is sent"""
    if not os.access(os.environ["CM_RELEASE"] + "/certmuster-scan", os.X_OK):
        return print("left out: no release build")
    fleet = OddFleet(count=320, program=os.environ["CM_RELEASE"] + "/tests/fleet/certmuster-fleet")
    by_name = collections.defaultdict(list)
    for row in fleet.rows:
        by_name[row.name].append(row)
    floods = [name for name, rows in by_name.items() if rows[0].kind == "flood"]
    base, _ = peak_kib(fleet, by_name["tls13-only"][:1])
    # What is not kept costs a record that has not ended (16 KiB, 32 while it grows) and a few KiB; what is, the limit besides.
    many = [row for name in floods for row in by_name[name][:320 // len(floods) + 1]]
    peak, ends = peak_kib(fleet, many)
    ceiling = base + len(many) * 40 + sum(row.name.startswith("flood-certificate-1m") for row in many) * 1024
    print(f"base {base} KiB; {len(many)} floods: {peak} KiB, ceiling {ceiling} KiB; {ends}")
    holds("floods", peak <= ceiling, peak, ceiling)
    # A message that is announced within the limit and never ends is held as far as it came.
    for limit, held in (("1MiB", 1024), ("64KiB", 64)):
        rows = by_name["hold-almost-1m"][:300]
        peak, ends = peak_kib(fleet, rows, "--flight-limit", limit)
        ceiling = base + len(rows) * (held + 40)
        print(f"{len(rows)} that hold almost a megabyte, --flight-limit {limit}: {peak} KiB, ceiling {ceiling} KiB; {ends}")
        holds("held messages", peak <= ceiling, peak, ceiling)
        equal("ended by", {"timeout": 300} if held == 1024 else {"too_large": 300}, ends)
    fleet.stop()


main(every_row, proofs, found_out, flight_limit, farewells, behind_starttls, honest_among_hostile, memory)
