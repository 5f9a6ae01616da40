#!/usr/bin/python3
# certmuster-scan --threads: what holds on one thread holds on several. Every probe is told once and adds up, also when it is interrupted, when
# descriptors, ports' memory or buffers run short, and while nobody reads the records.
import os
import resource
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import scan_tools  # noqa: E402
from scan_tools import *  # noqa: E402,F403

THREADS = ["--threads", "4"]


def many(count, *args, base="127.106.0.1"):
    """certmuster-fleet many: its process and port."""
    process = subprocess.Popen([FLEET, "many", "--dir", f"{work}/many-{base}", "--count", str(count), "--base", base, *args],
                               stdout=subprocess.PIPE, text=True)
    started.append(process)
    return process, process.stdout.readline().split()[1]


def stop(process):
    process.terminate()
    process.wait()
    started.remove(process)


def leaves(run):
    return {r["endpoint"]["ip"]: r["chain"][0] for r in run.sightings}


def manifest(base):
    rows = [line.rstrip("\n").split("\t") for line in open(f"{work}/many-{base}/MANIFEST.tsv", encoding="ascii")]
    return {row[1]: row[3] for row in rows if row[1].startswith("127.")}


def the_same_as_one_thread():
    """real handshakes, each endpoint its own certificate: four threads see what one thread sees, and what is there"""
    count, base = 1500, "127.106.0.1"
    fleet, port = many(count)
    with open(work + "/targets", "w", encoding="ascii") as out:
        for i in range(1, count + 1):
            out.write(f"127.106.{i // 256}.{i % 256}:{port}\n" * (1 + (i % 3 == 0)))  # every third twice
    one, four = scan("-f", work + "/targets"), scan(*THREADS, "-f", work + "/targets")
    equal("probes", (count, count), (len(one.probes), len(four.probes)))
    equal("what they see", leaves(one), leaves(four))
    equal("what is there", manifest(base), leaves(four))
    told = [r["sha256"] for r in four.records if r["type"] == "certificate"]
    equal("each certificate is told once", len(told), len(set(told)))
    holds("and before its first use", all(told.index(c) >= 0 for r in four.sightings for c in r["chain"]))
    proved = scan(*THREADS, "--prove", "--polite", "-f", work + "/targets")
    equal("proofs", {"good"}, {r["tls"].get("proof") for r in proved.sightings})
    equal("what they see with --prove", leaves(one), leaves(proved))
    stop(fleet)


def one_limit_for_all():
    """--parallel and --rate are everybody's together"""
    server = Server("keep", "0.0.0.0")
    process = popen(*THREADS, "--parallel", "30", "--timeout", "2", f"127.107.0.0/26:{server.port}")
    time.sleep(1)  # the first thirty are silent: nothing may be started before their time is up
    reached = server.accepted
    run = end(process)
    equal("all", 64, len(run.probes))
    equal("at once", 30, reached)
    equal("errors", {"hello timeout": 64}, errors(run))
    run = scan(*THREADS, "--rate", "50", "--timeout", "1", f"127.108.0.0/25:{server.port}")
    equal("all at a rate", 128, len(run.probes))
    holds("128 at 50 per second", run.seconds >= 2.3, run.seconds)
    server.stop()


def interrupted():
    """Ctrl-C: what any thread has started is cancelled and told"""
    server = Server("keep", "0.0.0.0")
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        already = server.accepted
        process = popen(*THREADS, "--timeout", "60", f"127.109.0.0/22:{server.port}", "--parallel", "500")
        wait_until("probes under way", lambda: server.accepted >= already + 500)
        process.send_signal(number)
        run = end(process)
        equal("exit", status, run.status)
        equal("all that had begun", {"hello cancelled": 500}, errors(run))
        equal("interrupted", True, run.finished[0]["interrupted"])
        holds("soon", run.seconds < 30, run.seconds)
    server.stop()


def few_descriptors():
    """64 descriptors for four threads: slower, said once, all reached"""
    server = Server(lambda connection: time.sleep(0.05), "0.0.0.0")
    targets = "".join(f"127.110.{i // 250}.{i % 250}:{server.port}\n" for i in range(400))
    limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))  # noqa: E731
    run = scan(*THREADS, "--timeout", "30", "-", stdin=targets, preexec_fn=limit)
    equal("all", 400, len(run.probes))
    holds("all were reached", set(errors(run)) <= {"hello closed", "hello reset"}, errors(run))
    holds("said", run.err.count("slowed down") == 1 and "ulimit -n" in run.err, run.err)
    server.stop()


def slow_reader_and_pipe():
    """targets come slowly through a pipe, records are read slowly: nothing is lost, nothing is late"""
    fleet, port = many(2000, "--canned", "tls12", base="127.111.0.1")
    process = popen(*THREADS, "--timeout", "2", "-", stdin=subprocess.PIPE)
    for start in range(1, 2001, 500):
        process.stdin.write("".join(f"127.111.{i // 256}.{i % 256}:{port}\n" for i in range(start, start + 500)))
        process.stdin.flush()
        time.sleep(0.7)
    run = end(process, "")
    equal("all", (2000, {}), (len(run.sightings), errors(run)))
    process = popen(*THREADS, "--timeout", "2", "--parallel", "500", f"127.111.0.0/22:{port}")
    time.sleep(3)  # longer than a target's time
    run = end(process)
    equal("nobody is late", 1023, len(run.sightings))
    stop(fleet)


