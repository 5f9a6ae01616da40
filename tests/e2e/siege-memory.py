#!/usr/bin/python3
# profile: release
# alone
"""What the collector takes when it is sent the worst of everything at once: every connection of two clients posts the largest bodies there are, of each kind that
costs most for its bytes; ten thousand connections are opened. It stays below 256 MiB, gives memory and descriptors back, and an honest scanner's records are all
stored. SIEGE_SECONDS for each kind, all of them; without it the worst ones, briefly. With SIEGE_FRESH each meets a collector that was just started."""
import gzip
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import resource

from siege_tools import *

SECONDS = float(os.environ.get("SIEGE_SECONDS", "0.5"))
LONG = "SIEGE_SECONDS" in os.environ
FRESH = bool(os.environ.get("SIEGE_FRESH"))
LIMIT_MIB = 256
CLIENTS = ("alpha", "beta")
EACH = 16  # connections of each
FLOOD_CONNECTIONS = 300


def start():
    global D, T, AT, RUN, BASE
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20000), hard))
    make_certificates([*CLIENTS, "honest", "other"])
    configure("  client_rate: 100000\n  request_timeout: 20s\n")
    run("certmuster", "up")
    for name in (*CLIENTS, "honest", "other"):
        run("certmuster", "scanner", "add", name, "--cert", f"{TMP}/{name}.pem")
    T = template(TMP)
    D, AT, RUN = certificate(T, 0), stamp(time.time()), new_run()
    BASE = Process().resident_mib()
    print(f"at its start: {BASE:.0f} MiB, {Process().descriptors()} descriptors", flush=True)


# --- The largest bodies of each kind -------------------------------------------------------------------------------------------------------------------

def fill(make, most=200000):
    """As many lines as a body may hold. make(i) must not depend on the time."""
    lines, size = [], 0
    for i in range(most):
        line = make(i).encode()
        if size + len(line) + 1 > BODY_MAX:
            break
        lines.append(line)
        size += len(line) + 1
    return b"\n".join(lines) + b"\n"


def address(i):
    return f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}"


def asset(what, i, **members):
    return record(what, source="crawl", at=AT, run=RUN, file={"realm": "default", "host": "h", "path": f"/p{i}", "format": "pem"}, **members)


def seen(i, chain, **more):
    return record("sighting", source="scan", at=AT, run=RUN, endpoint=endpoint(address(i)), role="server", chain=chain, **more)


KINDS = {
    "empty lines": lambda: b"\n" * 200000,
    "rejections": lambda: b"{}\n" * 200000,
    "long rejections": lambda: fill(lambda i: '{"v":1,"type":"failure","stage":"' + "x" * 45 + '"}'),
    "empty objects": lambda: (b'{"v":1,"x":[' + b"{}," * 65000 + b"1]}\n") * 80,
    "empty objects, too many": lambda: (b'{"v":1,"type":"failure","x":[' + b"{}," * 690000 + b"1]}\n") * 8,
    "members": lambda: (b'{"v":1,"type":"failure","x":{' + b",".join(b'"%x":1' % i for i in range(65000)) + b"}}\n") * 20,
    "failures": lambda: fill(lambda i: record("failure", source="scan", at=AT, run=RUN, endpoint=endpoint(address(i)), stage="connect", error="refused")),
    "runs": lambda: fill(lambda i: record("failure", source="scan", at=AT, run=f"{i:08x}-0000-4000-8000-000000000000", endpoint=endpoint("10.0.0.1"), stage="connect", error="refused")),
    "chains of unknown certificates": lambda: fill(lambda i: seen(i, [f"{100 * i + j:064x}" for j in range(100)])),
    "backslashes": lambda: fill(lambda i: seen(i, ["ab" * 32], tls={"version": "TLSv1.3", "x": ["\\" * 450000]})),
    "texts of JSON": lambda: fill(lambda i: asset("csr", i, sha256="11" * 32, subject="\\" * 900000)),
    "keys": lambda: fill(lambda i: asset("key", i, kind="pkcs8", encrypted=True)),
    "certificates of four bytes": lambda: fill(lambda i: cert_record(i.to_bytes(4, "big"))),
    "certificates": lambda: fill(lambda i: cert_record(certificate(T, i))),
    "certificates of 256 KiB": lambda: fill(lambda i: cert_record(i.to_bytes(4, "big") + b"\x30" * (256 * 1024 - 4))),
    "certificates of 20,000 names": lambda: fill(lambda i: cert_record(of_names(i))),
}


