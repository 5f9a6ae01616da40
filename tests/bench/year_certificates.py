"""Certificates of a fleet for the benchmark of a year: real DER with all that a CA puts into it, of which keys, serial numbers, timestamps and signatures are random bytes.

A *line* is a service that lives through the year: its certificates follow one another as they are renewed. Written as rows for COPY: certificate, certificate_name
and year.leaf, which says when each certificate was installed. Columns are what the collector decodes (collector/ingest/certificate_rows.c); that they are is checked by
delivering some of them to another inventory."""
import hashlib
import os
import random
import sys
import time

DAY = 86400
NIGHTS = 365
# Days valid, days before the end at which it is renewed, share of lines.
LIFETIMES = ((398, 30, 0.50), (1825, 30, 0.20), (90, 30, 0.22), (47, 16, 0.08))
ISSUERS, ROOTS, TEAMS = 320, 40, 240
WORDS = "shop mail portal api billing search cache build ledger intranet monitor broker storage login report archive gateway queue print voice".split()
EC_SIG, RSA_SIG = bytes.fromhex("300a06082a8648ce3d040302"), bytes.fromhex("300d06092a864886f70d01010b0500")
EC_KEY, RSA_KEY = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200"), bytes.fromhex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100")
OID = {"CN": "0603550403", "O": "060355040a", "C": "0603550406", "san": "0603551d11", "ski": "0603551d0e", "aki": "0603551d23", "bc": "0603551d13", "ku": "0603551d0f",
       "eku": "0603551d25", "crl": "0603551d1f", "policy": "0603551d20", "aia": "06082b06010505070101", "scts": "060a2b06010401d679020402"}
OID = {name: bytes.fromhex(value) for name, value in OID.items()}


def tlv(tag, content):
    size = len(content)
    if size < 128:
        return bytes((tag, size)) + content
    if size < 256:
        return bytes((tag, 0x81, size)) + content
    return bytes((tag, 0x82, size >> 8, size & 255)) + content


def extension(name, content, critical=False):
    return tlv(0x30, OID[name] + (b"\x01\x01\xff" if critical else b"") + tlv(4, content))


def name_of(*parts):
    """A Name and its RFC 4514 text, which turns the order round."""
    der = b"".join(tlv(0x31, tlv(0x30, OID[kind] + tlv(0x13 if kind == "C" else 0x0C, text.encode()))) for kind, text in parts)
    return tlv(0x30, der), ",".join(f"{kind}={text}" for kind, text in reversed(parts))


def utc(seconds):
    t = time.gmtime(seconds)
    return tlv(0x17, b"%02d%02d%02d%02d%02d%02dZ" % (t[0] % 100, *t[1:6])) if t[0] < 2050 else tlv(0x18, b"%04d%02d%02d%02d%02d%02dZ" % t[:6])


