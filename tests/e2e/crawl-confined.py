#!/usr/bin/python3
# profile: release
"""What a crawl may do while it reads files: nothing but that. And no byte of a key comes out: not in records, tables, messages, the spool, nor in anything
that /proc tells of the process."""
import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

BIN = os.path.join(os.environ.get("CM_BIN", "build/release"), "certmuster-crawl")
FOLDER = tempfile.mkdtemp(prefix="confined.", dir=os.environ.get("TMPDIR"))
os.chmod(FOLDER, 0o755)
HOME = os.path.join(FOLDER, "home")
TREE = os.path.join(FOLDER, "tree")
os.environ["CERTMUSTER_HOME"] = HOME
CAP_DAC_READ_SEARCH = 1 << 2


def sh(command):
    subprocess.run(["bash", "-e", "-c", command], check=True, cwd=TREE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def make_tree():
    """Keys in every wrapping; returns pieces of them that nothing may show."""
    os.makedirs(TREE)
    os.makedirs(HOME)
    with open(os.path.join(HOME, "certmuster.yaml"), "w", encoding="ascii") as out:
        out.write("submit:\n  wait: 0s\n")
    sh("openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 9 -subj /CN=confined")
    sh("openssl pkey -in key.pem -outform DER -out key.der; openssl rsa -in key.pem -traditional -out pkcs1.pem")
    sh("openssl pkcs12 -export -inkey key.pem -in cert.pem -passout pass: -nomac -keypbe NONE -certpbe NONE -out open.p12")
    sh("tar -czf all.tar.gz key.pem key.der pkcs1.pem open.p12; zip -q all.zip key.pem; 7z a -bd all.7z key.pem; base64 -w0 key.pem >key.b64")
    with open(os.path.join(TREE, "key.der"), "rb") as source:
        der = source.read()
    with open(os.path.join(TREE, "pkcs1.pem"), encoding="ascii") as source:
        pkcs1 = base64.b64decode("".join(line for line in source if "-----" not in line))
    secret = pkcs1[300:]  # behind the modulus: the private exponent, the primes
    assert secret in der
    pieces = {secret[i : i + 12] for i in range(0, len(secret) - 12, 4)}
    for shift in range(3):
        text = base64.b64encode(secret[shift : shift + 300])
        pieces.update(text[i : i + 16] for i in range(0, len(text) - 16, 4))
    hexed = secret.hex().encode()
    pieces.update(hexed[i : i + 24] for i in range(0, len(hexed) - 24, 8))
    return pieces


def assert_clean(what, data, pieces):
    for piece in pieces:
        assert piece not in data, (what, piece)


def assert_silent(pieces):
    for options in (["--json", "--no-submit"], ["--no-submit", "-v"]):
        done = subprocess.run([BIN, *options, TREE], capture_output=True, check=False, timeout=120)
        assert done.returncode in (0, 1), done.stderr
        assert b"key" in done.stdout
        assert_clean(options, done.stdout + done.stderr, pieces)
    # Into a spool that nobody empties.
    done = subprocess.run([BIN, "--to", "unix:" + os.path.join(FOLDER, "nobody"), TREE], capture_output=True, check=False, timeout=120)
    spools = [os.path.join(where, name) for where, _, names in os.walk(HOME) for name in names if ".seg" in name]
    assert spools, (done.returncode, done.stderr)
    for path in spools:
        with open(path, "rb") as source:
            data = source.read()
        assert b'"type":"key"' in data
        assert_clean(path, data, pieces)


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as lines:
        return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)