def of_names(number):
    """A certificate whose SAN extension was replaced by one of 20,000 names; nobody signed that, nor is it asked."""
    def der(tag, *parts):
        content = b"".join(parts)
        size = len(content)
        return bytes([tag]) + (bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big") if size < 65536 else b"\x83" + size.to_bytes(3, "big")) + content
    name = der(0x30, der(0x31, der(0x30, der(0x06, b"\x55\x04\x03"), der(0x0C, b"n%d" % number))))
    names = der(0x30, *[der(0x82, b"a%d.io" % i) for i in range(20000)])
    algorithm = der(0x30, der(0x06, bytes.fromhex("2a8648ce3d040302")))
    spki = der(0x30, der(0x30, der(0x06, bytes.fromhex("2a8648ce3d0201")), der(0x06, bytes.fromhex("2a8648ce3d030107"))), der(0x03, b"\0\4" + b"\1" * 64))
    tbs = der(0x30, der(0xA0, der(0x02, b"\x02")), der(0x02, number.to_bytes(4, "big")), algorithm, name, der(0x30, der(0x17, b"260101000000Z"), der(0x17, b"270101000000Z")), name, spki,
              der(0xA3, der(0x30, der(0x30, der(0x06, b"\x55\x1d\x11"), der(0x04, names)))))
    return der(0x30, tbs, algorithm, der(0x03, b"\0" + b"\x30\x06\x02\x01\x01\x02\x01\x01"))


# --- Sending it ----------------------------------------------------------------------------------------------------------------------------------------

ATTACKER = """
import sys, time, uuid, threading, os
sys.path.insert(0, os.environ["SIEGE_TOOLS"])
from siege_tools import *
client, port, seconds, connections, reads, path = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), sys.argv[5] == "reads", sys.argv[6]
content = sys.stdin.buffer.read()
encoding = dict(Content_Encoding=sys.argv[7]) if len(sys.argv) > 7 else {}
end, counts = time.time() + seconds, {}
def work():
    while time.time() < end:
        try:
            stream = client_context(os.environ["SIEGE_DIR"], client).wrap_socket(raw(("127.0.0.1", port), timeout=60), server_hostname="127.0.0.1")
            if reads:
                said = post(stream, content, "file/" + uuid.uuid4().hex, path, **encoding)[0]
            else:
                stream.sendall(f"POST {path} HTTP/1.1\\r\\nIdempotency-Key: file/{uuid.uuid4().hex}\\r\\nContent-Length: {len(content)}\\r\\n\\r\\n".encode() + content)
                while time.time() < end:  # and more, unread
                    stream.sendall(content)
                said = "unread"
            stream.close()
        except OSError:
            said = "cut"
        counts[said] = counts.get(said, 0) + 1
threads = [threading.Thread(target=work) for _ in range(connections)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(" ".join(f"{key}:{value}" for key, value in sorted(counts.items(), key=str)))
sys.stdout.flush()
os._exit(0)
"""


def attack(what, content, reads=True, path="/v1/batches", encoding=None):
    if FRESH:
        run("certmuster", "down")
        run("certmuster", "up")
    process = Process()
    process.forget_peak()
    environment = {**os.environ, "SIEGE_TOOLS": os.path.dirname(os.path.abspath(__file__)), "SIEGE_DIR": TMP}
    with Honest("honest", tls_client("honest"), D) as honest:
        attackers = []
        for name in CLIENTS:
            attacker = subprocess.Popen([sys.executable, "-c", ATTACKER, name, str(tls_port()), str(SECONDS), str(EACH), "reads" if reads else "does not", path, *([encoding] if encoding else [])],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
            threading.Thread(target=lambda to=attacker.stdin: (to.write(content), to.close()), daemon=True).start()
            attackers.append(attacker)
        said = " | ".join(attacker.stdout.read().decode().strip() for attacker in attackers)
        for attacker in attackers:
            attacker.wait()
        wait_until("the last of it", lambda: metric("certmuster_working") == 0 and metric("certmuster_queue") == 0, 120)
    equal("stored of the honest scanner", honest.sent, honest.stored())
    peak = process.peak_mib()
    holds("the honest scanner was served in turn", max(honest.took) < 10, honest.figures())
    print(f"{what:32} {len(content) / MIB:5.1f} MiB  peak {peak:4.0f} MiB, then {process.resident_mib():3.0f}  answers {said}  honest: {honest.figures()}", flush=True)
    holds(f"{what}: below {LIMIT_MIB} MiB", peak < LIMIT_MIB, peak)
    return peak


def metric(name):
    text = Collector(unix_path()).get("/metrics")[1].decode()
    return float(next(line.split()[1] for line in text.splitlines() if line.startswith(name + " ")))


def test_bodies():
    """Both clients post without end on every connection."""
    chosen = KINDS if LONG else ("long rejections", "texts of JSON", "certificates of four bytes")
    worst = max((attack(what, KINDS[what]()), what) for what in chosen)
    print(f"the worst: {worst[1]}, {worst[0]:.0f} MiB", flush=True)


def test_packed():
    """The same as bombs: small on the way, large in memory."""
    for what in ("rejections", "empty objects", "backslashes") if LONG else ("rejections",):
        attack(what + ", zstd", zstd(KINDS[what]()), encoding="zstd")
        if LONG:
            attack(what + ", gzip", gzip.compress(KINDS[what](), 1), encoding="gzip")


def test_unread():
    """Answers of megabytes that nobody reads, and more requests behind them."""
    attack("answers unread", KINDS["rejections"](), reads=False)
    if LONG:
        attack("bodies unread", KINDS["failures"](), reads=False)


def test_questions():
    attack("questions of objects", b'{"sha256":[' + b"{}," * 5500000 + b"1]}", path="/v1/missing")
    if LONG:
        attack("questions", b'{"sha256":[' + b",".join(b'"%064x"' % i for i in range(65536)) + b"]}", path="/v1/missing")
        attack("leases of objects", b'{"kind":[' + b"{}," * 5500000 + b"1]}", path="/v1/leases")


def test_ten_thousand():
    """Ten thousand connections at once, from two hundred addresses: silent ones, half handshakes; the honest scanner opens a new one for each batch."""
    process, port = Process(), tls_port()
    process.forget_peak()
    before, streams = process.descriptors(), []

    hello = bytes.fromhex("160301020001") + b"\0"
    with Honest("honest", Fresh(("127.0.0.1", port)), D) as honest:
        for i in range(10000):
            stream = socket.socket()
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            stream.setblocking(False)
            stream.bind((f"127.0.{1 + i % 200}.1", 0))
            stream.connect_ex(("127.0.0.1", port))
            streams.append(stream)
            if i % 2:
                try:
                    stream.send(hello)
                except OSError:
                    pass
        most, end = 0, time.monotonic() + max(3, SECONDS)
        while time.monotonic() < end or (len(honest.took) < 5 and time.monotonic() < end + 30):
            most = max(most, process.descriptors())
            for stream in streams[::7]:  # those that were cut come again
                try:
                    if stream.recv(1) == b"":
                        raise ConnectionError
                except BlockingIOError:
                    pass
                except OSError:
                    index = streams.index(stream)
                    stream.close()
                    streams[index] = again = socket.socket()
                    again.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    again.setblocking(False)
                    again.bind((f"127.0.{1 + index % 200}.1", 0))
                    again.connect_ex(("127.0.0.1", port))
    for stream in streams:
        stream.close()
    equal("stored of the honest scanner", honest.sent, honest.stored())
    print(f"ten thousand connections: peak {process.peak_mib():.0f} MiB, at most {most} descriptors; honest, a handshake for each: {honest.figures()}", flush=True)
    holds("below the limit", process.peak_mib() < LIMIT_MIB, process.peak_mib())
    holds("descriptors: those that may be open, and some that are being turned away", most < 256 + 2 * 64 + 64, most)
    holds("the honest one came through", len(honest.took) >= 5, honest.figures())
    wait_until("they are forgotten", lambda: process.descriptors() <= before + 5, 30)


FLOOD = """
import select, socket, sys
host, port, connections, hello = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), bytes.fromhex(sys.argv[4])
poll, streams = select.epoll(), {}
def connect():
    stream = socket.socket()
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\\1\\0\\0\\0\\0\\0\\0\\0")
    stream.setblocking(False)
    stream.connect_ex((host, port))
    streams[stream.fileno()] = (stream, len(streams) % 2)
    poll.register(stream.fileno(), select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP)
for _ in range(connections):
    connect()
while True:
    for fd, what in poll.poll(0.1):
        stream, speaks = streams[fd]
        if what & (select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR):
            streams.pop(fd)
            poll.unregister(fd)
            stream.close()
            connect()  # at once
        else:
            poll.modify(fd, select.EPOLLRDHUP)
            if what & select.EPOLLOUT and speaks and hello:
                try:
                    stream.send(hello)
                except OSError:
                    pass
"""


def client_hello():
    """One that the collector answers, and whoever sends it need not go on."""
    context, sent = client_context(TMP, "alpha"), ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname="127.0.0.1").do_handshake()
    except ssl.SSLWantReadError:
        return sent.read()


class Fresh:
    """A connection and a handshake for each batch."""

    def __init__(self, where):
        self.where = where

    def batch(self, lines, key):
        return Collector((*self.where, client_context(TMP, "honest")), timeout=10).batch(lines, key)


def besiege(what, where, hello=b""):
    """FLOOD_CONNECTIONS from one address, which come again as soon as they are cut, beside a scanner from the same address: which delivers."""
    process, began = Process(), time.monotonic()
    process.forget_peak()
    dropped = lambda: metric("certmuster_connections_dropped_total")
    before = dropped()
    flood = subprocess.Popen([sys.executable, "-c", FLOOD, where[0], str(where[1]), str(FLOOD_CONNECTIONS), hello.hex()])
    try:
        wait_until("the siege", lambda: dropped() > before + FLOOD_CONNECTIONS, 30)
        with Honest("honest", Fresh(where), D, pause=0) as honest:
            wait_until("the honest one delivers", lambda: len(honest.took) >= 5 and time.monotonic() > began + SECONDS, 60)
            cut = (dropped() - before) / (time.monotonic() - began)
    finally:
        flood.kill()
        flood.wait()
    equal("stored of the honest scanner", honest.sent, honest.stored())
    print(f"{what}: {cut:.0f} cut a second; peak {process.peak_mib():.0f} MiB; honest, a handshake for each: {honest.figures()}", flush=True)
    holds("put off now and then at most", honest.put_off <= 2 * len(honest.took), honest.figures())
    holds("below the limit", process.peak_mib() < LIMIT_MIB, process.peak_mib())


def test_one_address():
    """Behind a NAT: all have one address."""
    besiege("one address, silent", ("127.0.0.1", tls_port()))
    besiege("one address, half of them in the middle of a handshake", ("127.0.0.1", tls_port()), client_hello())


def test_balancer():
    """Behind a balancer that passes TCP on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open(f"{TMP}/haproxy.cfg", "w") as file:
        file.write(f"global\n  maxconn 4000\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
                   f"listen collectors\n  bind 127.0.0.1:{port}\n  server one 127.0.0.1:{tls_port()}\n")
    balancer = subprocess.Popen(["haproxy", "-q", "-db", "-f", f"{TMP}/haproxy.cfg"])
    try:
        wait_until("the balancer", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, 20)
        besiege("through a balancer, silent", ("127.0.0.1", port))
        besiege("through a balancer, half of them in the middle of a handshake", ("127.0.0.1", port), client_hello())
    finally:
        balancer.terminate()
        balancer.wait()


def test_after():
    """What it took it gave back."""
    process = Process()
    wait_until("connections are closed", lambda: metric("certmuster_connections") <= 2 and metric("certmuster_connections_held_bytes") < 4096, 40)
    wait_until("memory to be given back", lambda: process.resident_mib() < BASE + 64, 10)
    print(f"afterwards: {process.resident_mib():.0f} MiB, {process.descriptors()} descriptors, {process.threads()} threads", flush=True)


play([test_bodies, test_packed, test_unread, test_questions, test_ten_thousand, test_one_address, test_balancer, test_after], start)
