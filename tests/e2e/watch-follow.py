#!/usr/bin/python3
"""certmuster-watch --follow: files that grow byte by byte, directories that tcpdump rotates, a ring of files that are written anew, filters on files,
standard input that pauses. Made of captures that this test writes itself."""
import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from capture_tools import *
from common import Screen, equal, holds, wait_until

BIN = os.environ["CM_BIN"]
RELEASE = os.environ["CM_RELEASE"]  # what looks for leaks needs system calls that the filter of the real one refuses, so that one is tried as well
work = tempfile.mkdtemp(dir=os.environ.get("TMPDIR"))
os.environ["CERTMUSTER_HOME"] = work + "/no-home"
started = []


DER = make_certificate(work, "follow.example")


class Watch:
    def __init__(self, *words, stdin=subprocess.DEVNULL):
        self.name = tempfile.mktemp(dir=work)
        self.process = subprocess.Popen([BIN + "/certmuster-watch", "--json", "--no-submit", *words], stdin=stdin,
                                        stdout=open(self.name + ".out", "w"), stderr=open(self.name + ".err", "w"))
        started.append(self.process)

    def records(self, kind):
        text = open(self.name + ".out", encoding="utf-8").read()
        return [r for r in map(json.loads, text[:text.rfind("\n") + 1].splitlines()) if r["type"] == kind]

    def places(self):
        return [int(r["endpoint"]["ip"].split(".")[2]) * 256 + int(r["endpoint"]["ip"].split(".")[3]) for r in self.records("sighting")]

    def said(self):
        text = open(self.name + ".err", encoding="utf-8").read()
        if "Sanitizer" in text:
            raise AssertionError(text)
        return text

    def shows(self, *numbers):
        wait_until(f"places {numbers}, not {self.places()}; {self.said()}", lambda: set(numbers) <= set(self.places()))

    def end(self, number=signal.SIGTERM):
        if number:
            self.process.send_signal(number)
        status = self.process.wait(60)
        started.remove(self.process)
        self.said()
        return status


def write(path, data, mode="wb"):
    with open(path, mode) as file:
        file.write(data)


def test_growing():
    """a file that grows in odd pieces, cut inside headers and packets; what is there is told at once"""
    path = work + "/growing.pcap"
    data = HEADER + capture(1, DER) + capture(2, DER)
    end_of_first = len(HEADER + capture(1, DER))
    write(path, b"")
    watch = Watch("-r", path, "--follow")
    for cut in (3, 24, 30, 24 + 16 + 5, end_of_first + 7):
        write(path, data[:cut])
        time.sleep(0.25)  # so that cuts are met, at least some
    watch.shows(1)
    write(path, data)
    watch.shows(2)
    equal("status", 143, watch.end())
    equal("places, each once", [1, 2], sorted(watch.places()))
    holds("a file that ends inside a packet is no damage while it is followed", "counts" not in watch.said(), watch.said())


def test_rotation():
    """a directory: old files in order of age, then new ones as they appear, the newest read on; one line for what is damaged; a flow over two files"""
    folder = work + "/rotated"
    os.mkdir(folder)
    whole = capture(40, DER)
    half = struct.unpack("<I", whole[8:12])[0] + 16  # the first packet
    write(folder + "/zz-older", HEADER + capture(10, DER) + whole[:half])
    write(folder + "/aa-newer", HEADER + whole[half:] + capture(11, DER))
    write(folder + "/.hidden", HEADER + capture(99, DER))
    os.utime(folder + "/zz-older", (1000, 1000))
    os.utime(folder + "/aa-newer", (2000, 2000))
    watch = Watch("-r", folder, "--follow")
    watch.shows(10, 40, 11)
    for number in range(12, 30):  # more of them than are kept open
        write(f"{folder}/cap-{number}", HEADER + capture(number, DER)[:500])
        write(f"{folder}/cap-{number}", HEADER + capture(number, DER))
        if number % 4 == 0:
            watch.shows(*range(10, number + 1))
    watch.shows(*range(10, 30))
    write(folder + "/damaged", HEADER + capture(30, DER) + b"\xff" * 64)
    watch.shows(30)
    wait_until("the line for it", lambda: "damaged" in watch.said())
    write(folder + "/after", HEADER + capture(31, DER))
    watch.shows(31)
    write(folder + "/after", capture(32, DER), "ab")
    watch.shows(32)
    equal("status", 143, watch.end())
    equal("each once", sorted(set(watch.places())), sorted(watch.places()))
    holds("no hidden file", 99 not in watch.places())
    equal("lines of damage", 1, watch.said().count("counts"))


