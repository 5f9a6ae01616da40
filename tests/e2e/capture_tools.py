"""Captures that tests write themselves: a TLS 1.2 server's first flight, in packets. Not a test itself."""
import struct
import subprocess


CHANGE_CIPHER_SPEC = b"\x14\x03\x03\x00\x01\x01"  # after it nothing is in clear


def vector(size, data):
    return len(data).to_bytes(size, "big") + data


def flight(der):
    hello = b"\x03\x03" + b"\x07" * 32 + b"\x00" + b"\xc0\x2f" + b"\x00"
    messages = b"\x02" + vector(3, hello) + b"\x0b" + vector(3, vector(3, vector(3, der))) + b"\x0e" + vector(3, b"")
    return b"\x16\x03\x03" + vector(2, messages) + CHANGE_CIPHER_SPEC


def packets(number, der, segment=400, client_port=40000):
    """The server 10.1.0.N:443 answers 10.2.0.1 in several segments."""
    data, sequence, out = flight(der), 1000, []
    for at in range(0, len(data), segment):
        payload = data[at:at + segment]
        tcp = struct.pack(">HHIIBBHHH", 443, client_port, sequence + at, 1, 0x50, 0x18, 65535, 0, 0) + payload
        source, target = bytes([10, 1, number >> 8, number & 255]), bytes([10, 2, 0, 1])
        total = 0
        pseudo = source + target + struct.pack(">HH", 6, len(tcp)) + tcp
        for word in struct.unpack(f">{(len(pseudo) + 1) // 2}H", pseudo + b"\0" * (len(pseudo) % 2)):
            total += word
        total = (total & 0xffff) + (total >> 16)
        total = ~((total & 0xffff) + (total >> 16)) & 0xffff
        tcp = tcp[:16] + struct.pack(">H", total) + tcp[18:]
        out.append(struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, source, target) + tcp)
    return out


HEADER = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)


def capture(number, der, at=1700000000, client_port=40000):
    return b"".join(struct.pack("<IIII", at, i, len(p), len(p)) + p for i, p in enumerate(packets(number, der, client_port=client_port)))


def make_certificate(work, name):
    """Its DER; the key beside it is work/key."""
    done = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "20", "-subj", "/CN=" + name, "-keyout", work + "/key", "-outform", "DER"],
                          check=True, capture_output=True)
    return done.stdout


def frame(packet, *tags):
    """Ethernet around an IPv4 packet, with 802.1Q tags: the outermost first; with two the outer one is 802.1ad."""
    kinds = ([0x88a8] if len(tags) > 1 else []) + [0x8100] * len(tags)
    head = b"".join(struct.pack(">HH", kind, tag) for kind, tag in zip(kinds, tags))
    return b"\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01" + head + b"\x08\x00" + packet
