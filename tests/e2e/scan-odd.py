#!/usr/bin/python3
# certmuster-scan and servers that misbehave, a host that lacks something, interruption, wrong use. Every probe is accounted for in each part.
import hashlib
import os
import resource
import signal
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scan_tools import *  # noqa: E402,F403


def the_fleet():
    """every behaviour of the fleet is told as its manifest says"""
    if not os.path.exists(FLEET):
        raise AssertionError("no " + FLEET)
    fleet = subprocess.Popen([FLEET, "serve", "--dir", work + "/fleet"], stdout=subprocess.PIPE, text=True)
    started.append(fleet)
    holds("ready", fleet.stdout.readline().startswith("ready"))
    rows = [line.rstrip("\n").split("\t") for line in open(work + "/fleet/MANIFEST.tsv", encoding="ascii")]
    with open(work + "/targets", "w") as out:
        for _, ip, port, _, _, _, name in rows:
            out.write(f"{name}@{ip}:{port}\n" if name != "-" else f"{ip}:{port}\n")
    run = scan("--starttls", "auto", "--timeout", "5", "-f", work + "/targets")
    equal("probes", len(rows), len(run.probes))
    by_ip = {r["endpoint"]["ip"]: r for r in run.probes}
    for behaviour, ip, port, leaf, chain, expect, name in rows:
        record = by_ip[ip]
        equal(behaviour + ": name sent", "" if name == "-" else name, record["endpoint"]["name"])
        if expect != "ok":
            equal(behaviour, expect, record.get("error"))
            continue
        equal(behaviour + ": " + str(record.get("error")), "sighting", record["type"])
        holds(behaviour, record["chain"] in [c.split(",") for c in chain.split(";")], record["chain"], chain)
        holds(behaviour, record["chain"][0] in leaf.split(";") or ";" in chain, record["chain"], leaf)
    told = {r["sha256"] for r in run.records if r["type"] == "certificate"}
    holds("every certificate of a chain is told", all(c in told for r in run.sightings for c in r["chain"]))
    versions = {b[0]: by_ip[b[1]]["tls"]["version"] for b in rows if b[0].endswith("-only")}
    equal("versions", {"tls10-only": "TLSv1.0", "tls11-only": "TLSv1.1", "tls12-only": "TLSv1.2", "tls13-only": "TLSv1.3"}, versions)
    for behaviour, ip, *_ in rows:
        record = by_ip[ip]
        if behaviour.startswith("client-cert-"):
            equal(behaviour, True, record["tls"]["client_auth"])
        if behaviour.startswith("starttls-"):
            equal(behaviour, behaviour[len("starttls-"):], record["endpoint"].get("starttls"))
    started.remove(fleet)
    fleet.send_signal(signal.SIGTERM)
    fleet.wait(30)


def deadlines_are_absolute():
    """silent and dripping servers end at the deadline, whatever they send meanwhile"""
    hello = b"\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03" + bytes(32) + b"\x00\x00\x2f\x00" + b"\x16\x03\x03\x3f\xff\x0b\x00\x3f\xfb"

    def drip(connection):
        for byte in hello + bytes(2000):
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    def drip_smtp(connection):
        while True:
            connection.sendall(b"220-x\r\n")
            time.sleep(0.02)

    silent, dripping, smtp = Server(None), Server(drip), Server(drip_smtp)
    run = scan("--timeout", "2", f"127.0.0.1:{silent.port}", f"127.0.0.1:{dripping.port}", "--starttls", "none")
    equal("errors", {"hello timeout": 1, "certificate timeout": 1}, errors(run))
    holds("in one deadline", 1.9 <= run.seconds < 8, run.seconds)
    run = scan("--timeout", "1", f"127.0.0.1:{smtp.port}", "--starttls", "smtp")
    equal("errors", {"starttls timeout": 1}, errors(run))
    for server in (silent, dripping, smtp):
        server.stop()


def thousands_at_once():
    """3,000 silent endpoints end together at one deadline, not one after the other"""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 3200:
        return print("left out: this host allows fewer than 3,200 descriptors")
    silent = Server(None, "0.0.0.0")
    one = scan("--timeout", "2", f"127.91.0.1:{silent.port}")
    many = scan("--timeout", "2", f"127.91.0.0/21:{silent.port}", f"127.92.0.0/22:{silent.port}")
    equal("one", {"hello timeout": 1}, errors(one))
    equal("all of them", {"hello timeout": 3072}, errors(many))
    print(f"one: {one.seconds:.1f} s, 3,072: {many.seconds:.1f} s")
    holds("3,072 take little longer than one", many.seconds < 4 * one.seconds, many.seconds, one.seconds)
    silent.stop()