def stamp(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def spki(rsa, noise):
    """SubjectPublicKeyInfo: a modulus of the right size, or a point that need not be on the curve."""
    return RSA_KEY + bytes((noise[0] | 0x80,)) + noise[1:256] + b"\x02\x03\x01\x00\x01" if rsa else EC_KEY + b"\x04" + noise[:64]


def signature(rsa, noise):
    if rsa:
        return RSA_SIG, tlv(3, b"\0" + noise[:256])
    half = bytes((0x7F & noise[0] | 0x40,))
    return EC_SIG, tlv(3, b"\0" + tlv(0x30, tlv(2, half + noise[1:32]) + tlv(2, half + noise[32:63])))


class Row:
    """A certificate made of its parts, and the columns of its rows."""

    def __init__(self, issuer_name, issuer_text, signed_rsa, subject, not_before, not_after, rsa, extensions, names, ca=False):
        noise = os.urandom(600)
        self.serial = bytes((noise[0] & 0x7F | 0x40,)) + noise[1:16]
        key = spki(rsa, noise[16:])
        algorithm, bits = signature(signed_rsa, noise[300:])
        tbs = tlv(0x30, b"\xa0\x03\x02\x01\x02" + tlv(2, self.serial) + algorithm + issuer_name + tlv(0x30, utc(not_before) + utc(not_after)) + subject[0] + key
                  + tlv(0xA3, tlv(0x30, extensions)))
        self.der = tlv(0x30, tbs + algorithm + bits)
        self.sha256 = hashlib.sha256(self.der).digest()
        self.hex = self.sha256.hex()
        self.subject, self.issuer, self.names, self.ca = subject[1], issuer_text, names, ca
        self.not_before, self.not_after, self.rsa, self.signed_rsa = not_before, not_after, rsa, signed_rsa
        self.spki, self.tbs = hashlib.sha256(key).hexdigest(), hashlib.sha256(tbs).hexdigest()

    def columns(self, first_seen, last_seen, retired="\\N"):
        common = self.subject.split(",", 1)[0][3:]
        display = next((name for kind, name in self.names if kind == "dns"), common)
        return "\t".join((f"\\\\x{self.hex}", f"\\\\x{self.der.hex()}", "\\N", self.subject, self.issuer, common, display, f"\\\\x{self.serial.hex()}", stamp(self.not_before),
                          stamp(self.not_after), f"\\\\x{self.spki}", f"\\\\x{self.tbs}", "RSA" if self.rsa else "EC", "2048" if self.rsa else "256", "\\N" if self.rsa else "P-256",
                          "sha256WithRSAEncryption" if self.signed_rsa else "ecdsa-with-SHA256", "t" if self.ca else "f", "t" if self.subject == self.issuer else "f", first_seen,
                          last_seen, retired, "\\N")) + "\n"

    def name_rows(self):
        common = self.subject.split(",", 1)[0][3:]
        return "".join(f"\\\\x{self.hex}\t{kind}\t{name}\t{name[::-1]}\n" for kind, name in dict.fromkeys((*self.names, ("cn", common))))


class Issuer:
    """A CA with its certificate, and what every certificate of it carries."""

    def __init__(self, number, above, now):
        rng = random.Random(number)
        self.rsa, self.above, self.public = rng.random() < 0.6, above, number % 2 == 0
        kind = "Issuing CA" if above else "Root"
        self.subject = name_of(("C", "XX"), ("O", f"Example Trust {number % 67}"), ("CN", f"Example {kind} {number}"))
        self.key_id = hashlib.sha256(b"%d" % number).digest()[:20]
        parent = above or self
        identifier = extension("ski", tlv(4, self.key_id)) + extension("aki", tlv(0x30, tlv(0x80, parent.key_id)))
        own = extension("bc", bytes.fromhex("30030101ff"), True) + extension("ku", bytes.fromhex("03020106"), True) + identifier
        begin = now - (4 + number % 5) * 365 * DAY
        self.row = Row(parent.subject[0], parent.subject[1], parent.rsa, self.subject, begin, begin + (10 if above else 20) * 365 * DAY, self.rsa, own, [], True)
        host = f"ca{number}.trust.example".encode()
        points = tlv(0x30, tlv(0xA0, tlv(0xA0, tlv(0x86, b"http://crl." + host + b"/issuing.crl"))))
        access = b"".join(tlv(0x30, bytes.fromhex("06082b060105050730") + kind + tlv(0x86, url)) for kind, url in
                          ((b"\x01", b"http://ocsp." + host), (b"\x02", b"http://" + host + b"/issuing.cer")))
        self.common = (extension("bc", b"\x30\x00", True) + extension("ku", bytes.fromhex("030205a0"), True) + extension("eku", bytes.fromhex("301406082b0601050507030106082b06010505070302"))
                       + extension("aki", tlv(0x30, tlv(0x80, self.key_id))) + extension("crl", tlv(0x30, points)) + extension("aia", tlv(0x30, access))
                       + extension("policy", bytes.fromhex("300a3008060667810c010201")))


def issuers(now):
    roots = [Issuer(1000 + i, None, now) for i in range(ROOTS)]
    some = roots + [Issuer(i, roots[i % ROOTS], now) for i in range(ISSUERS)]
    for index, issuer in enumerate(some):
        issuer.index = index
    return some


def leaf(issuer, host, others, addresses, begin, days, rsa):
    noise = os.urandom(400)
    san = b"".join(tlv(0x82, name.encode()) for name in (host, *others)) + b"".join(tlv(0x87, bytes(map(int, address.split(".")))) for address in addresses)
    more = extension("ski", tlv(4, noise[:20])) + extension("san", tlv(0x30, san))
    if issuer.public:
        times = b"".join(b"\0\x76\0" + noise[20 + 120 * i:137 + 120 * i] for i in range(2 + noise[0] % 2))
        more += extension("scts", tlv(4, len(times).to_bytes(2, "big") + times))
    names = [("dns", name) for name in (host, *others)] + [("ip", address) for address in addresses]
    subject = name_of(("O", "Example Holding"), ("CN", host)) if noise[1] % 3 == 0 else name_of(("CN", host))
    return Row(issuer.subject[0], issuer.subject[1], issuer.rsa, subject, begin, begin + days * DAY, rsa, issuer.common + more, names)


def places_of(rng, number):
    """Nine in ten lines are at one to three places; the tenth at dozens, one in a thousand at 400, one in 30,000 at 10,000."""
    if number % 30000 == 7:
        return 10000
    if number % 1000 == 3:
        return 400
    return rng.choice((1, 1, 2, 3)) if rng.random() < 0.9 else int(20 * 14 ** rng.random())


def line_of(number, all_issuers, tonight, most):
    """The certificates of one line as (row, first night, night of the next one), and what else is said of it. A certificate is at work from the night after it was made."""
    rng = random.Random(number)
    pick = rng.random()
    for days, before, share in LIFETIMES:
        if pick < share:
            break
        pick -= share
    issuer = all_issuers[ROOTS + min(int(rng.expovariate(1 / 60)), ISSUERS - 1)]
    team, rsa, word = number % TEAMS, rng.random() < 0.45, rng.choice(WORDS)
    domain = f"team{team:03}.corp.example"
    host = f"*.{word}{number}.{domain}" if rng.random() < 0.06 else f"{word}{number}.{domain}"
    others = [f"{prefix}.{word}{number}.{domain}" for prefix in ("www", "api", "static", "eu")[:rng.choice((0, 0, 1, 1, 2, 4))]]
    addresses = [f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"] if rng.random() < 0.08 else []
    step = days - before
    last = rng.random() * step if rng.random() > 0.01 else days + rng.random() * 40  # days since the newest was made; one in a hundred was forgotten
    ages, age = [], last
    while True:
        ages.insert(0, age)
        if age >= NIGHTS:
            break
        age += step
    made = []
    for i, age in enumerate(ages):
        begin = int(tonight - age * DAY)
        row = leaf(issuer, host, others, addresses, begin, days, rsa)
        first = max(0, NIGHTS - int(age))
        until = NIGHTS - int(ages[i + 1]) if i + 1 < len(ages) else None
        if first < NIGHTS and (until is None or until > first):
            made.append((row, first, until))
    if made and made[0][1] > 0 and ages[0] >= NIGHTS:
        made[0] = (made[0][0], 0, made[0][2])
    return made, issuer, team, min(places_of(rng, number), most), host


def main():
    """year_certificates.py WHAT NOW MOST FIRST STEP COUNT: lines FIRST, FIRST + STEP … of MOST places each until COUNT certificates are made, into
    WHAT.{certificate,name,leaf}."""
    what, tonight, most, first, step, count = sys.argv[1], *map(int, sys.argv[2:])
    all_issuers = issuers(tonight)
    oldest = tonight - NIGHTS * DAY
    made = 0
    with open(what + ".certificate", "w", encoding="ascii") as rows, open(what + ".name", "w", encoding="ascii") as names, open(what + ".leaf", "w", encoding="ascii") as leaves:
        if first == 0:
            for number, issuer in enumerate(all_issuers):
                rows.write(issuer.row.columns(stamp(oldest), stamp(tonight)))
                names.write(issuer.row.name_rows())
                leaves.write(f"{-1 - number}\t0\t\\\\x{issuer.row.hex}\t{-1 - (number - ROOTS) % ROOTS if issuer.above else 0}\t0\t\\N\t0\t0\t{'t' if issuer.public else 'f'}\t\n")
                made += 1
        number = first
        while made < count:
            chain, issuer, team, places, host = line_of(number, all_issuers, tonight, most)
            for index, (row, begin, until) in enumerate(chain):
                last = NIGHTS if until is None else until
                # Replaced at the last of its places two nights later, and missed there three times.
                retired = stamp(oldest + (until + 5) * DAY) if until is not None and until + 4 <= NIGHTS - 1 else "\\N"
                rows.write(row.columns(stamp(oldest + begin * DAY), stamp(oldest + last * DAY), retired))
                names.write(row.name_rows())
                leaves.write(f"{number}\t{index}\t\\\\x{row.hex}\t{-1 - issuer.index}\t{begin}\t{'' if until is not None else chr(92) + 'N'}{until if until is not None else ''}"
                             f"\t{team}\t{places}\t{'t' if issuer.public else 'f'}\t{host}\n")
                made += 1
            number += step


if __name__ == "__main__":
    main()
