"""Captures for bench-watch, and what has to be told of them: those of the shared data, or where they are absent some that are made here."""
import collections
import hashlib
import ipaddress
import os
import socket
import ssl
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import watch_corpus  # pylint: disable=wrong-import-position

# sha256 and who may have shown it: (role, address of the server), any of these.
Row = collections.namedtuple("Row", "sha256 who")
ROUND = 65535


def moved(address, r):
    """What repeat-capture makes of an address: r more in one word of it, r less in the next, in ones' complement."""
    packed = bytearray(ipaddress.ip_address(address).packed)
    at = len(packed) - 4
    for offset, more in ((at, r), (at + 2, ROUND - r)):
        word = int.from_bytes(packed[offset:offset + 2], "big") + more
        packed[offset:offset + 2] = ((word & 0xffff) + (word >> 16)).to_bytes(2, "big")
    return str(ipaddress.ip_address(bytes(packed)))


def host(place):
    return place.rsplit(":", 1)[0].strip("[]")


# --- those of the shared data ------------------------------------------------------------------------------------------------------------------

def corpus():
    """Paths, and of each the rows that have to be told; None: not here."""
    root = watch_corpus.folder()
    if not root:
        return None
    must, _ = watch_corpus.expectations()
    names = watch_corpus.captures()
    return [os.path.join(root, name) for name in names], [sorted({row_of(row) for row in must[name]}) for name in names]


def row_of(expected):
    if expected.ends:
        sender, receiver = map(host, expected.ends)
        return Row(expected.sha256, (("server", sender), ("client", receiver)))
    return Row(expected.sha256, ((expected.role, host(expected.server)),))


# --- made here ---------------------------------------------------------------------------------------------------------------------------------

def certificate(work, name):
    path = f"{work}/{name}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-days", "30", "-keyout", path + ".key", "-out", path],
                   check=True, stderr=subprocess.DEVNULL)
    with open(path, encoding="ascii") as file:
        return path, hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()


def conversation(server_pem, client_pem):
    """The flights of a TLS 1.2 handshake with certificates on both sides, and some data behind it: [(from, bytes)], 0 the client."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.load_verify_locations(server_pem)
    server.load_verify_locations(client_pem)
    server.verify_mode = ssl.CERT_REQUIRED
    for context, pem in ((server, server_pem), (client, client_pem)):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(pem, pem + ".key")
    pipes = [ssl.MemoryBIO(), ssl.MemoryBIO()]  # [n]: what n reads
    sides = [client.wrap_bio(pipes[0], pipes[1], server_hostname="bench.test"), server.wrap_bio(pipes[1], pipes[0], server_side=True)]
    flights, done = [], [False, False]
    for side in (0, 1) * 4:
        try:
            if not done[side]:
                sides[side].do_handshake()
                done[side] = True
            elif all(done):
                sides[side].write(bytes(40000))
        except ssl.SSLWantReadError:
            pass
        sent = pipes[1 - side].read()
        if sent:
            flights.append((side, sent))
            pipes[1 - side].write(sent)
    return flights


def total(data, start=0):
    """The checksum of RFC 1071."""
    data += bytes(len(data) % 2)
    add = start + sum(struct.unpack(f"!{len(data) // 2}H", data))
    while add >> 16:
        add = (add & 0xffff) + (add >> 16)
    return ~add & 0xffff


def segment(ends, side, numbers, flags, data):
    ips, ports = [end[0] for end in ends], [end[1] for end in ends]
    tcp = struct.pack("!HHIIBBHHH", ports[side], ports[1 - side], numbers[side], numbers[1 - side], 80, flags, 65535, 0, 0) + data
    pair = socket.inet_aton(ips[side]) + socket.inet_aton(ips[1 - side])
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0) + pair
    tcp = tcp[:16] + struct.pack("!H", total(pair + struct.pack("!HH", 6, len(tcp)) + tcp)) + tcp[18:]
    ip = ip[:10] + struct.pack("!H", total(ip)) + ip[12:]
    return bytes(12) + b"\x08\x00" + ip + tcp


def packets(flights, ends):
    numbers = [1000, 2000]
    for side, flags in ((0, 2), (1, 18)):
        yield segment(ends, side, numbers, flags, b"")
        numbers[side] += 1
    for side, flight in flights:
        for at in range(0, len(flight), 1400):
            piece = flight[at:at + 1400]
            yield segment(ends, side, numbers, 16, piece)
            numbers[side] += len(piece)
            yield segment(ends, 1 - side, numbers, 16, b"")


def made(work, count):
    """As corpus(): captures of one conversation each, between places of their own."""
    (server_pem, server), (client_pem, client) = certificate(work, "server.test"), certificate(work, "client.test")
    flights = conversation(server_pem, client_pem)
    paths, rows = [], []
    for i in range(count):
        ends = ((f"192.0.2.{i + 1}", 40000), (f"198.51.100.{i + 1}", 443))
        paths.append(f"{work}/made-{i}.pcap")
        with open(paths[-1], "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
            for n, frame in enumerate(packets(flights, ends)):
                file.write(struct.pack("<IIII", 1700000000, n, len(frame), len(frame)) + frame)
        rows.append([Row(server, (("server", ends[1][0]),)), Row(client, (("client", ends[1][0]),))])
    return paths, rows