def failures_by_stage():
    """each way to fail has its stage, its error and its detail"""
    def say(text, then=None):
        def serve(connection):
            connection.sendall(text)
            (then or (lambda c: c.recv(4096)))(connection)
        return serve

    def close(connection):
        connection.recv(1)

    servers = {
        ("hello", "reset", None): Server(reset),
        ("hello", "not_tls", "HTTP: HTTP/1.1 400 Bad Request%0d%0a"): Server(say(b"HTTP/1.1 400 Bad Request\r\n")),
        ("hello", "not_tls", "SSH: SSH-2.0-%1b[2J%0d%0a"): Server(say(b"SSH-2.0-\x1b[2J\r\n")),
        ("hello", "alert", "handshake_failure"): Server(say(b"\x15\x03\x01\x00\x02\x02\x28")),
        ("hello", "protocol", "malformed ServerHello"): Server(say(b"\x16\x03\x03\x00\x08\x02\x00\x00\x04\x03\x03\x00\x00")),
    }
    run = scan("--timeout", "5", *[f"127.0.0.1:{s.port}" for s in servers.values()])
    by_port = {f["endpoint"]["port"]: f for f in run.failures}
    for (stage, error, detail), server in servers.items():
        failure = by_port[server.port]
        equal(f"{stage} {error}", (stage, error, detail), (failure["stage"], failure["error"], failure.get("detail")))
        server.stop()
    hung_up = Server(lambda connection: connection.recv(100000))
    holds("closed or reset", scan(f"127.0.0.1:{hung_up.port}").failure()["error"] in ("closed", "reset"))
    hung_up.stop()
    equal("refused", {"connect refused": 1}, errors(scan(f"127.0.0.1:{hung_up.port}")))
    unreachable = scan("--timeout", "1", "[100::1]:443", "255.255.255.255:443").failures
    holds("no route is told as it is", all(f["stage"] == "connect" and f["error"] in ("unreachable", "timeout") for f in unreachable),
          unreachable)


def ja3s():
    """JA3S is the MD5 of what the ServerHello says, as computed here"""
    hellos = {(version, suite, kinds): struct.pack(">H", version) + os.urandom(32) + b"\0" + struct.pack(">HB", suite, 0)
              + (struct.pack(">H", 4 * len(kinds)) + b"".join(struct.pack(">HH", kind, 0) for kind in kinds) if kinds else b"")
              for version, suite, kinds in ((0x0303, 0xc02f, (0xff01, 0, 23, 35)), (0x0303, 0xc02f, ()), (0x0301, 0x0035, (35, 0xff01)),
                                            (0x0300, 0x0005, ()), (0x0302, 0x000a, tuple(range(100, 160))))}

    def answer(body, version):
        hello = b"\x02" + len(body).to_bytes(3, "big") + body + b"\x0b\0\0\x0a\0\0\7\0\0\4leaf\x0e\0\0\0"

        def serve(connection):
            connection.recv(65536)
            connection.sendall(b"\x16" + struct.pack(">HH", version, len(hello)) + hello)
            connection.recv(1)
        return Server(serve)

    servers = {said: answer(body, said[0]) for said, body in hellos.items()}
    run = scan(*[f"127.0.0.1:{server.port}" for server in servers.values()])
    told = {record["endpoint"]["port"]: record.get("tls", {}).get("ja3s") for record in run.probes}
    for (version, suite, kinds), server in servers.items():
        text = f"{version},{suite},{'-'.join(map(str, kinds))}"
        equal(text, hashlib.md5(text.encode()).hexdigest(), told[server.port])
        server.stop()


def injected_starttls():
    """clear text after the go-ahead for TLS is refused as what it is"""
    def smtp(connection):
        connection.sendall(b"220 x\r\n")
        connection.recv(100)
        connection.sendall(b"250-x\r\n250 STARTTLS\r\n")
        connection.recv(100)
        connection.sendall(b"220 go\r\n250 injected\r\n")
        connection.recv(100)
    server = Server(smtp)
    failure = scan("--starttls", "smtp", f"127.0.0.1:{server.port}").failure()
    equal("stage, error", ("starttls", "protocol"), (failure["stage"], failure["error"]))
    equal("detail", "bytes in clear after the go-ahead for TLS", failure["detail"])
    server.stop()