def test_ring():
    """a ring of files (tcpdump -W): one that is written anew is read anew, under its old name and number; with and without a process that opens files"""
    follow_ring(work + "/ring")
    if os.geteuid() == 0:
        follow_ring(work + "/ring-alone", "--user", "root")


def follow_ring(folder, *words):
    os.mkdir(folder)
    for number in (0, 1, 2):
        write(f"{folder}/cap{number}", HEADER + capture(100 + number, DER, at=1000 + number))
        os.utime(f"{folder}/cap{number}", (1000 + number, 1000 + number))
    watch = Watch("-r", folder, "--follow", *words)
    watch.shows(100, 101, 102)
    for number in (103, 104, 105, 106):
        write(f"{folder}/cap{number % 3}", HEADER + capture(number, DER, at=1000 + number))
        watch.shows(number)
    os.unlink(folder + "/cap0")
    write(folder + "/cap0", HEADER + capture(107, DER, at=2000))
    watch.shows(107)
    equal("status", 143, watch.end())
    equal("each once", list(range(100, 108)), sorted(watch.places()))


def test_real_tcpdump():
    """as tcpdump itself splits a capture (-C), while it is followed"""
    if not shutil.which("tcpdump"):
        print("    (tcpdump is not there)")
        return
    folder = work + "/tcpdump"
    os.mkdir(folder)
    os.chmod(work, 0o755)
    os.chmod(folder, 0o777)
    write(work + "/many.pcap", HEADER + b"".join(capture(number, DER) for number in range(1000, 3500)))
    watch = Watch("-r", folder, "--follow")
    subprocess.run(["tcpdump", "-r", work + "/many.pcap", "-C", "1", "-w", folder + "/part"], check=True, capture_output=True)
    holds("there are parts", len(os.listdir(folder)) > 2, os.listdir(folder))
    watch.shows(*range(1000, 3500))
    equal("status", 143, watch.end())
    equal("each once", list(range(1000, 3500)), sorted(watch.places()))


def test_rights():
    """files that only root can read, read without root's rights"""
    if os.geteuid() != 0:
        print("    (needs root)")
        return
    folder = work + "/private"
    os.mkdir(folder, 0o700)
    write(folder + "/capture", HEADER + capture(230, DER))
    os.chmod(folder + "/capture", 0o600)
    watch = Watch("-r", folder, "--follow")
    watch.shows(230)
    status = dict(line.split(":", 1) for line in open(f"/proc/{watch.process.pid}/status", encoding="ascii"))
    nobody = subprocess.run(["id", "-u", "nobody"], capture_output=True, text=True).stdout.strip()
    equal("user", [nobody] * 4, status["Uid"].split())
    equal("groups", [], status["Groups"].split())
    equal("rights", ["0" * 16, "1", "2"], [status[name].strip() for name in ("CapEff", "NoNewPrivs", "Seccomp")])
    equal("status", 143, watch.end())


def test_ordinary_user():
    """a user without any rights, with the release build, whose filter is the strict one"""
    folder = tempfile.mkdtemp(dir=os.environ.get("TMPDIR"))
    os.chmod(folder, 0o755)
    program, path = folder + "/certmuster-watch", folder + "/capture"
    shutil.copy(RELEASE + "/certmuster-watch", program)
    write(path, HEADER + capture(240, DER))
    before = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
    done = subprocess.run([*before, program, "--no-submit", "-r", path, "-r", folder, "-r", folder + "/none"], capture_output=True, text=True,
                          env={**os.environ, "HOME": folder})
    equal("status", 1, done.returncode)
    holds("the table", "10.1.0.240:443" in done.stdout, done.stdout, done.stderr)
    equal("lines: the program is no capture, one is not there, the summary", 3, done.stderr.count("\n"))
    holds("the missing one", "No such file or directory" in done.stderr, done.stderr)
    done = subprocess.run([*before, program, "--no-submit", "--user", "root", "-r", path], capture_output=True, text=True, env={**os.environ, "HOME": folder})
    equal("nobody becomes root", (2, 1), (done.returncode, done.stderr.count("\n")))


