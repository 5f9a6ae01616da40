#!/usr/bin/python3
# certmuster-scan and names: every A and AAAA, what a DNS server can answer and not answer, /etc/hosts, IDN, bounded queries, one deadline.
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from scan_tools import *  # noqa: E402,F403

ADDRESS = "127.0.0.53"
servers = []


def start_dns(zone):
    """A DNS server of its own for each part; gives what --dns-server takes and the path of its statistics."""
    probe = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    probe.bind((ADDRESS, 0))
    port = probe.getsockname()[1]
    probe.close()
    path = f"{work}/zone-{port}"
    with open(path, "w", encoding="ascii") as out:
        out.write(zone)
    process = subprocess.Popen(["/usr/bin/python3", TOP + "/tests/e2e/dns_server.py", ADDRESS, str(port), path], stdout=subprocess.PIPE, text=True)
    servers.append(process)
    started.append(process)
    equal("DNS server", "ready\n", process.stdout.readline())
    return f"{ADDRESS}:{port}", path + ".stats"


def statistics(path):
    return {key: int(value) for key, value in (line.split() for line in open(path))} if os.path.exists(path) else {"queries": 0}


def listening():
    """A port on which 127.0.0.x and ::1 hang up."""
    server = Server(lambda connection: None, "0.0.0.0")
    six = socket.socket(socket.AF_INET6)
    six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    six.bind(("::1", server.port))
    six.listen(100)
    server.kept.append(six)
    return server


def every_address():
    """a name is probed at each of its addresses, of both families, through a CNAME, each once"""
    server = listening()
    dns, _ = start_dns("""
        both.test A 127.0.1.1
        both.test A 127.0.1.2
        both.test A 127.0.1.2
        both.test AAAA ::1
        alias.test CNAME both.test
        four.test A 127.0.1.4
        six.test AAAA ::1
        mapped.test AAAA ::ffff:127.0.1.9
        xn--bcher-kva.test A 127.0.1.5
    """)
    run = scan("--dns-server", dns, "--timeout", "5", "--ports", str(server.port), "both.test", "alias.test", "four.test", "six.test",
               "mapped.test", "bücher.test", "BOTH.test.")
    expected = {("127.0.1.1", "both.test"), ("127.0.1.2", "both.test"), ("::1", "both.test"), ("127.0.1.1", "alias.test"),
                ("127.0.1.2", "alias.test"), ("::1", "alias.test"), ("127.0.1.4", "four.test"), ("::1", "six.test"),
                ("127.0.1.9", "mapped.test"), ("127.0.1.5", "xn--bcher-kva.test")}
    equal("places", expected, {(p["endpoint"]["ip"], p["endpoint"]["name"]) for p in run.probes})
    server.stop()


def every_failure():
    """each failure to resolve is one record, whatever ports were asked for, and however often the name stands there"""
    dns, _ = start_dns("""
        none.test BAD none
        servfail.test BAD servfail
        refused.test BAD refused
        silent.test BAD silent
        garbage.test BAD garbage
        here.test A 127.0.1.1
    """)
    run = scan("--dns-server", dns, "--timeout", "2", "--ports", "1,2,3", "nowhere.test", "none.test", "servfail.test", "refused.test",
               "silent.test", "nowhere.test:77", "here.test")
    found = {f["endpoint"]["name"]: (f["stage"], f["error"]) for f in run.failures if "ip" not in f["endpoint"]}
    equal("failures", {"nowhere.test": ("resolve", "nxdomain"), "none.test": ("resolve", "no_address"),
                       "servfail.test": ("resolve", "dns_failure"), "refused.test": ("resolve", "dns_failure"),
                       "silent.test": ("resolve", "timeout")}, found)
    equal("probes", 5 + 3, len(run.probes))
    holds("in one deadline", run.seconds < 10, run.seconds)
    run = scan("--dns-server", dns, "--timeout", "2", "garbage.test")
    holds("garbage is a failure of DNS", run.failure()["error"] in ("dns_failure", "timeout"), run.failures)


def tcp_and_slow():
    """an answer that is cut short comes over TCP; what the lookup took is taken off the probe's time"""
    server = Server(None, "0.0.0.0")
    dns, _ = start_dns("big.test A 127.0.1.7\nbig.test BAD truncated\nslow.test A 127.0.1.8\nslow.test BAD slow\n")
    run = scan("--dns-server", dns, "--timeout", "2", f"big.test:{server.port}", f"slow.test:{server.port}")
    equal("both were found and are silent", {"hello timeout": 2}, errors(run))
    holds("one deadline for all of it", 1.9 <= run.seconds < 6, run.seconds)
    server.stop()


def hosts_file():
    """/etc/hosts is honoured and no server asked"""
    server = listening()
    dns, stats = start_dns("localhost A 127.0.1.66\n")
    run = scan("--dns-server", dns, "--timeout", "5", f"localhost:{server.port}")
    holds("localhost is this host", run.probes and {p["endpoint"]["ip"] for p in run.probes} <= {"127.0.0.1", "::1"}, run.probes)
    equal("queries", 0, statistics(stats)["queries"])
    server.stop()


def bounded():
    """2,000 names: all are resolved, a bounded number of queries is under way, and a silent name delays no other"""
    zone = "".join(f"n{i}.test A 127.100.{i // 250}.{i % 250}\nn{i}.test BAD slow\n" for i in range(2000))
    server = Server(lambda connection: None, "0.0.0.0")
    dns, stats = start_dns(zone + "silent.test BAD silent\n")
    names = "silent.test\n" + "".join(f"n{i}.test\n" for i in range(2000))
    run = scan("--dns-server", dns, "--timeout", "8", "--ports", str(server.port), "-", stdin=names)
    equal("probes", 2001, len(run.probes))
    equal("resolved", {"resolve timeout": 1}, {k: v for k, v in errors(run).items() if k.startswith("resolve")})
    most = statistics(stats)["most_waiting"]
    holds("queries under way", 100 <= most <= 512, most)
    holds("not one after the other", run.seconds < 60, run.seconds)
    print(f"{run.seconds:.1f} s, at most {most} queries at once")
    server.stop()


def no_server():
    """no DNS server there: a failure to resolve within the deadline, and addresses need none"""
    run = scan("--dns-server", "127.0.0.1:1", "--timeout", "5", "a.test", "127.0.0.1:1")
    found = errors(run)
    equal("refused", 1, found.pop("connect refused"))
    holds("resolve", list(found) in (["resolve dns_failure"], ["resolve timeout"]), found)  # c-ares may lose the ICMP error to a second query
    holds("in one deadline", run.seconds < 10, run.seconds)


main(every_address, every_failure, tcp_and_slow, hosts_file, bounded, no_server)