SHORT_OF_MEMORY = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/types.h>
static atomic_uint sockets, connects, sends, receives;
static int lacks(atomic_uint *count, unsigned every, int trouble) { if (atomic_fetch_add(count, 1) % every != every - 1) return 0; errno = trouble; return 1; }
#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)
int socket(int a, int b, int c) { REAL(int, socket, int, int, int); return lacks(&sockets, 37, ENOMEM) ? -1 : real(a, b, c); }
int connect(int a, const struct sockaddr *b, socklen_t c) { REAL(int, connect, int, const struct sockaddr *, socklen_t); return lacks(&connects, 41, ENOBUFS) ? -1 : real(a, b, c); }
ssize_t send(int a, const void *b, size_t c, int d) { REAL(ssize_t, send, int, const void *, size_t, int); return lacks(&sends, 43, ENOBUFS) ? -1 : real(a, b, c, d); }
ssize_t recv(int a, void *b, size_t c, int d) { REAL(ssize_t, recv, int, void *, size_t, int); return lacks(&receives, 47, ENOMEM) ? -1 : real(a, b, c, d); }
"""


def short_of_memory():
    """a kernel that has no memory for sockets or buffers now and then slows the sweep down; nothing is told as a failure"""
    with open(work + "/short.c", "w", encoding="ascii") as out:
        out.write(SHORT_OF_MEMORY)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", work + "/short.so", work + "/short.c", "-ldl"], check=True)
    fleet, port = many(600, "--canned", "tls12", base="127.112.0.1")
    scan_tools.SCAN = os.environ["CM_RELEASE"] + "/certmuster-scan"  # a sanitizer wants to be the first library itself
    for threads in ([], THREADS):
        run = scan(*threads, "--timeout", "60", "--parallel", "200", f"127.112.0.0/23:{port}", env={**os.environ, "LD_PRELOAD": work + "/short.so"})
        equal("all were seen", 511, len(run.sightings))
        equal("and one is not there", ["127.112.0.0"], [f["endpoint"]["ip"] for f in run.failures])
        holds("said once", run.err.count("slowed down") == 1, run.err)
    scan_tools.SCAN = BIN + "/certmuster-scan"
    stop(fleet)


def stopped_for_a_while():
    """Ctrl-Z, and on again after every deadline: what was answered meanwhile is told as answered"""
    server, said = Server("keep", "0.0.0.0"), b"\x15\x03\x03\x00\x02\x02\x31"  # access_denied
    process = popen("--timeout", "3", "--starttls", "none", f"127.114.0.0/22:{server.port}")
    wait_until("all have asked", lambda: len(server.kept) == 1024)
    time.sleep(0.3)
    process.send_signal(signal.SIGSTOP)
    for connection in server.kept:
        connection.sendall(said)
    time.sleep(4)
    process.send_signal(signal.SIGCONT)
    run = end(process)
    equal("answered in time, read late", {"hello alert": 1024}, errors(run))
    server.stop()


def no_address_of_ours():
    """IPv6 is switched off: said at once, and nobody waits for it"""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-n", "true"], stderr=subprocess.DEVNULL).returncode:
        note("skipped: network namespaces need root")
        return
    script = "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 && ip link set lo up && exec \"$@\""
    targets = [f"[2001:db8::{i:x}]:443" for i in range(1, 40)] + ["127.0.0.1:443"]
    done = subprocess.run(["unshare", "-n", "sh", "-c", script, "sh", scan_tools.SCAN, "--json", "--no-submit", "--timeout", "20", *targets],
                          capture_output=True, text=True, timeout=120)
    run = Run(done.returncode, done.stdout, done.stderr, 0)
    equal("errors", {"connect unreachable": 39, "connect refused": 1}, errors(run))
    holds("not a shortage", "slowed down" not in run.err, run.err)


def closed_output():
    """records that can go nowhere, ever: the sweep ends, and says why"""
    began = time.monotonic()
    done = subprocess.run(["sh", "-c", "exec \"$@\" >&-", "sh", scan_tools.SCAN, "--json", "--no-submit", "127.115.0.0/16:1"],
                          stderr=subprocess.PIPE, text=True, timeout=120)
    equal("exit", 3, done.returncode)
    holds("said", "standard output" in done.stderr, done.stderr)
    holds("soon", time.monotonic() - began < 20)


def paused_table():
    """the table for people, and a reader like less(1) that pauses: no probe is late for it, and Ctrl-C is heard"""
    server, said = Server("keep", "0.0.0.0"), b"\x15\x03\x03\x00\x02\x02\x31"
    process = subprocess.Popen([scan_tools.SCAN, "--no-submit", "--timeout", "3", "--parallel", "2000", f"127.116.0.0/19:{server.port}"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    started.append(process)
    answered, deadline = 0, time.monotonic() + 5
    while time.monotonic() < deadline:  # longer than a target's time
        for connection in server.kept[answered:]:
            connection.sendall(said)
            answered += 1
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    before = len(server.kept)
    time.sleep(0.5)
    holds("nothing is begun after Ctrl-C", len(server.kept) <= before + 100, before, len(server.kept))
    out, err = process.communicate(timeout=60)
    started.remove(process)
    rows = out.splitlines()[1:]
    holds("nobody is late", not [row for row in rows if "timeout" in row], err)
    holds("each row is told", f" {len(rows)} probes in" in err, len(rows), err)
    server.stop()


main(the_same_as_one_thread, one_limit_for_all, interrupted, few_descriptors, slow_reader_and_pipe, short_of_memory, stopped_for_a_while,
     no_address_of_ours, closed_output, paused_table)