def test_filter():
    """the words of pcap-filter(7) on files; wrong use is one line and status 2; a link type for which they make no sense is told"""
    path = work + "/filter.pcap"
    write(path, HEADER + capture(200, DER) + capture(201, DER) + capture(202, DER))
    for words, places in ((["host", "10.1.0.201"], [201]), (["tcp", "port", "443", "and", "not", "host", "10.1.0.200"], [201, 202]), (["udp"], [])):
        watch = Watch("-r", path, *words)
        equal(f"status of {words}", 0, watch.end(0))
        equal(f"places of {words}", places, sorted(watch.places()))
    watch = Watch("-r", path, "tcp", "bort")
    equal("status", 2, watch.end(0))
    equal("lines", 1, watch.said().count("\n"))
    watch = Watch("-r", path, "vlan", "7", "or", "ether", "host", "02:00:00:00:00:01")
    equal("status", 1, watch.end(0))
    holds("one line", "makes no sense for packets of link type 101" in watch.said(), watch.said())


def test_pipe():
    """standard input that pauses: what came is told at once, and a signal ends it at once"""
    watch = Watch("-r", "-", stdin=subprocess.PIPE)
    data = HEADER + capture(210, DER)
    watch.process.stdin.write(data + b"\x01\x02\x03")
    watch.process.stdin.flush()
    watch.shows(210)
    before = time.monotonic()
    equal("status", 143, watch.end())
    holds("at once", time.monotonic() - before < 5)
    watch = Watch("-r", "-", stdin=subprocess.PIPE)
    watch.process.stdin.write(data + b"\x01\x02\x03")
    watch.process.stdin.close()
    equal("status of one cut short", 1, watch.end(0))
    equal("what was before it", [210], watch.places())
    fifo = work + "/fifo"
    os.mkfifo(fifo)
    watch = Watch("-r", fifo)
    write(fifo, data)
    equal("status", 0, watch.end(0))
    equal("a named pipe", [210], watch.places())


def test_missing():
    """a name that is not there is told, and read when it comes"""
    path = work + "/later.pcap"
    watch = Watch("-r", path, "--follow")
    wait_until("the complaint", lambda: "cannot read" in watch.said())
    write(path, HEADER + capture(220, DER))
    watch.shows(220)
    equal("status", 143, watch.end())
    equal("one complaint", 1, watch.said().count("cannot read"))
    watch = Watch("-r", work + "/never.pcap", "-r", path)
    equal("status", 1, watch.end(0))
    equal("the other one is read", [220], watch.places())
    watch = Watch("-r", "-", "--follow")
    equal("status", 2, watch.end(0))


def pack(*command):
    return lambda data: subprocess.run(command, input=data, check=True, capture_output=True).stdout


GZIP, ZSTD, XZ = pack("gzip", "-c"), pack("zstd", "-cq"), pack("xz", "-c")


def test_packed():
    """compressed captures, of several members too, from files and pipes; cut or damaged ones are told after what stood before; other formats are named"""
    noise = [struct.pack("<IIII", 1700000000, 0, 620, 620) + b"\x45\0\x02\x6c\0\0\0\0\x40\xfd\0\0\x0a\1\0\1\x0a\1\0\2" + os.urandom(600) for _ in range(300)]  # does not shrink
    data = HEADER + b"".join(capture(number, DER) + noise[number - 250] for number in range(250, 550))
    half = len(HEADER + capture(250, DER))
    for suffix, squeeze in (("gz", GZIP), ("zst", ZSTD)):
        path = f"{work}/packed.{suffix}"
        for content in (squeeze(data), squeeze(data[:half + 9]) + squeeze(data[half + 9:])):
            write(path, content)
            watch = Watch("-r", path)
            equal(f"status of {suffix}: {watch.said()}", 0, watch.end(0))
            equal("places", list(range(250, 550)), sorted(watch.places()))
        whole = squeeze(data)
        for content, text in ((whole[:-1000], "the compressed data ends early"), (whole[:-1], "the compressed data ends early"),
                              (whole[:-2000] + bytes(byte ^ 0x55 for byte in whole[-2000:-1900]) + whole[-1900:], "what was read before it"),
                              (whole + b"something else", "the compressed data cannot be unpacked")):
            write(path, content)
            watch = Watch("-r", path)
            equal(f"status of {suffix} with: {text}", 1, watch.end(0))
            holds("one line for it, and the summary", text in watch.said() and "counts" in watch.said() and watch.said().count("\n") == 2, watch.said())
            holds("what stood before", len(watch.places()) > 100, len(watch.places()))
        watch = Watch("-r", "-", stdin=subprocess.PIPE)
        watch.process.stdin.write(squeeze(data[:half + 9]))
        watch.process.stdin.flush()
        watch.shows(250)
        watch.process.stdin.write(squeeze(data[half + 9:]))
        watch.process.stdin.close()
        equal("status of a pipe", 0, watch.end(0))
        equal("places of a pipe", 300, len(watch.places()))
    for content, text in ((XZ(data), "(xz)"), (GZIP(GZIP(data)), "not a capture file"), (GZIP(b""), "inside its header")):
        write(work + "/odd", content)
        watch = Watch("-r", work + "/odd")
        equal(f"status with {text}", 1, watch.end(0))
        holds("one line", text in watch.said() and watch.said().count("\n") == 2, watch.said())


