"""For the tests that attack the collector: a private inventory that serves the unix socket and TLS, an honest scanner beside the attack, what the
process holds, and raw sockets. Not a test itself."""
import os
import socket
import ssl
import subprocess
import threading
import time

from collectd_tools import *
from common import equal, holds, wait_until
from inventory_tools import HOME, TMP, play, run, sockets, sql, the_log

MIB = 1 << 20
BODY_MAX = 16 * MIB


def unix_path():
    return sockets() + "/collectd.sock"


def configure(extra="", tls=True):
    """Writes the configuration; with tls, ca.pem and server.pem must be there already."""
    with open(f"{HOME}/certmuster.yaml", "w") as file:
        file.write("collector:\n  judge_interval: 1s\n" + extra)
        if tls:
            file.write(f"  listen: 127.0.0.1:0\n  tls: {{cert: {TMP}/server.pem, key: {TMP}/server.key, client_ca: {TMP}/ca.pem}}\n")


def make_certificates(names):
    make_pki(TMP, ["server", *names])
    os.chmod(f"{TMP}/server.key", 0o644)  # started by root, the inventory runs as an account of its own


def tls_port():
    return int(the_log().rsplit("tls=127.0.0.1:", 1)[1].split()[0])


class Process:
    """collectd as the kernel sees it."""

    def __init__(self):
        self.pid = int(open(f"{HOME}/collectd.pid").read())

    def status(self, name):
        for line in open(f"/proc/{self.pid}/status"):
            if line.startswith(name + ":"):
                return int(line.split()[1])
        raise AssertionError(name)

    def resident_mib(self):
        return self.status("VmRSS") / 1024

    def peak_mib(self):
        return self.status("VmHWM") / 1024

    def forget_peak(self):
        open(f"/proc/{self.pid}/clear_refs", "w").write("5")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def threads(self):
        return self.status("Threads")


def tls_client(name, port=None, source="127.0.0.1", timeout=60):
    return Collector(("127.0.0.1", port or tls_port(), client_context(TMP, name)), timeout)


def raw(where, source=None, timeout=30):
    """A connected socket: where is a path or (host, port)."""
    if isinstance(where, str):
        plain = socket.socket(socket.AF_UNIX)
        plain.settimeout(timeout)
        plain.connect(where)
        return plain
    plain = socket.socket()
    plain.settimeout(timeout)
    if source:
        plain.bind((source, 0))
    plain.connect(where)
    return plain


def raw_tls(name, port=None, source=None, timeout=30):
    return client_context(TMP, name).wrap_socket(raw(("127.0.0.1", port or tls_port()), source, timeout), server_hostname="127.0.0.1")


def read_answer(stream):
    """Status (None: closed without one), headers and body of the next answer."""
    head = b""
    try:
        while b"\r\n\r\n" not in head:
            piece = stream.recv(65536)
            if not piece:
                return None, {}, head
            head += piece
        head, rest = head.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {line.split(":", 1)[0].lower(): line.split(":", 1)[1].strip() for line in lines[1:]}
        size, rest = int(headers.get("content-length", 0)), bytearray(rest)
        while len(rest) < size:
            piece = stream.recv(1 << 18)
            if not piece:
                break
            rest += piece
        return int(lines[0].split()[1]), headers, bytes(rest)
    except (ConnectionError, ssl.SSLError, BrokenPipeError):
        return None, {}, head


def post(stream, content, key, path="/v1/batches", **headers):
    """Sends a request and reads its answer, also one that comes before the request was sent whole."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nIdempotency-Key: {key}\r\n{more}Content-Length: {len(content)}\r\n\r\n".encode()
    try:
        stream.sendall(head + content)
    except (ConnectionError, ssl.SSLError, BrokenPipeError):
        pass
    return read_answer(stream)


def zstd(content, *options):
    return subprocess.run(["zstd", "-qc", *options], input=content, stdout=subprocess.PIPE, check=True).stdout


class Honest:
    """A scanner that goes on delivering: new places every time, each batch again after 429 and 5xx as submit does. At the end every one of its
    records must stand once."""

    def __init__(self, name, client, der, pause=0.02, places=20):
        self.name, self.client, self.der, self.pause, self.places = name, client, der, pause, places
        self.run, self.sent, self.put_off, self.worst_s, self.took = new_run(), 0, 0, 0.0, []
        self.going, self.wrong = True, None
        self.thread = threading.Thread(target=self.work, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self.going = False
        self.thread.join(120)
        if kind is None:
            holds("the honest scanner", self.wrong is None and not self.thread.is_alive(), self.wrong)

    def work(self):
        number = 0
        try:
            while self.going:
                number += 1
                lines = [cert_record(self.der)] if number == 1 else []
                lines += [sighting(f"10.{number >> 8 & 255}.{number & 255}.{i}", [self.der], self.run, scanner=self.name, port=4000 + (number >> 16))
                          for i in range(self.places)]
                began = time.monotonic()
                self.deliver(lines, f"{self.name}/{self.run}/{number}")
                self.took.append(time.monotonic() - began)
                self.sent += self.places
                time.sleep(self.pause)
        except BaseException as error:
            self.wrong = repr(error)

    def deliver(self, lines, key):
        deadline = time.monotonic() + 60
        while True:
            try:
                status, content = self.client.batch(lines, key)
            except OSError as error:
                status, content = 0, repr(error)
            if status == 200:
                holds("its records", content["rejected"] == [] and content["stored"] == len(lines), content)
                return
            holds("its batch", status in (0, 429, 503) and time.monotonic() < deadline, status, content)
            self.put_off += 1
            time.sleep(0.1)

    def stored(self):
        return int(sql(f"SELECT coalesce(sum(stored_ok), 0) FROM run WHERE run = '{self.run}'"))

    def figures(self):
        took = sorted(self.took) or [0]
        return f"{len(took)} batches, median {took[len(took) // 2] * 1000:.0f} ms, worst {took[-1] * 1000:.0f} ms, put off {self.put_off} times"