def guesses_are_attempts():
    """a server that hangs up is asked in other protocols, and the failure told is that of TLS"""
    server = Server(lambda connection: connection.recv(1))
    failure = scan("--starttls", "auto", f"127.0.0.1:{server.port}").failure()
    equal("stage", "hello", failure["stage"])
    equal("no starttls", None, failure["endpoint"].get("starttls"))
    equal("attempts", ["starttls-postgres", "starttls-ldap", "tls1.2", "tls1.0-plain", "sslv2"], [a["what"] for a in failure["attempts"]])
    equal("connections", 6, server.accepted)
    server.stop()


def few_descriptors():
    """64 descriptors, 500 targets: slower, said so, all accounted for, none called a timeout"""
    server = Server(lambda connection: time.sleep(0.05), "0.0.0.0")
    targets = "".join(f"127.93.{i // 250}.{i % 250}:{server.port}\n" for i in range(500))
    limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))  # noqa: E731
    run = scan("--timeout", "20", "-", stdin=targets, preexec_fn=limit)
    equal("all", 500, len(run.probes))
    holds("all were reached", set(errors(run)) <= {"hello closed", "hello reset"}, errors(run))
    holds("said", "slowed down" in run.err and "ulimit -n" in run.err, run.err)
    server.stop()


def descriptors_taken_away():
    """descriptors that run out in the middle of a sweep hold probes back until they are there again"""
    server = Server(lambda connection: time.sleep(0.3), "0.0.0.0")
    process = popen("--timeout", "30", "--parallel", "50", f"127.94.0.0/23:{server.port}")
    before = resource.prlimit(process.pid, resource.RLIMIT_NOFILE)
    wait_until("probes under way", lambda: server.accepted >= 50)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (12, before[1]))
    time.sleep(1)
    reached = server.accepted
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, before)
    run = end(process)
    equal("exit", 0, run.status)
    equal("all", 512, len(run.probes))
    holds("all were reached", set(errors(run)) <= {"hello closed", "hello reset"}, errors(run))
    holds("said once", run.err.count("slowed down") == 1 and "Too many open files" in run.err, run.err)
    holds("held back meanwhile", reached < 512, reached)
    server.stop()


def few_ports():
    """ports of this host that run out hold probes back as well"""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-n", "true"], stderr=subprocess.DEVNULL).returncode:
        return print("left out: needs a network namespace of its own")
    script = f"""ip link set lo up && echo 40000 40040 >/proc/sys/net/ipv4/ip_local_port_range &&
/usr/bin/python3 - <<'PY' & server=$!
import socket, threading, time
l = socket.socket(); l.bind(("127.0.0.1", 9443)); l.listen(4096)
while True:
    c, _ = l.accept()
    threading.Thread(target=lambda c=c: (time.sleep(0.2), c.close()), daemon=True).start()
PY
until grep -q 0100007F:24E3 /proc/net/tcp; do sleep 0.1; done
i=0; while [ $i -lt 200 ]; do echo n$i.example@127.0.0.1:9443; i=$((i + 1)); done | {SCAN} --json --timeout 20 -
status=$?; kill $server; exit $status"""
    done = subprocess.run(["unshare", "-n", "sh", "-c", script], capture_output=True, text=True, timeout=120)
    run = Run(done.returncode, done.stdout, done.stderr, 0)
    equal("exit", 0, run.status)
    equal("all", 200, len(run.probes))
    holds("all were reached", set(errors(run)) <= {"hello closed", "hello reset"}, errors(run), run.err)
    holds("said once", run.err.count("slowed down") == 1 and "Cannot assign requested address" in run.err, run.err)


def interrupted():
    """Ctrl-C: what was started is cancelled and told, what was not is not counted, the run says so"""
    server = Server("keep", "0.0.0.0")
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        already = server.accepted
        process = popen("--timeout", "60", "--rate", "100", f"127.95.0.0/22:{server.port}", "no-such-name.example", "--dns-server",
                        "127.0.0.1:9")
        wait_until("probes under way", lambda: server.accepted >= already + 60)
        process.send_signal(number)
        run = end(process)
        equal("exit", status, run.status)
        equal("interrupted", True, run.finished[0]["interrupted"])
        cancelled = [f for f in run.failures if f["error"] == "cancelled"]
        holds("started and no more", 60 <= len(cancelled) < 1024, len(cancelled))
        holds("all others failed by themselves", len(run.failures) - len(cancelled) <= 1, errors(run))
        holds("soon", run.seconds < 30, run.seconds)
        holds("the summary says so", "interrupted" in run.err, run.err)
    server.stop()