def test_packed_rotation():
    """files that are compressed once they are whole (tcpdump -z): none is read twice, and one that was compressed before anybody saw it is read"""
    folder = work + "/squeezed"
    os.mkdir(folder)
    write(folder + "/before.gz", GZIP(HEADER + capture(600, DER)))
    for suffix, squeeze in (("gz", GZIP), ("zst", ZSTD)):
        write(f"{folder}/both-{suffix}", HEADER + capture(601 + len(suffix), DER))
        write(f"{folder}/both-{suffix}.{suffix}", squeeze(HEADER + capture(601 + len(suffix), DER)))
    watch = Watch("-r", folder)
    equal("status", 0, watch.end(0))
    equal("once through", [600, 603, 604], sorted(watch.places()))
    watch = Watch("-r", folder, "--follow")
    watch.shows(600, 603, 604)
    for number in range(610, 614):
        path = f"{folder}/part-{number}"
        write(path, HEADER + capture(number, DER))
        watch.shows(number)
        subprocess.run(["gzip", path] if number % 2 else ["zstd", "-q", "--rm", path], check=True)
    whole = GZIP(HEADER + capture(620, DER) + capture(621, DER))
    for cut in (2, 15, len(whole) // 2, len(whole)):
        write(folder + "/late.gz", whole[:cut], "r+b" if cut > 2 else "wb")
        time.sleep(0.3)  # so that cuts are met, at least some
    watch.shows(620, 621)
    equal("status", 143, watch.end())
    equal("each once", [600, 603, 604, 610, 611, 612, 613, 620, 621], sorted(watch.places()))
    holds("no damage", "counts" not in watch.said(), watch.said())


def test_progress():
    """on a terminal: how much of all is read, at which rate, how long it will take; not a word of it elsewhere"""
    path = work + "/long.pcap"
    write(path, HEADER + b"".join(capture(number, DER) for number in range(1000, 7000)))
    screen = Screen()
    process = subprocess.Popen([BIN + "/certmuster-watch", "--json", "--no-submit", "-r", path, "-r", work + "/absent"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=screen.theirs, env={**os.environ, "TERM": "xterm", "COLUMNS": "150"})
    started.append(process)
    os.close(screen.theirs)
    line = re.compile(r"[\d,]+ of " + f"{os.path.getsize(path):,}" + r" bytes  \d+%  [\d,]+/s  ETA \d+s  0 damaged")
    wait_until("the line, while whoever reads the records pauses", lambda: line.search(screen.look()))
    records = [json.loads(text) for text in process.stdout.read().splitlines()]
    equal("status", 1, process.wait(60))
    started.remove(process)
    equal("places", 6000, len({record["endpoint"]["ip"] for record in records if record["type"] == "sighting"}))
    shown = screen.look()
    holds("it makes way", re.search(r"damaged\r\x1b\[K", shown) and shown.rstrip().endswith("0 evicted"), shown[-500:])
    equal("the last word on what is absent", 1, shown.count("cannot read"))


def main(tests, release_tests):
    global BIN, work
    try:
        for test in tests:
            print("---", test.__doc__, flush=True)
            test()
        BIN, work = RELEASE, tempfile.mkdtemp(dir=os.environ.get("TMPDIR"))
        for test in release_tests:
            print("--- release:", test.__doc__, flush=True)
            test()
    finally:
        for process in started:
            process.kill()
            process.wait()
    print(f"{len(tests) + len(release_tests)} parts: ok")


main([test_growing, test_rotation, test_ring, test_real_tcpdump, test_rights, test_filter, test_pipe, test_missing, test_packed, test_packed_rotation, test_progress],
     [test_growing, test_ring, test_rights, test_ordinary_user, test_filter, test_pipe, test_missing, test_packed, test_packed_rotation])
