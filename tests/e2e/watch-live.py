#!/usr/bin/python3
"""certmuster-watch on a veth pair between two network namespaces of its own: real handshakes cross it and are told, by two workers, without any right
that root had; statistics are written, asked for and valid; records reach a collector; a day ends; an interface goes away. Needs root."""
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns_tools
from common import Screen
from netns_tools import *

BOTH = {}
RELEASE = os.environ["CM_RELEASE"]


def certificate(name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "20", "-subj", f"/CN={name}",
                    "-keyout", f"{work}/{name}.key", "-out", f"{work}/{name}.pem"], check=True, capture_output=True)
    der = subprocess.run(["openssl", "x509", "-in", f"{work}/{name}.pem", "-outform", "DER"], check=True, capture_output=True).stdout
    return hashlib.sha256(der).hexdigest()


def prepare():
    """Two namespaces, a veth pair, servers: TLS 1.2 that asks for a client certificate, TLS 1.3, STARTTLS of the fleet."""
    near, far = Namespace(), Namespace()
    connect(near, far)
    BOTH.update(near=near, far=far, server=certificate("server.example"), client=certificate("client.example"))
    for port, *flags in ((4412, "-tls1_2", "-Verify", "1"), (4413, "-tls1_3")):
        far.start("openssl", "s_server", "-accept", str(port), "-cert", f"{work}/server.example.pem", "-key", f"{work}/server.example.key", "-quiet", *flags,
                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(f"port {port}", lambda: serves(near, "10.9.0.2", port))
    fleet = near.start(FLEET, "serve", "--dir", work + "/fleet", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    BOTH["fleet_port"] = int(fleet.stdout.readline().split()[1])


def handshake(*words, client=False, name="server.example"):
    flags = ["-cert", f"{work}/client.example.pem", "-key", f"{work}/client.example.key"] if client else []
    done = subprocess.run(BOTH["near"].command("openssl", "s_client", "-servername", name, *flags, *words), input="Q\n", capture_output=True, text=True, timeout=20)
    return done.stdout


def place(record):
    end = record["endpoint"]
    return end["ip"], end["port"], end["name"]


def told(watch, kind, **wanted):
    def fits(record):
        return all((place(record) if key == "place" else record.get(key)) == value for key, value in wanted.items())
    return [record for record in watch.records(kind) if fits(record)]


def test_handshakes():
    """two workers: TLS 1.2 with a client certificate, TLS 1.3, STARTTLS in two protocols; once each, with counts"""
    watch = Watch(BOTH["near"], "-i", "veth0", "-i", "lo", "--workers", "2", config="watch: {statistics: 1s}\n")
    for _ in range(20):
        handshake("-connect", "10.9.0.2:4412", "-tls1_2", client=True)
    handshake("-connect", "10.9.0.2:4413", "-tls1_3", client=True, name="hidden.example")
    rows = [line.rstrip("\n").split("\t") for line in open(work + "/fleet/MANIFEST.tsv", encoding="utf-8") if not line.startswith("#")]
    starttls = {row[0]: row for row in rows if row[0] in ("starttls-smtp", "starttls-imap")}
    equal("behaviours of the fleet", 2, len(starttls))
    for behaviour, row in starttls.items():
        handshake("-connect", f"{row[1]}:{row[2]}", "-starttls", behaviour.split("-")[1], "-tls1_2", name=row[6] or "mail.example")
    wait_until("all of it to be told", lambda: len(told(watch, "sighting")) >= 4 and told(watch, "endpoint") and watch.records("stats"))
    equal("status", 143, watch.stop())
    watch.validate()
    server = told(watch, "sighting", role="server", place=("10.9.0.2", 4412, "server.example"))
    equal("how the server was told", [[BOTH["server"]]] * 2, [record["chain"] for record in server])
    equal("handshakes with it", 20, sum(record.get("count", 1) for record in server))
    equal("version", {"TLSv1.2"}, {record["tls"]["version"] for record in server})
    clients = told(watch, "sighting", role="client")
    equal("the client", {(("10.9.0.1", 0, ""), BOTH["client"], 4412)}, {(place(r), r["chain"][0], r["peer"]["port"]) for r in clients})
    equal("its handshakes", 20, sum(record.get("count", 1) for record in clients))
    hidden = told(watch, "endpoint", place=("10.9.0.2", 4413, "hidden.example"))
    equal("what TLS 1.3 hides", ["TLSv1.3"], [record["tls"]["version"] for record in hidden])
    for row in starttls.values():
        sightings = [r for r in told(watch, "sighting", role="server") if r["endpoint"]["ip"] == row[1]]
        equal(f"STARTTLS: {row[0]}", {row[3]}, {record["chain"][0] for record in sightings})
    equal("certificates are told once", len(watch.records("certificate")), len({r["sha256"] for r in watch.records("certificate")}))
    last = watch.records("stats")[-1]["counters"]
    equal("the last but one record is statistics", ["stats", "run"], [record["type"] for record in watch.records()[-2:]])
    equal("drops", 0, last["kernel_drops"])
    equal("workers together", last["packets"], last["worker_0_packets"] + last["worker_1_packets"])
    holds("both workers have flows", last["worker_0_flows"] and last["worker_1_flows"], last)
    equal("flows", last["flows"], last["worker_0_flows"] + last["worker_1_flows"])
    holds("the summary", "0 dropped by the kernel" in watch.said(), watch.said())


def test_privileges():
    """no right is left, and no process that has any; a filter that makes no sense, an interface that is not there"""
    watch = Watch(BOTH["near"], "-i", "veth0", "--workers", "2", "--no-submit", "tcp", "port", "4412")
    wait_until("both workers", lambda: len(os.listdir(f"/proc/{watch.pid}/task")) == 3)
    for task in os.listdir(f"/proc/{watch.pid}/task"):
        status = status_of(f"{watch.pid}/task/{task}")
        equal("user", [str(watch.user)] * 4, status["Uid"])
        holds("group", "0" not in status["Gid"], status["Gid"])
        equal("groups", [], status["Groups"])
        equal("capabilities", ["0" * 16] * 4, [status[name][0] for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")])
        equal("no new privileges", ["1"], status["NoNewPrivs"])
        equal("seccomp", ["2"], status["Seccomp"])
        holds("filters: what may be called, and what may be written to", int(status["Seccomp_filters"][0]) >= 2, status)
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(watch.pid)], capture_output=True, text=True).stdout.split()
    equal("other processes", [], children)
    # What it may still do, asked of the kernel: the files that it could open are those of its user.
    equal("/etc/shadow is not for that user", 1, subprocess.run(["setpriv", f"--reuid={watch.user}", "--clear-groups", f"--regid={status['Gid'][0]}", "cat", "/etc/shadow"],
                                                               capture_output=True).returncode)
    handshake("-connect", "10.9.0.2:4412", "-tls1_2", client=True)
    handshake("-connect", "10.9.0.2:4413", "-tls1_3")
    wait_until("the sightings", lambda: len(told(watch, "sighting")) == 2)
    watch.process.send_signal(signal.SIGUSR1)
    wait_until("statistics on SIGUSR1", lambda: "packets dropped by the kernel" in watch.said() and "worker  1" in watch.said())
    equal("status", 130, watch.stop(signal.SIGINT))
    equal("the filter lets nothing else through", [], watch.records("endpoint"))
    for words, expected, text in ((["-i", "veth0", "tcp", "bort"], 2, "the filter makes no sense"), (["-i", "veth7"], 3, "no such interface"),
                                  (["-i", "veth0", "--user", "no-such-user"], 3, "there is no such user"), (["-i", "veth0", "-r", "x"], 2, "exclude")):
        done = subprocess.run(BOTH["near"].command(BIN + "/certmuster-watch", *words), capture_output=True, text=True)
        equal(f"status of {words}", expected, done.returncode)
        holds("one clear line", text in done.stderr and done.stderr.count("\n") == 1, done.stderr)


def test_delivery():
    """watch, spool, submit, collector: the places are in the inventory, clients too, though the watch may not open a socket"""
    home = work + "/home"
    env = {"CERTMUSTER_HOME": home, "PATH": f"{BIN}:{os.environ['PATH']}"}

    def certmuster(*words):
        done = subprocess.run([BIN + "/certmuster", *words], env={**os.environ, **env}, capture_output=True, text=True, timeout=300)
        equal(f"certmuster {words}: {done.stdout} {done.stderr}", 0, done.returncode)
        return done.stdout
    os.mkdir(home)
    certmuster("up")
    try:
        watch = Watch(BOTH["near"], "-i", "veth0", config="submit: {wait: 30s}\nwatch: {statistics: 1s}\n", json_out=False, env=env,
                      program=RELEASE + "/certmuster-watch")  # confined by Landlock as well, which the leak detector would not bear
        equal("the spool's owner", watch.user, os.stat(home + "/spool-watch").st_uid)
        handshake("-connect", "10.9.0.2:4412", "-tls1_2", client=True)
        handshake("-connect", "10.9.0.2:4413", "-tls1_3", name="hidden.example")
        wait_until("the inventory to know the server", lambda: "10.9.0.2:4412" in certmuster("report", "inventory"), 60)
        wait_until("the table", lambda: "client.example" in open(watch.name + ".out", encoding="utf-8").read())
        equal("status", 143, watch.stop())
        rows = [json.loads(line) for line in certmuster("report", "inventory", "--format", "ndjson").splitlines()]
        by_place = {row["place"].split(" ")[0]: row for row in rows if row.get("place")}
        holds("the server", by_place["10.9.0.2:4412"]["name"] == "server.example", by_place)
        holds("the client", any(place.startswith("10.9.0.1") and row.get("name") == "client.example" for place, row in by_place.items()), by_place)
        holds("what TLS 1.3 hides is a place", by_place["10.9.0.2:4413"]["result"] == "hidden", by_place)
        sockets = open(home + "/sockets", encoding="utf-8").read().strip()
        counters = subprocess.run(["psql", "-X", "-q", "-At", "-h", sockets, "-U", "certmuster_admin", "-d", "certmuster", "-c",
                                   "SELECT counters->>'kernel_drops', (counters->>'packets')::int > 0, interrupted FROM certmuster.run WHERE source = 'watch'"],
                                  capture_output=True, text=True).stdout.split()
        equal("the run's statistics", ["0|t|t"], counters)
        holds("its spool in the status", f"spool       empty, {home}/spool-watch" in certmuster("status"))
        holds("nothing is left in the spool", not [n for n in os.listdir(home + "/spool-watch") if ".seg" in n], os.listdir(home + "/spool-watch"))
        table = open(watch.name + ".out", encoding="utf-8").read()
        for text in ("10.9.0.2:4412", "server.example", "client", "(self-signed)", "TLSv1.2", "TLSv1.3", "(not visible)"):
            holds("the table", text in table, text, table)
    finally:
        certmuster("down")


FLOOD, CONVERSATIONS = RELEASE + "/tests/bench/watch-flood", 4096


def flood(rate, seconds):
    """Conversations with many servers, each with a certificate in clear; how many were sent, and of how many packets."""
    der = work + "/flood.der"
    subprocess.run(["openssl", "x509", "-in", work + "/server.example.pem", "-outform", "DER", "-out", der], check=True)
    return json.loads(BOTH["far"].run(FLOOD, "veth0", str(rate), str(seconds), der))


def counted(text):
    """The block that SIGUSR1 asks for, by what stands behind each number."""
    lines = text[text.rindex("certmuster-watch: after"):].splitlines()
    return {line[18:]: int(line[:16]) for line in lines if line[:16].strip().isdigit()}


def ask(watch):
    before = watch.said().count("files read")
    watch.process.send_signal(signal.SIGUSR1)
    wait_until("statistics", lambda: watch.said().count("files read") > before)
    return counted(watch.said())


def test_paused_reader():
    """whoever reads the records pauses: packets are read on, records wait in memory, none is lost; a collector that is gone is no different"""
    reading, writing = os.pipe()
    watch = Watch(BOTH["near"], "-i", "veth0", "--workers", "2", config="watch: {statistics: 1s}\n", stdout=writing)
    os.close(writing)
    sent = flood(30000, 3)["conversations"]
    wait_until("every handshake to be seen", lambda: ask(watch)["handshakes"] >= sent)
    now = ask(watch)
    equal("drops and postponed", (0, 0), (now["packets dropped by the kernel: the ring was full"], now["observations that found the queue full"]))
    equal("handshakes", sent, now["handshakes"])
    holds("records wait", now["records that wait to be kept"] > 1000 and now["records told"] < CONVERSATIONS, now)
    watch.process.send_signal(signal.SIGTERM)
    text = b""
    while piece := os.read(reading, 1 << 16):
        text += piece
    equal("status", 143, watch.process.wait(60))
    records = [json.loads(line) for line in text.splitlines()]
    places = {place(record): 0 for record in records if record["type"] == "sighting"}
    for record in records:
        if record["type"] == "sighting":
            places[place(record)] += record.get("count", 1)
    equal("places", CONVERSATIONS, len(places))
    equal("handshakes in the records", sent, sum(places.values()))
    equal("the last record", "finished", records[-1].get("state"))


def test_drops():
    """what the kernel drops while a watch stands still is counted, to the packet"""
    watch = Watch(BOTH["near"], "-i", "veth0", "--ring-size", "1MiB", "not", "ip6")
    watch.process.send_signal(signal.SIGSTOP)
    sent = flood(20000, 1)["packets"]
    watch.process.send_signal(signal.SIGCONT)
    wait_until("the counters", lambda: sum(list(ask(watch).values())[i] for i in (0, 2)) >= sent)
    equal("status", 143, watch.stop())
    last = watch.records("stats")[-1]["counters"]
    holds("some were dropped", last["kernel_drops"] > sent / 2, last)
    holds("the sum", sent <= last["packets"] + last["kernel_drops"] <= sent + 100, sent, last)
    holds("the summary says so", f"{last['kernel_drops']} dropped by the kernel" in watch.said(), watch.said())


def test_progress():
    """on a terminal: rows as they come, a progress line with rate and drops, which makes way"""
    screen = Screen()
    watch = Watch(BOTH["near"], "-i", "veth0", json_out=False, stdout=screen.theirs, stderr=screen.theirs, env={"TERM": "xterm", "COLUMNS": "150"})
    os.close(screen.theirs)
    handshake("-connect", "10.9.0.2:4412", "-tls1_2", client=True)
    wait_until("the rows", lambda: "10.9.0.2:4412" in screen.look() and "client.example" in screen.shown)
    wait_until("the progress line", lambda: " packets  " in screen.look() and "/s  0 dropped" in screen.shown)
    watch.process.send_signal(signal.SIGINT)
    wait_until("the summary", lambda: "0 dropped by the kernel" in screen.look())
    equal("status", 130, watch.process.wait(30))
    shown = screen.shown
    holds("the line was cleared before the summary", "\r\x1b[K" in shown[shown.rindex("/s  0 dropped"):shown.index("0 dropped by the kernel")], shown)


SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t clock, struct timespec *out)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int code = real(clock, out);
    if (clock == CLOCK_REALTIME)
        out->tv_sec += atol(getenv("CLOCK_AHEAD"));
    return code;
}
"""


def test_midnight():
    """a run ends with its UTC day and another begins, in which everything is told anew"""
    source, shim = work + "/shim.c", work + "/shim.so"
    with open(source, "w", encoding="utf-8") as file:
        file.write(SHIM)
    subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, source, "-ldl"], check=True)
    ahead = 86400 - int(time.time()) % 86400 - 6  # midnight comes in six seconds
    watch = Watch(BOTH["near"], "-i", "veth0", program=RELEASE + "/certmuster-watch", env={"LD_PRELOAD": shim, "CLOCK_AHEAD": str(ahead)})
    handshake("-connect", "10.9.0.2:4412", "-tls1_2", client=True)
    wait_until("the first run's sightings", lambda: len(watch.records("sighting")) == 2)
    wait_until("the second run", lambda: len(watch.records("run")) == 3)
    handshake("-connect", "10.9.0.2:4412", "-tls1_2", client=True)
    wait_until("the second run's sightings", lambda: len(watch.records("sighting")) == 4)
    equal("status", 143, watch.stop())
    watch.validate()
    runs = watch.records("run")
    equal("states", ["started", "finished", "started", "finished"], [run["state"] for run in runs])
    equal("ids", [0, 0, 1, 1], [[runs[0]["run"], runs[2]["run"]].index(run["run"]) for run in runs])
    equal("interrupted", [False, True], [run.get("interrupted", False) for run in runs[1::2]])
    equal("sightings per run", [2, 2], [len([s for s in watch.records("sighting") if s["run"] == run["run"]]) for run in runs[::2]])
    equal("certificates, once per run", 4, len(watch.records("certificate")))
    equal("a day's end", "T23:59", runs[0]["at"][10:16])
    equal("a day's beginning", "T00:00", runs[2]["at"][10:16])


def test_interface_goes():
    """an interface that goes away is told; the last one ends the watch"""
    near, far = BOTH["near"], BOTH["far"]
    connect(near, far, "veth1", "10.9.1")
    watch = Watch(near, "-i", "veth1", "--workers", "2")
    near.run("ip", "link", "delete", "veth1")
    equal("status", 1, watch.process.wait(30))
    holds("one line for it", "veth1" in watch.said() and watch.said().count("\n") == 2, watch.said())
    equal("the run is finished", "finished", watch.records()[-1]["state"])


def test_release():
    """the same of the release build, whose filter is the strict one: nothing for what looks for leaks, and Landlock"""
    before, netns_tools.BIN = netns_tools.BIN, RELEASE
    for test in (test_handshakes, test_privileges, test_interface_goes):
        note("release: " + test.__doc__)
        test()
    netns_tools.BIN = before
    done = subprocess.run([RELEASE + "/tests/unit/watch/test_privileges"], capture_output=True, text=True)
    equal("what it refuses: " + done.stdout + done.stderr, 0, done.returncode)


main(prepare, test_handshakes, test_privileges, test_delivery, test_paused_reader, test_drops, test_progress, test_midnight, test_interface_goes, test_release)