def assert_confined(pieces):
    """A crawl whose records nobody reads waits in the middle of its work, and is looked at."""
    many = os.path.join(FOLDER, "many")
    os.makedirs(many)
    with open(os.path.join(TREE, "cert.pem"), encoding="ascii") as source:
        bundle = source.read() * 4000
    for i in range(8):
        with open(os.path.join(many, f"{i}.pem"), "w", encoding="ascii") as out:
            out.write(bundle)
    child = subprocess.Popen([BIN, "--json", "--no-submit", TREE, many], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        line = child.stdout.readline()
        while b'"type":"sighting"' not in line and line:  # a file was read
            line = child.stdout.readline()
        status = status_of(child.pid)
        mask = int(status["CapEff"], 16)
        if os.geteuid() == 0:
            assert status["Uid"].split() != ["0"] * 4, status["Uid"]
            assert mask == CAP_DAC_READ_SEARCH, hex(mask)
        else:
            assert mask == 0, hex(mask)
        assert int(status["CapPrm"], 16) == mask and int(status["CapInh"], 16) == 0 and int(status["CapAmb"], 16) == 0, status
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status
        with open(f"/proc/{child.pid}/limits", encoding="utf-8") as limits:
            core = [row.split() for row in limits if row.startswith("Max core file size")][0]
        assert core[4:6] == ["0", "0"], core
        if os.geteuid() == 0:  # /proc belongs to root where a process cannot be dumped
            assert os.stat(f"/proc/{child.pid}/mem").st_uid == 0
        for name in ("cmdline", "environ", "comm", "maps", "stack", "status", "mountinfo"):
            try:
                with open(f"/proc/{child.pid}/{name}", "rb") as source:
                    assert_clean(name, source.read(), pieces)
            except OSError:
                pass  # closed, which is what it shall be
        # Killed as a crash would: no core is left.
        os.kill(child.pid, signal.SIGABRT)
        child.communicate(timeout=30)
        assert child.returncode == -signal.SIGABRT, child.returncode
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()
    assert not [name for name in os.listdir(FOLDER) + os.listdir(".") if name.startswith("core")]


STARTER = """
import ctypes, os, signal, sys
parent = os.getpid()
if os.fork() == 0:
    assert ctypes.CDLL(None).prctl(1, signal.SIGTERM) == 0 and os.getppid() == parent  # PR_SET_PDEATHSIG, as certmuster-submit --worker asks for it
    os.execv(sys.argv[1], sys.argv[1:])
os.close(1)
signal.pause()
"""


def assert_ends_with_its_parent():
    """A crawl that a worker started gave up its rights, and ends all the same when that worker is killed: nobody is left to hear of what it reads."""
    read_all = subprocess.run([BIN, "--json", "--no-submit", os.path.join(FOLDER, "many")], capture_output=True, check=False, timeout=120).stdout.count(b"\n")
    with subprocess.Popen([sys.executable, "-c", STARTER, BIN, "--json", "--no-submit", os.path.join(FOLDER, "many")], stdout=subprocess.PIPE) as parent:
        line = parent.stdout.readline()
        while b'"type":"sighting"' not in line and line:
            line = parent.stdout.readline()
        with open(f"/proc/{parent.pid}/task/{parent.pid}/children", encoding="ascii") as source:
            crawl = int(source.read())
        assert status_of(crawl)["Seccomp"] == "2"
        parent.kill()
        parent.wait(30)
        rest = parent.stdout.read().splitlines()  # until the crawl has ended
    assert len(rest) < read_all / 2, (len(rest), read_all)


def assert_reads_what_it_may_not_own():
    """Root's crawl reads everybody's files, though it is not root any more."""
    if os.geteuid() != 0:
        return
    closed = os.path.join(FOLDER, "closed")
    os.makedirs(closed, mode=0o700)
    subprocess.run(["cp", os.path.join(TREE, "cert.pem"), closed], check=True)
    os.chmod(os.path.join(closed, "cert.pem"), 0o600)
    done = subprocess.run([BIN, "--json", "--no-submit", closed], capture_output=True, check=True, timeout=60)
    assert sum(json.loads(line)["type"] == "sighting" for line in done.stdout.splitlines()) == 1
    done = subprocess.run([BIN, "--user", "no-such-user", closed], capture_output=True, check=False, timeout=60)
    assert done.returncode == 3 and b"no such user" in done.stderr, done


if __name__ == "__main__":
    began = time.monotonic()
    secrets = make_tree()
    assert_silent(secrets)
    assert_confined(secrets)
    assert_ends_with_its_parent()
    assert_reads_what_it_may_not_own()
    print(f"{len(secrets)} pieces of a key looked for, {time.monotonic() - began:.1f} s")
    sys.exit(0)
