#!/usr/bin/python3
"""certmuster-watch on links as hosts have them: VLAN tags that the kernel took off, packets that offloading joined and whose checksums are not there yet, every
interface at once, loopback, an interface that goes down and comes back, short snapshots; what is told again after an interval; signals; refusals. Needs root."""
import hashlib
import os
import signal
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from capture_tools import *
from netns_tools import *

SIDES = {}
TICK = "watch: {statistics: 1s}\n"


def prepare():
    """Two namespaces, a veth pair, a TLS 1.2 server on either side, whose certificate is larger than a packet"""
    near, far = Namespace(), Namespace()
    connect(near, far)
    names = ",".join(f"DNS:host-{number}.of.a.rather.long.name.example" for number in range(400))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "20", "-subj", "/CN=large.example", "-addext", "subjectAltName=" + names,
                    "-keyout", work + "/large.key", "-out", work + "/large.pem"], check=True, capture_output=True)
    der = subprocess.run(["openssl", "x509", "-in", work + "/large.pem", "-outform", "DER"], check=True, capture_output=True).stdout
    for namespace, port in ((far, 4412), (near, 4415)):
        namespace.start("openssl", "s_server", "-accept", str(port), "-cert", work + "/large.pem", "-key", work + "/large.key", "-quiet", "-tls1_2",
                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until("a server", lambda: serves(near, "10.9.0.2", 4412))
    wait_until("a server", lambda: serves(near, "127.0.0.1", 4415))
    SIDES.update(near=near, far=far, der=make_certificate(work, "small.example"), large=hashlib.sha256(der).hexdigest(), size=len(der))


def handshake(place="10.9.0.2:4412", name="large.example"):
    subprocess.run(SIDES["near"].command("openssl", "s_client", "-connect", place, "-servername", name), input="Q\n", capture_output=True, text=True, timeout=20)


def counted(watch, **wanted):
    """Handshakes told so far at each place with such an end."""
    out = {}
    for record in watch.records("sighting"):
        end = record["endpoint"]
        if all(end[key] == value for key, value in wanted.items()):
            out[end["ip"], end["port"]] = out.get((end["ip"], end["port"]), 0) + record.get("count", 1)
    return out


def last_statistics(watch):
    return watch.records("stats")[-1]["counters"]


def test_vlan():
    """tags that the kernel has taken off a packet are there again: for the decoder, and for the words of a filter"""
    near, far, der = SIDES["near"], SIDES["far"], SIDES["der"]
    for number, tags, words in ((1, [7], []), (2, [9, 7], []), (3, [7], ["vlan", "7", "and", "host", "10.1.0.3"]), (4, [9, 7], ["vlan", "and", "vlan", "and", "tcp"])):
        watch = Watch(near, "-i", "veth0", *words, config=TICK)
        send_frames(far, "veth0", [frame(packet, *tags) for packet in packets(number, der)])
        wait_until(f"what tags {tags} hide from {words}", lambda: counted(watch))
        equal("status", 143, watch.stop())
        equal("place", {(f"10.1.0.{number}", 443): 1}, counted(watch))
        equal("damaged", 0, last_statistics(watch)["damaged"])
    watch = Watch(near, "-i", "veth0", "vlan", "8", config=TICK)
    send_frames(far, "veth0", [frame(packet, 7) for packet in packets(5, der)] + [frame(packet, 8) for packet in packets(6, der)])
    wait_until("the one with that tag", lambda: counted(watch))
    watch.stop()
    equal("another tag", {("10.1.0.6", 443): 1}, counted(watch))


def test_offloading():
    """packets of up to 64 KiB that a card would have cut, with checksums that it would have computed: none is garbage, none is a gap"""
    watch = Watch(SIDES["near"], "-i", "veth0", "tcp", config=TICK)
    for _ in range(5):
        handshake()
    wait_until("the handshakes", lambda: counted(watch))
    watch.stop()
    watch.validate()
    equal("handshakes", {("10.9.0.2", 4412): 5}, counted(watch))
    equal("chain and name", {(SIDES["large"], "large.example")}, {(r["chain"][0], r["endpoint"]["name"]) for r in watch.records("sighting")})
    last = last_statistics(watch)
    holds("packets were joined", last["bytes"] / last["packets"] > SIDES["size"] / 40 and last["bad_checksums"] > 0, last)
    equal("gaps, truncated, conflicts, damaged", [0] * 4, [last[name] for name in ("gaps", "truncated", "conflicts", "damaged")])


def test_every_interface():
    """'any' and 'lo', by one worker and by two: each handshake once, though loopback shows each packet on its way out and in"""
    for interface in ("lo", "any"):
        for workers in ("1", "2"):
            watch = Watch(SIDES["near"], "-i", interface, "--workers", workers, config=TICK)
            for _ in range(6):
                handshake("127.0.0.1:4415")
                handshake()
            expected = {("127.0.0.1", 4415): 6, **({("10.9.0.2", 4412): 6} if interface == "any" else {})}
            wait_until("the places", lambda: counted(watch).keys() == expected.keys())
            equal("status", 143, watch.stop())
            equal(f"{interface}, {workers} workers", expected, counted(watch))
            equal("realms", {"host:watch.example" if end[0].startswith("127.") else "default" for end in expected},
                  {r["endpoint"]["realm"] for r in watch.records("sighting")})
            equal("retransmitted", 0, last_statistics(watch)["retransmitted"])


def test_down_and_up():
    """an interface that goes down costs nothing but what did not cross it; one of two that goes away is told, the other is read on"""
    near, far = SIDES["near"], SIDES["far"]
    connect(near, far, "veth2", "10.9.2")
    watch = Watch(near, "-i", "veth0", "-i", "veth2", "--workers", "2", config=TICK)
    handshake(name="before.example")
    wait_until("the first", lambda: counted(watch, name="before.example"))
    near.run("ip", "link", "set", "veth0", "down")
    before = sum(int(word) for word in open(f"/proc/{watch.pid}/stat", encoding="ascii").read().split()[13:15])
    time.sleep(1)
    spent = sum(int(word) for word in open(f"/proc/{watch.pid}/stat", encoding="ascii").read().split()[13:15]) - before
    holds("it waits", spent < os.sysconf("SC_CLK_TCK") / 2, spent)
    near.run("ip", "link", "set", "veth0", "up")
    wait_until("the way", lambda: serves(near, "10.9.0.2", 4412))
    handshake(name="after.example")
    wait_until("the second", lambda: counted(watch, name="after.example"))
    equal("nothing was said", "", watch.said())
    near.run("ip", "link", "delete", "veth2")
    wait_until("the line", lambda: "veth2" in watch.said())
    handshake(name="third.example")
    wait_until("the third", lambda: counted(watch, name="third.example"))
    equal("status", 143, watch.stop())
    equal("lines", 2, watch.said().count("\n"))


def test_snapshot():
    """a snapshot shorter than the certificates: cut packets are gaps and are counted, no certificate is made up"""
    watch = Watch(SIDES["near"], "-i", "veth0", "--snapshot-length", "600", config=TICK)
    for _ in range(3):
        handshake()
    wait_until("cut packets", lambda: watch.records("stats") and last_statistics(watch)["cut"] > 0)
    equal("status", 143, watch.stop())
    equal("certificates", [], watch.records("certificate"))
    last = last_statistics(watch)
    holds("gaps, and handshakes that were truncated", last["gaps"] >= 3 and last["gap_bytes"] > SIDES["size"] and last["truncated"] >= 3, last)


def test_interval():
    """told at once, then once per interval with count and since; in sum every handshake, in order of time; the configuration names the interface"""
    config = "watch: {statistics: 1s, interfaces: [veth0], filter: tcp port 4412, ring_size: 2MiB, snapshot_length: 65535, interval: 1s}\n"
    watch = Watch(SIDES["near"], config=config)
    for _ in range(12):
        handshake()
        handshake("127.0.0.1:4415")
        time.sleep(0.25)
    wait_until("several records", lambda: len(watch.records("sighting")) >= 3)
    equal("status", 143, watch.stop())
    watch.validate()
    records = watch.records("sighting")
    equal("handshakes", {("10.9.0.2", 4412): 12}, counted(watch))
    holds("not each by itself", len(records) <= 7, len(records))
    equal("the first", (None, None), (records[0].get("count"), records[0].get("since")))
    for earlier, later in zip(records, records[1:]):
        holds("since and at", earlier["at"] < later.get("since", later["at"]) <= later["at"], earlier, later)
    equal("the certificate", 1, len(watch.records("certificate")))


def test_signals():
    """SIGHUP ends it as a terminal that closes should, unless nohup(1) said otherwise; a second signal does not lose the first one's records"""
    near = SIDES["near"]
    watch = Watch(near, "-i", "veth0")
    handshake()
    wait_until("the handshake", lambda: counted(watch))
    equal("status", 129, watch.stop(signal.SIGHUP))
    equal("the run", "finished", watch.records()[-1]["state"])
    watch = Watch(near, "-i", "veth0", ignored=[signal.SIGHUP])
    watch.process.send_signal(signal.SIGHUP)
    handshake()
    wait_until("the handshake", lambda: counted(watch))
    equal("status", 143, watch.stop())


def test_refusals():
    """what cannot be captured is one clear line"""
    near = SIDES["near"]
    near.run("ip", "link", "add", "idle0", "type", "veth", "peer", "name", "idle1")
    odd = os.path.join(os.environ.get("TMPDIR", "/tmp"), "odd.pcap")
    with open(odd, "wb") as file: # one packet of a link type that anybody may use for anything
        file.write(struct.pack("<IHHIIIIIIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 147, 1, 0, 4, 4, 0))
    nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    for before, words, expected, text in ((nobody, ["-i", "veth0"], 3, "not allowed to capture: veth0: needs root or CAP_NET_RAW"),
                                          (nobody, ["-i", "any"], 3, "not allowed to capture"),
                                          ([], ["-q", "-r", odd], 1, "odd.pcap\": packets of link type 147 are not read"), ([], ["-i", "idle0"], 3, "idle0"),
                                          ([], ["-i", "no/such"], 3, "no/such"), ([], ["-i", ""], 3, "no such interface"),
                                          ([], ["-i", "veth0", "--ring-size", "4"], 2, "--ring-size takes a size from 1MiB to 1GiB"),
                                          ([], ["-i", "veth0", "--workers", "0"], 2, "--workers takes a number from 1 to 64"),
                                          ([], ["-i", "veth0", "--snapshot-length", "64"], 2, "--snapshot-length takes a number from 128 to 262144"),
                                          ([], ["-i", "veth0", "--interval", "10ms"], 2, "--interval takes a time"), ([], [], 2, "nothing to read")):
        done = subprocess.run(near.command(*before, "timeout", "5", BIN + "/certmuster-watch", "--no-submit", *words), capture_output=True, text=True)
        equal(f"status of {words}: {done.stderr}", expected, done.returncode)
        holds("one clear line", text in done.stderr and done.stderr.count("\n") == 1, done.stderr)


main(prepare, test_vlan, test_offloading, test_every_interface, test_down_and_up, test_snapshot, test_interval, test_signals, test_refusals)