def nobody_reads():
    """records that nobody reads any more end the sweep"""
    server = Server(None, "0.0.0.0")
    process = popen("--timeout", "1", "--rate", "200", f"127.96.0.0/20:{server.port}")
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=60)
    started.remove(process)
    equal("exit", 3, process.returncode)
    holds("said", "standard output" in err, err)
    server.stop()


def slow_reader():
    """a reader that pauses longer than the deadline makes no probe fail, and SIGTERM ends a sweep that waits for it"""

    def read_slowly(*args):
        process = popen("--no-submit", "--timeout", "2", "--parallel", "500", *args)
        time.sleep(3)  # the pause is what is tested: longer than a target's time
        return process

    process = subprocess.Popen([FLEET, "many", "--dir", work + "/slow", "--count", "4000", "--base", "127.103.0.1", "--canned", "tls12"],
                               stdout=subprocess.PIPE, text=True)
    started.append(process)
    port = process.stdout.readline().split()[1]
    run = end(read_slowly("127.103.0.1", "127.103.4.0/22", "--ports", port))
    equal("every one was told", ({}, 1025), (errors(run), len(run.sightings)))
    # Far more at once than this host answers in a target's time: what came is looked at before more is started.
    run = scan("--no-submit", "--timeout", "2", "--parallel", "4000", "127.103.0.1", "127.103.4.0/22", "127.103.8.0/22", "--ports", port)
    equal("our slowness is nobody's timeout", ({}, 2049), (errors(run), len(run.sightings)))
    process.terminate()
    process.wait()
    started.remove(process)
    process = read_slowly("127.104.0.0/16:1")
    process.send_signal(signal.SIGTERM)
    wait_until("the sweep to end", lambda: "interrupted" in process.stderr.readline())
    equal("then it waits for the reader of its last records", None, process.poll())
    process.send_signal(signal.SIGTERM)  # and no longer
    equal("the second signal ends it", -signal.SIGTERM, process.wait(timeout=30))
    started.remove(process)


def full_disk():
    """a disk that fills under the spool stops the sweep for as long as it is full; nothing is lost"""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode:
        return print("left out: needs a mount of its own")
    os.makedirs(work + "/spool")
    with open(work + "/full.yaml", "w") as out:
        out.write(f"spool: {{dir: {work}/spool}}\nsubmit: {{wait: 0s}}\n")
    script = f"""cd {work} && mount -t tmpfs -o size=2m none spool && head -c 1500000 /dev/zero >spool/ballast || exit 99
(until grep -q 'no new work' full.err; do sleep 0.1; done; cat spool/*.seg* | grep -c '"failure"' >full.before; sleep 1
 cat spool/*.seg* | grep -c '"failure"' >full.after; rm spool/ballast) &
{SCAN} --config full.yaml --to unix:{work}/no-collector --rate 2000 127.101.0.0/20:1 2>full.err >full.out; status=$?; wait
cat spool/*.seg* | cut -c10- >full.records; exit $status"""
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], timeout=120)
    said = open(work + "/full.err").read()
    equal("exit: " + said, 0, done.returncode)
    holds("said", "no new work is started" in said and "going on" in said, said)
    before, after = (int(open(f"{work}/full.{when}").read()) for when in ("before", "after"))
    equal("while it was full, nothing was lost and nothing more written", before, after)
    holds("it was full in the middle", 0 < before < 4096, before)
    run = Run(0, "".join(line for line in open(work + "/full.records") if '"segment"' not in line), said, 0)
    equal("all were told in the end", 4096, len(run.failures))


def once_each():
    """a place that is named twice, or lies in two prefixes, is probed once; another name there is another probe"""
    server = Server(lambda connection: None, "0.0.0.0")
    port = server.port
    run = scan(f"127.97.0.0/28:{port}", f"127.97.0.8/29:{port}", f"127.97.0.1:{port}", f"127.97.0.1:{port},{port}",
               f"a.example@127.97.0.1:{port}", f"A.EXAMPLE.@127.97.0.1:{port}", f"[::ffff:127.97.0.1]:{port}")
    equal("probes", 17, len(run.probes))
    equal("names at one address", ["", "a.example"], sorted(p["endpoint"]["name"] for p in run.probes if p["endpoint"]["ip"] == "127.97.0.1"))
    server.stop()


