#!/usr/bin/python3
# profile: release
"""Files that were made to exhaust whoever unpacks them: each limit is told with its name where it is hit, what stands beside is told all the same, and
the process stays below 256 MiB, whatever a file asks for (measured with getrusage)."""
import gzip
import io
import json
import os
import resource
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
import zlib

BIN = os.path.join(os.environ.get("CM_BIN", "build/release"), "certmuster-crawl")
RESIDENT_MAX = 256 * 1024  # KiB
FOLDER = tempfile.mkdtemp(prefix="bombs.", dir=os.environ.get("TMPDIR"))
os.environ["CERTMUSTER_HOME"] = os.path.join(FOLDER, "no-home")
MIB = 1 << 20


def path_of(name):
    return os.path.join(FOLDER, name)


def sh(command):
    subprocess.run(["bash", "-e", "-o", "pipefail", "-c", command], check=True, cwd=FOLDER, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def write(name, data):
    with open(path_of(name), "wb") as out:
        out.write(data)


def crawl(name, *options):
    """(records, seconds, KiB resident at most) of one file."""
    began = time.monotonic()
    with open(path_of("records"), "wb") as out:
        child = subprocess.Popen([BIN, "--json", "--no-submit", *options, path_of(name)], stdout=out, stderr=subprocess.PIPE)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    errors = child.stderr.read().decode()
    child.stderr.close()
    assert child.returncode in (0, 1), (name, child.returncode, errors)
    with open(path_of("records"), encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return records, time.monotonic() - began, usage.ru_maxrss


def expect(name, limit, found, *options, seconds=60, error="limit"):
    """limit: a word of the detail of a failure, None: there is none; found: how many certificates."""
    records, took, resident = crawl(name, *options)
    failures = [r for r in records if r["type"] == "failure"]
    sightings = [r for r in records if r["type"] == "sighting"]
    told = [(r["error"], r.get("detail", "")) for r in failures]
    print(f"{name}: {took:.1f} s, {resident // 1024} MiB, {len(sightings)} found, {told[:2]}")
    assert resident < RESIDENT_MAX, (name, resident)
    assert took < seconds, (name, took)
    assert len(sightings) == found, (name, len(sightings), told)
    if limit is None:
        assert not told, (name, told)
    else:
        assert any(e == error and limit in detail for e, detail in told), (name, limit, told)
        assert len(told) < 40, (name, len(told))
    return records


def zip_of(entries, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return out.getvalue()


def overlapping(kernel, count):
    """A zip of many names for the same bytes."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packed.compress(kernel) + packed.flush()
    crc = zlib.crc32(kernel)
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 8, 0, 0, crc, len(data), len(kernel), 4, 0) + b"0000" + data
    directory = b"".join(
        struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 8, 0, 0, crc, len(data), len(kernel), 4, 0, 0, 0, 0, 0, 0) + b"%04d" % i
        for i in range(count)
    )
    return local + directory + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, count, count, len(directory), len(local), 0)


def tar_header(name, size_field):
    header = bytearray(512)
    header[0 : len(name)] = name
    header[100:108] = b"0000644\0"
    header[124:136] = size_field
    header[136:148] = b"00000000000\0"
    header[156:157] = b"0"
    header[257:265] = b"ustar\x0000"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def greedy(path):
    """A 7z that asks for a dictionary of 3.75 GiB, with the sums that it needs to be believed."""
    with open(path, "rb") as source:
        data = bytearray(source.read())
    at = data.index(b"\x03\x01\x01\x05\x5d") + 5
    data[at : at + 4] = struct.pack("<I", 0xF0000000)
    begin, size = struct.unpack_from("<QQ", data, 12)
    struct.pack_into("<I", data, 28, zlib.crc32(data[32 + begin : 32 + begin + size]))
    struct.pack_into("<I", data, 8, zlib.crc32(data[12:32]))
    with open(path, "wb") as out:
        out.write(data)


def main():
    sh("openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert.pem -days 9 -subj /CN=bomb && rm key")
    with open(path_of("cert.pem"), "rb") as source:
        cert = source.read()
    zeros = bytes(64 * MIB)

    # The ratio: the bomb is given up, its neighbours are not.
    write("bomb.zip", zip_of([("a.pem", cert), ("bomb", zeros), ("z.pem", cert)]))
    expect("bomb.zip", "max-ratio", 2)
    # A zip of sixteen equal zips of equal bombs: what 42.zip is.
    inner = zip_of([(str(i), zeros[: 16 * MIB]) for i in range(4)])
    write("42.zip", zip_of([(f"{i}.zip", inner) for i in range(16)]))
    expect("42.zip", "max-ratio", 0)
    write("overlapping.zip", overlapping(bytes(10 * MIB), 5000))
    expect("overlapping.zip", None, 0)  # libarchive takes the same bytes once
    write("bomb.gz", gzip.compress(zeros, 9))
    expect("bomb.gz", "max-ratio", 0)
    expect("bomb.gz", None, 0, "--max-ratio", "0")
    expect("bomb.zip", "max-unpacked", 2, "--max-ratio", "0", "--max-unpacked", "1MiB")

    del zeros, inner

    # The depth: what lies above it is told.
    nested = zip_of([("cert.pem", cert)])
    for _ in range(100):
        nested = zip_of([("cert.pem", cert), ("inner.zip", nested)])
    write("deep.zip", nested)
    expect("deep.zip", "max-depth=16", 16)
    expect("deep.zip", "max-depth=3", 3, "--max-depth", "3")
    nested = cert
    for _ in range(100):
        nested = gzip.compress(nested)
    write("deep.gz", nested)
    expect("deep.gz", "max-depth=16", 0)
    expect("deep.gz", "max-depth=60", 0, "--max-depth", "60")

    # Entries and time.
    write("many.zip", zip_of([(f"{i}.pem", cert) for i in range(200)]))
    expect("many.zip", "max-entries=100", 100, "--max-entries", "100")
    sh("head -c 20G /dev/zero | zstd -q -1 -o slow.zst")
    expect("slow.zst", "max-time", 0, "--max-ratio", "0", "--max-time", "1", seconds=10)

    # Memory: dictionaries and windows that add up, and single ones that are too large.
    sh("head -c 70M /dev/urandom >noise; seq 4000000 >numbers; head -c 3M noise >x")
    for _ in range(4):
        sh("xz -T1 --lzma2=preset=0,dict=64MiB -c x >y && mv y x")
    with open(path_of("x"), "rb") as source:
        write("x.tar", tarred([("x.xz.xz.xz.xz", source.read()), ("cert.pem", cert)]))
    expect("x.tar", "memory", 1)
    sh("cat noise cert.pem | zstd -q -1 --long=31 --ultra -c >long.zst; tar -cf long.tar long.zst cert.pem")
    expect("long.tar", "memory", 1)
    sh("7z a -bd -m0=LZMA -mhc=off greedy.7z cert.pem; 7z a -bd plain.7z cert.pem")
    greedy(path_of("greedy.7z"))
    sh("tar -cf greedy.tar greedy.7z plain.7z")
    expect("greedy.tar", "memory", 1)
    sh("cat numbers numbers cert.pem >big; xz -T1 --lzma2=preset=0,dict=64MiB,mode=fast,mf=hc3 -c big >big.xz; rm big")
    expect("big.xz", None, 1)
    sh("cat noise cert.pem | zstd -q -1 --long=26 -c >big.zst")
    expect("big.zst", None, 1)

    # Sizes that nobody has: 2^63 - 1, and 4 GiB less one in a file of a few bytes.
    write("size.tar", tar_header(b"x", b"\x80" + struct.pack(">QB", 0, 0)[:3] + b"\x7f" + b"\xff" * 7) + cert)
    expect("size.tar", "", 1, error="malformed")
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 0, 0, 0, 0, 0xFFFFFFFE, 0xFFFFFFFE, 5, 0) + b"x.pem" + cert
    write("size.zip", local)
    expect("size.zip", "", 1, error="malformed")
    sh("cp cert.pem hole; truncate -s 1T hole; tar -S -cf hole.tar hole cert.pem; rm hole")
    expect("hole.tar", None, 2)

    # An image of some hundred MiB streams; so does what is packed in it.
    sh("cat noise noise noise noise >huge; cat cert.pem >>huge; tar -cf layer.tar huge cert.pem; gzip -1 -c layer.tar >layer.gz; "
       "mkdir -p blobs/sha256; cp layer.gz blobs/sha256/$(sha256sum <layer.gz | cut -c 1-64); tar -cf image.tar blobs; rm -r huge layer.tar layer.gz blobs")
    records = expect("image.tar", None, 2)
    layers = {r["file"]["layer"] for r in records if r["type"] == "sighting"}
    assert len(layers) == 1 and all(r["file"]["inner"].startswith(f"blobs/sha256/") or r["file"]["inner"].startswith(r["file"]["layer"])
                                    for r in records if r["type"] == "sighting"), layers


def tarred(entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


if __name__ == "__main__":
    main()
    sys.exit(0)
