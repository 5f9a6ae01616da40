"""A DNS server for tests, on UDP and TCP of one loopback address: answers as its zone file says, and badly where it says so.

    dns_server.py ADDRESS PORT ZONE       prints "ready"; serves until killed; rewrites ZONE.stats at every query

Lines of ZONE: NAME A|AAAA|CNAME VALUE (as many as there are), or NAME BAD WHAT with WHAT one of servfail, refused, silent, garbage,
truncated (the answer comes over TCP only), slow (after 300 ms). A name that has no line at all gets NXDOMAIN. Only the standard library.
"""
import collections
import heapq
import select
import socket
import struct
import sys
import time

A, CNAME, AAAA = 1, 5, 28
TYPES = {"A": A, "AAAA": AAAA, "CNAME": CNAME}


def read_zone(path):
    records, bad = collections.defaultdict(list), {}
    for line in open(path):
        if line.split("#")[0].strip():
            name, kind, value = line.split()
            if kind == "BAD":
                bad[name.lower()] = value
            else:
                records[name.lower()].append((TYPES[kind], value))
    return records, bad


def wire_name(name):
    return b"".join(bytes([len(part)]) + part.encode() for part in name.split(".") if part) + b"\0"


def read_question(message):
    labels, at = [], 12
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode("latin-1"))
        at += 1 + message[at]
    return ".".join(labels).lower(), struct.unpack("!H", message[at + 1:at + 3])[0], message[12:at + 5]


def wire_value(kind, value):
    if kind == CNAME:
        return wire_name(value)
    return socket.inet_pton(socket.AF_INET if kind == A else socket.AF_INET6, value)


class Server:
    def __init__(self, zone):
        self.records, self.bad = read_zone(zone)
        self.stats_path = zone + ".stats"
        self.queries = self.waiting = self.most_waiting = 0
        self.later = []

    def answers(self, name, kind):
        found = []
        for _ in range(8):
            aliases = [value for k, value in self.records.get(name, []) if k == CNAME]
            found += [(name, k, v) for k, v in self.records.get(name, []) if k in (kind, CNAME)]
            if not aliases:
                break
            name = aliases[0].lower()
        return found

    def respond(self, message, over_tcp):
        """The answer, or None for none; and after how many seconds."""
        name, kind, question = read_question(message)
        bad = self.bad.get(name)
        rcode = {"servfail": 2, "refused": 5}.get(bad, 0 if name in self.records or bad else 3)
        if bad == "silent":
            return None, 0
        if bad == "garbage":
            return message[:2] + b"\xff" * 40, 0
        truncated = bad == "truncated" and not over_tcp
        found = [] if rcode or truncated else self.answers(name, kind)
        flags = 0x8180 | rcode | (0x0200 if truncated else 0)
        out = message[:2] + struct.pack("!HHHHH", flags, 1, len(found), 0, 0) + question
        for owner, k, value in found:
            data = wire_value(k, value)
            out += wire_name(owner) + struct.pack("!HHIH", k, 1, 60, len(data)) + data
        return out, 0.3 if bad == "slow" else 0

    def note(self):
        self.queries += 1
        with open(self.stats_path, "w") as out:
            out.write(f"queries {self.queries}\nmost_waiting {self.most_waiting}\n")

    def on_udp(self, udp):
        message, sender = udp.recvfrom(4096)
        answer, delay = self.respond(message, False)
        if answer and delay:
            self.waiting += 1
            self.most_waiting = max(self.most_waiting, self.waiting)
            heapq.heappush(self.later, (time.monotonic() + delay, self.queries, answer, sender))
        elif answer:
            udp.sendto(answer, sender)
        self.note()

    def on_tcp(self, tcp):
        connection, _ = tcp.accept()
        connection.settimeout(5)
        try:
            message = connection.recv(4096)
            answer, _ = self.respond(message[2:], True)
            connection.sendall(struct.pack("!H", len(answer)) + answer)
        except (OSError, TypeError, IndexError):
            pass
        connection.close()

    def serve(self, udp, tcp):
        while True:
            wait = max(0, self.later[0][0] - time.monotonic()) if self.later else None
            ready, _, _ = select.select([udp, tcp], [], [], wait)
            if udp in ready:
                self.on_udp(udp)
            if tcp in ready:
                self.on_tcp(tcp)
            while self.later and self.later[0][0] <= time.monotonic():
                _, _, answer, sender = heapq.heappop(self.later)
                self.waiting -= 1
                udp.sendto(answer, sender)


def main():
    address, port, zone = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    udp.bind((address, port))
    tcp = socket.socket()
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    tcp.bind((address, port))
    tcp.listen(16)
    print("ready", flush=True)
    Server(zone).serve(udp, tcp)


if __name__ == "__main__":
    main()