def order():
    """a prefix is not walked from its first address to its last"""
    server = Server(lambda connection: None, "0.0.0.0")
    run = scan("--parallel", "1", f"127.98.0.0/24:{server.port}")
    last = [int(p["endpoint"]["ip"].split(".")[3]) for p in run.probes]
    equal("all", list(range(256)), sorted(last))
    neighbours = sum(abs(a - b) == 1 for a, b in zip(last, last[1:]))
    holds("spread out", neighbours < 64, neighbours)
    server.stop()


def rate():
    """--rate is kept"""
    server = Server(lambda connection: None, "0.0.0.0")
    run = scan("--rate", "50", f"127.99.0.0/25:{server.port}")
    equal("all", 128, len(run.probes))
    holds("128 at 50 per second", 2.4 <= run.seconds < 15, run.seconds)
    server.stop()


def slow_pipe():
    """targets of a pipe are probed as they come"""
    server = Server(lambda connection: None)
    process = popen("-f", "-", stdin=subprocess.PIPE)
    process.stdin.write(f"127.0.0.1:{server.port}\n")
    process.stdin.flush()
    wait_until("the first target's probe", lambda: server.accepted >= 1)
    run = end(process, f"a.example@127.0.0.1:{server.port}\n")
    equal("both", 2, len(run.probes))
    server.stop()


def damaged_lists():
    """a bad line and a missing file are told, passed over, and end in exit status 1"""
    server = Server(lambda connection: None)
    good = f"127.0.0.1:{server.port}\n"
    run = scan("-", stdin=good + "\nwhat is this\n# a comment\n1.2.3\n10.0.0.0/2\n", expect=1)
    equal("the good line was probed", 1, len(run.probes))
    for line in (3, 5, 6):
        holds("line named", f"standard input:{line}: " in run.err, run.err)
    equal("one line each", 3, run.err.count("standard input:"))
    run = scan("-f", work + "/missing", good.strip(), expect=1)
    holds("file named", "/missing: No such file" in run.err, run.err)
    equal("the operand was probed", 1, len(run.probes))
    equal("nothing at all is fine", 0, len(scan("-", stdin="").probes))
    server.stop()


def wrong_use():
    """one clear line and exit status 2 for wrong use; 1 by --fail-on"""
    for args, word in (((), "nothing to probe"), (("--prots", "1", "x"), "--ports"), (("--timeout", "0", "x"), "--timeout"),
                       (("--timeout", "x", "x"), "--timeout"), (("--ports", "0", "x"), "port"), (("--ports", "443,", "x"), "port"),
                       (("--starttls", "ftp", "x"), "--starttls"), (("--parallel", "0", "x"), "--parallel"),
                       (("--rate", "-1", "x"), "--rate"), (("--fail-on", "all", "x"), "--fail-on"), (("http://x/",), "URL"),
                       (("1.2.3.4.5",), "1.2.3.4.5"), (("10.0.0.0/4",), "this large"), (("a\nb",), "character"),
                       (("--to", "unix:/x", "--no-submit", "x"), "--to"), (("--dns-server", "what", "x"), "DNS")):
        run = scan(*args, expect=2)
        equal(f"{args}: no probe", 0, len(run.probes))
        holds(f"{args}: names it", word in run.err, run.err)
        equal(f"{args}: one line", 1, run.err.count("\n"))
        holds(f"{args}: nothing raw", "\x1b" not in run.err)
    scan("--fail-on", "failure", "127.0.0.1:1", expect=1)
    scan("127.0.0.1:1")
    with open(work + "/soon.yaml", "w") as out:
        out.write("submit: {wait: 0s}\n")
    for json in ([], ["--json"]):
        for where, why in ((">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")):
            done = subprocess.run(["sh", "-c", f'"$@" {where}', "sh", SCAN, "--config", work + "/soon.yaml", *json, "127.0.0.1:1"],
                                  capture_output=True, text=True)
            equal(f"{where}: exit", 3, done.returncode)
            holds(f"{where}: says why", why in done.stderr, done.stderr)
    for flag in ("--help", "--version"):
        done = subprocess.run([SCAN, flag], capture_output=True, text=True)
        equal(flag, 0, done.returncode)
        holds(flag, done.stdout.strip() and not done.stderr, done)


main(the_fleet, deadlines_are_absolute, thousands_at_once, failures_by_stage, ja3s, injected_starttls, guesses_are_attempts, few_descriptors,
     descriptors_taken_away, few_ports, interrupted, nobody_reads, slow_reader, full_disk, once_each, order, rate, slow_pipe, damaged_lists, wrong_use)
